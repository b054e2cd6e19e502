"""The blast radius of what a load would retire, where others write to the store meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.loading.load import load
from knockon.itsm.decisions.load_review import retirements
from knockon.schema.observation import EntityObservation, RelationshipObservation
from tests.itsm.conftest import MODEL, SHOP

if TYPE_CHECKING:
    from knockon.cmdb.loading.report import LoadReport
    from knockon.impact.topology.topologies import Topologies
    from knockon.schema.observation import Item


async def without(shop: Topologies, *names: str, **how: Any) -> LoadReport:
    """Load all of the shop but some things, as a complete load; the more is missing the later."""
    seen = f"2026-11-0{1 + len(names)}T09:00:00Z"
    left: list[Item] = []
    for each in SHOP:
        if isinstance(each, EntityObservation):
            left += [] if each.key in names else [replace(each, seen=seen)]
        elif isinstance(each, RelationshipObservation) and not {each.from_ref, each.to_ref} & set(names):
            left.append(replace(each, seen=seen))
    return await load(shop.store, MODEL, left, source="t", actor="tester", complete=True, **how)


async def test_what_another_writer_has_retired_meanwhile_is_not_asked_about(shop: Topologies) -> None:
    tried = await without(shop, "box", "db-1", dry_run=True)
    answer = await retirements(shop, tried)
    assert answer
    assert {each.ci.name for each in answer.seeds} == {"box", "db-1"}
    await without(shop, "box")
    answer = await retirements(shop, tried)
    assert answer
    assert {each.ci.name for each in answer.seeds} == {"db-1"}
    await without(shop, "box", "db-1")
    assert await retirements(shop, tried) is None


@pytest.mark.parametrize("step", ["current", "resolve", "entities"])
async def test_one_may_be_retired_at_any_moment(shop: Topologies, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    tried = await without(shop, "box", "db-1", dry_run=True)
    owner = shop if step == "current" else shop.store
    real, calls = getattr(owner, step), 0

    async def first_another_writer(*arguments: Any, **how: Any) -> Any:
        nonlocal calls
        calls += 1
        if step == "entities" and calls == 2:  # the reference is resolved, and what it means is read
            await without(shop, "box")
        found = await real(*arguments, **how)
        if step != "entities" and calls == 1:
            await without(shop, "box")
        return found

    monkeypatch.setattr(owner, step, first_another_writer)
    answer = await retirements(shop, tried)
    assert answer
    assert {each.ci.name for each in answer.seeds} == {"db-1"}
