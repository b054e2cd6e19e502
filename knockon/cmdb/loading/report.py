"""What a load did, or would do: counts, findings, rejects, and the plan of a dry run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from knockon.cmdb.loading.intake import Finding
from knockon.cmdb.loading.letters import bounded
from knockon.errors import FindingCode
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from knockon.cmdb.contract.rows import RevisionHead
    from knockon.cmdb.planned import Planned
    from knockon.schema.observation import Reject


@dataclass
class Counts:
    """What became of the records of a load; a relationship that waited and now stands is ``created``."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    retired: int = 0
    rejected: int = 0
    waiting: int = 0


@dataclass
class LoadReport:
    """The answer to a load: DESIGN.md section 8. ``plan`` is a dry run's, which wrote nothing."""

    revision: int = 0
    entities: Counts = field(default_factory=Counts)
    relationships: Counts = field(default_factory=Counts)
    findings: list[Finding] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    plan: list[Planned] | None = None

    def as_json(self) -> dict[str, Any]:
        """Give the ``--json`` form; only a dry run has a ``plan``."""
        planned = {} if self.plan is None else {"plan": [asdict(each) for each in self.plan]}
        return {
            "revision": self.revision,
            **asdict(self.entities),
            "relationships": asdict(self.relationships),
            "findings": [{"code": f.code, "message": f.message, "location": f.location} for f in self.findings],
            "rejects": [reject_json(each) for each in self.rejects],
            "skipped": self.skipped,
            **planned,
        }


def reject_json(reject: Reject) -> dict[str, Any]:
    """Give the ``--json`` form of a reject; of a record that is too long to be kept, the beginning."""
    return {
        "code": reject.code, "message": reject.message, "location": reject.location,
        "record": bounded(reject.record)[0], "kind": reject.kind,
    }  # fmt: skip


def out_of_time(outdated: int, places: Sequence[str], newest: str, head: RevisionHead) -> Iterator[Finding]:
    """Tell of moments that make words count for nothing, or for longer than anybody means.

    ``outdated`` is how many records lost against newer words, at ``places`` the first of them; ``newest`` is the newest
    moment of the load.
    """
    if outdated:
        lost = counted(outdated, "record does", "records do")
        message = (
            f"{lost} not count ({', '.join(places)}{', ...' if outdated > len(places) else ''}): "
            f"{head.source} has said something else of the same things, or no longer had them, at the same moment or "
            "later. If what they say is right, load it with a newer `seen`."
        )
        yield Finding(FindingCode.OUTDATED, message, places[0])
    if newest > head.at:
        message = (
            f"The newest of these records says that it was seen at {newest}, which has not come yet: until then, "
            "nothing that says otherwise of the same things will count. Mend `seen` and load again, after "
            f"`knockon undo {head.source} --load` with the revision of this load."
        )
        yield Finding(FindingCode.SEEN_IN_FUTURE, message, "")
