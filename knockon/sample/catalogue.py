"""What the company does: applications, technical and business services, contracts. Tables only."""

from __future__ import annotations

from typing import NamedTuple


class Group(NamedTuple):
    """Suppliers that stand in for each other, under a name of the consumer's own."""

    name: str
    members: tuple[str, ...]
    min_up: str = "1"
    full_up: str = "1"
    soft: bool = False


class App(NamedTuple):
    """An application: what it cannot do without, what it would miss, what stands in for each other."""

    name: str
    group: str
    hard: tuple[str, ...] = ()
    soft: tuple[str, ...] = ()
    redundant: tuple[Group, ...] = ()


def _pair(name: str, program: str) -> Group:
    return Group(name, (f"ham-{program}", f"lyo-{program}"))


APPLICATIONS = (
    App(
        "Shop Frontend",
        "Shop Applications",
        ("ham-vip-shop", "ts-internet-hamburg"),
        ("app-product-catalogue",),
        (
            Group("app", ("ham-shop-app-01/wildfly", "ham-shop-app-02/wildfly", "lyo-shop-app-01/wildfly")),
            Group("cache", ("ham-cache-01/valkey", "ham-cache-02/valkey"), soft=True),
        ),
    ),
    App(
        "Shop Checkout",
        "Shop Applications",
        ("app-shop-frontend", "ts-message-bus"),
        ("app-payment-gateway",),
        (Group("db", ("ham-dbs-01/shop-db", "lyo-dbs-01/shop-db")),),
    ),
    App(
        "Payment Gateway",
        "Shop Applications",
        ("ham-vip-payments",),
        (),
        (
            Group("db", ("ham-dbs-02/pay-db", "lyo-dbs-02/pay-db")),
            Group("acquirer", ("ham-line-acquirer", "lyo-line-acquirer")),
        ),
    ),
    App(
        "Product Catalogue",
        "Container Platform",
        ("ham-k8s/catalogue/ingress", "ts-container-platform"),
        ("shop-images",),
    ),
    App(
        "Mobile Backend",
        "Container Platform",
        ("ham-k8s/mobile/ingress", "ts-container-platform", "ts-internet-hamburg"),
        ("push-gateway", "app-payment-gateway", "ham-k8s/mobile/push/service"),
    ),
    App(
        "Customer Desk",
        "Business Applications",
        ("ts-directory",),
        ("ts-mail-relay",),
        (_pair("app", "crm-app-01/tomcat"), _pair("db", "crm-db-01/postgresql")),
    ),
    App("Call Routing", "Business Applications", ("contact-centre",), ("app-customer-desk",)),
    App(
        "Warehouse Suite",
        "Warehouse Systems",
        (),
        ("ts-wide-area-network",),
        (Group("node", ("ham-whs-01/whs", "ham-whs-02/whs")),),
    ),
    App(
        "Fulfilment Engine",
        "Warehouse Systems",
        ("ham-k8s/fulfilment/ingress", "ts-container-platform", "ts-message-bus"),
        ("app-warehouse-suite",),
        (_pair("app", "ful-app-01/tomcat"),),
    ),
    App("Supplier Extranet", "Web Operations", ("lyo-vip-suppliers", "ts-internet-lyon"), ("app-general-ledger",)),
    App(
        "Payroll Runs",
        "Business Applications",
        (
            "ham-hr-app-01/tomcat",
            "ham-lic-01/dongle-licence-server",
            "ham-hr-db-01/postgresql",
            "ts-directory",
        ),
    ),
    App(
        "Time Clock",
        "Business Applications",
        ("ham-time-01/tomcat", "ham-hr-db-01/postgresql"),
        ("app-payroll-runs", "ham-clock-terminals"),
    ),
    App(
        "General Ledger",
        "Business Applications",
        ("ts-directory",),
        (),
        (_pair("app", "fin-app-01/sap-netweaver"), _pair("db", "fin-db-01/oracle")),
    ),
    App(
        "Records Archive",
        "Business Applications",
        ("lyo-arc-app-01/alfresco", "lyo-arc-db-01/mariadb", "ts-directory"),
        ("archive-vault",),
    ),
    App("Mailboxes", "Messaging", ("mail-exchange",), ("ts-mail-relay",)),
    App("Staff Pages", "Web Operations", ("ham-vip-www",), ("ts-directory",)),
    App(
        "Report Studio",
        "Business Applications",
        ("data-warehouse",),
        (
            "report-render",
            "shop_orders",
            "shop_baskets",
            "card_payments",
            "customers",
            "ledger",
            "personnel",
            "archive",
        ),
    ),
    App(
        "Remote Desk",
        "Network",
        ("ts-directory",),
        (),
        (_pair("gateway", "vpn-01/openvpn"), Group("internet", ("ts-internet-hamburg", "ts-internet-lyon"))),
    ),
)


class Technical(NamedTuple):
    """A technical service: what others are built on."""

    name: str
    group: str
    criticality: int
    hard: tuple[str, ...] = ()
    soft: tuple[str, ...] = ()
    redundant: tuple[Group, ...] = ()


TECHNICAL_SERVICES = (
    Technical("Name Resolution", "Network", 1, (), (), (_pair("servers", "dns-01/unbound"),)),
    Technical("Directory", "Identity", 1, ("ts-name-resolution",), (), (_pair("servers", "dir-01/openldap"),)),
    Technical(
        "Internet Hamburg",
        "Network",
        1,
        (),
        (),
        (
            Group("firewalls", ("ham-fw-01", "ham-fw-02")),
            Group("lines", ("ham-line-internet-1", "ham-line-internet-2")),
        ),
    ),
    Technical(
        "Internet Lyon",
        "Network",
        2,
        (),
        (),
        (
            Group("firewalls", ("lyo-fw-01", "lyo-fw-02")),
            Group("lines", ("lyo-line-internet-1", "lyo-line-internet-2")),
        ),
    ),
    Technical(
        "Wide Area Network", "Network", 1, (), (), (Group("lines", ("ham-line-fibre-north", "lyo-line-fibre-south")),)
    ),
    Technical("Mail Relay", "Messaging", 3, ("ts-name-resolution",), (), (_pair("servers", "mta-01/postfix"),)),
    Technical("Monitoring", "Operations", 2, (), ("ts-mail-relay",), (_pair("servers", "mon-01/prometheus"),)),
    Technical("Backup", "Virtualisation and Storage", 2, ("lyo-bak-01/bareos",), ("lyo-nas-01",)),
    Technical(
        "Message Bus",
        "Middleware",
        1,
        ("ts-name-resolution",),
        (),
        (Group("quorum", ("ham-mq-01/rabbitmq", "ham-mq-02/rabbitmq", "lyo-mq-01/rabbitmq"), min_up="2", full_up="2"),),
    ),
    Technical(
        "Container Platform",
        "Container Platform",
        1,
        ("ham-k8s", "ham-k8s/platform/ingress-controller/service", "ts-name-resolution"),
        ("ham-k8s/platform/image-registry/service",),
    ),
)


class Offer(NamedTuple):
    """A business service and its production instance."""

    name: str
    criticality: int
    users: int
    unit: str
    group: str
    calendar: str
    customers: tuple[str, ...]
    agreement: str
    apps: tuple[str, ...]
    technical: tuple[str, ...] = ("ts-name-resolution",)


_SHOPPERS = ("Retail Customers", "Club Members")
_PARTNERS = ("Bergamo Sport", "Nordlys Outdoor", "Atlas Montagne")

BUSINESS_SERVICES = (
    Offer("Online Shop", 1, 48_000, "Sales", "Shop Applications", "Round the clock", _SHOPPERS, "gold",
          ("app-shop-frontend", "app-shop-checkout")),
    Offer("Payments", 1, 52_000, "Finance", "Shop Applications", "Round the clock", _SHOPPERS, "gold",
          ("app-payment-gateway",)),
    Offer("Product Information", 2, 50_000, "Sales", "Container Platform", "Round the clock",
          (*_SHOPPERS, *_PARTNERS), "silver", ("app-product-catalogue",)),
    Offer("Mobile App", 2, 21_000, "Marketing", "Container Platform", "Round the clock", ("Club Members",), "silver",
          ("app-mobile-backend",)),
    Offer("Customer Care", 2, 140, "Customer Service", "Business Applications", "Office hours Montreal",
          ("Customer Service",), "silver", ("app-customer-desk",), ("ts-name-resolution", "ts-directory")),
    Offer("Contact Centre", 2, 95, "Customer Service", "Business Applications", "Office hours Montreal",
          ("Customer Service",), "silver", ("app-call-routing",)),
    Offer("Warehouse Management", 1, 260, "Logistics", "Warehouse Systems", "Warehouse shifts", ("Logistics",), "gold",
          ("app-warehouse-suite",), ("ts-name-resolution", "ts-wide-area-network")),
    Offer("Order Fulfilment", 1, 310, "Logistics", "Warehouse Systems", "Warehouse shifts",
          ("Logistics", "Retail Customers"), "gold", ("app-fulfilment-engine",)),
    Offer("Supplier Portal", 3, 420, "Purchasing", "Web Operations", "Office hours Europe", _PARTNERS, "bronze",
          ("app-supplier-extranet",)),
    Offer("Payroll", 3, 1_130, "Human Resources", "Business Applications", "Office hours Europe",
          ("Human Resources",), "bronze", ("app-payroll-runs",), ("ts-name-resolution", "ts-directory")),
    Offer("Time Recording", 3, 1_130, "Human Resources", "Business Applications", "Warehouse shifts",
          ("Human Resources", "Logistics"), "bronze", ("app-time-clock",)),
    Offer("Finance Ledger", 2, 85, "Finance", "Business Applications", "Office hours Europe", ("Finance",), "silver",
          ("app-general-ledger",), ("ts-name-resolution", "ts-directory")),
    Offer("Document Archive", 3, 390, "Finance", "Business Applications", "Office hours Europe",
          ("Finance", "Purchasing"), "bronze", ("app-records-archive",), ("ts-name-resolution", "ts-directory")),
    Offer("Email", 2, 1_130, "Information Technology", "Messaging", "Round the clock",
          ("Sales", "Finance", "Logistics"), "silver", ("app-mailboxes",)),
    Offer("Intranet", 4, 1_130, "Marketing", "Web Operations", "Office hours Europe", ("Human Resources",), "bronze",
          ("app-staff-pages",)),
    Offer("Management Reporting", 4, 60, "Finance", "Business Applications", "Office hours Europe",
          ("Finance", "Sales"), "bronze", ("app-report-studio",)),
    Offer("Remote Access", 2, 480, "Information Technology", "Network", "Round the clock",
          ("Sales", "Customer Service"), "silver", ("app-remote-desk",)),
)  # fmt: skip

LEVELS = {
    "gold": (99.9, "PT15M", "PT2H"),
    "silver": (99.5, "PT30M", "PT4H"),
    "bronze": (98.0, "PT4H", "P2D"),
}
"""Of an agreement: percent available, response, resolution."""
