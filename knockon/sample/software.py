"""What programs are made of and talk through: packages, images, operating systems, queues, interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.sample.compute import group_key
from knockon.sample.estate import SOFT
from knockon.sample.people import domain

if TYPE_CHECKING:
    from knockon.sample.estate import Estate

_OPERATING_SYSTEMS = ("ham-whs-01", "ham-whs-02")
"""Servers whose operating system is kept apart: the warehouse system is certified for this one only."""

_PACKAGES = (
    ("log4j-core", "2.14.1", "Apache", "maven/org.apache.logging.log4j/log4j-core", ("CVE-2021-44228",),
     ("ham-ful-app-01/tomcat", "lyo-ful-app-01/tomcat")),
    ("openssl", "3.0.13", "OpenSSL", "deb/debian/openssl", (), ("ham-vpn-01/openvpn", "lyo-vpn-01/openvpn")),
)  # fmt: skip
"""Name, version, maker, package URL, known vulnerabilities, and the programs that are made of it."""

_IMAGES = ("catalogue/search", "catalogue/prices", "fulfilment/routing")
"""Workloads whose image is kept apart."""

_BROKERS = ("ham-mq-01/rabbitmq", "ham-mq-02/rabbitmq", "lyo-mq-01/rabbitmq")
_QUEUES = (
    ("orders", ("app-shop-checkout", "app-fulfilment-engine")),
    ("shipments", ("app-fulfilment-engine",)),
)
"""Queues and the applications that cannot do without."""


def lay_out(estate: Estate) -> None:
    """Write down the parts of programs that exist already."""
    here = estate.company.here
    for server in map(here, _OPERATING_SYSTEMS):
        system = estate.add(
            "OperatingSystem", f"{server}/os", "Debian GNU/Linux 12", product="Debian GNU/Linux", version="12",
            kernel="6.1.148", end_of_support="2028-06-30",
        )  # fmt: skip
        estate.relate(system, "INSTALLED_ON", server)
        estate.relate(f"{server}/whs", "DEPENDS_ON", system)
        estate.supported(group_key(estate, "Warehouse Systems"), [system])
    packages = [_package(estate, *row) for row in _PACKAGES]
    estate.supported(group_key(estate, "Operations"), packages)
    estate.supported(group_key(estate, "Container Platform"), [_image(estate, each) for each in _IMAGES])
    for name, users in _QUEUES:
        queue = estate.add("MessageQueue", here(f"queue-{name}"), estate.company.name(name), kind="queue", durable=True)
        for broker in map(here, _BROKERS):
            estate.relate(queue, "RUNS_ON", broker, redundancy_group="quorum", min_up="2", full_up="2")
        for user in map(here, users):
            estate.relate(user, "DEPENDS_ON", queue)
        estate.supported(group_key(estate, "Middleware"), [queue])
    _interface(estate)


def _package(
    estate: Estate, name: str, version: str, vendor: str, path: str, holes: tuple[str, ...], programs: tuple[str, ...]
) -> str:
    here = estate.company.here
    package = estate.add(
        "SoftwarePackage", here(f"package-{name}"), estate.company.name(name), version=version, vendor=vendor,
        package_url=f"pkg:{path}@{version}?repository_url=packages.{domain(estate)}", license_terms="Apache-2.0",
        vulnerabilities=list(holes) or None,
    )  # fmt: skip
    for program in map(here, programs):
        # a fault in it makes a program worse; nothing is lost when a package as such "is down"
        estate.relate(program, "DEPENDS_ON", package, strength=SOFT)
        estate.relate(package, "INSTALLED_ON", program.partition("/")[0])
    return package


def _image(estate: Estate, workload: str) -> str:
    cluster = estate.company.here("ham-k8s")
    repository = f"registry.{domain(estate)}/{workload}"
    image = estate.add(
        "ContainerImage", f"{cluster}/image/{workload}", f"{repository}:4.2", repository=repository, tag="4.2"
    )
    estate.relate(f"{cluster}/{workload}", "DEPENDS_ON", image, strength=SOFT)
    return image


def _interface(estate: Estate) -> None:
    """Let the suppliers' extranet read invoices of the ledger through a published interface."""
    here = estate.company.here
    endpoint = estate.add(
        "Endpoint",
        here("endpoint-invoices"),
        estate.company.name("Invoice interface"),
        url=f"https://ledger.{domain(estate)}/invoices",
        protocol="http",
        version="2",
    )
    estate.relate(here("app-general-ledger"), "EXPOSES", endpoint)
    estate.relate(endpoint, "DEPENDS_ON", here("app-general-ledger"))
    estate.relate(here("app-supplier-extranet"), "DEPENDS_ON", endpoint, strength=SOFT)
    estate.supported(group_key(estate, "Business Applications"), [endpoint])
