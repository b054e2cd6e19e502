"""Network interfaces, networks and the addresses in them, names, and certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zlib import crc32

from knockon.sample import blueprint
from knockon.sample.compute import group_key
from knockon.sample.people import domain

if TYPE_CHECKING:
    from datetime import date

    from knockon.sample.estate import Estate

_TEAM = "Network"
_NETWORKS = (
    ("ham-net-servers", "10.20.0.0/24", 120),
    ("ham-net-public", "192.0.2.0/27", 20),
    ("lyo-net-servers", "10.30.0.0/24", 130),
)
"""Name, range, VLAN."""

_BONDED = (
    ("ham-dbs-01", "ham-dbs-01/shop-db", "10.20.0.11"),
    ("ham-dbs-02", "ham-dbs-02/pay-db", "10.20.0.12"),
    ("lyo-dbs-01", "lyo-dbs-01/shop-db", "10.30.0.11"),
    ("lyo-dbs-02", "lyo-dbs-02/pay-db", "10.30.0.12"),
)
"""Servers with two interfaces, the program that is reached there, and the address that moves between the two."""

_NAMES = (
    ("shop", "ham-vip-shop", "192.0.2.10", "app-shop-frontend"),
    ("pay", "ham-vip-payments", "192.0.2.11", "app-payment-gateway"),
)
"""Public names: host, the pool that answers, its address, the application that is found under it."""

_CERTIFICATES = (
    ("shop", 19, tuple(f"ham-shop-web-0{n}/nginx" for n in (1, 2, 3, 4))),
    ("pay", 214, ("ham-pay-app-01/tomcat", "lyo-pay-app-01/tomcat")),
)
"""Host, in how many days it runs out, and which programs present it."""


def lay_out(estate: Estate, as_of: date) -> None:
    """Write down what is reached under which address and name; the machines must be there."""
    here = estate.company.here
    made = [_network(estate, *row) for row in _NETWORKS]
    for server, program, address in _BONDED:
        made += _bond(estate, here(server), here(program), address)
    for host, pool, address, application in _NAMES:
        public = _address(estate, "ham-net-public", address, "virtual")
        for appliance in ("ham-lb-01", "ham-lb-02"):
            estate.relate(public, "HOSTED_ON", here(appliance), redundancy_group="appliances")
        estate.relate(here(pool), "DEPENDS_ON", public)
        made += [public, _name(estate, host, public, address, here(application))]
    estate.supported(group_key(estate, _TEAM), made)
    certificates = [_certificate(estate, as_of, *row) for row in _CERTIFICATES]
    estate.supported(group_key(estate, "Web Operations"), certificates)


def _network(estate: Estate, name: str, cidr: str, vlan: int) -> str:
    here = estate.company.here
    gateway = cidr.rpartition(".")[0] + ".1"
    network = estate.add(
        "IPNetwork", here(name), cidr=cidr, routing_domain=estate.company.name("main"), gateway=gateway, vlan=vlan
    )
    code = network.partition("-")[0]
    for number in ("01", "02"):
        estate.relate(network, "DEPENDS_ON", f"{code}-core-{number}", redundancy_group="core")
    return network


def _address(estate: Estate, network: str, address: str, assignment: str) -> str:
    within = estate.company.here(network)
    key = estate.add("IPAddress", f"{within}/{address}", address, address=address, assignment=assignment)
    estate.relate(within, "CONTAINS", key)
    return key


def _bond(estate: Estate, server: str, program: str, address: str) -> list[str]:
    code = server.partition("-")[0]
    rack = next(each.rack for each in blueprint.METAL if estate.company.here(each.name) == server)
    held = _address(estate, f"{'ham' if address.startswith('10.20') else 'lyo'}-net-servers", address, "static")
    made = [held]
    for number, rail in enumerate(blueprint.RAILS, start=1):
        # the second digit of the first byte says that nobody's factory gave it
        digits = f"02{crc32(server.encode()):08x}{number:02x}"
        port = estate.add(
            "NetworkInterface",
            f"{server}/eno{number}",
            f"eno{number}",
            kind="physical",
            mac_address=":".join(digits[i : i + 2] for i in range(0, len(digits), 2)),
            speed=25_000_000_000,
            mtu=9000,
        )
        estate.relate(server, "CONTAINS", port)
        estate.relate(server, "DEPENDS_ON", port, redundancy_group="interfaces")
        estate.relate(port, "CONNECTS_TO", f"{code}-sw-{rack[0]}{rail}")
        estate.relate(held, "HOSTED_ON", port, redundancy_group="bond")
        made.append(port)
    estate.relate(program, "DEPENDS_ON", held)
    return made


def _name(estate: Estate, host: str, public: str, address: str, application: str) -> str:
    zone = domain(estate)
    record = estate.add("DNSRecord", f"{host}.{zone}", record_type="A", answers=[address], zone=zone, ttl="PT5M")
    estate.relate(record, "DEPENDS_ON", public)
    estate.relate(application, "DEPENDS_ON", record)
    return record


def _certificate(estate: Estate, as_of: date, host: str, days: int, programs: tuple[str, ...]) -> str:
    here = estate.company.here
    name = f"{host}.{domain(estate)}"
    end = datetime(as_of.year, as_of.month, as_of.day, 12, tzinfo=UTC) + timedelta(days=days)
    key = estate.add(
        "Certificate",
        here(f"certificate-{host}"),
        f"{name} certificate",
        subject=f"CN={name}",
        issuer="CN=Fjord Trust Issuing CA 4",
        serial_number=f"{crc32(name.encode()):08X}",
        host_names=[name],
        valid_from=(end - timedelta(days=397)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        valid_until=end.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    for program in programs:
        estate.relate(here(program), "DEPENDS_ON", key)
    return key
