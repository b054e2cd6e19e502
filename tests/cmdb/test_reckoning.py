"""An estate whose model has changed is what the new model makes of what the sources have said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from knockon.cmdb.reconciliation import reckoning
from knockon.errors import ModelInvalid
from knockon.schema.build import build
from tests.cmdb import oracle
from tests.cmdb.driving import digest, estate_of, load_into, parts_of
from tests.cmdb.identity import MODEL, rules, without_identity
from tests.cmdb.oracle import EdgeReport, EntityReport, Load

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model

DAY, NEXT = "2026-11-01T08:00:00Z", "2026-11-02T08:00:00Z"


def machine(source: str, host: str) -> Load:
    return Load(
        source,
        DAY,
        (
            EntityReport(host, "Server", {"serial": "s", "name": host}),
            EntityReport("i1", "Instance", {"name": "db"}),
        ),
        (EdgeReport("i1", "RUNS_ON", host),),
    )


LOADS = (machine("a", "m1"), machine("b", "m2"))
MORE = Load("c", NEXT, (EntityReport("p1", "Printer"),))
KEYS = [("a", "m1"), ("b", "m2"), ("a", "i1"), ("b", "i1"), ("c", "p1")]


@pytest.fixture
def store_model() -> Model:
    return MODEL


async def meant(store: Store, model: Model) -> bool:
    with patch.object(oracle, "digest", digest):
        wanted = oracle.judge(model, rules(model), [*LOADS, MORE])
    return await estate_of(store, model, KEYS) == replace(wanted, findings=frozenset())


@pytest.mark.parametrize("batch", [1, 2_000])
async def test_new_identifier_sets_join_what_is_there(
    store: Store, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(reckoning, "BATCH", batch)
    bare = without_identity(MODEL)
    for each in LOADS:
        await load_into(store, bare, each)
    assert len(await parts_of(store, KEYS)) == 4
    await load_into(store, MODEL, MORE)
    assert await meant(store, MODEL)
    assert len(await parts_of(store, KEYS)) == 3


async def test_lost_identifier_sets_part_what_is_there(store: Store) -> None:
    for each in LOADS:
        await load_into(store, MODEL, each)
    before = await parts_of(store, KEYS)
    assert len(before) == 2
    bare = without_identity(MODEL)
    await load_into(store, bare, MORE)
    assert await meant(store, bare)
    assert before.keys() <= (await parts_of(store, KEYS)).keys()


async def test_relationships_that_are_no_longer_allowed_go(store: Store) -> None:
    for each in LOADS:
        await load_into(store, MODEL, each)
    kinds = {n: e.model_copy(update={"ends": ()}) if n == "RUNS_ON" else e for n, e in MODEL.spec.relationships.items()}
    strict = build(MODEL.spec.model_copy(update={"relationships": kinds}))
    await load_into(store, strict, MORE)
    scan = await store.scan(strict.concrete("Entity"))
    assert scan.edges == []
    assert {each.because for each in scan.waiting} == {"RELATIONSHIP_NOT_ALLOWED"}


async def test_the_same_model_looks_at_nothing_again(store: Store) -> None:
    await load_into(store, MODEL, LOADS[0])
    newest = await store.revision()
    await load_into(store, MODEL, LOADS[0])
    assert await store.revision() == newest + 1


async def test_a_class_that_the_model_lacks_is_named(store: Store) -> None:
    await load_into(store, MODEL, MORE)
    classes = {name: each for name, each in MODEL.spec.classes.items() if name != "Printer"}
    less = build(MODEL.spec.model_copy(update={"classes": classes, "sources": MODEL.spec.sources}))
    with pytest.raises(ModelInvalid, match=r"Printer \(1 record\)"):
        await load_into(store, less, LOADS[0])
