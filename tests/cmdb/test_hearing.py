"""Golden cases of one record (whole and partial reports) and of one thing (rank, freshness, null, class)."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from knockon.cmdb.contract.rows import Record, Scope
from knockon.cmdb.reconciliation.hearing import hear
from knockon.cmdb.reconciliation.taken import Taken, digest
from knockon.cmdb.reconciliation.thing import Heard, thing
from knockon.schema.observation import EntityObservation
from tests.cmdb.identity import MODEL

DAY1, DAY2, DAY3, DAY4 = (f"2026-11-0{day}T08:00:00Z" for day in range(1, 5))
OPEN = Scope("a", "")


def report(seen: str, class_name: str = "Server", *, partial: bool = False, **said: Any) -> Taken[EntityObservation]:
    observation = EntityObservation("a", "r", class_name, said, seen, partial=partial)
    return Taken(observation, seen, digest(class_name, said, *(["partial"] if partial else [])))


def heard(*reports: Taken[EntityObservation], scope: Scope = OPEN) -> Record:
    record: Record | None = None
    for each in reports:
        record = hear(record, each, scope, record.seen if record else "") or record
    assert record is not None
    return record


def said(*reports: Taken[EntityObservation]) -> dict[str, Any]:
    return heard(*reports).said


def test_a_whole_report_replaces_and_an_older_one_changes_nothing() -> None:
    first, second = report(DAY1, name="n", serial="s"), report(DAY2, name="m")
    assert said(first, second) == said(second, first) == {"name": "m"}
    assert hear(heard(second), first, OPEN, DAY2) is None


def test_a_partial_report_speaks_of_its_attributes_only() -> None:
    whole, part = report(DAY1, name="n", serial="s"), report(DAY2, partial=True, serial="t")
    assert said(whole, part) == {"name": "n", "serial": "t"}
    assert said(part, whole) == {"name": "n", "serial": "t"}
    assert heard(whole, part).seen == DAY1  # the class, and what was not said again, is as old as it was


def test_a_newer_whole_report_ends_older_registers_and_leaves_newer_ones() -> None:
    old, whole, new = (
        report(DAY1, partial=True, tag="x"),
        report(DAY2, name="n"),
        report(DAY3, partial=True, serial="t"),
    )
    for order in permutations((old, whole, new)):
        assert said(*order) == {"name": "n", "serial": "t"}


def test_at_one_moment_a_register_is_newer_than_a_whole_report() -> None:
    whole, part = report(DAY1, name="n"), report(DAY1, partial=True, name="m")
    assert said(whole, part) == said(part, whole) == {"name": "m"}


def test_of_two_registers_of_one_moment_the_greater_digest_counts() -> None:
    one, other = report(DAY1, partial=True, name="n"), report(DAY1, partial=True, name="m")
    greater = max("nm", key=digest)
    assert said(one, other) == said(other, one) == {"name": greater}


def test_null_in_a_partial_report_takes_a_value_back() -> None:
    whole, back = report(DAY1, name="n", serial="s"), report(DAY2, partial=True, serial=None)
    assert said(whole, back) == {"name": "n", "serial": None}


def test_the_class_is_that_of_the_newest_whole_report_else_of_the_newest() -> None:
    whole, part = report(DAY1, "Computer"), report(DAY2, "Server", partial=True)
    assert heard(whole, part).class_name == heard(part, whole).class_name == "Computer"
    older = report(DAY1, "Computer", partial=True, name="n")
    assert heard(older, part).class_name == heard(part, older).class_name == "Server"


def test_the_same_reports_in_any_order_are_one_record() -> None:
    reports = [report(DAY1, name="n"), report(DAY2, partial=True, tag="x"), report(DAY3, serial="s"),
               report(DAY3, "Computer", partial=True, tag="y"), report(DAY4, partial=True, name=None)]  # fmt: skip
    assert all(heard(*order) == heard(*reports) for order in permutations(reports))


def test_a_partial_report_brings_a_record_back_that_was_withdrawn() -> None:
    complete = Scope("a", "", complete=DAY2)
    late = heard(report(DAY1, name="n"), scope=complete)
    assert not late.present
    back = hear(late, report(DAY3, partial=True, tag="x"), complete, DAY1)
    assert back is not None
    assert (back.present, back.said) == (True, {"name": "n", "tag": "x"})


# Things


def spoken(source: str, class_name: str = "Server", seen: str = DAY1, **values: Any) -> Heard:
    return Heard(Record(source, "k", "", class_name, values, seen, "d"), seen)


def values(*records: Heard) -> dict[str, Any]:
    return {name: each.value for name, each in thing(MODEL, records).won.items()}


@pytest.mark.parametrize(
    ("attribute", "sources", "winner"),
    [
        ("serial", ("a", "b", "c"), "a"),  # of a Server: a, c
        ("serial", ("b", "c"), "c"),  # ranked before unranked
        ("tag", ("a", "b", "c"), "c"),  # of a Computer's tag: c
        ("note", ("a", "b", "c"), "c"),  # of any note: c, b
        ("note", ("a", "b"), "b"),
        ("host", ("x", "y"), "x"),  # nobody ranked, one moment: by name
    ],
)
def test_the_deepest_ranking_decides_and_it_alone(attribute: str, sources: tuple[str, ...], winner: str) -> None:
    assert values(*(spoken(each, **{attribute: each}) for each in sources)) == {attribute: winner}


def test_of_unranked_sources_the_newer_word_counts() -> None:
    assert values(spoken("x", host="old"), spoken("y", host="new", seen=DAY2)) == {"host": "new"}


def test_a_strong_word_yields_when_it_is_older_than_the_refresh_period() -> None:
    strong, weak = spoken("a", host="strong"), spoken("c", host="weak", seen=DAY2)
    assert values(strong, weak) == {"host": "strong"}  # a Server's word stays fresh for a day, to the second
    assert values(strong, spoken("c", host="weak", seen=DAY2.replace("00Z", "01Z"))) == {"host": "weak"}
    assert values(strong, spoken("c", tag="t", seen=DAY4)) == {"host": "strong", "tag": "t"}  # newest of this attribute


def test_null_is_a_word_only_where_the_model_says_so() -> None:
    first, second = spoken("a", owner=None, serial=None), spoken("c", owner="ann", serial="s")
    assert values(first, second) == {"serial": "s"}
    assert values(spoken("a", owner="ann"), spoken("c", owner=None)) == {"owner": "ann"}


def test_a_register_is_as_old_as_its_own_report() -> None:
    record = Record("a", "k", "", "Server", {}, DAY4, "d", registers={"host": ("old", DAY1)})
    assert values(Heard(record, DAY4), spoken("c", host="new", seen=DAY4)) == {"host": "new"}


def test_the_deepest_class_of_one_branch_counts_whoever_says_it() -> None:
    made = thing(MODEL, [spoken("a", "Computer", serial="s"), spoken("c", "Server", host="h")])
    assert (made.class_name, made.conflict) == ("Server", False)


def test_on_two_branches_the_strongest_source_decides_and_its_branch_is_followed_down() -> None:
    # of a Computer: b, a
    three = [spoken("a", "Workstation"), spoken("b", "Computer", tag="t"), spoken("c", "Server", host="h")]
    made = thing(MODEL, three)
    assert (made.class_name, made.conflict, made.disputed) == ("Workstation", True, True)
    assert {name: each.value for name, each in made.won.items()} == {"tag": "t"}  # a Workstation has no host
    made = thing(MODEL, [spoken("a", "Workstation"), spoken("b", "Server", host="h")])
    assert (made.class_name, set(made.won)) == ("Server", {"host"})


def test_a_thing_without_a_name_is_called_by_its_smallest_key() -> None:
    made = thing(MODEL, [spoken("b", name="n"), spoken("a")])
    assert (made.name, made.smallest) == ("n", "a:k")
    assert thing(MODEL, [spoken("b"), spoken("a")]).name == "k"


def test_a_thing_is_disputed_when_it_matters_who_was_seen_last() -> None:
    assert not thing(MODEL, [spoken("x", host="h"), spoken("y", host="h")]).disputed
    assert thing(MODEL, [spoken("x", host="h"), spoken("y", host="g")]).disputed
