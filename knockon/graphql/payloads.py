"""What a mutation answers: what became of it, and what is wrong with it as data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, cast

from strawberry.scalars import JSON

from knockon.cmdb.identity.findings import as_seen
from knockon.cmdb.stewardship.meanwhile import NO_ATTRIBUTES
from knockon.errors import (
    BadUsage,
    EditConflict,
    EditInvalid,
    IllegalMove,
    JournalCompacted,
    KeptElsewhere,
    ReferenceAmbiguous,
    ReferenceNotFound,
    StillReported,
)
from knockon.graphql.definitions import listed, maybe, plain
from knockon.graphql.wording import in_api

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Decision, Entity, IdentityFinding
    from knockon.cmdb.stewardship.meanwhile import Meanwhile
    from knockon.cmdb.stewardship.words import Outweighed
    from knockon.cmdb.stewardship.writing import Edited
    from knockon.errors import KnockonError
    from knockon.graphql.definitions import Definitions
    from knockon.graphql.request import Request
    from knockon.graphql.types import NodeTypes

OF_THE_CALLER = (
    BadUsage, EditConflict, EditInvalid, IllegalMove, JournalCompacted, KeptElsewhere, ReferenceAmbiguous,
    ReferenceNotFound, StillReported,
)  # fmt: skip
"""What is wrong with what the caller wants: told as data. Anything else is an error of the field."""


class Trouble(NamedTuple):
    """What is wrong, as data: an exception itself would be an error of the field."""

    code: str
    message: str
    reject: str | None
    legal: tuple[str, ...]
    changes: list[Meanwhile]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutation; with ``errors`` nothing was written."""

    revision: int | None = None
    entity: Entity | None = None
    outweighed: list[Outweighed] = field(default_factory=list)
    findings: list[IdentityFinding] = field(default_factory=list)
    decision: Decision | None = None
    entities: list[Entity] = field(default_factory=list)
    errors: list[Trouble] = field(default_factory=list)


class Payloads:
    """The types of what mutations answer."""

    def __init__(self, definitions: Definitions, nodes: NodeTypes) -> None:
        entity = nodes.of("Entity")
        self.revision = plain(
            "revision", maybe(int), lambda each: each.revision,
            "The revision that it wrote, or a later one; the newest where it changed nothing; null with errors.",
        )  # fmt: skip
        self.errors = plain(
            "errors", listed(_error(definitions)), lambda each: each.errors,
            "What is wrong; then nothing was written.",
        )  # fmt: skip
        findings = plain(
            "findings", listed(definitions["IdentityFinding"]), lambda each: each.findings,
            "What a person should look at in who is who now.", many=3,
        )  # fmt: skip
        self.common = [self.revision, findings, self.errors]
        self.edit = definitions.object(
            "EditPayload", "What an edit came to.",
            plain(
                "entity", maybe(entity), lambda each: each.entity,
                "The thing as it is now; of a relationship, that from which it was told.",
            ),
            plain(
                "outweighed", listed(_outweighed(definitions)), lambda each: each.outweighed,
                "What you said that is kept and does not count, since another source is believed.",
            ),
            *self.common,
        )  # fmt: skip
        self.decision = definitions.object(
            "DecisionPayload", "What a decision on who is who came to.",
            plain("decision", maybe(definitions["IdentityDecision"]), lambda each: each.decision, "The decision."),
            plain(
                "entities", listed(entity), lambda each: each.entities,
                "What its records are of now: one thing or two.", many=2,
            ),
            *self.common,
        )  # fmt: skip


def _error(definitions: Definitions) -> type:
    changed = definitions.object(
        "MeanwhileChange", "What became of a value since the caller looked.",
        plain("attribute", str, lambda each: each.attribute, "By its name in files."),
        plain("before", maybe(JSON), lambda each: each.before, "What it was; null too where you may not read it."),
        plain("after", maybe(JSON), lambda each: each.after, "What it is, likewise."),
        plain("by", str, lambda each: each.by, "Who changed it last."),
        plain("at", str, lambda each: each.at, "When, in UTC."),
        plain("revision", int, lambda each: each.revision, "In which revision."),
    )  # fmt: skip
    return definitions.object(
        "EditError", "Why nothing was written.",
        plain("code", str, lambda each: each.code, "Stable: docs/errors tells what to do."),
        plain(
            "reject", maybe(str), lambda each: each.reject,
            "Of EDIT_INVALID: the code of what the model does not take, such as TYPE_MISMATCH.",
        ),
        plain("message", str, lambda each: each.message, "In a sentence that says what to do."),
        plain(
            "legalStates", listed(str), lambda each: each.legal,
            "Of ILLEGAL_MOVE: the states that it may go to.",
        ),
        plain(
            "changes", listed(changed), lambda each: each.changes,
            "Of EDIT_CONFLICT: what changed meanwhile.", many=3,
        ),
    )  # fmt: skip


def _outweighed(definitions: Definitions) -> type:
    return definitions.object(
        "Outweighed", "Your word on an attribute, where another's counts.",
        plain("attribute", str, lambda each: each.attribute, "By its name in files."),
        plain("said", maybe(JSON), lambda each: each.said, "What you said."),
        plain("value", maybe(JSON), lambda each: each.value, "What counts; null too where you may not read it."),
        plain("source", str, lambda each: each.source, "Who is believed."),
    )  # fmt: skip


def failed(request: Request, error: KnockonError) -> Outcome:
    """Give the outcome of what was refused, without the values that who asks may not read."""
    reject = error.reject if isinstance(error, EditInvalid) else None
    legal = error.legal if isinstance(error, IllegalMove) else ()
    message = in_api(str(error))
    changes: list[Meanwhile] = []
    if isinstance(error, EditConflict) and error.shared is not None:
        hides = request.sight.hides
        if not any(not any(hides(error.owner, each) for each in by) for by in error.shared):
            message = "Something is there already that has the same identifiers, and nothing is written."
    if isinstance(error, EditConflict) and error.changes:
        told = cast("tuple[Meanwhile, ...]", error.changes)
        changes = [
            each
            if each.attribute in NO_ATTRIBUTES or not request.sight.hides(error.owner, each.attribute)
            else replace(each, before=None, after=None)
            for each in told
        ]
        what = ", ".join(f"{each.attribute} (by {each.by}, revision {each.revision})" for each in changes)
        message = f"Changed since then: {what}. Look at it again, and repeat what is still right as of that revision."
    return Outcome(errors=[Trouble(error.code, message, reject, legal, changes)])


def edited(request: Request, done: Edited) -> Outcome:
    """Give the outcome of what was written, without the values that who asks may not read."""
    owner = done.edge.key.type_name if done.edge else done.entity.class_name
    outweighed = [
        replace(each, value=None) if request.sight.hides(owner, each.attribute) else each for each in done.outweighed
    ]
    return Outcome(
        done.revision,
        done.entity,
        outweighed,
        [as_seen(each, request.topologies.model, request.sight) for each in done.changes.findings],
    )
