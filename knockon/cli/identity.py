"""Who is who: ``explain-identity``, ``findings``, and people's words on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from knockon.cli.options import Json, StoreUrl, asked, me, print_json

if TYPE_CHECKING:
    from typing import TypeVar

    from knockon.cmdb.contract.rows import Decision, Entity, IdentityFinding
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.reconciliation.explaining import Explanation
    from knockon.cmdb.reconciliation.reconciled import Reconciled
    from knockon.schema.model import Model

    T = TypeVar("T")

Kept = Literal[
    "ABSENT_AGAINST_STATUS", "CLASS_CONFLICT", "CONTAINMENT_CIRCLE", "DUPLICATE_IDENTIFIER", "IDENTITY_VETO",
    "LINK_CONFLICT", "MISSING_PARENT", "PRESENT_AGAINST_STATUS", "TOO_MANY_CLAIMANTS",
]  # fmt: skip
One = Annotated[str, typer.Argument(metavar="A", help="A record, source:key; or what has one record only.")]
Other = Annotated[str, typer.Argument(metavar="B", help="Another one.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for whoever reads it later.", show_default=False)]


def explain_identity(
    ref: Annotated[str, typer.Argument(metavar="REF", help="An id, Class:name, source:key, or a name.")],
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Why something is one thing, and what it is: its records, what kept others away, whose word counts."""
    from knockon.cli.identity_tables import print_explanation
    from knockon.cmdb.lookup import find
    from knockon.cmdb.reconciliation.explaining import explain

    async def ask(opened: Store, model: Model) -> Explanation:
        return await explain(opened, model, await find(opened, model, ref))

    found = asked(store, ask)
    if as_json:
        print_json(found.as_json())
    else:
        print_explanation(found)


def findings(
    code: Annotated[Kept | None, typer.Option("--code", help="Only those of one kind.", show_default=False)] = None,
    accepted: Annotated[bool, typer.Option("--accepted", help="Those instead that a person accepted.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many to show at most.")] = 100,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """What a person should look at: who is who is in doubt, or a status differs from what sources see."""
    from knockon.cli.identity_tables import print_findings
    from knockon.cmdb.reconciliation.explaining import finding_json, things_of
    from knockon.cmdb.stewardship.decisions import accepted as accepted_of
    from knockon.cmdb.stewardship.decisions import findings_of

    async def ask(
        opened: Store, model: Model
    ) -> tuple[list[tuple[IdentityFinding, list[Entity], Decision | None]], bool]:
        some = await findings_of(opened, code or "", accepted_ones=accepted, limit=limit + 1)
        decided, things = await accepted_of(opened, some), await things_of(opened, some)
        found = [(each, things[each.id], decided.get(each.id)) for each in some]
        return found, await opened.revision() > 0 and await opened.reckoned() != model.reckoning

    found, outdated = asked(store, ask)
    if as_json:
        listed = [finding_json(*each) for each in found[:limit]]
        print_json({"findings": listed, "truncated": len(found) > limit, "outdated": outdated})
    else:
        print_findings(found[:limit], truncated=len(found) > limit, outdated=outdated)


def accept(
    finding: Annotated[str, typer.Argument(metavar="FINDING", help="A finding's id: `knockon findings` lists them.")],
    reason: Reason = None,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Say that a finding is right as it is: it is no longer listed. It can be taken back."""
    from knockon.cmdb.stewardship import decisions as people

    async def work(opened: Store, model: Model) -> tuple[Decision, Reconciled]:
        return await people.accept(opened, model, finding, by=me(), reason=reason or "")

    _show_decided(*asked(store, work), as_json=as_json)


def classify(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="A record, source:key; or what has one record only.")],
    class_name: Annotated[str, typer.Argument(metavar="CLASS", help="The class.")],
    reason: Reason = None,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Say of which class a thing is whose sources do not agree. It can be taken back."""
    from knockon.cmdb.stewardship import decisions as people

    async def work(opened: Store, model: Model) -> tuple[Decision, Reconciled]:
        named = await people.record_named(opened, model, record)
        return await people.classify(opened, model, named, class_name, by=me(), reason=reason or "")

    _show_decided(*asked(store, work), as_json=as_json)


def link(a: One, b: Other, reason: Reason = None, as_json: Json = False, store: StoreUrl = None) -> None:
    """Say that two records are one thing, whatever their identifiers say. It can be taken back."""
    _decide("link", a, b, reason, as_json=as_json, store=store)


def keep_apart(a: One, b: Other, reason: Reason = None, as_json: Json = False, store: StoreUrl = None) -> None:
    """Say that two records are never one thing, whatever they share. It can be taken back."""
    _decide("apart", a, b, reason, as_json=as_json, store=store)


def decisions(as_json: Json = False, store: StoreUrl = None) -> None:
    """What people have decided on who is who, oldest first, with what was taken back."""
    from knockon.cli.identity_tables import print_decisions
    from knockon.cmdb.reconciliation.explaining import decision_json

    async def ask(opened: Store, _model: Model) -> list[Decision]:
        return await opened.decisions()

    found = asked(store, ask)
    if as_json:
        print_json([decision_json(each) for each in found])
    else:
        print_decisions(found)


def take_back(
    decision: Annotated[str, typer.Argument(metavar="ID", help="A decision's id: `knockon decisions` lists them.")],
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Take a decision back: it is as if it had never been made."""
    from knockon.cmdb.stewardship import decisions as people

    async def work(opened: Store, model: Model) -> tuple[Decision, Reconciled]:
        return await people.take_back(opened, model, decision, by=me())

    _show_decided(*asked(store, work), as_json=as_json)


def _decide(
    kind: Literal["link", "apart"], a: str, b: str, reason: str | None, *, as_json: bool, store: str | None
) -> None:
    from knockon.cmdb.stewardship.decisions import decide, record_named

    async def work(opened: Store, model: Model) -> tuple[Decision, Reconciled]:
        one, other = await record_named(opened, model, a), await record_named(opened, model, b)
        return await decide(opened, model, kind, one, other, by=me(), reason=reason or "")

    _show_decided(*asked(store, work), as_json=as_json)


def _show_decided(decision: Decision, changes: Reconciled, *, as_json: bool) -> None:
    from knockon.cli.identity_tables import print_decided
    from knockon.cmdb.reconciliation.explaining import decision_json

    if as_json:
        print_json({"decision": decision_json(decision), **changes_json(changes)})
    else:
        print_decided(decision, changes)


def changes_json(changes: Reconciled) -> dict[str, Any]:
    """Give what became of things and relationships, for --json."""
    from knockon.cmdb.reconciliation.explaining import finding_json

    related = changes.related
    return {
        "created": changes.created, "updated": changes.updated, "retired": changes.retired,
        "relationships": {"created": related.created, "updated": related.updated, "retired": related.retired},
        "findings": [finding_json(each) for each in changes.findings],
    }  # fmt: skip
