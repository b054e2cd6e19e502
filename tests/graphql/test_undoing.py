"""Taking back what a source said, through the API, on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.access import AccessScope, Principal
from knockon.cmdb.loading.load import load
from knockon.cmdb.stores import opened, store_at
from knockon.schema.observation import EntityObservation
from tests.graphql.conftest import MODEL, SHOP
from tests.graphql.test_mutations import ANNA, Writing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from knockon.graphql.schema import ApiSchema

ROOT = Principal("root", frozenset({AccessScope.ADMINISTRATOR}))
COUNTS = "created updated retired"
UNDONE = f"""revision kept revisions planned things {{ {COUNTS} }} relationships {{ {COUNTS} }}
    plan {{ change kind what before after }} loss {{ records relationships retired things {{ name }} }}
    errors {{ code message }}"""


@pytest.fixture
async def api(place: tuple[str, Any], schema: ApiSchema) -> AsyncIterator[Writing]:
    url, (user, password) = place
    async with opened(store_at(url, MODEL, user=user, password=password)) as store:
        made = Writing(store, schema)
        await made.load(*SHOP)
        yield made.as_(ROOT)


async def scanned(api: Writing, *servers: tuple[str, str]) -> int:
    said = [EntityObservation("scan", key, "Server", {"name": key, "description": at}) for key, at in servers]
    report = await load(api.store, MODEL, said, source="scan", actor="scanner")
    assert report.rejects == []
    return report.revision


async def undo(api: Writing, call: str) -> Any:
    return (await api.ask(f"mutation {{ done: {call} {{ {UNDONE} }} }}"))["done"]


async def test_what_one_load_said_is_taken_back_and_that_too(api: Writing) -> None:
    await scanned(api, ("srv-8", "here"))
    wrong = await scanned(api, ("srv-8", "there"), ("srv-9", "there"))
    before = await api.store.revision()
    planned = await undo(api, f'undoLoad(source: "scan", revision: {wrong}, dryRun: true)')
    assert (planned["planned"], planned["things"], await api.store.revision()) == (2, None, before)
    assert [(each["change"], each["what"]) for each in planned["plan"]] == [
        ("retire", "Server:srv-9"), ("update", "Server:srv-8"),
    ]  # fmt: skip
    update = planned["plan"][1]
    said = [update[when]["attributes"]["description"] for when in ("before", "after")]
    assert said == ["there", "here"]
    done = await undo(api, f'undoLoad(source: "scan", revision: {wrong})')
    assert (done["things"], done["plan"]) == ({"created": 0, "updated": 1, "retired": 1}, None)
    assert wrong in done["revisions"]
    (head, *_) = [each.head for each in await api.store.feed(before)]
    assert (head.actor, head.kind, head.source) == ("root", "undo", "scan")
    back = await undo(api, f'undoLoad(source: "scan", revision: {done["revision"]})')
    assert back["things"] == {"created": 1, "updated": 1, "retired": 0}


async def test_all_that_a_source_said_is_taken_back(api: Writing) -> None:
    await scanned(api, ("srv-8", "here"), ("srv-9", "here"))
    before = await api.store.revision()
    loss = (await undo(api, 'undoSource(source: "scan", dryRun: true)'))["loss"]
    things = [{"name": "srv-8"}, {"name": "srv-9"}]
    assert loss == {"records": 2, "relationships": 0, "retired": 2, "things": things}
    assert await api.store.revision() == before
    done = await undo(api, 'undoSource(source: "scan")')
    assert (done["things"]["retired"], done["errors"], done["loss"]) == (2, [], None)
    assert done["revision"] == await api.store.revision() > before


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ('undoSource(source: "nobody")', "REFERENCE_NOT_FOUND"),
        ('undoSource(source: "nobody", dryRun: true)', "REFERENCE_NOT_FOUND"),
        ('undoLoad(source: "scan", revision: 1)', "BAD_USAGE"),
        ('undoLoad(source: "scan", revision: 999)', "BAD_USAGE"),
    ],
)
async def test_what_cannot_be_taken_back_is_told_as_data(api: Writing, call: str, code: str) -> None:
    before = await api.store.revision()
    done = await undo(api, call)
    (error,) = done["errors"]
    assert (error["code"], done["revision"], await api.store.revision()) == (code, None, before)
    assert "--" not in error["message"]
    assert "knockon " not in error["message"]


@pytest.mark.parametrize("call", ['undoSource(source: "t")', 'undoLoad(source: "t", revision: 1, dryRun: true)'])
async def test_administrators_take_back_and_nobody_else(api: Writing, call: str) -> None:
    result = await api.as_(ANNA).result(f"mutation {{ {call} {{ revision }} }}")
    assert [error.extensions["code"] for error in result.errors] == ["NOT_ALLOWED"]
