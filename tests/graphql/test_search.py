"""``search`` in GraphQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.graphql.conftest import Api

ASK = """query($text: String!, $classes: [ClassName!], $first: Int! = 20) {
  search(text: $text, classes: $classes, first: $first) { name class ... on Server { serialNumber } } }"""


@pytest.mark.parametrize(
    ("text", "classes", "expected"),
    [
        ("SRV", None, ["srv-1", "srv-2"]),
        ("t1", None, ["box"]),
        ("esx", ["Hypervisor"], ["esx-1", "esx-2"]),
        ("esx", ["Server", "Service"], []),
        ("srv", [], ["srv-1", "srv-2"]),
        ("inc", ["Record"], ["inc-1", "inc-2"]),
        ("web", ["ConfigurationItem"], ["web"]),
    ],
)
async def test_what_is_found(api: Api, text: str, classes: list[str] | None, expected: list[str]) -> None:
    found = (await api.ask(ASK, text=text, classes=classes))["search"]
    assert [each["name"] for each in found] == expected


async def test_a_search_is_one_call_and_leads_on(api: Api) -> None:
    query = """{ search(text: "srv") { name ... on Server { serialNumber runs { edges { node { name } } } } } }"""
    assert await api.calls(query) == {"search": 1, "neighbours": 1}
    assert [each["serialNumber"] for each in (await api.ask(query))["search"]] == ["S1", "S2"]


async def test_bounds(api: Api) -> None:
    assert len((await api.ask(ASK, text="srv", first=1))["search"]) == 1
    assert (await api.code(ASK, text="srv", first=101))[0] == "BAD_USAGE"
    assert (await api.code(ASK, text="- *"))[0] == "BAD_USAGE"
