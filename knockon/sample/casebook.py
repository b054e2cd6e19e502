"""What goes wrong and what is worked on, by class of configuration item. Tables only."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """A way to fail: how often among all faults, what is seen, how long it takes, how it ends."""

    class_name: str
    share: int
    kind: str
    summary: str
    minutes: int
    resolution: str


FAULTS = (
    Fault("Server", 4, "outage", "{name} does not answer", 160, "Memory module replaced."),
    Fault("Hypervisor", 4, "outage", "{name} stopped with a purple screen", 50, "Host restarted, driver updated."),
    Fault("VirtualMachine", 9, "outage", "{name} hangs", 35, "Machine reset."),
    Fault("VirtualMachine", 6, "degradation", "{name} is short of memory", 90, "Memory added."),
    Fault("WebServer", 6, "outage", "{name} refuses connections", 25, "Service restarted."),
    Fault("ApplicationServer", 12, "outage", "{name} ran out of heap", 45, "Service restarted, dump kept."),
    Fault("ApplicationServer", 9, "degradation", "{name} answers slowly", 120, "Thread pool enlarged."),
    Fault("DatabaseInstance", 7, "outage", "{name} stopped: no space for its log", 70, "Log space added."),
    Fault("DatabaseInstance", 6, "degradation", "{name} answers slowly", 150, "Statistics renewed, one index added."),
    Fault("SoftwareInstance", 6, "outage", "{name} does not answer", 30, "Service restarted."),
    Fault("MessageBroker", 2, "outage", "{name} left its quorum", 40, "Node joined again."),
    Fault("CacheServer", 2, "outage", "{name} was killed for memory", 15, "Limit raised."),
    Fault("CloudResource", 5, "degradation", "{name} answers with errors", 110, "Mended by the provider."),
    Fault("Pod", 6, "outage", "{name} restarts again and again", 20, "Image rolled back."),
    Fault("Switch", 3, "outage", "{name} restarted by itself", 12, "Firmware fault reported to the maker."),
    Fault("Circuit", 5, "outage", "{name} is down", 240, "Mended by the carrier."),
    Fault("PDU", 2, "outage", "{name} tripped", 75, "Load spread anew."),
    Fault("Application", 6, "degradation", "{name} shows errors to some users", 130, "Faulty setting corrected."),
)

NOISY = (
    ("lyo-line-internet-1", 16, "outage", "{name} flaps", 8, "Came back by itself."),
    ("ham-hr-app-01/tomcat", 12, "outage", "{name} ran out of heap at month end", 55, "Service restarted."),
    ("ham-time-01/tomcat", 9, "degradation", "{name} answers slowly in the morning", 60, "Went away by itself."),
)
"""Planted: items that fail again and again with one cause behind it. Key, times, and as in ``Fault``."""


class Work(NamedTuple):
    """A kind of work: how often, on what, what it does while it lasts, how often it goes wrong."""

    class_name: str
    share: int
    kind: str
    summary: str
    effect: str
    hours: int
    failures_in_100: int


WORKS = (
    Work("Hypervisor", 12, "standard", "Patch {name}", "down", 2, 3),
    Work("VirtualMachine", 20, "standard", "Update operating system of {name}", "down", 1, 4),
    Work("WebServer", 8, "standard", "Renew certificate of {name}", "none", 1, 2),
    Work("ApplicationServer", 26, "normal", "Release to {name}", "degraded", 2, 18),
    Work("Workload", 20, "standard", "Roll out {name}", "none", 1, 8),
    Work("DatabaseInstance", 10, "normal", "Minor version upgrade of {name}", "down", 2, 9),
    Work("Switch", 5, "normal", "Firmware upgrade of {name}", "down", 1, 10),
    Work("Firewall", 14, "standard", "New rules on {name}", "none", 1, 6),
    Work("Router", 3, "normal", "Firmware upgrade of {name}", "down", 1, 8),
    Work("StorageSystem", 3, "normal", "Controller upgrade of {name}", "degraded", 3, 10),
    Work("UPS", 3, "normal", "Battery test of {name}", "none", 2, 5),
    Work("CloudResource", 8, "standard", "New settings for {name}", "none", 1, 7),
)

REQUESTS = (
    "New account needed for {name}",
    "Question about {name}",
    "Access to {name} for a colleague",
    "Password for {name} forgotten",
)

SIDE_CASES = (
    ("capacity_event", "StorageVolume", "{name} is 85 percent full", "Old copies removed."),
    ("capacity_event", "DatabaseInstance", "{name} nears its connection limit", "Limit raised."),
    ("improvement", "ServiceInstance", "Clearer alarm wanted for {name}", "Alarm text written anew."),
)

SYMPTOMS = {
    "down": "{name} cannot be reached",
    "degraded": "{name} works only in part",
}

OPEN = (
    ("lyo-crm-db-01/postgresql", "outage", "down", "in_progress", "{name} stopped: its copy is broken", 49),
    ("mail-exchange", "degradation", "degraded", "pending", "{name} delivers late; with the provider", 20),
    ("lyo-fax-01", "outage", "down", "assigned", "{name} does not answer", 90),
    ("app-staff-pages", "request", "none", "new", "Question about {name}", 2),
)
"""Incidents that are open now: item, kind, effect, state, summary, hours since they were opened."""


class Plan(NamedTuple):
    """Work to come: ``day`` and ``hour`` count from the day of the estate, ``hours`` is its length."""

    items: tuple[str, ...]
    effect: str
    summary: str
    kind: str
    state: str
    day: int
    hour: int
    hours: int


PLANS = (
    Plan(("lyo-esx-04",), "down", "Patch lyo-esx-04", "standard", "implementing", 0, 7, 4),
    Plan(("lyo-esx-05",), "down", "Patch lyo-esx-05", "standard", "approved", 1, 7, 4),
    Plan(("ham-esx-03",), "down", "Replace memory of ham-esx-03", "normal", "approved", 3, 19, 3),
    Plan(("ham-core-01",), "down", "Firmware upgrade of ham-core-01", "normal", "planned", 5, 21, 2),
    Plan(("ham-dbs-02",), "down", "New operating system on ham-dbs-02", "normal", "approved", 8, 20, 4),
    Plan(("lyo-dbs-02",), "down", "New disks in lyo-dbs-02", "normal", "approved", 8, 21, 2),
    Plan(("ham-fin-db-01/oracle",), "down", "Quarterly patch of the ledger's database", "normal", "planned", 12, 18, 3),
    Plan(("ham-ups-1a",), "none", "Battery test of ham-ups-1a", "normal", "planned", 14, 6, 2),
    Plan(("ham-sw-1a", "ham-sw-2a"), "down", "Firmware upgrade of the a switches", "normal", "draft", 17, 21, 2),
    Plan(("lyo-nas-01",), "down", "Controller replacement of lyo-nas-01", "normal", "planned", 20, 6, 5),
    Plan(("ham-vol-db-01",), "degraded", "Move ham-vol-db-01 to new disks", "normal", "draft", 25, 19, 6),
)
