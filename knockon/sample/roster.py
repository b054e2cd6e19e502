"""Who there is: departments, customers, suppliers, support groups, people; and their hours. Tables only."""

from __future__ import annotations

CALENDARS = (
    ("Round the clock", "FREQ=DAILY;BYHOUR=0;BYMINUTE=0", "P1D", "UTC"),
    ("Office hours Europe", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=8;BYMINUTE=0", "PT10H", "Europe/Berlin"),
    ("Office hours Montreal", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=8;BYMINUTE=0", "PT9H", "America/Toronto"),
    ("Warehouse shifts", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA;BYHOUR=5;BYMINUTE=0", "PT18H", "Europe/Berlin"),
)
"""Name, when each period begins, how long it lasts, whose clock."""

SUPPLIERS = (
    ("Nimbus Cloud", "nimbus", "PT4H"),
    ("Elbe Telecom", "elbe", "PT4H"),
    ("Rhodanet", "rhodanet", "PT6H"),
    ("Hanse Acquiring", "acquirer", "PT2H"),
    ("Nordlicht Power", "power", "PT8H"),
    ("Kestrel Hardware", "hardware", "P1D"),
)
"""Name, key, and how soon the contract says that it restores what it provides."""

UNITS = (
    ("Sales", "CC-1100"),
    ("Marketing", "CC-1200"),
    ("Customer Service", "CC-1300"),
    ("Logistics", "CC-2100"),
    ("Purchasing", "CC-2200"),
    ("Finance", "CC-3100"),
    ("Human Resources", "CC-3200"),
    ("Information Technology", "CC-4100"),
)
"""Departments and their cost centres."""

CUSTOMERS = ("Retail Customers", "Club Members", "Bergamo Sport", "Nordlys Outdoor", "Atlas Montagne")

GROUPS = (
    ("Service Desk", 5, True),
    ("Network", 4, True),
    ("Facilities", 3, True),
    ("Virtualisation and Storage", 4, True),
    ("Identity", 2, False),
    ("Operations", 3, True),
    ("Database", 3, True),
    ("Middleware", 2, False),
    ("Container Platform", 3, True),
    ("Cloud", 2, False),
    ("Messaging", 2, False),
    ("Web Operations", 3, True),
    ("Shop Applications", 4, True),
    ("Warehouse Systems", 3, True),
    ("Business Applications", 4, False),
)
"""Support groups: how many people, and whether one of them is on call at night."""

SKILLS = {
    "Service Desk": ("first line", "French"),
    "Network": ("routing", "firewalls", "fibre"),
    "Facilities": ("power", "cooling"),
    "Virtualisation and Storage": ("hypervisors", "storage arrays"),
    "Identity": ("directory", "certificates"),
    "Operations": ("monitoring", "backup"),
    "Database": ("PostgreSQL", "Oracle"),
    "Middleware": ("message brokers",),
    "Container Platform": ("Kubernetes",),
    "Cloud": ("Nimbus",),
    "Messaging": ("mail",),
    "Web Operations": ("web servers", "certificates"),
    "Shop Applications": ("Java", "payments"),
    "Warehouse Systems": ("warehouse suite", "label printers"),
    "Business Applications": ("payroll", "ledger", "reporting"),
}
"""By support group: what its work takes. Its coordinator can all of it, each specialist the first thing only."""

FIRST_NAMES = (
    "Aylin", "Mateusz", "Chiara", "Oluwaseun", "Ingrid", "Haruto", "Léa", "Dmitri", "Fatima", "Jonas",
    "Priya", "Tomás", "Nneka", "Björn", "Mei", "Youssef", "Katarzyna", "Luca", "Amélie", "Deniz",
    "Siobhán", "Ravi", "Hanne", "Emre", "Zofia", "Thandiwe", "Marek", "Inês", "Kofi", "Svenja",
    "Arjun", "Elif", "Rasmus", "Noor", "Gabriel", "Yuki", "Marta", "Tariq", "Linnéa", "Paolo",
    "Ewa", "Samir", "Birgit",
)  # fmt: skip
LAST_NAMES = (
    "Yildirim", "Kowalczyk", "Ferraro", "Adeyemi", "Solberg", "Tanaka", "Moreau", "Volkov", "Haddad", "Petersen",
    "Raghavan", "Novák", "Okafor", "Lindqvist", "Zhang", "Benali", "Wiśniewska", "Conti", "Dubois", "Aksoy",
    "Gallagher", "Menon", "Vandenberg", "Öztürk", "Zielińska", "Dlamini", "Horák", "Carvalho", "Mensah", "Brandt",
    "Iyer", "Kaya", "Østergaard", "Rahman", "Silva", "Nakamura", "Jiménez", "Aziz", "Nyström", "Bianchi",
    "Nowak",
)  # fmt: skip
"""43 and 41: both prime, so that pairs repeat only after 1,763 people."""
