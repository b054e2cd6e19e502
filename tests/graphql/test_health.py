"""``health``: the same as on the command line, field by field, and kept while nothing changes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.past.changes import Moment
from knockon.itsm.health.answer import failing_json, health_json
from knockon.itsm.health.health import About, examine, examine_past, resolved
from tests.graphql.conftest import MODEL, link, thing

if TYPE_CHECKING:
    from tests.graphql.conftest import Api

HEALTH = """query($class: String, $service: String, $owner: String, $by: HealthBy! = class) {
  health(class: $class, service: $service, owner: $owner, by: $by) {
    revision asOf about cis score passes by truncated leftOut { name because }
    areas { name score checks { name says score met asked failing needed passes
      items(first: 3) { id class name asked missed because } } }
    parts { id class name cis score areas { name score } } } }"""


def as_json(found: dict[str, Any]) -> dict[str, Any]:
    """Bring the answer into the form of the command line's, without the items."""
    areas = [
        {"name": area["name"], "score": area["score"], "checks": [
            {"area": area["name"], **{name: value for name, value in each.items() if name != "items"}}
            for each in area["checks"]
        ]}
        for area in found["areas"]
    ]  # fmt: skip
    parts = [
        {name: value for name, value in part.items() if value is not None or name == "score"}
        | {"areas": {each["name"]: each["score"] for each in part["areas"]}}
        for part in found["parts"]
    ]
    return found | {"areas": areas, "parts": parts}


async def test_health_says_the_same(api: Api) -> None:
    await api.load(link("web", "OWNED_BY", "ann"), thing("spare", "Server"))
    for about, by in ((About(), "class"), (About("Server"), "service"), (About(service="shop"), "owner"),
                      (About(owner="ann"), "class")):  # fmt: skip
        told = (await api.ask(
            HEALTH, **{"class": about.class_name, "service": about.service, "owner": about.owner, "by": by}
        ))["health"]  # fmt: skip
        found = await examine(api.store, MODEL, [], at=told["asOf"])
        meant, said = await resolved(api.store, MODEL, about)
        assert as_json(told) == health_json(found.answer(meant, said, by=by))
        for check in [each for area in told["areas"] for each in area["checks"]]:
            expected = failing_json(found.failing(check["name"], meant, said, limit=3))["cis"]
            given = [{name: value for name, value in each.items() if value is not None} for each in check["items"]]
            assert given == expected


async def test_the_estate_is_read_again_only_when_it_changed(api: Api) -> None:
    question = "{ health { cis } }"
    before = (await api.ask(question))["health"]["cis"]
    reads = api.store.calls["scan"], api.store.calls["last_seen"]
    await api.ask(question)
    assert (api.store.calls["scan"], api.store.calls["last_seen"]) == reads
    await api.load(thing("new", "Server"))
    assert (await api.ask(question))["health"]["cis"] == before + 1


async def test_health_is_told_as_of_the_past_too(api: Api) -> None:
    before = await api.store.revision()
    await api.load(link("web", "OWNED_BY", "ann"), thing("spare", "Server"))
    query = """query($then: String) { now: health { ...it } then: health(asOf: $then, service: "shop") { ...it }
      all: health(asOf: $then) { ...it } }
      fragment it on Health { revision asOf about cis score leftOut { name because }
        areas { name score checks { name asked met items { name missed } } } parts { name cis } }"""
    told = await api.ask(query, then=str(before))
    moment = Moment(before, await api.store.written_at(before))
    found = await examine_past(api.store, MODEL, [], moment)
    for name, about in (("all", About()), ("then", About(service="shop"))):
        meant, said = await resolved(api.store, MODEL, about)
        expected = health_json(found.answer(meant, said))
        assert {key: told[name][key] for key in ("revision", "asOf", "about", "cis", "score", "leftOut")} == {
            key: expected[key] for key in ("revision", "asOf", "about", "cis", "score", "leftOut")
        }
        names = [[check["name"] for check in area["checks"]] for area in told[name]["areas"]]
        assert names == [[check["name"] for check in area["checks"]] for area in expected["areas"]]
    assert (told["all"]["revision"], told["all"]["cis"]) == (before, told["now"]["cis"] - 1)
    assert told["all"]["leftOut"], "what only the present tells is left out with its reason"
    reads = Counter(api.store.calls)
    again = await api.ask(query, then=str(before))
    assert (again, api.store.calls["scan"] - reads["scan"]) == (told, 0)


@pytest.mark.parametrize(
    "field",
    ["findings { edges { cursor } }", "decisions { totalCount }", "deadLetters { edges { cursor } totalCount }"],
)
async def test_what_the_journal_does_not_tell_is_refused_and_not_told_as_of_today(api: Api, field: str) -> None:
    name, asked = field.split(" ", 1)
    result = await api.result(f'{{ {name}(asOf: "1") {asked} }}')
    assert result.data == {name: None}
    for error in result.errors:
        assert (error.extensions["code"], "present only" in error.message) == ("BAD_USAGE", True)
