"""What the company runs: tables only. The other modules lay them out.

Names begin with their site (``ham-esx-03``); ``Company.here`` turns them into another company's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from knockon.sample.estate import Company, Site

HOME = Company(Site("ham", "Hamburg", "Europe/Berlin"), Site("lyo", "Lyon", "Europe/Paris"))

README_HYPERVISOR = "ham-esx-03"
"""The one whose loss the first page asks about."""

HALLS = ("1", "2")
NETWORK_RACK = "1"
ACCESS_SWITCH_RACKS = {"a": "1", "b": "2"}
RACKS_PER_HALL = ("1", "2", "3")
RAILS = ("a", "b")

HYPERVISOR_RACKS = (("12", "12", "13", "22", "22", "23"), ("12", "13", "22", "23", "23"))
"""Per site: the rack of each hypervisor host, in order."""

CLUSTER_NEEDS = (("3", "3"), ("2", "2"))
"""Per site: what its hypervisor cluster needs to be up, and to be in full service."""


class Metal(NamedTuple):
    """A physical server that is no hypervisor; ``cords`` are the power rails that it is plugged into."""

    name: str
    rack: str
    group: str
    cords: tuple[str, ...] = RAILS


METAL = (
    Metal("ham-dbs-01", "23", "Database"),
    Metal("ham-dbs-02", "12", "Database"),
    Metal("lyo-dbs-01", "13", "Database"),
    Metal("lyo-dbs-02", "22", "Database"),
    Metal("ham-whs-01", "12", "Warehouse Systems", ("a",)),  # both on rail a of hall 1: a planted sin
    Metal("ham-whs-02", "13", "Warehouse Systems", ("a",)),
    Metal("lyo-fax-01", "23", "Service Desk", ("b",)),  # supports nothing any more
)

TERMINAL = "ham-clock-terminals"
"""The clocking terminals, of which nobody knows more than that they are computers."""

STORAGE = (("ham-san-01", "23"), ("lyo-san-01", "23"), ("lyo-nas-01", "13"))
VOLUMES = ("ham-vol-vm-01", "ham-vol-vm-02", "ham-vol-db-01", "lyo-vol-vm-01", "lyo-vol-vm-02", "lyo-vol-db-01")
"""Mirrored between the two ``san-01``; machines use those of their own site."""
LONE_VOLUME = "vol-archive-01"
"""On ``lyo-nas-01`` alone."""


class Machine(NamedTuple):
    """A virtual machine: on the cluster of its site, or (``host``) bound to one hypervisor."""

    name: str
    group: str
    host: int | None = None
    volume: str = "vol-vm-01"


class Program(NamedTuple):
    """A running program: its class, its name (``machine/product``) and what it runs on."""

    class_name: str
    machine: str
    product: str
    version: str
    group: str
    port: int
    host: int | None = None
    volume: str = "vol-vm-01"

    @property
    def machine_of(self) -> Machine:
        return Machine(self.machine, self.group, self.host, self.volume)


PROGRAMS = (
    # what everything stands on
    Program("SoftwareInstance", "ham-dns-01", "unbound", "1.22", "Network", 53),
    Program("SoftwareInstance", "lyo-dns-01", "unbound", "1.22", "Network", 53),
    Program("SoftwareInstance", "ham-dir-01", "openldap", "2.6", "Identity", 636),
    Program("SoftwareInstance", "lyo-dir-01", "openldap", "2.6", "Identity", 636),
    Program("SoftwareInstance", "ham-mta-01", "postfix", "3.9", "Messaging", 25),
    Program("SoftwareInstance", "lyo-mta-01", "postfix", "3.9", "Messaging", 25),
    Program("SoftwareInstance", "ham-mon-01", "prometheus", "3.5", "Operations", 9090),
    Program("SoftwareInstance", "lyo-mon-01", "prometheus", "3.5", "Operations", 9090),
    Program("SoftwareInstance", "lyo-bak-01", "bareos", "24.0", "Virtualisation and Storage", 9102),
    Program("MessageBroker", "ham-mq-01", "rabbitmq", "4.1", "Middleware", 5672, 1),
    Program("MessageBroker", "ham-mq-02", "rabbitmq", "4.1", "Middleware", 5672, 5),
    Program("MessageBroker", "lyo-mq-01", "rabbitmq", "4.1", "Middleware", 5672, 1),
    Program("CacheServer", "ham-cache-01", "valkey", "8.1", "Middleware", 6379, 2),
    Program("CacheServer", "ham-cache-02", "valkey", "8.1", "Middleware", 6379, 4),
    # online shop: four web servers, three of which carry the full load
    Program("WebServer", "ham-shop-web-01", "nginx", "1.28", "Web Operations", 443, 1),
    Program("WebServer", "ham-shop-web-02", "nginx", "1.28", "Web Operations", 443, 4, "vol-vm-02"),
    Program("WebServer", "ham-shop-web-03", "nginx", "1.28", "Web Operations", 443, 3),
    Program("WebServer", "ham-shop-web-04", "nginx", "1.28", "Web Operations", 443, 6, "vol-vm-02"),
    Program("ApplicationServer", "ham-shop-app-01", "wildfly", "36", "Shop Applications", 8443),
    Program("ApplicationServer", "ham-shop-app-02", "wildfly", "36", "Shop Applications", 8443),
    Program("ApplicationServer", "lyo-shop-app-01", "wildfly", "36", "Shop Applications", 8443),
    Program("ApplicationServer", "ham-stage-01", "wildfly", "37", "Shop Applications", 8443),
    Program("ApplicationServer", "ham-pay-app-01", "tomcat", "11", "Shop Applications", 8443, 2),
    Program("ApplicationServer", "lyo-pay-app-01", "tomcat", "11", "Shop Applications", 8443, 2),
    Program("ApplicationServer", "ham-ful-app-01", "tomcat", "11", "Warehouse Systems", 8443),
    Program("ApplicationServer", "lyo-ful-app-01", "tomcat", "11", "Warehouse Systems", 8443),
    Program("WebServer", "lyo-sup-web-01", "nginx", "1.28", "Web Operations", 443, 3, "vol-vm-02"),
    Program("WebServer", "lyo-sup-web-02", "nginx", "1.28", "Web Operations", 443, 4, "vol-vm-02"),
    Program("WebServer", "ham-www-web-01", "nginx", "1.28", "Web Operations", 443, 1),
    Program("WebServer", "ham-www-web-02", "nginx", "1.28", "Web Operations", 443, 3),
    Program("WebServer", "ham-www-web-03", "nginx", "1.28", "Web Operations", 443, 5),
    Program("ApplicationServer", "ham-crm-app-01", "tomcat", "11", "Business Applications", 8443),
    Program("ApplicationServer", "lyo-crm-app-01", "tomcat", "11", "Business Applications", 8443),
    Program("ApplicationServer", "ham-fin-app-01", "sap-netweaver", "7.5", "Business Applications", 3200),
    Program("ApplicationServer", "lyo-fin-app-01", "sap-netweaver", "7.5", "Business Applications", 3200),
    Program("ApplicationServer", "ham-hr-app-01", "tomcat", "9", "Business Applications", 8443),
    Program("SoftwareInstance", "ham-lic-01", "dongle-licence-server", "4.2", "Business Applications", 27000, 3),
    Program("ApplicationServer", "ham-time-01", "tomcat", "11", "Business Applications", 8443),
    Program("ApplicationServer", "lyo-arc-app-01", "alfresco", "23", "Business Applications", 8443),
    Program("SoftwareInstance", "ham-vpn-01", "openvpn", "2.6", "Network", 1194),
    Program("SoftwareInstance", "lyo-vpn-01", "openvpn", "2.6", "Network", 1194),
    # databases: the shop's and the payments' run on metal
    Program("DatabaseInstance", "ham-crm-db-01", "postgresql", "17", "Database", 5432, 3, "vol-db-01"),
    Program("DatabaseInstance", "lyo-crm-db-01", "postgresql", "17", "Database", 5432, 2, "vol-db-01"),
    Program("DatabaseInstance", "ham-fin-db-01", "oracle", "19c", "Database", 1521, None, "vol-db-01"),
    Program("DatabaseInstance", "lyo-fin-db-01", "oracle", "19c", "Database", 1521, None, "vol-db-01"),
    Program("DatabaseInstance", "ham-hr-db-01", "postgresql", "16", "Database", 5432, None, "vol-db-01"),
    Program("DatabaseInstance", "lyo-arc-db-01", "mariadb", "11.4", "Database", 3306, None, LONE_VOLUME),
)


class OnMetal(NamedTuple):
    """A program that runs on a physical server."""

    class_name: str
    server: str
    label: str
    product: str
    version: str
    group: str
    port: int


ON_METAL = (
    OnMetal("DatabaseInstance", "ham-dbs-01", "shop-db", "postgresql", "17", "Database", 5432),
    OnMetal("DatabaseInstance", "lyo-dbs-01", "shop-db", "postgresql", "17", "Database", 5432),
    OnMetal("DatabaseInstance", "ham-dbs-02", "pay-db", "postgresql", "17", "Database", 5432),
    OnMetal("DatabaseInstance", "lyo-dbs-02", "pay-db", "postgresql", "17", "Database", 5432),
    OnMetal("ApplicationServer", "ham-whs-01", "whs", "warehouse-suite", "8.3", "Warehouse Systems", 9443),
    OnMetal("ApplicationServer", "ham-whs-02", "whs", "warehouse-suite", "8.3", "Warehouse Systems", 9443),
)


class Data(NamedTuple):
    """A database: its primary and its replica (none: it has no second copy)."""

    name: str
    primary: str
    replica: str | None
    size_gb: int


DATABASES = (
    Data("shop_orders", "ham-dbs-01/shop-db", "lyo-dbs-01/shop-db", 840),
    Data("shop_baskets", "ham-dbs-01/shop-db", "lyo-dbs-01/shop-db", 60),
    Data("card_payments", "ham-dbs-02/pay-db", "lyo-dbs-02/pay-db", 310),
    Data("customers", "ham-crm-db-01/postgresql", "lyo-crm-db-01/postgresql", 220),
    Data("ledger", "ham-fin-db-01/oracle", "lyo-fin-db-01/oracle", 1400),
    Data("personnel", "ham-hr-db-01/postgresql", None, 45),
    Data("archive", "lyo-arc-db-01/mariadb", None, 5200),
)


class Pool(NamedTuple):
    """A load-balanced address and the programs behind it."""

    name: str
    backends: tuple[str, ...]
    min_up: str
    full_up: str


POOLS = (
    Pool("ham-vip-shop", tuple(f"ham-shop-web-0{n}/nginx" for n in (1, 2, 3, 4)), "2", "3"),
    Pool("ham-vip-www", tuple(f"ham-www-web-0{n}/nginx" for n in (1, 2, 3)), "1", "1"),
    Pool("lyo-vip-suppliers", ("lyo-sup-web-01/nginx", "lyo-sup-web-02/nginx"), "1", "1"),
    Pool("ham-vip-payments", ("ham-pay-app-01/tomcat", "lyo-pay-app-01/tomcat"), "1", "1"),
)


@dataclass(frozen=True, slots=True)
class Cloud:
    """One resource with the cloud provider, in these zones of the region."""

    name: str
    kind: str
    zones: tuple[str, ...]


CLOUD_REGION = "nimbus-eu-west-2"
CLOUD_ZONES = ("a", "b", "c")
CLOUD = (
    Cloud("shop-images", "nimbus_bucket", CLOUD_ZONES),
    Cloud("mail-exchange", "nimbus_mailbox_plan", CLOUD_ZONES),
    Cloud("contact-centre", "nimbus_voice_flow", CLOUD_ZONES),
    Cloud("data-warehouse", "nimbus_warehouse", ("a",)),
    Cloud("report-render", "nimbus_function", ("a", "b")),
    Cloud("push-gateway", "nimbus_notification_topic", ("b", "c")),
    Cloud("archive-vault", "nimbus_cold_bucket", CLOUD_ZONES),
)

KUBERNETES_HOSTS = (1, 2, 3, 4, 5, 6)
"""The hypervisor of each node, in order."""
KUBERNETES_NEEDS = ("3", "4")


class Deployed(NamedTuple):
    """A Kubernetes workload with its service; ``needs`` are services of other workloads."""

    name: str
    namespace: str
    replicas: int
    needs: tuple[str, ...] = ()
    ingress: bool = False


WORKLOADS = (
    Deployed("catalogue-web", "catalogue", 3, ("catalogue-api",), ingress=True),
    Deployed("catalogue-api", "catalogue", 3, ("search", "prices")),
    Deployed("search", "catalogue", 3),
    Deployed("prices", "catalogue", 3),
    Deployed("mobile-bff", "mobile", 3, ("accounts", "catalogue-api"), ingress=True),
    Deployed("accounts", "mobile", 3),
    Deployed("push", "mobile", 2),
    Deployed("routing", "fulfilment", 3, ("labels",)),
    Deployed("labels", "fulfilment", 3),
    Deployed("tracking", "fulfilment", 3, ("routing",), ingress=True),
    Deployed("ingress-controller", "platform", 3),
    Deployed("image-registry", "platform", 3),
)

_GIGABIT = 1_000_000_000
LINES = (
    ("ham-line-internet-1", ("ham-rtr-01",), "elbe", 10 * _GIGABIT),
    ("ham-line-internet-2", ("ham-rtr-02",), "rhodanet", 10 * _GIGABIT),
    ("lyo-line-internet-1", ("lyo-rtr-01",), "rhodanet", 5 * _GIGABIT),
    ("lyo-line-internet-2", ("lyo-rtr-02",), "elbe", 5 * _GIGABIT),
    ("ham-line-fibre-north", ("ham-rtr-01", "lyo-rtr-01"), "elbe", 40 * _GIGABIT),
    ("lyo-line-fibre-south", ("ham-rtr-02", "lyo-rtr-02"), "rhodanet", 40 * _GIGABIT),
    ("ham-line-acquirer", ("ham-rtr-02",), "acquirer", _GIGABIT // 10),
    ("lyo-line-acquirer", ("lyo-rtr-01",), "acquirer", _GIGABIT // 10),
)
"""Rented lines: the routers that they end on, the carrier, bits per second."""

PUBLIC_APPLICATIONS = ("app-payment-gateway", "app-product-catalogue", "app-fulfilment-engine", "app-mailboxes")
"""What other companies of a large estate use."""
