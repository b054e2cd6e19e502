"""``search`` as people use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.command import as_table

if TYPE_CHECKING:
    from tests.cli.command import Knockon


def test_a_search_as_a_table(estate: Knockon) -> None:
    ran = estate("search", "IRON")
    assert ran.code == 0
    assert ran.err == ""
    assert "iron-1 Server survey:srv-1 iron-2 Server survey:srv-2" in as_table(ran.out).replace("iron-2 is dead", "")
    assert "Incident" in ran.out
    assert "raise --limit" in estate("search", "iron", "--limit", "1").out


def test_a_search_as_json(estate: Knockon) -> None:
    answer = estate("search", "00123", "--json").json()
    (found,) = answer["found"]
    assert {**found, "id": ""} == {"id": "", "class": "Server", "name": "iron-1", "key": "survey:srv-1"}
    assert (answer["text"], answer["truncated"]) == ("00123", False)
    assert estate("search", "esx", "1", "--json", "--class", "Hypervisor").json()["found"][0]["name"] == "ESX1"
    assert (
        estate("search", "iron", "--json", "--class", "Record", "--class", "Application").json()["found"][0]["class"]
        == "Incident"
    )
    assert estate("search", "esx", "--json", "--limit", "1").json()["truncated"] is True


def test_what_is_not_found_is_said(estate: Knockon) -> None:
    ran = estate("search", "no-such-thing")
    assert (ran.code, ran.err) == (0, "")
    assert "no-such-thing" in ran.out
    assert estate("search", "no-such-thing", "--json").json() == {
        "text": "no-such-thing", "found": [], "truncated": False,
    }  # fmt: skip


def test_wrong_use(estate: Knockon) -> None:
    ran = estate("search", "iron", "--class", "Servr")
    assert ran.code == 2
    assert "BAD_USAGE" in ran.err
    assert "did you mean Server" in ran.err
    assert "letter" in estate("search", "--", "-").err
    assert estate("search", "iron", "--limit", "0").code == 2
    assert estate("search").code == 2
