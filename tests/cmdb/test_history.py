"""What happened to a thing, in words, out of what loads wrote; on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.contract.rows import Alias, JournalEntry
from knockon.cmdb.loading.load import load
from knockon.cmdb.lookup import find_ever
from knockon.cmdb.past.history import Altered, histories
from knockon.errors import ReferenceAmbiguous, ReferenceNotFound
from tests.cmdb.contract.estate import MODEL, commit, entity, head
from tests.cmdb.test_load import TUESDAY, link, say, thing
from tests.graphql.conftest import Counted

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.past.history import Event


async def told(store: Any, reference: str, **options: Any) -> list[Event]:
    found = await find_ever(store, MODEL, reference)
    return (await histories(store, MODEL, [found.id], **{"limit": 9, **options}))[found.id]


def shown(events: list[Event]) -> list[list[Any]]:
    return [
        [
            (each.change, each.relationship, each.other and each.other.name, [tuple(vars_of(a)) for a in each.altered])
            for each in event.changes
        ]
        for event in events
    ]


def vars_of(altered: Altered) -> tuple[str, Any, Any]:
    return altered.name, altered.before, altered.after


async def complete(store: Store, *items: Any) -> None:
    await load(store, MODEL, items, source="a", actor="tester", complete=True, allow_retire=True)


async def test_a_things_life(store: Store) -> None:
    await say(store, thing("s", name="web", size=1), thing("app", "Application", name="shop"), link("app", "s"))
    await say(store, thing("s", "ServerRoom", name="web", seen=TUESDAY, text="x"))
    await say(store, link("app", "s", seen=TUESDAY, weight=2))
    await complete(store, thing("app", "Application", name="shop", seen="2026-11-05T08:00:00Z"))
    assert shown(await told(store, "a:s")) == [
        [("retired", None, None, [])],
        [("retired", "DEPENDENCY_OF", "shop", [])],
        [("changed", "DEPENDENCY_OF", "shop", [("weight", None, 2)])],
        [("changed", None, None, [("class", "Server", "ServerRoom"), ("size", 1, None), ("text", None, "x")])],
        [("created", "DEPENDENCY_OF", "shop", [])],
        [("created", None, None, [("class", None, "Server"), ("name", None, "web"), ("size", None, 1)])],
    ]
    assert [event[0][:3] for event in shown(await told(store, "a:app", limit=2))] == [
        ("retired", "DEPENDS_ON", "web"), ("changed", "DEPENDS_ON", "web"),
    ]  # fmt: skip


async def test_a_name_that_is_only_the_key_is_told_as_a_name(store: Store) -> None:
    await say(store, thing("s"))
    assert shown(await told(store, "a:s")) == [
        [("created", None, None, [("class", None, "Server"), ("name", None, "s")])]
    ]


async def test_the_history_of_joined_ids_is_one(store: Store) -> None:
    image = {"class": "Server", "name": "s", "attributes": {}, "retired": False}
    lives = [JournalEntry("entity", id_, None, image) for id_ in ("e1", "e2")]
    key = "DEPENDS_ON e2 e3 "
    related = {"type": "DEPENDS_ON", "from": "e2", "to": "e3", "attributes": {}, "retired": False}
    await commit(store, entity("e1"), entity("e2"), entity("e3"), entries=lives)
    await commit(store, entries=[JournalEntry("edge", key, None, related)])
    async with store.write() as write:
        await write.put_alias(Alias("e2", "e1"))
        gone = JournalEntry("entity", "e2", image, {**image, "retired": True})
        await write.journal(head(), [gone])
    for id_ in ("e1", "e2"):
        events = (await histories(store, MODEL, [id_], limit=9))[id_]
        assert [[(each.change, each.id, each.relationship) for each in event.changes] for event in events] == [
            [("retired", "e2", None)],
            [("created", "e3", "DEPENDS_ON")],
            [("created", "e1", None), ("created", "e2", None)],
        ]


async def test_many_histories_cost_as_much_as_one(store: Store) -> None:
    await say(store, *(thing(f"s{n}") for n in range(9)), *(link(f"s{n}", f"s{n + 1}") for n in range(8)))
    ids = [each.id for each in await store.page(MODEL.concrete("Server"), None, limit=9)]
    for asked in (ids[:1], ids):
        counted: Any = Counted(store)
        found = await histories(counted, MODEL, asked, limit=5)
        assert counted.calls == {"history": 1, "aliases": 1, "known": 1}
        assert [each.changes[0].change for each in found[ids[0]]] == ["created", "created"]


async def test_what_was_called_so_last_is_found_unless_something_is_called_so_now(store: Store) -> None:
    await complete(store, thing("s", name="web"), thing("t", name="web"), thing("r", "ServerRoom", name="room"))
    await complete(store, thing("r", "ServerRoom", name="web", seen=TUESDAY))
    assert (await find_ever(store, MODEL, "web")).class_name == "ServerRoom"
    with pytest.raises(ReferenceAmbiguous, match=r"a:s.*a:t"):
        await find_ever(store, MODEL, "Server:web")
    assert (await find_ever(store, MODEL, "a:t")).retired
    with pytest.raises(ReferenceNotFound):
        await find_ever(store, MODEL, "ServerRoom:room")
    with pytest.raises(ReferenceNotFound):
        await find_ever(store, MODEL, "Application:web")
