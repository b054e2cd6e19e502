"""What persons decided: who, when, what and why, page by page, on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.stores import opened, store_at
from tests.graphql.conftest import MODEL, SHOP
from tests.graphql.test_mutations import Writing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from knockon.graphql.schema import ApiSchema

DECISIONS = """query($kind: IdentityDecisionKind, $takenBack: Boolean, $first: Int, $after: String) {
  decisions(kind: $kind, takenBack: $takenBack, first: $first, after: $after) {
    totalCount edges { node { id kind records class finding at by reason takenBack } }
    pageInfo { hasNextPage endCursor } } }"""


@pytest.fixture
async def api(place: tuple[str, Any], schema: ApiSchema) -> AsyncIterator[Writing]:
    url, (user, password) = place
    async with opened(store_at(url, MODEL, user=user, password=password)) as store:
        made = Writing(store, schema)
        await made.load(*SHOP)
        yield made


async def decided(api: Writing, **how: Any) -> tuple[list[Any], int, Any]:
    found = (await api.ask(DECISIONS, **how))["decisions"]
    return [each["node"] for each in found["edges"]], found["totalCount"], found["pageInfo"]


async def test_decisions_are_told_with_who_why_and_what_was_taken_back(api: Writing) -> None:
    assert (await decided(api))[:2] == ([], 0)
    for call in (
        'link(a: "t:srv-1", b: "t:srv-2", reason: "one box")',
        'keepApart(a: "t:srv-1", b: "t:box")',
        'keepApart(a: "t:srv-2", b: "t:box")',
    ):
        done = await api.ask(f"mutation {{ done: {call} {{ decision {{ id }} errors {{ message }} }} }}")
        assert done["done"]["errors"] == [], done
    last = done["done"]["decision"]["id"]
    await api.ask(f'mutation {{ takeBack(decision: "{last}") {{ errors {{ code }} }} }}')
    every, count, _ = await decided(api)
    assert [(each["kind"], each["records"], each["reason"], each["takenBack"]) for each in every] == [
        ("link", ["t:srv-1", "t:srv-2"], "one box", None),
        ("apart", ["t:srv-1", "t:box"], "", None),
        ("apart", ["t:srv-2", "t:box"], "", "anna"),
    ]
    assert ({each["by"] for each in every}, count) == ({"anna"}, 3)
    assert (await decided(api, kind="apart"))[:2] == (every[1:], 2)
    assert (await decided(api, takenBack=True))[:2] == (every[2:], 1)
    assert (await decided(api, takenBack=False, kind="link"))[:2] == (every[:1], 1)
    read: list[Any] = []
    after = None
    while len(read) < len(every):
        page, count, info = await decided(api, first=2, after=after)
        assert (count, info["hasNextPage"]) == (3, len(read) + 2 < len(every))
        read, after = read + page, info["endCursor"]
    assert read == every
