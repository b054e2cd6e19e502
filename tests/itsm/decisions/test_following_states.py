"""What became of the states of services: each revision by itself, wherever one begins and whatever is kept."""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from knockon.cmdb.loading.load import load
from knockon.cmdb.past.store import PastStore
from knockon.errors import BadUsage
from knockon.impact.topology.as_of import Pasts
from knockon.impact.topology.topologies import Topologies
from knockon.itsm.context.given import Span, context_of
from knockon.itsm.decisions import following_states
from knockon.itsm.decisions.following_states import FollowedStates
from knockon.itsm.decisions.service_states import Look, differences, states_of
from knockon.itsm.decisions.state_walk import Relevance, Walk
from knockon.schema.states import State
from tests.itsm.conftest import MODEL, link, say, thing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knockon.cmdb.contract.store import Store
    from knockon.itsm.decisions.service_states import ServiceState, StateChange
    from knockon.schema.model import Model

SEEN = itertools.count()


def followed(store: Store) -> FollowedStates:
    return FollowedStates(Topologies(store, MODEL))


async def something(store: Store, chance: random.Random) -> None:
    """Write something that may change a state, or not."""
    name, item = f"INC{chance.randrange(4)}", chance.choice(["db-1", "db-2", "box", "web-a", "wiki"])
    state = chance.choice(["new", "assigned", "closed"])
    number, items = next(SEEN), list[Any]()
    match chance.randrange(5):
        case 0:
            items = [thing("ann", "Person", job_title=f"{number}")]
        case 1:
            items = [thing(f"new-{number}", "BusinessService")]
        case 2:
            ends = chance.choice(["2026-01-02T00:00:00Z", "2099-01-01T00:00:00Z"])
            items = [
                thing("MW", "MaintenanceWindow", starts_at="2026-01-01T00:00:00Z", ends_at=ends),
                link("MW", "AFFECTS", item, effect="degraded"),
            ]
        case _:
            effect = chance.choice(["down", "degraded", "none"])
            items = [thing(name, "Incident", kind="outage", state=state), link(name, "AFFECTS", item, effect=effect)]
    seen = datetime(2026, 11, 2, tzinfo=UTC) + timedelta(minutes=number)
    await say(store, *(replace(each, seen=seen.strftime("%Y-%m-%dT%H:%M:%SZ")) for each in items))


async def more(store: Store, chance: random.Random, names: Sequence[str] | None = None) -> None:
    """Write what moves the topology: things and relationships that come, change, go and come back."""
    number = next(SEEN)
    seen = (datetime(2026, 11, 3, tzinfo=UTC) + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    items: list[Any] = [thing("anchor", "Server")]  # it says when this was seen
    for name in sorted(chance.sample(["a", "b", "c", "d"], chance.randrange(5))) if names is None else names:
        items += [
            thing(name, chance.choice(["BusinessService", "TechnicalService"])),
            thing(f"{name}-host", "Server", name=chance.choice([f"{name}-host", "host"])),
            link(name, "DEPENDS_ON", f"{name}-host", strength=chance.choice(["hard", "soft"])),
        ]
        if chance.random() < 0.5:
            items += [link("INC0", "AFFECTS", f"{name}-host", effect=chance.choice(["down", "degraded"]))]
    stated = [replace(each, seen=seen) for each in items]
    await load(
        store, MODEL, stated, source="t", actor="tester", scope="more", complete=True, allow_retire=True
    )  # fmt: skip


async def naive(store: Store, given: str, newest: int) -> list[tuple[int, StateChange]]:
    """Tell what every revision changed, each of them read from the past as a whole."""
    found: list[tuple[int, StateChange]] = []
    before: Mapping[str, ServiceState] = {}
    for revision in range(1, newest + 1):
        past = cast("Store", await PastStore.at(store, MODEL, revision))
        (written,) = await store.feed(revision - 1, 1)
        span = Span.at(datetime.fromisoformat(written.written))
        view = await Topologies(past, MODEL).current()
        after = await states_of(view, await context_of(past, MODEL, given, span))
        found += [(revision, each) for each in differences(before, after)]
        before = after
    return found


async def told(states: FollowedStates, store: Store, since: int, given: str = "open") -> list[tuple[int, StateChange]]:
    """Follow from a revision to the newest one."""
    look, found = Look(since), list[tuple[int, "StateChange"]]()
    known = await states.at(look, given)
    while look.revision < await store.revision():
        stretch = await states.after(look, known, given)
        assert stretch.reached.revision > look.revision, "it gets on"
        for step in stretch.steps:
            assert look.revision <= step.since.revision <= step.look.revision <= stretch.reached.revision
            found += [(step.look.revision, each) for each in step.changes]
        look, known = stretch.reached, stretch.states
    return found


@pytest.mark.parametrize("seed", range(6))
async def test_each_change_of_a_backlog_is_told_once_and_in_order_wherever_one_begins(
    shop: Topologies, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, store, given = random.Random(seed), shop.store, ("open", "open,maintenance")[seed % 2]
    await say(store, thing("INC0", "Incident", kind="outage", state="new"))
    for _ in range(14):
        await chance.choice([something, more])(store, chance)
    await more(store, chance, ["a", "b"])
    await more(store, chance, [])
    newest = await store.revision()
    expected = await naive(store, given, newest)
    assert len({each.after for _, each in expected}) > 2
    assert await told(followed(store), store, 0, given) == expected
    for name in ("MOST_LOOKS", "MOST_CHANGES", "MOST_READ", "KEPT", "WALKS"):
        monkeypatch.setattr(following_states, name, chance.randrange(1, 4))
    shared = followed(store)  # all at once, from anywhere, on what the others left
    places = [chance.randrange(newest) for _ in range(5)]
    for place, heard in zip(
        places, await asyncio.gather(*(told(shared, store, each, given) for each in places)), strict=True
    ):
        assert heard == [each for each in expected if each[0] > place]
    await shared.close()


async def test_a_backlog_is_read_from_the_past_once(shop: Topologies, monkeypatch: pytest.MonkeyPatch) -> None:
    chance, begun = random.Random(1), list[int]()

    async def at(store: Store, model: Model, revision: int) -> Walk:
        begun.append(revision)
        return await begin(store, model, revision)

    begin = Walk.at
    monkeypatch.setattr(Walk, "at", at)
    since = await shop.store.revision()
    for _ in range(20):
        await something(shop.store, chance)
    monkeypatch.setattr(following_states, "MOST_LOOKS", 3)
    states = followed(shop.store)
    assert len(await told(states, shop.store, since)) > 5
    assert begun == [since]
    assert await told(states, shop.store, since)
    assert begun == [since, since], "it goes forward only"
    states._let_go()
    assert not states._walks


async def test_nobody_is_told_for_ever_that_there_is_nothing(shop: Topologies) -> None:
    states, place = followed(shop.store), Look(await shop.store.revision())
    known = await states.at(place, "open")
    for _ in range(2):
        assert await states.after(place, known, "open") == ((), place, known)
    await say(
        shop.store, thing("INC1", "Incident", kind="outage", state="new"), link("INC1", "AFFECTS", "box", effect="down")
    )
    heard = [await states.after(place, known, "open") for _ in range(2)]
    assert heard[0] == heard[1]
    assert [each.service.name for step in heard[0].steps for each in step.changes] == ["intranet"]


async def test_the_newest_revision_needs_no_past(shop: Topologies, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Walk, "at", None)
    states, place = followed(shop.store), Look(await shop.store.revision())
    known = await states.at(place, "open")
    await say(shop.store, thing("INC1", "Incident", kind="outage", state="new"))
    _, since, known = await states.after(place, known, "open")
    await say(shop.store, link("INC1", "AFFECTS", "box", effect="down"))
    (step,), place, _ = await states.after(since, known, "open")
    assert [(each.service.name, each.after) for each in step.changes] == [("intranet", State.DOWN)]
    assert since.revision < step.look.revision <= place.revision == await shop.store.revision()


@pytest.mark.parametrize("seed", range(4))
async def test_live_and_past_say_the_same_and_differences_lead_from_one_to_the_next(
    shop: Topologies, seed: int
) -> None:
    chance, live, seen = random.Random(seed), followed(shop.store), dict[int, "Mapping[str, ServiceState]"]()
    for _ in range(8):
        await something(shop.store, chance)
        newest = await shop.store.revision()
        seen[newest] = await live.at(Look(newest), "open")
    then = followed(shop.store)
    known: dict[str, State] = {}
    before: Mapping[str, ServiceState] = {}
    for revision in range(1, max(seen) + 1):
        now = await then.at(Look(revision), "open")
        if revision in seen:
            assert now == seen[revision]
        (written,) = await shop.store.feed(revision - 1, 1)
        changes = differences(before, now)
        assert Relevance.of(MODEL).may_differ(written) or not changes
        for each in changes:
            assert known.get(each.service.id) == each.before
            assert each.before != each.after
            assert each.after is not None, "nothing is retired here"
            known[each.service.id] = each.after
        assert known == {id_: each.state for id_, each in now.items()}
        before = now


async def test_a_revision_that_is_not_there(shop: Topologies) -> None:
    with pytest.raises(BadUsage, match="not there yet"):
        await followed(shop.store).at(Look(1_000), "open")


async def held(states: FollowedStates, revisions: int) -> list[asyncio.Task[Any]]:
    """Begin as many looks into the past as there are revisions, the first of which is held up at its scan."""
    tasks = [asyncio.create_task(states.at(Look(each), "open")) for each in range(1, revisions + 1)]
    await states._turn.acquire()
    while len(states._turn._waiters or ()) < revisions:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)
    return tasks


async def test_who_asks_about_the_past_waits_for_nobody_who_follows(shop: Topologies) -> None:
    for _ in range(4):
        await something(shop.store, random.Random(1))
    states, pasts, newest = followed(shop.store), Pasts(shop), await shop.store.revision()
    following = await held(states, newest - 1)
    then = await pasts.at("1")
    assert (await then.current()).revision == 1
    assert not any(each.done() for each in following)
    assert (await pasts.at("1"))._shared is then._shared, "and nobody took its place"
    states._turn.release()
    assert all(await asyncio.gather(*following))


async def test_work_ends_with_the_last_who_waits_for_it(shop: Topologies) -> None:
    await something(shop.store, random.Random(1))
    states = followed(shop.store)
    (first,) = await held(states, 1)
    second = asyncio.create_task(states.at(Look(1), "open"))
    while states._work.waiting < 2:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert states._work.under_way == 1, "somebody waits"
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    while states._work.under_way:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)
    states._turn.release()
    assert await states.at(Look(1), "open") is not None, "and who comes later begins anew"


async def test_closing_leaves_no_work_behind(shop: Topologies) -> None:
    for _ in range(3):
        await something(shop.store, random.Random(1))
    states = followed(shop.store)
    following = await held(states, 3)
    await states.close()
    assert not states._work.under_way
    assert all(
        isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*following, return_exceptions=True)
    )
