"""Dead letters said again, as kept or mended, and dropped, through the API, on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.access import AccessScope, Principal
from knockon.cmdb.loading.load import load
from knockon.cmdb.stores import opened, store_at
from knockon.errors import RejectCode
from knockon.graphql.request import Request
from knockon.loaders import native
from knockon.schema.observation import EntityObservation, Reject, RelationshipObservation
from tests.graphql.conftest import MODEL, SEEN
from tests.graphql.test_mutations import Writing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from knockon.graphql.schema import ApiSchema

LOADER = Principal("robot", frozenset({AccessScope.VIEWER, AccessScope.LOADER}))
OPERATOR = Principal("olga", frozenset({AccessScope.OPERATOR}))
REPLAYED = """revision left { letter because } errors { code message } replays { source scope letters revision
  things { created updated unchanged retired rejected waiting } relationships { created rejected waiting } }"""


class Replaying(Writing):
    who = LOADER

    async def result(self, query: str, **variables: Any) -> Any:
        request = Request(self.topologies, self.pasts, principal=self.who, reader=native.item)
        return await self.schema.execute(query, variable_values=variables, context_value=request)

    async def done(self, call: str, **variables: Any) -> Any:
        head = "mutation($mended: [MendedLetterInput!])" if variables else "mutation"
        what = "dropped revision errors { code message }" if "dropLetters" in call else REPLAYED
        return (await self.ask(f"{head} {{ done: {call} {{ {what} }} }}", **variables))["done"]

    async def letters(self) -> dict[str, str]:
        found = (await self.ask("{ deadLetters { edges { node { id about } } } }"))["deadLetters"]
        return {each["node"]["about"]: each["node"]["id"] for each in found["edges"]}


@pytest.fixture
async def api(place: tuple[str, Any], schema: ApiSchema) -> AsyncIterator[Replaying]:
    url, (user, password) = place
    async with opened(store_at(url, MODEL, user=user, password=password)) as store:
        made = Replaying(store, schema)
        bad = [
            EntityObservation("scan", key, "Server", {"name": key, "colour": "red"}, SEEN,
                              record={"class": "Server", "key": key, "name": key, "colour": "red"})
            for key in ("web", "db")
        ]  # fmt: skip
        link = RelationshipObservation("scan", "RUNS_ON", "web", "nowhere", {}, SEEN,
                                       record={"from": "web", "type": "RUNS_ON", "to": "nowhere"})  # fmt: skip
        await load(store, MODEL, [*bad, Reject(RejectCode.MALFORMED_RECORD, "no JSON.", "7", "{", seen=SEEN)],
                   source="scan", actor="scanner", scope="hall")  # fmt: skip
        await load(store, MODEL, [link], source="lines", actor="scanner", strict=True)
        yield made


async def test_mended_letters_are_taken_and_are_none_any_more(api: Replaying) -> None:
    letters = await api.letters()
    right = [
        {"letter": letters["web"], "record": {"class": "Server", "key": "web", "name": "web"}},
        {"letter": letters["db"], "record": {"class": "Server", "key": "db", "colour": "blue"}},
        {"letter": "nothing", "record": {}},
    ]
    before = await api.store.revision()
    rehearsed = await api.done("replayLetters(mended: $mended, dryRun: true)", mended=right)
    assert (await api.store.revision(), await api.letters()) == (before, letters)
    done = await api.done("replayLetters(mended: $mended)", mended=right)
    assert done["errors"] == []
    (one,) = done["replays"]
    assert (one["source"], one["scope"], one["letters"]) == ("scan", "hall", 2)
    assert one["things"] == rehearsed["replays"][0]["things"]
    assert (one["things"]["created"], one["things"]["rejected"]) == (1, 1)
    assert [each["letter"] for each in done["left"]] == ["nothing"]
    now = await api.letters()
    assert ("web" in now, "db" in now, now["db"] != letters["db"]) == (False, True, True)
    (written,) = [each for each in await api.store.feed(before) if each.head.kind == "load"]
    assert (written.head.actor, written.head.source) == ("robot", "scan")


async def test_letters_are_said_again_as_they_are_kept(api: Replaying) -> None:
    letters = await api.letters()
    done = await api.done('replayLetters(source: "scan")')
    assert (done["replays"][0]["letters"], done["replays"][0]["things"]["rejected"]) == (2, 2)
    ((left, because),) = [(each["letter"], each["because"]) for each in done["left"]]
    assert (left, "cannot be read" in because) == (letters[""], True)
    again = await api.done(f'replayLetters(ids: ["{letters["web"]}"])')
    assert (again["replays"][0]["letters"], again["left"]) == (1, [])
    strange = await api.done('replayLetters(ids: ["strange"])')
    assert [each["code"] for each in strange["errors"]] == ["REFERENCE_NOT_FOUND"]
    assert "knockon" not in strange["errors"][0]["message"]


@pytest.mark.parametrize("call", ["replayLetters", 'replayLetters(ids: ["a"], source: "scan")'])
async def test_which_letters_is_said_in_one_way(api: Replaying, call: str) -> None:
    done = await api.done(call)
    assert ([each["code"] for each in done["errors"]], done["revision"], done["replays"]) == (["BAD_USAGE"], None, [])


async def test_letters_are_dropped_with_a_reason(api: Replaying) -> None:
    letters = await api.letters()
    api.as_(OPERATOR)
    refused = await api.done(f'dropLetters(ids: ["{letters["web"]}"], reason: " ")')
    assert [each["code"] for each in refused["errors"]] == ["BAD_USAGE"]
    done = await api.done(f'dropLetters(ids: ["{letters["web"]}"], reason: "sold")')
    assert (done["errors"], done["dropped"]) == ([], [letters["web"]])
    assert "web" not in await api.letters()
    (written,) = await api.store.feed(done["revision"] - 1)
    assert (written.head.actor, written.head.note["reason"]) == ("olga", "sold")


async def test_a_replay_is_a_loaders_and_a_drop_an_operators(api: Replaying) -> None:
    api.as_(OPERATOR)
    assert (await api.code('mutation { replayLetters(source: "scan") { revision } }'))[0] == "NOT_ALLOWED"
    api.as_(LOADER)
    assert (await api.code('mutation { dropLetters(ids: ["a"], reason: "b") { revision } }'))[0] == "NOT_ALLOWED"
    assert len(await api.letters()) == 4
