"""What grew out of the year's incidents and changes: problems and what is known of them, requests, tasks, releases.

All of it hangs on records that the chronicle has written, and draws nothing by chance.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from knockon.sample.compute import group_key
from knockon.sample.records import iso, moment_of

if TYPE_CHECKING:
    from datetime import date

    from knockon.sample.estate import Estate, Record

_UNLINKED = 2
"""So many of a problem's latest incidents are not linked to it yet: planted."""


class _Case(NamedTuple):
    """A problem behind an item that fails again and again."""

    item: str
    name: str
    state: str
    root_cause: str | None
    workaround: str | None
    group: str


_CASES = (
    _Case("lyo-line-internet-1", "Line to Rhodanet flaps", "in_analysis", None, None, "Network"),
    _Case("ham-hr-app-01/tomcat", "Payroll's server runs out of heap at month end", "known_error",
          "The month's run keeps all documents in memory.", "Restart the server before the run.",
          "Business Applications"),
    _Case("ham-time-01/tomcat", "Time recording is slow in the morning", "impasse",
          "All terminals send at seven; their maker is gone.", None, "Business Applications"),
)  # fmt: skip

_TEMPLATES = (
    ("Patch a hypervisor", "Patch lyo-esx-05", "down", "PT2H",
     ("Evacuate the host", "Patch and restart", "Take it back into the cluster")),
    ("Renew a certificate", None, "none", "PT1H", ("Request", "Install", "Check from outside")),
)  # fmt: skip
"""Name, the planned change that was made from it, effect, duration, steps."""

_TASKS = {
    "Replace memory of ham-esx-03": (
        ("Lay out spare modules", "preparation", "done"),
        ("Evacuate the host", "preparation", "planned"),
        ("Replace memory", "implementation", "planned"),
        ("Update memory size in the CMDB", "cmdb_update", "planned"),
    ),
    "Quarterly patch of the ledger's database": (
        ("Patch the test database", "test", "done"),
        ("Finance tests the month's closing", "customer_test", "in_progress"),
        ("Patch production", "transfer_to_production", "planned"),
    ),
}
"""Planned changes by name: their tasks, in order, of which kind, and how far they are."""


class FollowUp:
    """Writes down one company's records that refer to its incidents and changes."""

    def __init__(self, estate: Estate, as_of: date) -> None:
        self._estate = estate
        self._as_of = as_of
        self._now = moment_of(as_of)
        self._here = estate.company.here
        self._records: dict[str, Record] = {each["key"]: each for each in estate.entities}
        changes = [each for each in estate.entities if each["class"] == "Change"]
        # the same work was done before under the same name: the last one is meant
        self._changes = {each["name"]: each["key"] for each in sorted(changes, key=lambda each: each["planned_start"])}
        self._incidents: dict[str, list[str]] = {}
        for each in estate.relationships:
            if each["type"] == "AFFECTS" and each["from"] in self._records:
                self._incidents.setdefault(each["to"], []).append(each["from"])

    def write(self) -> None:
        """Write down everything."""
        for number, case in enumerate(_CASES, start=1):
            self._problem(number, case)
        self._known_error()
        self._outages()
        self._templates()
        for name, tasks in _TASKS.items():
            self._tasks(name, tasks)
        self._requests()
        self._release()
        self._events()

    def _add(self, class_name: str, number: str, name: str, /, **attributes: object) -> str:
        key = self._here(number)
        return self._estate.add(class_name, key, self._estate.company.name(name), number=key, **attributes)

    def _ago(self, days: float) -> str:
        return iso(self._now - timedelta(days=days))

    # -- incidents and problems

    def _problem(self, number: int, case: _Case) -> None:
        item = self._here(case.item)
        problem = self._add(
            "Problem", f"PRB{number:07}", case.name, state=case.state, origin="trend", priority=number,
            opened_at=self._ago(40 - 6 * number), root_cause=case.root_cause, workaround=case.workaround,
            next_review=str(self._as_of + timedelta(days=60)) if case.state == "impasse" else None,
        )  # fmt: skip
        self._estate.relate(problem, "CONCERNS", item)
        self._estate.relate(group_key(self._estate, case.group), "HAS_ROLE", problem, role="assignee")
        linked, unlinked = (incidents := sorted(self._incidents[item]))[:-_UNLINKED], incidents[-_UNLINKED:]
        for incident in linked:
            self._estate.relate(incident, "CAUSED_BY", problem)
        self._estate.plant(
            "incidents without their problem", [item], "The latest incidents are not linked to it yet.",
            incidents=unlinked, problem=problem,
        )  # fmt: skip

    def _known_error(self) -> None:
        estate, case = self._estate, _CASES[1]
        problem = self._here("PRB0000002")
        error = self._add(
            "KnownError", "KER0000001", "Month's run keeps all documents in memory", state="open",
            opened_at=self._ago(9), root_cause=case.root_cause, workaround=case.workaround,
        )  # fmt: skip
        estate.relate(error, "RAISED_BY", problem)
        estate.relate(error, "CONCERNS", self._here(case.item))
        solution = self._add(
            "Solution", "SOL0000001", "Restart payroll's server before the month's run", state="active",
            text="Stop the server, wait until the run queue is empty, start it, and watch the heap for an hour.",
            keywords=["payroll", "heap", "month end"], proposed_at=self._ago(21),
        )  # fmt: skip
        estate.relate_all(solution, "RESOLVES", [problem, min(self._incidents[self._here(case.item)])])

    def _outages(self) -> None:
        """Write down the outages of business services and their instances that the incidents tell of."""
        told = [
            (incident, service)
            for service in self._estate.keys("BusinessService", "ServiceInstance")
            for incident in self._incidents.get(service, ())
            if self._records[incident].get("kind") == "outage" and "resolved_at" in self._records[incident]
        ]
        for number, (incident, service) in enumerate(sorted(told), start=1):
            record = self._records[incident]
            outage = self._add(
                "Outage", f"OUT{number:07}", f"{self._records[service]['name']} was out", kind="outage",
                planned=False, starts_at=record["opened_at"], ends_at=record["resolved_at"],
            )  # fmt: skip
            self._estate.relate(outage, "AFFECTS", service, effect="down")
            self._estate.relate(outage, "RAISED_BY", incident)

    # -- changes

    def _templates(self) -> None:
        for number, (name, change, effect, duration, steps) in enumerate(_TEMPLATES, start=1):
            template = self._add(
                "ChangeTemplate", f"TPL{number:07}", name, approval_needed=False, effect=effect, duration=duration,
                steps=list(steps), back_out_plan="Go back to the version before.", enabled=True,
            )  # fmt: skip
            if change:
                self._estate.relate(self._changes[change], "BASED_ON", template)
        self._estate.relate(self._here("CAT-0007"), "BASED_ON", self._here("TPL0000002"))

    def _tasks(self, change_name: str, tasks: tuple[tuple[str, str, str], ...]) -> None:
        change = self._changes[change_name]
        group = self._estate.groups[self._item(change)]
        for number, (name, kind, state) in enumerate(tasks, start=1):
            task = self._estate.add(
                "ChangeTask", f"{change}/{number}", name, kind=kind, state=state, sequence=number,
                result="As planned." if state == "done" else None,
            )  # fmt: skip
            self._estate.relate(task, "PART_OF", change)
            self._estate.relate(group, "HAS_ROLE", task, role="assignee")
        approved = self._records[change]["state"] == "approved"
        approval = self._estate.add(
            "Approval", f"{change}/approval", f"Approval of {change_name}",
            state="approved" if approved else "requested", requested_at=self._ago(6),
            decided_at=self._ago(4) if approved else None,
            for_date=self._records[change]["planned_start"],
        )  # fmt: skip
        self._estate.relate(approval, "CONCERNS", change)
        self._estate.relate(self._estate.heads["Information Technology"], "HAS_ROLE", approval, role="approver")

    def _item(self, change: str) -> str:
        return next(
            str(each["to"])
            for each in self._estate.relationships
            if each["type"] == "CHANGES" and each["from"] == change
        )

    def _requests(self) -> None:
        estate = self._estate
        memory = self._add(
            "RequestForChange", "RFC0000001", "More memory for ham-esx-03", state="registered", origin="request_form",
            opened_at=self._ago(16), reason="The host is the first to swap.", updates_cmdb=True,
            estimated_cost="2600.00 EUR", estimated_effort="PT6H",
        )  # fmt: skip
        estate.relate(self._changes["Replace memory of ham-esx-03"], "RESOLVES", memory)
        heap = self._add(
            "RequestForChange", "RFC0000002", "Month's run in portions", state="in_backlog", origin="problem",
            opened_at=self._ago(8), reason="See the known error.", alters_functionality=False,
            estimated_cost="9000.00 EUR", estimated_effort="P8D",
        )  # fmt: skip
        estate.relate(heap, "RAISED_BY", self._here("KER0000001"))
        refused = self._add(
            "RequestForChange", "RFC0000003", "Open the ledger's database to the internet", state="rejected",
            origin="request_form", opened_at=self._ago(33), rejection_reason="Against the network policy.",
        )  # fmt: skip
        policy = estate.add(
            "Policy", self._here("policy-network"), estate.company.name("Network policy"), field="security",
            statement="No database is reached from outside the company's networks.",
        )  # fmt: skip
        estate.relate(policy, "CONCERNS", refused)
        for request, unit in ((memory, "Information Technology"), (heap, "Human Resources"), (refused, "Finance")):
            estate.relate(estate.heads[unit], "HAS_ROLE", request, role="requester")

    def _release(self) -> None:
        estate = self._estate
        core = self._add(
            "Release", "REL0000001", "Network firmware autumn", state="approved", kind="minor", version="7.4.3",
            project="Network renewal", planned_start=iso(self._now + timedelta(days=5)),
            planned_end=iso(self._now + timedelta(days=18)), estimated_cost="3500.00 EUR",
        )  # fmt: skip
        for name in ("Firmware upgrade of ham-core-01", "Firmware upgrade of the a switches"):
            estate.relate(self._changes[name], "PART_OF", core)
        payroll = self._add(
            "Release", "REL0000002", "Payroll spring", state="collecting", kind="major", project="Personnel systems",
            submission_deadline=iso(self._now + timedelta(days=45)),
        )  # fmt: skip
        estate.relate(self._here("RFC0000002"), "PART_OF", payroll)
        estate.relate(payroll, "CONCERNS", self._here("svc-payroll"))
        vote = estate.add(
            "Approval", f"{payroll}/vote-1", "Vote of the head of Finance", kind="vote", state="requested",
            requested_at=self._ago(3),
        )  # fmt: skip
        estate.relate(vote, "CONCERNS", self._here("RFC0000002"))
        estate.relate(estate.heads["Finance"], "HAS_ROLE", vote, role="approver")

    # -- events

    def _events(self) -> None:
        estate, crm = self._estate, self._here("lyo-crm-db-01/postgresql")
        incident = next(each for each in self._incidents[crm] if "resolved_at" not in self._records[each])
        opened = datetime.fromisoformat(self._records[incident]["opened_at"])
        code = crm.partition("-")[0]
        alarm = self._event(
            1, crm, f"sql-databaseinstance-{code}", opened - timedelta(minutes=2), "outage", "critical", "new", "down",
            "acknowledged", "The first sign of it.",
        )  # fmt: skip
        estate.relate(incident, "RAISED_BY", alarm)
        consequence = self._event(
            2, self._here("inst-customer-care"), f"http-serviceinstance-{estate.company.first.code}", opened,
            "degradation", "minor", "consequence", "none", "closed", "One copy of its database is gone.",
        )  # fmt: skip
        estate.relate(consequence, "CAUSED_BY", alarm)
        told = estate.add(
            "Notification", self._here("note-0001"), "Customer Care runs without a reserve", state="sent",
            channel="email", because="owns the service", text="One of two copies of the customer database is down.",
            sent_at=iso(opened + timedelta(minutes=20)),
        )  # fmt: skip
        estate.relate(told, "CONCERNS", incident)
        estate.relate(estate.heads["Customer Service"], "HAS_ROLE", told, role="recipient")

    def _event(
        self, number: int, item: str, monitor: str, moment: datetime, kind: str, severity: str, decision: str,
        effect: str, state: str, because: str,
    ) -> str:  # fmt: skip
        event = self._add(
            "Event", f"ALM{number:07}", f"{self._records[item]['name']}: {kind}", kind=kind, severity=severity,
            state=state, occurred_at=iso(moment), count=number, decision=decision, decision_because=because,
            event_id=self._here(f"alert-{70_000 + number}"),
        )  # fmt: skip
        self._estate.relate(event, "AFFECTS", item, effect=effect)
        self._estate.relate(event, "RAISED_BY", monitor)
        return event
