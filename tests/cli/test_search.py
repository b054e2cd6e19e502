"""``search``: as a table, as JSON, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.command import as_table

if TYPE_CHECKING:
    from tests.cli.command import Knockon


def test_search_as_table_and_as_json(estate: Knockon) -> None:
    assert "iron-1 Server survey:srv-1" in as_table(estate("search", "00123").out)
    answer = estate("search", "IRON", "--json").json()
    assert [each["name"] for each in answer["found"]] == ["iron-1", "iron-2", "iron-2 is dead"]
    assert (answer["total"], answer["truncated"]) == (3, False)
    reference = answer["found"][0]["reference"]
    assert reference.startswith("survey:")
    (again,) = estate("search", reference, "--json").json()["found"]
    assert again == answer["found"][0]
    some = estate("search", "iron", "--class", "Hardware", "--limit", "1", "--json").json()
    assert ([each["name"] for each in some["found"]], some["total"], some["truncated"]) == (["iron-1"], 2, True)
    assert "and 2 more" in as_table(estate("search", "iron", "--limit", "1").out)
    assert "Nothing is found" in as_table(estate("search", "ron").out)


def test_what_is_refused(estate: Knockon) -> None:
    assert estate("search", "*").code == 2
    refused = estate("search", "iron", "--class", "Spaceship")
    assert (refused.code, "BAD_USAGE" in refused.err) == (2, True)
