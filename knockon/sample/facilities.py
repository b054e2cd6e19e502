"""Sites, rooms, racks, power and network: what everything stands on.

Each hall has two UPS, each with its own utility line and generator, and each rack a PDU on either
one. A hall's machines use a pair of access switches, which use the site's pair of core switches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.sample import blueprint

if TYPE_CHECKING:
    from knockon.sample.estate import Estate, Site

_COUNTRIES = {"Hamburg": "DE", "Lyon": "FR"}
_MAKERS = {
    "Switch": ("Halyard Networks", "HN-9348"),
    "Router": ("Halyard Networks", "HR-2200"),
    "Firewall": ("Bastion Systems", "BX-410"),
    "LoadBalancer": ("Halyard Networks", "LB-60"),
    "Server": ("Kestrel Hardware", "KS-740"),
    "StorageSystem": ("Kestrel Hardware", "KX-5000"),
    "PDU": ("Voltan", "VP-32"),
    "UPS": ("Voltan", "VU-160"),
    "Rack": ("Voltan", "VR-42"),
}


def lay_out(estate: Estate) -> None:
    """Write down both sites with their power and network, and the lines between and out of them."""
    for site in estate.company.sites:
        _rooms_and_power(estate, site)
        _network(estate, site)
    _lines(estate)


def place(
    estate: Estate,
    class_name: str,
    name: str,
    rack: str,
    cords: tuple[str, ...] = blueprint.RAILS,
    **attributes: object,
) -> str:
    """Mount a device in a rack of its site and plug it into the rack's PDUs."""
    code = name.partition("-")[0]
    maker, model = _MAKERS[class_name]
    estate.add(class_name, name, **_label(name), manufacturer=maker, model=model, **attributes)
    estate.relate(name, "LOCATED_IN", f"{code}-r{rack}")
    estate.relate_all(name, "POWERED_BY", [f"{code}-pdu-r{rack}-{rail}" for rail in cords])
    return name


def uplink(estate: Estate, name: str, rack: str) -> None:
    """Join a device to the pair of access switches of its hall."""
    code = name.partition("-")[0]
    for rail in blueprint.RAILS:
        switch = f"{code}-sw-{rack[0]}{rail}"
        estate.relate(name, "DEPENDS_ON", switch, redundancy_group="uplink")
        estate.relate(name, "CONNECTS_TO", switch)


def _label(name: str) -> dict[str, str]:
    return {"serial_number": f"SN-{name.upper()}", "asset_tag": f"AT-{name.upper()}"}


def _rooms_and_power(estate: Estate, site: Site) -> None:
    code = site.code
    where = estate.add("Site", f"{code}-site", site.city, country=_COUNTRIES.get(site.city), time_zone=site.time_zone)
    facilities = [
        each
        for rail in blueprint.RAILS
        for each in (
            estate.add("PowerFeed", f"{code}-utility-{rail}", **_label(f"{code}-utility-{rail}"), rated_power=400_000),
            estate.add("PowerFeed", f"{code}-genset-{rail}", **_label(f"{code}-genset-{rail}"), rated_power=350_000),
        )
    ]
    for rail in blueprint.RAILS:
        estate.relate(f"{code}-utility-{rail}", "PROVIDED_BY", estate.company.here("supplier-power"))
    for feed in tuple(facilities):
        estate.relate(feed, "LOCATED_IN", where)
    for hall in blueprint.HALLS:
        room = estate.add("Room", f"{code}-hall-{hall}", f"{site.city} Hall {hall}", floor="0")
        estate.relate(room, "LOCATED_IN", where)
        for rail in blueprint.RAILS:
            ups = f"{code}-ups-{hall}{rail}"
            maker, model = _MAKERS["UPS"]
            estate.add(
                "UPS", ups, **_label(ups), manufacturer=maker, model=model, rated_power=160_000, autonomy="PT12M"
            )
            estate.relate(ups, "LOCATED_IN", room)
            estate.relate_all(ups, "POWERED_BY", [f"{code}-utility-{rail}", f"{code}-genset-{rail}"])
            facilities.append(ups)
        for number in blueprint.RACKS_PER_HALL:
            facilities += _rack(estate, code, hall, number)
    estate.supported(estate.company.here("group-facilities"), facilities)


def _rack(estate: Estate, code: str, hall: str, number: str) -> list[str]:
    rack = f"{code}-r{hall}{number}"
    estate.add("Rack", rack, **_label(rack), model=_MAKERS["Rack"][1], height_units=42)
    estate.relate(rack, "LOCATED_IN", f"{code}-hall-{hall}")
    pdus = []
    for rail in blueprint.RAILS:
        pdu = f"{code}-pdu-r{hall}{number}-{rail}"
        estate.add("PDU", pdu, **_label(pdu), model=_MAKERS["PDU"][1], rated_power=7_400)
        estate.relate(pdu, "LOCATED_IN", rack)
        estate.relate(pdu, "POWERED_BY", f"{code}-ups-{hall}{rail}")
        pdus.append(pdu)
    return [rack, *pdus]


def _network(estate: Estate, site: Site) -> None:
    code = site.code
    devices = []
    cores = (f"{code}-core-01", f"{code}-core-02")
    for number, hall in zip(("01", "02"), blueprint.HALLS, strict=True):
        rack = hall + blueprint.NETWORK_RACK
        devices += [
            place(estate, "Switch", f"{code}-core-{number}", rack, firmware="7.4.2"),
            place(estate, "Router", f"{code}-rtr-{number}", rack, firmware="21.3"),
            place(estate, "Firewall", f"{code}-fw-{number}", rack, firmware="11.0.6"),
            place(estate, "LoadBalancer", f"{code}-lb-{number}", rack, firmware="5.9"),
        ]
    for hall in blueprint.HALLS:
        for rail in blueprint.RAILS:
            rack = hall + blueprint.ACCESS_SWITCH_RACKS[rail]
            switch = place(estate, "Switch", f"{code}-sw-{hall}{rail}", rack, firmware="7.4.2")
            devices.append(switch)
            estate.relate_all(switch, "DEPENDS_ON", cores, redundancy_group="core")
            estate.relate_all(switch, "CONNECTS_TO", cores)
    for number in ("01", "02"):
        for inner, outer in (("core", "fw"), ("fw", "rtr"), ("core", "lb")):
            estate.relate(f"{code}-{inner}-{number}", "CONNECTS_TO", f"{code}-{outer}-{number}")
        for kind in ("fw", "rtr", "lb"):
            estate.relate_all(f"{code}-{kind}-{number}", "DEPENDS_ON", cores, redundancy_group="core")
    estate.relate(cores[0], "CONNECTS_TO", cores[1])
    estate.supported(estate.company.here("group-network"), devices)


def _lines(estate: Estate) -> None:
    company = estate.company
    for name, routers, supplier, bandwidth in blueprint.LINES:
        line = estate.add(
            "Circuit", company.here(name), circuit_id=f"CID-{company.here(name).upper()}", bandwidth=bandwidth
        )
        for router in routers:
            estate.relate(line, "DEPENDS_ON", company.here(router))
        estate.relate(line, "PROVIDED_BY", company.here(f"supplier-{supplier}"))
        estate.relate(line, "COVERED_BY", company.here(f"contract-{supplier}"))
        estate.supported(company.here("group-network"), [line])
