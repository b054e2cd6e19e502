"""Servers, hypervisors and their clusters, storage, virtual machines, programs, databases, pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.sample import blueprint
from knockon.sample.estate import SOFT, slug
from knockon.sample.facilities import place, uplink

if TYPE_CHECKING:
    from knockon.sample.blueprint import Machine
    from knockon.sample.estate import Estate, Site

_GIGABYTE = 1_000_000_000
_OPERATING_SYSTEM = "Debian GNU/Linux 12"
_ARRAYS = ("ham-san-01", "lyo-san-01")


def lay_out(estate: Estate) -> None:
    """Write down everything that computes or keeps data in the two data centres."""
    _storage(estate)
    for index, site in enumerate(estate.company.sites):
        _hypervisors(estate, site, index)
    _metal(estate)
    for program in blueprint.PROGRAMS:
        virtual_machine(estate, program.machine_of)
        _program(estate, program)
    _databases(estate)
    _pools(estate)


def group_key(estate: Estate, group: str) -> str:
    """Give the key of the support group with this name."""
    return estate.company.here(f"group-{slug(group)}")


def virtual_machine(estate: Estate, machine: Machine) -> str:
    """Write down a virtual machine, where it runs and where its disks are; gives its key."""
    name = estate.company.here(machine.name)
    code = name.partition("-")[0]
    estate.add(
        "VirtualMachine",
        name,
        hostname=f"{name}.example.com",
        operating_system=_OPERATING_SYSTEM,
        cpu_cores=4,
        memory_bytes=16 * _GIGABYTE,
        environment="production",
    )
    if machine.host is None:
        estate.relate(name, "HOSTED_ON", f"{code}-cluster")
    else:
        estate.relate(name, "VIRTUALIZED_BY", f"{code}-esx-{machine.host:02}")
    estate.relate(name, "STORED_ON", f"{code}-{machine.volume}")
    estate.supported(group_key(estate, "Virtualisation and Storage"), [name])
    return name


def _storage(estate: Estate) -> None:
    here = estate.company.here
    kept = [
        place(estate, "StorageSystem", here(name), rack, capacity_bytes=200_000 * _GIGABYTE)
        for name, rack in blueprint.STORAGE
    ]
    for (_, rack), key in zip(blueprint.STORAGE, kept, strict=True):
        uplink(estate, key, rack)
    for name in blueprint.VOLUMES:
        volume = estate.add(
            "StorageVolume", here(name), capacity_bytes=20_000 * _GIGABYTE, storage_class="mirrored-flash"
        )
        for array in _ARRAYS:
            estate.relate(volume, "STORED_ON", here(array), redundancy_group="mirror")
        kept.append(volume)
    lone = estate.add(
        "StorageVolume", here(f"lyo-{blueprint.LONE_VOLUME}"), capacity_bytes=9_000 * _GIGABYTE, storage_class="disk"
    )
    estate.relate(lone, "STORED_ON", here("lyo-nas-01"))
    estate.supported(group_key(estate, "Virtualisation and Storage"), [*kept, lone])


def _hypervisors(estate: Estate, site: Site, index: int) -> None:
    code = site.code
    min_up, full_up = blueprint.CLUSTER_NEEDS[index]
    cluster = estate.add(
        "Cluster", f"{code}-cluster", min_up=min_up, full_up=full_up, description=f"Hypervisors in {site.city}."
    )
    made = [cluster]
    for number, rack in enumerate(blueprint.HYPERVISOR_RACKS[index], start=1):
        server = place(
            estate, "Server", f"{code}-hw-{number:02}", rack, cpu_cores=64, memory_bytes=1024 * _GIGABYTE,
            rack_unit=2 * number,
        )  # fmt: skip
        uplink(estate, server, rack)
        host = estate.add("Hypervisor", f"{code}-esx-{number:02}", product="vSphere ESXi", version="8.0.3")
        estate.relate(host, "RUNS_ON", server)
        estate.relate(host, "MEMBER_OF", cluster)
        # they look up their storage and their manager by name, and are only hampered without
        estate.relate(host, "DEPENDS_ON", estate.company.here("ts-name-resolution"), strength=SOFT)
        made += [server, host]
    estate.supported(group_key(estate, "Virtualisation and Storage"), made)


def _metal(estate: Estate) -> None:
    here = estate.company.here
    for metal in blueprint.METAL:
        server = place(
            estate, "Server", here(metal.name), metal.rack, metal.cords,
            hostname=f"{here(metal.name)}.example.com", operating_system=_OPERATING_SYSTEM,
        )  # fmt: skip
        uplink(estate, server, metal.rack)
        estate.supported(group_key(estate, metal.group), [server])
    for row in blueprint.ON_METAL:
        server = here(row.server)
        program = estate.add(
            row.class_name, f"{server}/{row.label}", product=row.product, version=row.version, port=row.port
        )
        estate.relate(program, "RUNS_ON", server)
        if row.class_name == "DatabaseInstance":
            estate.relate(program, "STORED_ON", f"{server.partition('-')[0]}-vol-db-01")
        estate.supported(group_key(estate, row.group), [program])
    terminals = estate.add("ComputerSystem", here(blueprint.TERMINAL), operating_system="unknown")
    estate.relate(terminals, "LOCATED_IN", here("ham-site"))
    estate.supported(group_key(estate, "Service Desk"), [terminals])


def _program(estate: Estate, row: blueprint.Program) -> None:
    machine = estate.company.here(row.machine)
    program = estate.add(
        row.class_name, f"{machine}/{row.product}", product=row.product, version=row.version, port=row.port
    )
    estate.relate(program, "RUNS_ON", machine)
    if row.class_name in ("ApplicationServer", "DatabaseInstance", "MessageBroker"):
        estate.relate(program, "DEPENDS_ON", estate.company.here("ts-directory"), strength=SOFT)
    estate.supported(group_key(estate, row.group), [program])


def _databases(estate: Estate) -> None:
    here = estate.company.here
    roles: dict[str, str] = {}
    for data in blueprint.DATABASES:
        database = estate.add("Database", here(data.name), size_bytes=data.size_gb * _GIGABYTE)
        primary = here(data.primary)
        if data.replica is None:
            estate.relate(database, "RUNS_ON", primary)
            roles[primary] = "standalone"
        else:
            replica = here(data.replica)
            estate.relate(database, "RUNS_ON", primary, redundancy_group="copies")
            estate.relate(database, "RUNS_ON", replica, redundancy_group="copies")
            if primary not in roles:
                estate.relate(replica, "REPLICATES", primary)
            roles |= {primary: "primary", replica: "replica"}
        estate.supported(group_key(estate, "Database"), [database])
    for record in estate.entities:
        if record["class"] == "DatabaseInstance":
            record["role"] = roles[record["key"]]


def _pools(estate: Estate) -> None:
    here = estate.company.here
    for pool in blueprint.POOLS:
        address = estate.add("LoadBalancer", here(pool.name), min_up=pool.min_up, full_up=pool.full_up)
        code = address.partition("-")[0]
        for appliance in (f"{code}-lb-01", f"{code}-lb-02"):
            estate.relate(address, "HOSTED_ON", appliance, redundancy_group="appliances")
        estate.relate_all(address, "ROUTES_TO", [here(each) for each in pool.backends])
        estate.supported(group_key(estate, "Network"), [address])
