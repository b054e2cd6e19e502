"""The real loading face, told what the oracle is told, and the real estate in the oracle's words."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from uuid_utils import uuid7

from knockon.cmdb.contract.rows import Decision as RealDecision
from knockon.cmdb.contract.rows import RevisionHead
from knockon.cmdb.loading.load import load as really_load
from knockon.cmdb.reconciliation import reconcile
from knockon.cmdb.reconciliation.taken import digest as real_digest
from knockon.cmdb.stewardship.decisions import take_back
from knockon.cmdb.stewardship.undo import undo_load as really_undo_load
from knockon.cmdb.stewardship.undo import undo_source as really_undo
from knockon.errors import BadUsage, ReferenceNotFound
from knockon.schema.observation import EntityObservation, RelationshipObservation
from knockon.schema.reference import key_token
from knockon.schema.values import instant
from tests.cmdb.identity import MODEL, rules
from tests.cmdb.oracle import EdgeKey, Estate, canonical

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.loading.report import LoadReport
    from knockon.schema.model import Model
    from knockon.schema.observation import Item
    from tests.cmdb.oracle import Decision, Key, Load

UNHEARD_OF = {"unheard_of": "x"}
"""An attribute that no class has: a record with it is rejected."""


NULL_COUNTS = rules(MODEL).null_overwrites


def digest(*content: Any) -> str:
    """Give the product's digest, which settles what the text leaves to one; a null that says nothing is not said."""
    partial = content[-1] == "partial"
    counting = {name for _, name in NULL_COUNTS}
    said = [
        {n: value for n, value in each.items() if value != "" and (value is not None or partial or n in counting)}
        if isinstance(each, dict) else each
        for each in (content[:-1] if partial else content)
    ]  # fmt: skip
    return real_digest(*said)


async def load_into(store: Store, model: Model, load: Load) -> LoadReport:
    options = {"scope": load.scope, "complete": load.complete, "allow_retire": True}
    return await really_load(store, model, items(load), source=load.source, actor="tests", **options)  # type: ignore[arg-type]  # by name


def items(load: Load) -> list[Item]:
    """Say a load as a loader does: every record has its moment."""
    source, at = load.source, instant(load.seen)

    def moment(seen: str | None) -> str:
        return at if seen is None else instant(seen)

    found: list[Item] = [
        EntityObservation(
            source, each.key, each.class_name, dict(each.attributes), moment(each.seen), partial=load.partial
        )
        for each in load.entities
    ]
    found += [
        RelationshipObservation(
            source, each.type_name, each.from_ref, each.to_ref, dict(each.attributes), moment(each.seen)
        )
        for each in load.relationships
    ]
    for key in load.rejected:
        if isinstance(key, EdgeKey):
            found.append(RelationshipObservation(source, key.type_name, key.from_ref, key.to_ref, dict(UNHEARD_OF), at))
        else:
            found.append(EntityObservation(source, key, load.entities[0].class_name, dict(UNHEARD_OF), at))
    return found


async def decide(store: Store, model: Model, decision: Decision) -> None:
    row = RealDecision(str(uuid7()), decision.kind, decision.a, decision.b, decision.at, "tests")
    async with store.write() as write:
        await write.put_decision(row)
        changes = await reconcile.look_again(write, model, [row.a, row.b])
        await write.journal(
            RevisionHead("tests", "decision", "", decision.at, model.version, {}), changes.as_written()[1]
        )
    if decision.taken_back:
        await take_back(store, model, row.id, by="tests")


async def undo_source(store: Store, model: Model, source: str) -> None:
    with suppress(ReferenceNotFound):  # it never said anything
        await really_undo(store, model, source, by="tests")


async def undo_load(store: Store, model: Model, revision: int) -> None:
    with suppress(BadUsage):  # nothing of it stands any more
        (written,) = await store.feed(revision - 1, 1)
        await really_undo_load(store, model, revision, of=written.head.source, by="tests")


async def estate_of(store: Store, model: Model, keys: Iterable[Key]) -> Estate:
    """Read the estate but for the findings, which no store keeps yet; ``keys`` are of all records that may be in it."""
    things = await parts_of(store, keys)
    scan = await store.scan(model.concrete("Entity"))
    assert {each.id for each in scan.entities} == set(things), "a thing without a record, or one that is retired"
    return Estate(
        frozenset(
            (things[each.id], each.class_name, each.name, canonical(attributes(each.attributes)))
            for each in scan.entities
        ),
        frozenset(
            (
                each.key.type_name,
                things[each.key.source_id],
                things[each.key.target_id],
                each.key.group,
                canonical(attributes(each.attributes)),
            )
            for each in scan.edges
        ),
        frozenset((EdgeKey(*each.key), str(each.because)) for each in scan.waiting),
        frozenset(),
    )


def attributes(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


async def parts_of(store: Store, keys: Iterable[Key]) -> dict[str, frozenset[Key]]:
    """Give the records of each live thing."""
    tokens = {key_token(*key): key for key in keys}
    found: dict[str, set[Key]] = {}
    for token, ids in (await store.resolve(list(tokens))).items():
        (only,) = ids
        found.setdefault(only, set()).add(tokens[token])
    return {each: frozenset(records) for each, records in found.items()}


async def unknown_ids(store: Store, ids: Iterable[str]) -> set[str]:
    """Give those of these ids that no longer resolve to a thing, living or retired."""
    asked = set(ids)
    with suppress(_Looked):
        async with store.write() as write:
            known = set(await write.entities(asked))
            raise _Looked  # nothing is to be written
    return asked - known


class _Looked(Exception):
    pass
