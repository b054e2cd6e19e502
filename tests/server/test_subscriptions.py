"""What subscriptions tell, over a real socket: each change once, in order, and to whom it may be told."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, cast

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from knockon.cmdb.access import AccessScope
from knockon.cmdb.loading.load import load
from knockon.cmdb.stewardship.compaction import compact
from knockon.cmdb.stewardship.tokens import create
from knockon.cmdb.stores import opened, store_at
from knockon.schema.observation import EntityObservation, RelationshipObservation
from knockon.server import create_app
from knockon.server.settings import Settings
from tests.server.conftest import MODEL, SENT, TOKEN
from tests.server.live import WITHIN, Follower, live

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from knockon.cmdb.contract.store import Store
    from knockon.schema.observation import Item
    from tests.server.live import Live

VIEWER, OPERATOR = AccessScope.VIEWER, AccessScope.OPERATOR


def followed(url: str, **more: Any) -> Settings:
    given: dict[str, Any] = {"store": url, "token": TOKEN, "follow_seconds": 0.02, **more}
    return Settings(**given)


def thing(key: str, class_name: str = "Server", source: str = "t", seen: int = 1, **attributes: Any) -> Item:
    return EntityObservation(source, key, class_name, {"name": key, **attributes}, f"2026-11-01T08:00:{seen:02}Z")


def link(start: str, kind: str, end: str, **attributes: Any) -> Item:
    return RelationshipObservation("t", kind, start, end, attributes, "2026-11-01T08:00:00Z")


async def write(store: Store, *items: Item, source: str = "t") -> None:
    report = await load(store, MODEL, list(items), source=source, actor="tester")
    assert not report.rejects, report.rejects


@pytest.fixture
async def store(both: str) -> AsyncIterator[Store]:
    async with opened(store_at(both, MODEL)) as store:
        yield store


@pytest.fixture
async def server(both: str, store: Store) -> AsyncIterator[Live]:
    async with live(create_app(followed(both), MODEL)) as server:
        yield server


CHANGES = """subscription($of: EntityChangesOf, $after: String, $reached: Boolean! = false) {
  entityChanges(of: $of, after: $after, reached: $reached) {
    place revision reached change id class name matchedBefore matchesAfter before after mergedInto actor source
    values { name before after redacted } entity { name } } }"""
STATES = """subscription($after: String, $services: [String!], $given: [Given!]! = [open], $reached: Boolean! = false) {
  serviceStates(after: $after, services: $services, given: $given, reached: $reached) {
    place since revision reached name before after because cause { class name } records { class name }
    service { name } } }"""


async def test_what_comes_to_fulfil_a_filter_and_what_ceases_to_are_told_as_such(server: Live, store: Store) -> None:
    of = {"servers": {"serialNumber": {"startsWith": "S"}}}
    async with Follower.to(server) as follower:
        await follower.subscribe(CHANGES, of=of, after="0")
        await write(store, thing("a", serial_number="S1"), thing("b", serial_number="T1"), thing("c", "Rack"))
        await write(store, thing("a", serial_number="S1", description="x", seen=2))
        await write(store, thing("a", serial_number="T9", seen=3))
        await write(store, thing("a", serial_number="T8", seen=4))
        await write(store, thing("b", serial_number="S2", seen=5))
        heard = [await follower.next() for _ in range(4)]
    assert [(each["name"], each["change"], each["matchedBefore"], each["matchesAfter"]) for each in heard] == [
        ("a", "created", False, True),
        ("a", "changed", True, True),
        ("a", "changed", True, False),
        ("b", "changed", False, True),
    ]
    assert heard[1]["values"] == [{"name": "description", "before": None, "after": "x", "redacted": False}]
    assert heard[2]["before"]["serial_number"] == "S1"
    assert heard[2]["after"]["serial_number"] == "T9"
    assert (heard[0]["actor"], heard[0]["source"], heard[0]["class"]) == ("tester", "t", "Server")


async def test_a_class_means_those_below_it_and_several_may_be_asked_for(server: Live, store: Store) -> None:
    of: dict[str, Any] = {"computerSystems": {}, "racks": None}
    async with Follower.to(server) as follower:
        await follower.subscribe(CHANGES, of=of, after="0")
        await write(store, thing("r", "Rack"), thing("p", "Person"), thing("s"), thing("z", "Application"))
        await write(store, thing("v", "VirtualMachine"))
        assert {(await follower.next())["name"] for _ in range(2)} == {"r", "s"}
        assert (await follower.next())["name"] == "v"


async def test_what_is_retired_is_told_with_what_it_was(server: Live, store: Store) -> None:
    await write(store, thing("a", serial_number="X1", manufacturer="m"), thing("b", description="old"))
    revision = await store.revision()
    async with Follower.to(server) as follower:
        await follower.subscribe(CHANGES, of={"servers": {}}, after=str(revision))
        await load(store, MODEL, [thing("a", serial_number="X1", manufacturer="m", seen=5)], source="t", actor="tester",
                   complete=True, allow_retire=True)  # fmt: skip
        gone = await follower.next()
    assert (gone["change"], gone["name"], gone["matchedBefore"], gone["matchesAfter"]) == ("retired", "b", True, False)
    assert (gone["before"]["description"], gone["after"], gone["entity"], gone["values"]) == ("old", None, None, [])


@pytest.mark.parametrize("seed", range(3))
async def test_each_change_once_and_in_order_under_two_writers_and_a_connection_that_is_cut(
    server: Live, store: Store, both: str, seed: int
) -> None:
    chance = random.Random(seed)

    async def writer(name: str) -> None:
        async with opened(store_at(both, MODEL)) as own:
            for number in range(12):
                items = [thing(f"{name}{each}", seen=number, description=f"{number}", source=name) for each in range(4)]
                await write(own, *items, source=name)

    heard: list[Any] = []
    writing = asyncio.gather(writer("one"), writer("two"))
    place: str | None = "0"
    while len(heard) < 2 * 12 * 4:
        async with Follower.to(server) as follower:
            await follower.subscribe(CHANGES, of={"servers": {}}, after=place)
            for _ in range(chance.randint(1, 9)):
                event = await follower.next()
                heard.append(event)
                place = event["place"]
                if len(heard) == 2 * 12 * 4:
                    break
            follower.connection.transport.abort()
    await writing
    expected = [
        (revision.number, entry.id, (entry.after or {})["attributes"]["description"])
        for revision in await _journal(store)
        for entry in revision.entries
        if entry.kind == "entity"
    ]
    assert len(expected) == 2 * 12 * 4
    assert [(each["revision"], each["id"], each["after"]["description"]) for each in heard] == expected


async def _journal(store: Store) -> list[Any]:
    found: list[Any] = []
    while more := await store.feed(len(found), 100):
        found += more
    return found


async def test_who_asks_for_it_knows_where_to_go_on_before_anything_happens(server: Live, store: Store) -> None:
    await write(store, thing("a"))
    revision = await store.revision()
    for query in (CHANGES, STATES):
        async with Follower.to(server) as follower:
            await follower.subscribe(query, reached=True)
            word = await follower.next()
            assert (word["reached"], word["place"], word["revision"]) == (True, str(revision), revision)


@pytest.mark.parametrize("query", [CHANGES, STATES])
async def test_where_nobody_can_go_on_from_is_refused(server: Live, store: Store, query: str) -> None:
    for name in "abc":
        await write(store, thing(name))
    newest = await store.revision()
    async with Follower.to(server) as follower:
        for after, code in (("x", "BAD_CURSOR"), ("1.x", "BAD_CURSOR"), ("", "BAD_CURSOR"), ("~", "BAD_CURSOR"),
                            (str(newest + 1), "BAD_USAGE")):  # fmt: skip
            await follower.subscribe(query, after=after)
            assert (await follower.refusal())[0] == code, after
        await compact(store, MODEL, str(newest - 1), actor="ann")
        await follower.subscribe(query, after="0")
        assert (await follower.refusal())[0] == "JOURNAL_COMPACTED"


async def test_states_from_too_far_back_are_refused(server: Live, store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr("knockon.graphql.state_changes.MOST_UNDONE", 2)
    for name in "abc":
        await write(store, thing(name))
    async with Follower.to(server) as follower:
        await follower.subscribe(STATES, after="0")
        assert (await follower.refusal())[0] == "PAST_TOO_FAR"


async def test_what_is_around_a_thing_cannot_be_asked_of_its_changes(server: Live) -> None:
    async with Follower.to(server) as follower:
        related = {"related": {"type": "RUNS_ON"}}
        for where in (related, {"or": [{"not": related}]}):
            await follower.subscribe(CHANGES, of={"servers": where})
            assert (await follower.refusal())[0] == "BAD_FILTER"


async def test_what_is_sensitive_is_told_to_nobody_who_may_not_read_it(server: Live, store: Store) -> None:
    _, token = await create(store, MODEL, "eve", [VIEWER], by="ann", expires=None)
    after = str(await store.revision())
    await write(store, thing("ann", "Person", phone="canary-1"))
    await write(store, thing("ann", "Person", phone="canary-2", seen=2))
    async with Follower.to(server, token) as follower:
        await follower.subscribe(CHANGES, after=after)
        first, second = await follower.next(), await follower.next()
        assert "canary" not in f"{first}{second}"
        assert [each["name"] for each in second["values"] if each["redacted"]] == ["phone"]
        await follower.subscribe(CHANGES, of={"people": {"phone": {"eq": "canary-1"}}})
        assert (await follower.refusal())[0] == "NOT_ALLOWED"
    async with Follower.to(server) as follower:
        await follower.subscribe(CHANGES, after=after)
        assert (await follower.next())["after"]["phone"] == "canary-1"


SHOP = [
    thing("shop", "BusinessService"), thing("mail", "BusinessService"), thing("box"), thing("post"),
    link("shop", "DEPENDS_ON", "box"), link("mail", "DEPENDS_ON", "post"),
]  # fmt: skip


def incident(key: str, state: str, hits: str, seen: int = 1) -> list[Item]:
    what = thing(key, "Incident", kind="outage", state=state, opened_at="2026-11-01T09:00:00Z", seen=seen)
    return [what, link(key, "AFFECTS", hits)]


async def test_services_that_fail_and_serve_again_are_told_with_the_reason(server: Live, store: Store) -> None:
    await write(store, *SHOP)
    async with Follower.to(server) as follower:
        await follower.subscribe(STATES, after=str(await store.revision()))
        await write(store, *incident("inc-1", "new", "box"))
        down = await follower.next()
        await write(store, thing("mail", "BusinessService", description="as before", seen=2))
        await write(store, *incident("inc-1", "closed", "box", seen=3))
        up = await follower.next()
    assert (down["name"], down["before"], down["after"]) == ("shop", "OPERATIONAL", "DOWN")
    assert down["because"] == "box is down, which takes this down."
    assert down["cause"] == {"class": "Server", "name": "box"}
    assert down["records"] == [{"class": "Incident", "name": "inc-1"}]
    assert (up["name"], up["before"], up["after"]) == ("shop", "DOWN", "OPERATIONAL")
    assert up["cause"] == down["cause"]
    assert up["records"] == down["records"]
    assert up["because"].endswith(f"Before: {down['because']}")
    assert up["revision"] > down["revision"]


async def test_states_are_told_once_and_in_order_also_after_the_fact(server: Live, store: Store) -> None:
    await write(store, *SHOP)
    start = str(await store.revision())
    await write(store, *incident("inc-1", "new", "box"), *incident("inc-2", "new", "post"))
    await write(store, *incident("inc-1", "closed", "box", seen=3))
    await write(store, *incident("inc-2", "closed", "post", seen=4), *incident("inc-3", "new", "box"))
    expected = [
        ("mail", "DOWN"), ("shop", "DOWN"), ("shop", "OPERATIONAL"), ("mail", "OPERATIONAL"), ("shop", "DOWN"),
    ]  # fmt: skip
    for most in (1, 2, 5):
        place, heard = start, list[Any]()
        while len(heard) < len(expected):
            async with Follower.to(server) as follower:
                await follower.subscribe(STATES, after=place)
                for _ in range(min(most, len(expected) - len(heard))):
                    heard.append(await follower.next())
                    place = heard[-1]["place"]
        assert [(each["name"], each["after"]) for each in heard] == expected
        assert place.isdecimal(), "all of it was told"


async def test_every_change_of_a_long_absence_is_told_once_whoever_writes_and_wherever_the_line_is_cut(
    server: Live, store: Store, both: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr("knockon.itsm.decisions.following_states.MOST_LOOKS", 4)
    await write(store, *SHOP)
    start = str(await store.revision())

    async def flap(key: str, hits: str) -> None:
        async with opened(store_at(both, MODEL)) as own:
            for number in range(12):
                await write(own, *incident(key, "closed" if number % 2 else "new", hits, seen=number + 2))

    expected = [("OPERATIONAL", "DOWN"), ("DOWN", "OPERATIONAL")] * 6
    chance, place, heard = random.Random(3), start, list[Any]()
    await flap("inc-1", "box")
    writer = asyncio.create_task(flap("inc-2", "post"))  # while what the first wrote is told
    while len(heard) < 2 * len(expected):
        async with Follower.to(server) as follower:
            await follower.subscribe(STATES, after=place)
            for _ in range(min(chance.randrange(1, 6), 2 * len(expected) - len(heard))):
                heard.append(await follower.next())
                place = heard[-1]["place"]
    await writer
    revisions = [each["revision"] for each in heard]
    assert revisions == sorted(set(revisions)), "each by itself, in order"
    for name in ("shop", "mail"):
        assert [(each["before"], each["after"]) for each in heard if each["name"] == name] == expected
    assert all(each["since"] < each["revision"] for each in heard)


async def test_only_the_services_that_were_asked_for_and_those_that_come_and_go(server: Live, store: Store) -> None:
    await write(store, *SHOP)
    after = str(await store.revision())
    async with Follower.to(server) as follower:
        await follower.subscribe(STATES, after=after, services=["BusinessService:mail"])
        await write(store, *incident("inc-1", "new", "box"), *incident("inc-2", "new", "post"))
        assert (await follower.next())["name"] == "mail"
        await follower.subscribe(STATES, services=["BusinessService:nobody"])
        assert (await follower.refusal())[0] == "REFERENCE_NOT_FOUND"
    async with Follower.to(server) as follower:
        await follower.subscribe(STATES)
        await write(store, thing("new", "BusinessService"))
        come = await follower.next()
    assert (come["name"], come["before"], come["after"]) == ("new", None, "OPERATIONAL")


async def test_maintenance_begins_without_anybody_writing(both: str, store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr("knockon.graphql.state_changes.TIME_EVERY", 0.05)
    begins = (datetime.now(UTC) + timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    window = thing("mw", "MaintenanceWindow", starts_at=begins, ends_at="2099-01-01T00:00:00Z")
    await write(store, *SHOP, window, link("mw", "AFFECTS", "box", effect="down"))
    async with live(create_app(followed(both), MODEL)) as server, Follower.to(server) as follower:
        await follower.subscribe(STATES, given=["maintenance"])
        heard = await follower.next()
        assert (heard["name"], heard["after"], heard["records"][0]["name"]) == ("shop", "DOWN", "mw")
        await follower.subscribe(STATES, given=["maintenance"], after=heard["place"], reached=True)
        assert (await follower.next())["place"] == heard["place"]


async def test_who_takes_nothing_holds_up_nobody(server: Live, store: Store) -> None:
    big = "x" * 20_000
    async with Follower.to(server, max_queue=1) as slow, Follower.to(server) as quick:
        for each in (slow, quick):
            await each.subscribe(CHANGES, of={"servers": {}}, after="0")
        for number in range(5):
            items = [thing(f"{number}-{each}", description=big, source=f"s{number}") for each in range(100)]
            await write(store, *items, source=f"s{number}")
        for _ in range(500):
            assert (await quick.next())["change"] == "created"
        answer = await asyncio.to_thread(_asked, server)
        assert answer == {"data": {"servers": {"totalCount": 500}}}
        for _ in range(500):  # and it has missed nothing itself
            assert (await slow.next())["change"] == "created"


def _asked(server: Live) -> Any:
    body = {"query": "{ servers { totalCount } }"}
    return httpx2.post(f"http://{server.address}/graphql", json=body, headers=SENT, timeout=30).json()


async def test_one_look_at_the_store_serves_all_who_wait(both: str, store: Store) -> None:
    counted = Counted(store_at(both, MODEL))
    app = create_app(followed(both, max_sockets=20), MODEL, cast("Store", counted))
    async with live(app) as server, AsyncExitStack() as stack:
        followers = [await stack.enter_async_context(Follower.to(server)) for _ in range(20)]
        for each in followers:
            await each.subscribe(CHANGES, of={"servers": {}}, reached=True)
            await each.next()
        await counted.asked(3)  # so that all of them wait
        counted.calls.clear()
        await counted.asked(5)
        assert set(counted.calls) == {"revision"}
        await write(store, thing("a"))
        assert [(await each.next())["name"] for each in followers] == ["a"] * 20


class Counted:
    """A store that counts what it is asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not iscoroutinefunction(found):
            return found

        async def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            return await found(*args, **kwargs)

        return counted

    async def asked(self, times: int) -> None:
        """Wait until the newest revision was asked for so many times more."""
        before = self.calls["revision"]
        async with asyncio.timeout(WITHIN):
            while self.calls["revision"] < before + times:  # noqa: ASYNC110 - the test is bounded
                await asyncio.sleep(0.01)


async def test_a_socket_that_is_gone_leaves_nothing_behind(server: Live, store: Store) -> None:
    async with Follower.to(server) as follower:
        await follower.subscribe(CHANGES, reached=True)
        await follower.next()
        follower.connection.transport.abort()
        with pytest.raises(ConnectionClosed):
            await follower.connection.recv()
    for _ in range(100):
        said = await asyncio.to_thread(_numbers, server)
        if "knockon_sockets 0.0" in said:
            break
        await asyncio.sleep(0.05)
    assert "knockon_sockets 0.0" in said
    assert 'knockon_subscriptions{field="entityChanges"} 0.0' in said


def _numbers(server: Live) -> str:
    return httpx2.get(f"http://{server.address}/metrics", headers=SENT, timeout=30).text
