"""Who is let speak over a WebSocket, how much, and how it ends."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from knockon.cmdb.access import AccessScope
from knockon.cmdb.stewardship.tokens import create, revoke
from knockon.cmdb.stores import opened, store_at
from knockon.server import create_app
from knockon.server.followers import Followers
from knockon.server.logs import ABOUT
from tests.server.conftest import MODEL, TOKEN
from tests.server.live import Follower, live
from tests.server.test_subscriptions import CHANGES, followed, thing, write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from knockon.cmdb.contract.store import Store
    from tests.server.live import Live

VIEWER, LOADER = AccessScope.VIEWER, AccessScope.LOADER


@pytest.fixture
async def store(both: str) -> AsyncIterator[Store]:
    async with opened(store_at(both, MODEL)) as store:
        yield store


@pytest.fixture
async def server(both: str, store: Store) -> AsyncIterator[Live]:
    async with live(create_app(followed(both), MODEL)) as server:
        yield server


async def follow(follower: Follower) -> None:
    """Subscribe, and wait until that is so."""
    await follower.subscribe(CHANGES, reached=True)
    assert (await follower.next())["reached"]


async def test_a_header_will_do_where_one_can_be_sent(server: Live) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with Follower.to(server, None, additional_headers=headers) as follower:
        await follower.init()
        await follow(follower)
    wrong = {"Authorization": "Bearer nonsense"}
    with pytest.raises(InvalidStatus, match="403"):
        async with Follower.to(server, None, additional_headers=wrong):
            pass


@pytest.mark.parametrize(
    "payload",
    [
        None, {}, {"Authorization": ""}, {"Authorization": TOKEN}, {"Authorization": f"Basic {TOKEN}"},
        {"token": TOKEN}, {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": ["Bearer", TOKEN]}, {"Authorization": "Bearer żółw"},
    ],
)  # fmt: skip
async def test_who_does_not_say_who_it_is_is_told_nothing(server: Live, payload: Any) -> None:
    async with Follower.to(server, None) as follower:
        await follower.say({"type": "connection_init"} | ({} if payload is None else {"payload": payload}))
        code, reason = await follower.end()
        assert (code, reason.partition(":")[0]) == (4403, "NOT_AUTHENTICATED")
        assert TOKEN not in reason


async def test_who_may_not_read_may_not_follow(server: Live, store: Store) -> None:
    _, token = await create(store, MODEL, "lorry", [LOADER], by="ann", expires=None)
    async with Follower.to(server, None) as follower:
        await follower.say({"type": "connection_init", "payload": {"authorization": f"bearer {token}"}})
        code, reason = await follower.end()
        assert (code, reason.partition(":")[0]) == (4403, "NOT_ALLOWED")


async def test_nothing_is_asked_before_it_is_known_who_asks(server: Live) -> None:
    for query in (CHANGES, "{ servers { totalCount } }"):
        async with Follower.to(server, None) as follower:
            await follower.subscribe(query)
            assert (await follower.end())[0] == 4401


async def test_who_says_nothing_for_too_long_is_let_go(both: str, store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr("knockon.server.sockets.INIT_WITHIN", 0.05)
    async with live(create_app(followed(both), MODEL)) as server, Follower.to(server, None) as follower:
        code, reason = await follower.end()
        assert (code, reason.partition(":")[0]) == (4408, "NOT_AUTHENTICATED")


async def test_a_token_that_is_revoked_ends_what_it_began(both: str, store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr("knockon.server.sockets.INIT_WITHIN", 0.2)
    monkeypatch.setattr("knockon.server.sockets.TOKEN_EVERY", 0.05)
    _, token = await create(store, MODEL, "eve", [VIEWER], by="ann", expires=None)
    async with live(create_app(followed(both), MODEL)) as server, Follower.to(server, token) as follower:
        await follow(follower)
        await asyncio.sleep(0.5)  # so that it is looked at, and lasts
        await follower.say({"type": "ping"})
        assert await follower.hear() == {"type": "pong"}
        await revoke(store, MODEL, "eve", by="ann")
        code, reason = await follower.end()
        assert (code, reason) == (4403, "NOT_AUTHENTICATED: Your token is in use no more.")


async def test_a_token_that_has_come_to_its_end_is_sent_no_event_more(
    both: str, store: Store, monkeypatch: Any
) -> None:
    monkeypatch.setattr("knockon.server.sockets.TOKEN_FRESH", 0.0)
    _, token = await create(store, MODEL, "eve", [VIEWER], by="ann", expires="PT2S")
    async with live(create_app(followed(both), MODEL)) as server, Follower.to(server, token) as follower:
        await follow(follower)
        await asyncio.sleep(2.5)
        await write(store, thing("secret"))
        with pytest.raises(ConnectionClosed):
            await follower.hear()
        assert follower.connection.close_code == 4403


DEEP = json.loads("[" * 600 + "]" * 600)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("[", 4400), ("[]", 4400), ("5", 4400), (b"{}", 4400), ({}, 4400), ({"type": "start"}, 4400),
        ({"type": "subscribe", "id": "1"}, 4400), ({"type": "subscribe", "id": 1, "payload": {"query": "x"}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": 5}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": "x", "variables": []}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": "x", "variables": {"v": DEEP}}}, 4400),
        ({"type": "connection_init"}, 4429), ("x" * (1024 * 1024 + 1), 1009),
    ],
)  # fmt: skip
async def test_what_is_no_message_ends_the_socket(server: Live, message: Any, code: int) -> None:
    async with Follower.to(server) as follower:
        await follower.say(message)
        assert (await follower.end())[0] == code


async def test_the_payload_of_the_first_message_is_an_object(server: Live) -> None:
    async with Follower.to(server, None) as follower:
        await follower.say({"type": "connection_init", "payload": [TOKEN]})
        assert (await follower.end())[0] == 4400


async def test_another_protocol_is_not_spoken(server: Live) -> None:
    for spoken in (["graphql-ws"], None):
        async with connect(f"ws://{server.address}/graphql", subprotocols=spoken) as connection:  # type: ignore[arg-type]  # names of others
            assert (await Follower(connection).end())[0] == 4406


async def test_an_id_stands_for_one_subscription_at_a_time(server: Live) -> None:
    async with Follower.to(server) as follower:
        await follow(follower)
        await follower.say({"type": "complete", "id": "s1"})
        await follower.say({"type": "complete", "id": "nobody"})
        again = {"type": "subscribe", "id": "s1", "payload": {"query": CHANGES, "variables": {"reached": True}}}
        await follower.say(again)
        assert (await follower.next())["reached"]
        await follower.say(again)
        assert (await follower.end())[0] == 4409


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ servers { totalCount } }", "QUERY_INVALID"),
        ('mutation { retire(id: "x") { ok } }', "QUERY_INVALID"),
        ("subscription {", "QUERY_INVALID"),
        ("", "QUERY_INVALID"),
        ("subscription { tractors { id } }", "QUERY_INVALID"),
        ("subscription A { entityChanges { place } } subscription B { entityChanges { place } }", "QUERY_INVALID"),
        ("subscription { entityChanges { place } serviceStates { place } }", "QUERY_INVALID"),
        ("subscription { entityChanges { " + " ".join(f"a{i}: place" for i in range(200)) + " } }", "QUERY_TOO_COSTLY"),
    ],
)
async def test_what_is_no_subscription_is_refused_and_the_socket_goes_on(server: Live, query: str, code: str) -> None:
    async with Follower.to(server) as follower:
        await follower.subscribe(query)
        assert (await follower.refusal())[0] == code
        await follow(follower)


async def test_so_many_subscriptions_on_a_socket_and_so_many_sockets_of_a_caller(both: str, store: Store) -> None:
    _, token = await create(store, MODEL, "eve", [VIEWER], by="ann", expires=None)
    app = create_app(followed(both, max_subscriptions=2, max_sockets=2), MODEL)
    async with live(app) as server, Follower.to(server, token) as one, Follower.to(server, token) as two:
        await follow(one)
        await follow(one)
        await one.subscribe(CHANGES)
        assert (await one.refusal())[0] == "TOO_BUSY"
        await one.say({"type": "complete", "id": "s1"})
        await follow(one)
        async with Follower.to(server, None) as three:
            await three.say({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
            code, reason = await three.end()
            assert (code, reason.partition(":")[0]) == (1013, "TOO_BUSY")
        async with Follower.to(server):  # somebody else
            pass
        await two.connection.close()
        async with Follower.to(server, token) as four:
            await follow(four)


async def test_so_many_who_are_not_known_yet(server: Live, monkeypatch: Any) -> None:
    monkeypatch.setattr("knockon.server.followers.UNKNOWN_AT_ONCE", 1)
    async with Follower.to(server, None) as first:
        async with Follower.to(server, None) as second:
            assert (await second.end())[0] == 1013
        await first.init({"Authorization": f"Bearer {TOKEN}"})
        async with Follower.to(server):
            await follow(first)


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        ("https://board.example.org", True), ("http://{here}", True), ("https://evil.example.org", False),
        ("http://{here}.evil.example.org", False), ("null", False), ("http://127.0.0.1", False),
    ],
)  # fmt: skip
async def test_pages_of_other_places_do_not_get_in(both: str, store: Store, origin: str, is_let_in: bool) -> None:
    app = create_app(followed(both, origins=("https://board.example.org",)), MODEL)
    async with live(app) as server:
        where: Any = origin.replace("{here}", server.address)
        if is_let_in:
            async with Follower.to(server, origin=where) as follower:
                await follow(follower)
        else:
            with pytest.raises(InvalidStatus, match="403"):
                async with Follower.to(server, origin=where):
                    pass


async def test_in_demo_mode_names_of_this_machine_only(both: str, store: Store) -> None:
    async with live(create_app(followed(both, token=None), MODEL, demo=True)) as server:
        async with Follower.to(server, None) as follower:
            await follower.init()
            await follow(follower)
        _, _, port = server.address.partition(":")
        with pytest.raises(InvalidStatus, match="403"):
            async with connect("ws://evil.example.org/graphql", host="127.0.0.1", port=int(port)):
                pass


async def test_no_other_path_has_a_socket(server: Live) -> None:
    for path in ("/", "/healthz", "/load", "/nowhere"):
        with pytest.raises(InvalidStatus, match="403"):
            async with connect(f"ws://{server.address}{path}"):
                pass


async def test_an_answer_that_takes_too_long_is_given_up_and_waiting_is_not(
    both: str, store: Store, monkeypatch: Any
) -> None:
    app = create_app(followed(both, max_seconds=0.5), MODEL)

    async def forever(*_: Any, **__: Any) -> None:
        await asyncio.sleep(60)

    async with live(app) as server, Follower.to(server) as follower:
        await follower.subscribe(
            "subscription { entityChanges { entity { ... on ConfigurationItem { blastRadius { revision } } } } }"
        )
        await asyncio.sleep(1)
        monkeypatch.setattr("knockon.impact.topology.topologies.Topologies.current", forever)
        await write(store, thing("box"))
        assert (await follower.refusal())[0] == "TIMED_OUT"


async def test_the_service_says_goodbye_when_it_stops(both: str, store: Store) -> None:
    async with live(create_app(followed(both), MODEL)) as server, Follower.to(server) as follower:
        await follow(follower)
        async with Follower.to(server, None) as silent:
            server.should_exit = True
            for each in (follower, silent):
                code, reason = await each.end()
                assert code == 1001
                assert reason.startswith("The service stops.")


async def test_what_is_followed_is_noted_without_values(
    both: str, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "knockon.audit")
    async with live(create_app(followed(both), MODEL)) as server:
        async with Follower.to(server, None, additional_headers={"X-Request-Id": "mine"}) as follower:
            await follower.init({"Authorization": f"Bearer {TOKEN}"})
            named = CHANGES.replace("subscription(", "subscription Board(")
            await follower.subscribe(named, of={"servers": {"name": {"eq": "canary"}}}, reached=True)
            await follower.next()
        async with Follower.to(server, None) as other:
            await other.say({"type": "connection_init", "payload": {"Authorization": "Bearer canary"}})
            await other.end()
    told = [(each.getMessage(), getattr(each, ABOUT)) for each in caplog.records if each.name == "knockon.audit"]
    assert "canary" not in str(told)
    begun, ended, closed, refused = (about for _, about in told)
    assert [event for event, _ in told] == ["subscription", "subscription ended", "socket", "socket"]
    assert begun == {
        "principal": "administrator", "by": "setting", "name": "Board", "fields": ("entityChanges",),
    }  # fmt: skip
    assert (ended["events"], ended["principal"]) == (1, "administrator")
    assert (closed["principal"], closed["path"], closed["status"]) == ("administrator", "/graphql", 1000)
    assert (refused["principal"], refused["status"], refused["codes"]) == (None, 4403, ["NOT_AUTHENTICATED"])


def test_places_are_given_back() -> None:
    followers = Followers(1)
    with followers.place_for(None):
        pass
    assert not followers._by
