"""What persons decided: who, when, what and why, page by page, on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.stores import opened, store_at
from tests.graphql.conftest import MODEL, SHOP, thing
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


async def refused(api: Writing, call: str) -> tuple[str, list[str]] | None:
    """Decide; gives the code and the attributes of a conflict, or None where it was written."""
    asked = f"mutation {{ done: {call} {{ revision errors {{ code message changes {{ attribute }} }} }} }}"
    before, done = await api.store.revision(), (await api.ask(asked))["done"]
    assert (await api.store.revision() == before) is bool(done["errors"])
    if not done["errors"]:
        return None
    (error,) = done["errors"]
    assert "--expect" not in error["message"]
    return error["code"], [each["attribute"] for each in error["changes"]]


async def test_what_changed_since_a_person_looked_is_a_conflict(api: Writing) -> None:
    looked = await api.store.revision()
    calls = (
        'link(a: "t:srv-1", b: "t:box"',
        'keepApart(a: "t:srv-2", b: "t:srv-1"',
        'classify(record: "t:srv-1", class: "Server"',
    )
    await api.load(thing("else", "Server"))
    said = """update(ref: "srv-1", thing: {server: {model: %s}})"""
    assert await refused(api, said % '"X2"') is None
    for call in calls:
        assert await refused(api, f"{call}, expectedRevision: {looked})") == ("EDIT_CONFLICT", ["model"]), call
        assert (await refused(api, f"{call}, expectedRevision: {looked + 99})") or ("",))[0] == "BAD_USAGE"
    # what is of no thing concerned is none, and what was changed back neither
    assert await refused(api, f'keepApart(a: "t:srv-2", b: "t:box", expectedRevision: {looked})') is None
    assert await refused(api, said % "null") is None
    for call in calls[1:]:
        assert await refused(api, f"{call}, expectedRevision: {looked})") is None, call


async def test_things_that_became_one_or_parted_since_are_a_conflict(api: Writing) -> None:
    looked = await api.store.revision()
    apart = 'keepApart(a: "t:srv-2", b: "t:box", expectedRevision: %d)'
    assert await refused(api, 'link(a: "t:srv-1", b: "t:srv-2")') is None
    joined = await api.store.revision()
    assert (await refused(api, apart % looked) or ("",))[0] == "EDIT_CONFLICT"
    assert await refused(api, apart % joined) is None
    ((link, *_), _, _) = await decided(api, kind="link")
    back = f'takeBack(decision: "{link["id"]}", reason: "two after all", expectedRevision: %d)'
    assert (await refused(api, back % looked) or ("",))[0] == "EDIT_CONFLICT"
    assert await refused(api, back % joined) is None
    assert (await refused(api, f'link(a: "t:srv-1", b: "t:srv-2", expectedRevision: {joined})') or ("",))[0] == (
        "EDIT_CONFLICT"
    )
    told = await api.ask('{ entity(ref: "t:srv-2") { history(first: 1) { kind reason } } }')
    assert told["entity"]["history"] == [{"kind": "decision", "reason": "two after all"}]
    assert ((await decided(api, kind="link"))[0][0]["reason"], await refused(api, back % joined)) == (
        "",
        ("BAD_USAGE", []),
    )


async def test_a_finding_about_what_changed_since_is_not_accepted_unseen(api: Writing) -> None:
    await api.load(thing("twin", "Server", serial_number="S1"))
    found = (await api.ask("{ findings { edges { node { id things { name } } } } }"))["findings"]["edges"]
    finding, looked = found[0]["node"], await api.store.revision()
    name = finding["things"][0]["name"]
    assert await refused(api, f'update(ref: "{name}", thing: {{server: {{description: "new"}}}})') is None
    accept = f'accept(finding: "{finding["id"]}", expectedRevision: %d)'
    assert await refused(api, accept % looked) == ("EDIT_CONFLICT", ["description"])
    assert await refused(api, accept % (looked + 1)) is None
