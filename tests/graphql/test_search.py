"""``search``: what is found, its pages, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.graphql.conftest import names

if TYPE_CHECKING:
    from tests.graphql.conftest import Api

SEARCH = """query($text: String!, $first: Int, $after: String) { search(text: $text, first: $first, after: $after) {
  totalCount edges { cursor node { __typename name } } pageInfo { hasNextPage endCursor } } }"""


async def test_the_best_comes_first_whatever_its_class(api: Api) -> None:
    found = (await api.ask(SEARCH, text="s"))["search"]
    assert found["totalCount"] == 3
    assert names(found) == ["shop", "srv-1", "srv-2"]
    assert names((await api.ask(SEARCH, text="SRV 2"))["search"]) == ["srv-2"]
    assert names((await api.ask(SEARCH, text="t1"))["search"]) == ["box"]


async def test_pages_and_their_price(api: Api) -> None:
    first = (await api.ask(SEARCH, text="srv", first=1))["search"]
    second = (await api.ask(SEARCH, text="srv", first=1, after=first["pageInfo"]["endCursor"]))["search"]
    assert names(first) + names(second) == ["srv-1", "srv-2"]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    assert await api.calls(SEARCH, text="s", first=100) == {"search": 1, "count_found": 1}


async def test_one_class_and_those_below_it(api: Api) -> None:
    below = SEARCH.replace("$text: String!", "$text: String!, $class: String").replace(
        "(text:", "(class: $class, text:"
    )
    assert names((await api.ask(below, text="s"))["search"]) == ["shop", "srv-1", "srv-2"]
    for name, expected in (("Service", ["shop"]), ("ComputerSystem", ["srv-1", "srv-2"]), ("Incident", [])):
        found = (await api.ask(below, **{"text": "s", "class": name}))["search"]
        assert (names(found), found["totalCount"]) == (expected, len(expected))
    code, message = await api.code(below, **{"text": "s", "class": "Servr"})
    assert (code, "Server" in message) == ("BAD_USAGE", True)


async def test_what_is_refused(api: Api) -> None:
    assert (await api.code(SEARCH, text="?!"))[0] == "BAD_USAGE"
    cursor = (await api.ask(SEARCH, text="srv", first=1))["search"]["pageInfo"]["endCursor"]
    assert (await api.code(SEARCH, text="shop", after=cursor))[0] == "BAD_CURSOR"
