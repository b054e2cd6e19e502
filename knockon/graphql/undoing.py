"""Taking back what was said: the mutations ``undoLoad`` and ``undoSource`` (docs/decisions/0023)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from strawberry.scalars import JSON

from knockon.cmdb.access import AccessScope
from knockon.cmdb.identity.findings import as_seen
from knockon.cmdb.planned import seen_by
from knockon.cmdb.stewardship.undo import undo_load, undo_source, would_lose
from knockon.graphql.definitions import Weight, argument, listed, maybe, plain, writing
from knockon.graphql.payloads import OF_THE_CALLER, Outcome, failed
from knockon.impact.topology.aside import aside

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from strawberry.types.field import StrawberryField

    from knockon.cmdb.access import Sight
    from knockon.cmdb.planned import Planned
    from knockon.cmdb.reconciliation.reconciled import Reconciled
    from knockon.cmdb.stewardship.undo import Loss
    from knockon.graphql.definitions import Definitions
    from knockon.graphql.payloads import Payloads
    from knockon.graphql.request import Request
    from knockon.graphql.types import NodeTypes
    from knockon.impact.topology.topologies import Topologies

MOST = 500
"""Changes of a plan, or things of a loss, that are told one by one."""
_WEIGHT = Weight(cost=50_000)


@dataclass(frozen=True, slots=True)
class Undoing(Outcome):
    """What an undo came to, or would come to."""

    changes: Reconciled | None = None
    revisions: list[int] = field(default_factory=list)
    kept: int = 0
    plan: list[Planned] | None = None
    planned: int | None = None
    loss: Loss | None = None


class UndoMutations:
    """Makes the fields. They take the scope administrator: what others have said is taken back, and in bulk."""

    def __init__(self, definitions: Definitions, nodes: NodeTypes, payloads: Payloads) -> None:
        self._payload = definitions.object(
            "UndoPayload", "What taking back came to; of a dry run, what it would come to.",
            plain(
                "things", maybe(_counts(definitions)), lambda each: each.changes,
                "What became of things; null of a dry run, and with errors.",
            ),
            plain(
                "relationships", maybe(definitions["ChangeCounts"]), lambda each: each.changes and each.changes.related,
                "What became of relationships, likewise.",
            ),
            plain("revisions", listed(int), lambda each: each.revisions, "Of undoLoad: those that the load wrote."),
            plain(
                "kept", int, lambda each: each.kept,
                "Of undoLoad: words of the load that something newer had taken the place of; they stay so.",
            ),
            plain(
                "plan", maybe(listed(_planned(definitions))), lambda each: each.plan,
                f"Of a dry run of undoLoad: what would change, the first {MOST}.", many=20,
            ),
            plain(
                "planned", maybe(int), lambda each: each.planned,
                "Of a dry run of undoLoad: how many changes there would be.",
            ),
            plain(
                "loss", maybe(_loss(definitions, nodes)), lambda each: each.loss,
                "Of a dry run of undoSource: what would be taken away.",
            ),
            *payloads.common,
        )  # fmt: skip

    def fields(self) -> list[StrawberryField]:
        """Make both."""

        async def load(
            there: Topologies, sight: Sight, by: str, source: str, revision: int, *, dry_run: bool
        ) -> Undoing:
            done = await undo_load(there.store, there.model, revision, of=source, by=by, dry_run=dry_run)
            plan = None if done.plan is None else [seen_by(each, sight) for each in done.plan[:MOST]]
            changes = None if dry_run else done.changes
            return Undoing(
                done.revision or await there.store.revision(), findings=_findings(there, sight, changes),
                changes=changes, revisions=done.revisions, kept=done.kept, plan=plan,
                planned=None if done.plan is None else len(done.plan),
            )  # fmt: skip

        async def source(there: Topologies, sight: Sight, by: str, source: str, *, dry_run: bool) -> Undoing:
            if dry_run:
                loss = await would_lose(there.store, source)
                return Undoing(await there.store.revision(), loss=loss)
            changes = await undo_source(there.store, there.model, source, by=by)
            found = _findings(there, sight, changes)
            return Undoing(await there.store.revision(), findings=found, changes=changes)

        whose = argument("source", str, "Whose word it is.")
        revision = argument("revision", int, "Any of those that the load wrote; history and the load's report name it.")
        rehearse = argument("dryRun", maybe(bool), "Write nothing, and say what would be done.")
        return [
            self._field("undoLoad", load, "Take back what one load said: what its source had said before counts again. "
                        "An undo is taken back in the same way.", whose, revision, rehearse),
            self._field("undoSource", source, "Take back all that a source ever said; what nobody else reports is "
                        "retired, and keeps its id.", whose, rehearse),
        ]  # fmt: skip

    def _field(self, name: str, work: Callable[..., Awaitable[Undoing]], said: str, *arguments: Any) -> StrawberryField:
        async def resolve(_root: None, request: Request, **given: Any) -> Outcome:
            request.principal.require(AccessScope.ADMINISTRATOR, to="take back what a source said")
            dry_run = bool(given.pop("dryRun", None))
            sight, by = request.sight, request.principal.name
            try:
                return await aside(request.shared, lambda there: work(there, sight, by, **given, dry_run=dry_run))
            except OF_THE_CALLER as error:
                return Undoing(errors=failed(request, error).errors)

        return writing(name, maybe(self._payload), resolve, said, arguments, _WEIGHT)


def _findings(there: Topologies, sight: Sight, changes: Reconciled | None) -> list[Any]:
    return [as_seen(each, there.model, sight) for each in changes.findings] if changes else []


def _counts(definitions: Definitions) -> type:
    return definitions.object(
        "ChangeCounts", "What became of them.",
        plain("created", int, lambda each: each.created, "That are there again."),
        plain("updated", int, lambda each: each.updated, "That are otherwise now."),
        plain("retired", int, lambda each: each.retired, "That nobody reports any more."),
    )  # fmt: skip


def _planned(definitions: Definitions) -> type:
    return definitions.object(
        "PlannedChange", "A change that a dry run found, and that is not made.",
        plain("change", str, lambda each: each.change, "create, update or retire."),
        plain("kind", str, lambda each: each.kind, "entity, or edge: a relationship."),
        plain("id", str, lambda each: each.id, "Of the thing, or of the relationship."),
        plain("what", str, lambda each: each.what, "What people call it."),
        plain("before", maybe(JSON), lambda each: each.before, "As it is, without what you may not read; null: not."),
        plain("after", maybe(JSON), lambda each: each.after, "As it would be, likewise."),
    )  # fmt: skip


def _loss(definitions: Definitions, nodes: NodeTypes) -> type:
    return definitions.object(
        "SourceLoss", "What taking back all that a source said would take away.",
        plain("records", int, lambda each: each.records, "Records of things that it has reported."),
        plain("relationships", int, lambda each: each.relationships, "Relationships that it has reported."),
        plain("retired", int, lambda each: len(each.only_here), "Things that nobody else reports: they would go."),
        plain(
            "things", listed(nodes.of("Entity")), lambda each: each.only_here[:MOST],
            f"The first {MOST} of these, in order.", many=20,
        ),
    )  # fmt: skip
