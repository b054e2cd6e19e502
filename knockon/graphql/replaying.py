"""What a person does with dead letters: the mutations ``replayLetters`` and ``dropLetters`` (docs/decisions/0022)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from strawberry import ID
from strawberry.scalars import JSON

from knockon.cmdb.access import AccessScope
from knockon.cmdb.loading.replay import as_kept, as_mended, drop, every_letter, letters_named, replay
from knockon.errors import BadUsage
from knockon.graphql.definitions import Weight, argument, input_field, listed, maybe, plain, writing
from knockon.graphql.payloads import OF_THE_CALLER, Outcome, failed
from knockon.impact.topology.aside import aside

if TYPE_CHECKING:
    from strawberry.types.field import StrawberryField

    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.loading.replay import Chosen, Replayed
    from knockon.graphql.definitions import Definitions
    from knockon.graphql.payloads import Payloads
    from knockon.graphql.request import Reader, Request
    from knockon.impact.topology.topologies import Topologies

MOST = 500
"""Letters that are named, or mended, in one mutation."""
_WEIGHT = Weight(cost=50_000)


class _Left(NamedTuple):
    letter: str
    because: str


@dataclass(frozen=True, slots=True)
class Replay(Outcome):
    """What a replay came to."""

    replays: list[Replayed] = field(default_factory=list)
    left: list[_Left] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Drop(Outcome):
    """What was dropped."""

    dropped: list[str] = field(default_factory=list)


class LetterMutations:
    """Makes the fields. A replay is a load, and takes the scope loader; to drop letters is an operator's."""

    def __init__(self, definitions: Definitions, payloads: Payloads) -> None:
        counts = definitions.object(
            "LoadCounts", "What became of what a load said.",
            *(
                plain(name, int, lambda each, name=name: getattr(each, name), said)  # type: ignore[misc]  # of a default, mypy knows no type
                for name, said in _COUNTS
            ),
        )  # fmt: skip
        one = definitions.object(
            "LetterReplay", "A load of the letters of one source and scope.",
            plain("source", str, lambda each: each.source, "Whose word it is."),
            plain("scope", str, lambda each: each.scope, "The part of what the source reports; empty: no named one."),
            plain("letters", int, lambda each: each.letters, "How many were said again."),
            plain("revision", int, lambda each: each.report.revision, "That it wrote; of a dry run the newest one."),
            plain("things", counts, lambda each: each.report.entities, "Of things."),
            plain("relationships", counts, lambda each: each.report.relationships, "Of relationships."),
        )  # fmt: skip
        left = definitions.object(
            "LetterLeft", "A letter that could not be said again.",
            plain("letter", ID, lambda each: each.letter, "Its id."),
            plain("because", str, lambda each: each.because, "Why, and what to do."),
        )  # fmt: skip
        self._mended = definitions.input(
            "MendedLetterInput", "A dead letter, and the record that stands for it now.",
            input_field("letter", ID, "Its id."),
            input_field("record", JSON, "The record as it should be, in the native format."),
        )  # fmt: skip
        self._replay = definitions.object(
            "ReplayPayload", "What saying dead letters again came to.",
            plain(
                "replays", listed(one), lambda each: each.replays,
                "By source and scope. What is rejected again is a dead letter again, with its reason there.", many=5,
            ),
            plain("left", listed(left), lambda each: each.left, "What stays as it is.", many=20),
            payloads.revision, payloads.errors,
        )  # fmt: skip
        self._drop = definitions.object(
            "DropPayload", "What was dropped.",
            plain("dropped", listed(ID), lambda each: each.dropped, "The ids of the letters that are no more."),
            payloads.revision, payloads.errors,
        )  # fmt: skip

    def fields(self) -> list[StrawberryField]:
        """Make both."""
        which = [
            argument("ids", maybe(listed(ID)), f"Those with these ids, {MOST} at most."),
            argument("source", maybe(str), "All of this source."),
            argument(
                "mended", maybe(listed(self._mended)), f"These with other records in their place, {MOST} at most."
            ),
            argument("dryRun", maybe(bool), "Write nothing, and say what would be done."),
        ]
        drops = [
            argument("ids", listed(ID), f"{MOST} at most."),
            argument("reason", str, "Why: it is recorded."),
        ]
        return [
            writing(
                "replayLetters", maybe(self._replay), _replayed,
                "Load dead letters again, as they are kept or mended: a load of their source, by you. Say which in one "
                "of three ways.", which, _WEIGHT,
            ),
            writing(
                "dropLetters", maybe(self._drop), _dropped, "Take away dead letters that nobody wants.", drops, _WEIGHT
            ),
        ]  # fmt: skip


_COUNTS = [
    ("created", "That are there now; of relationships also those that waited."),
    ("updated", "That are otherwise now."),
    ("unchanged", "That are as they were."),
    ("retired", "That nobody reports any more."),
    ("rejected", "That were not taken."),
    ("waiting", "That wait for what they refer to."),
]


async def _replayed(_root: None, request: Request, **given: Any) -> Outcome:
    request.principal.require(AccessScope.LOADER, to="load dead letters again")
    dry_run, by, read = bool(given.pop("dryRun", None)), request.principal.name, request.reader
    assert read is not None, "a request that may write comes with a reader of records"
    which = {name: value for name, value in given.items() if value is not None}

    async def work(there: Topologies) -> Replay:
        chosen = await _chosen(there.store, read, which)
        done = await replay(there.store, there.model, chosen.said, actor=by, dry_run=dry_run)
        return Replay(await there.store.revision(), replays=done, left=[_Left(*each) for each in chosen.left])

    try:
        if len(which) != 1:
            raise BadUsage("Say which letters: ids, source or mended, one of them.")
        return await aside(request.shared, work)
    except OF_THE_CALLER as error:
        return Replay(errors=failed(request, error).errors)


async def _chosen(store: Store, read: Reader, which: dict[str, Any]) -> Chosen:
    if "source" in which:
        return as_kept([each async for each in every_letter(store, which["source"])], read)
    if "ids" in which:
        return as_kept(await letters_named(store, _few(which["ids"])), read)
    mended = {each["letter"]: each["record"] for each in _few(which["mended"])}
    return as_mended(await store.letters_with(mended), mended, read)


async def _dropped(_root: None, request: Request, ids: list[str], reason: str) -> Outcome:
    request.principal.require(AccessScope.OPERATOR, to="drop dead letters")
    store, model = request.shared.store, request.shared.model
    try:
        dropped = await drop(store, model, _few(ids), by=request.principal.name, reason=reason)
    except OF_THE_CALLER as error:
        return Drop(errors=failed(request, error).errors)
    return Drop(await store.revision(), dropped=[each.id for each in dropped])


def _few(some: list[Any]) -> list[Any]:
    if len(some) > MOST:
        raise BadUsage(f"At most {MOST} letters at once.")
    return some
