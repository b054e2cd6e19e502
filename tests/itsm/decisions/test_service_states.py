"""States of services at a revision: what was worked out when it was the newest one is what the past says of it."""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from knockon.errors import BadCursor, BadUsage
from knockon.impact.topology.as_of import Pasts
from knockon.impact.topology.topologies import Topologies
from knockon.itsm.decisions.service_states import Look, ServiceStates, differences, is_timed, may_differ
from knockon.schema.states import State
from tests.itsm.conftest import MODEL, link, say, thing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knockon.cmdb.contract.store import Store
    from knockon.itsm.decisions.service_states import ServiceState

SEEN = itertools.count()


def states_of(store: Store) -> ServiceStates:
    return ServiceStates(Topologies(store, MODEL))


async def something(store: Store, chance: random.Random) -> None:
    """Write something that may change a state, or not."""
    name, item = f"INC{chance.randrange(4)}", chance.choice(["db-1", "db-2", "box", "web-a", "wiki"])
    state = chance.choice(["new", "assigned", "closed"])
    number, items = next(SEEN), list[Any]()
    match chance.randrange(4):
        case 0:
            items = [thing("ann", "Person", job_title=f"{number}")]
        case 1:
            items = [thing(f"new-{number}", "BusinessService")]
        case _:
            effect = chance.choice(["down", "degraded", "none"])
            items = [thing(name, "Incident", kind="outage", state=state), link(name, "AFFECTS", item, effect=effect)]
    seen = datetime(2026, 11, 2, tzinfo=UTC) + timedelta(minutes=number)
    await say(store, *(replace(each, seen=seen.strftime("%Y-%m-%dT%H:%M:%SZ")) for each in items))


@pytest.mark.parametrize("seed", range(4))
async def test_live_and_past_say_the_same_and_differences_lead_from_one_to_the_next(
    shop: Topologies, seed: int
) -> None:
    chance, live, seen = random.Random(seed), states_of(shop.store), dict[int, "Mapping[str, ServiceState]"]()
    for _ in range(8):
        await something(shop.store, chance)
        newest = await shop.store.revision()
        seen[newest] = await live.at(Look(newest), "open")
    then = states_of(shop.store)
    known: dict[str, State] = {}
    before: Mapping[str, ServiceState] = {}
    for revision in range(1, max(seen) + 1):
        now = await then.at(Look(revision), "open")
        if revision in seen:
            assert now == seen[revision]
        (written,) = await shop.store.feed(revision - 1, 1)
        changes = differences(before, now)
        assert may_differ(MODEL, written) or not changes
        for each in changes:
            assert known.get(each.service.id) == each.before
            assert each.before != each.after
            assert each.after is not None, "nothing is retired here"
            known[each.service.id] = each.after
        assert known == {id_: each.state for id_, each in now.items()}
        before = now


async def test_what_makes_a_service_worse_and_what_did(shop: Topologies) -> None:
    states = states_of(shop.store)
    await say(shop.store, thing("INC1", "Incident", kind="outage", state="new"), link("INC1", "AFFECTS", "shop"))
    newest = await shop.store.revision()
    found = {each.service.name: each for each in (await states.at(Look(newest), "open")).values()}
    assert found["shop"].state is State.DOWN
    assert found["shop"].because == 'Incident "INC1" declares no effect: down assumed for kind outage'
    assert [each.name for each in found["shop"].records] == ["INC1"]
    assert found["intranet"] == found["intranet"]._replace(state=State.OPERATIONAL, cause=None, records=())
    nothing = await states.at(Look(newest), "none")
    assert {each.state for each in nothing.values()} == {State.OPERATIONAL}
    gone = differences(nothing, {})
    assert [(each.service.name, each.before, each.after) for each in gone] == [
        ("intranet", State.OPERATIONAL, None), ("shop", State.OPERATIONAL, None),
    ]  # fmt: skip


async def test_a_revision_that_is_not_there(shop: Topologies) -> None:
    with pytest.raises(BadUsage, match="not there yet"):
        await states_of(shop.store).at(Look(1_000), "open")


async def held(states: ServiceStates, revisions: int) -> list[asyncio.Task[Any]]:
    """Begin as many looks into the past as there are revisions, the first of which is held up at its scan."""
    tasks = [asyncio.create_task(states.at(Look(each), "open")) for each in range(1, revisions + 1)]
    await states._turn.acquire()
    while len(states._turn._waiters or ()) < revisions:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)
    return tasks


async def test_who_asks_about_the_past_waits_for_nobody_who_follows(shop: Topologies) -> None:
    for _ in range(4):
        await something(shop.store, random.Random(1))
    states, pasts, newest = states_of(shop.store), Pasts(shop), await shop.store.revision()
    following = await held(states, newest - 1)
    then = await pasts.at("1")
    assert (await then.current()).revision == 1
    assert not any(each.done() for each in following)
    assert (await pasts.at("1"))._shared is then._shared, "and nobody took its place"
    states._turn.release()
    assert all(await asyncio.gather(*following))


async def test_work_ends_with_the_last_who_waits_for_it(shop: Topologies) -> None:
    await something(shop.store, random.Random(1))
    states = states_of(shop.store)
    (first,) = await held(states, 1)
    second = asyncio.create_task(states.at(Look(1), "open"))
    while sum(each.waiting for each in states._kept.values()) < 2:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert len(states._tasks) == 1, "somebody waits"
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    await asyncio.gather(*states._tasks, return_exceptions=True)
    assert not states._tasks
    states._turn.release()
    assert await states.at(Look(1), "open") is not None, "and who comes later begins anew"


async def test_closing_leaves_no_work_behind(shop: Topologies) -> None:
    for _ in range(3):
        await something(shop.store, random.Random(1))
    states = states_of(shop.store)
    following = await held(states, 3)
    await states.close()
    assert not states._tasks
    assert all(
        isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*following, return_exceptions=True)
    )


def test_looks_read_as_they_were_written() -> None:
    for look in (Look(0), Look(12), Look(12, datetime(2026, 11, 27, 8, 0, 5, tzinfo=UTC))):
        assert Look.read(str(look)) == look
    for text in ("", "x", "-1", "1@", "1@yesterday", "@2026-11-27T08:00:00Z", "1@2026-11-27T08:00:00"):
        with pytest.raises(BadCursor):
            Look.read(text)


def test_which_states_the_time_alone_may_change() -> None:
    assert [is_timed(each) for each in ("none", "open", "open,window", "maintenance")] == [False, False, True, True]
