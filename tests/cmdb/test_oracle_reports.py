"""The oracle on what is said, of docs/decisions/0006, by hand-worked cases: at least one for each sentence."""

from __future__ import annotations

import pytest

from tests.cmdb.oracle import EdgeKey, digest
from tests.cmdb.saying import T1, T2, T3, T4, TWO, edge, edges, load, only, parts, thing


def test_the_newest_report_counts_whatever_came_last() -> None:
    new, old = load("a", thing("1", note="new"), seen=T2), load("a", thing("1", note="old", tag="t"), seen=T1)
    assert only(new, old)[2] == only(old, new)[2] == {"note": "new"}


def test_a_records_own_seen_counts_before_that_of_its_load() -> None:
    late = load("a", thing("1", note="old", seen=T1), seen=T3)
    assert only(load("a", thing("1", note="new"), seen=T2), late)[2] == {"note": "new"}


def test_of_two_reports_at_one_time_the_greater_digest_counts() -> None:
    greater = max("xy", key=lambda note: digest("Server", {"note": note}))
    for notes in ("xy", "yx"):
        assert only(*(load("a", thing("1", note=note)) for note in notes))[2] == {"note": greater}


def test_a_complete_load_withdraws_what_it_does_not_report() -> None:
    both, one = load("a", thing("1"), thing("2")), load("a", thing("2"), seen=T2)
    assert parts(both, one) == {"a:1", "a:2"}
    whole = load("a", thing("2"), seen=T2, complete=True)
    assert parts(both, whole) == {"a:2"}
    assert parts(both, whole, load("a", thing("1"), seen=T3)) == {"a:1", "a:2"}  # it returned


def test_a_complete_load_withdraws_in_its_own_source_and_scope_only() -> None:
    here = load("a", thing("1"), scope="east")
    assert parts(here, load("a", seen=T2, complete=True), load("b", seen=T2, complete=True, scope="east")) == {"a:1"}
    assert parts(here, load("a", seen=T2, complete=True, scope="east")) == set()


def test_a_complete_load_that_arrives_late_withdraws_nothing_newer() -> None:
    late = load("a", thing("2"), seen=T2, complete=True)
    assert parts(load("a", thing("1"), seen=T3), load("a", thing("3")), late) == {"a:1", "a:2"}
    assert parts(load("a", thing("1"), seen=T2), late) == {"a:1", "a:2"}  # at the same time is not before


def test_a_record_in_a_complete_load_is_present_however_old_its_own_seen() -> None:
    assert parts(load("a", thing("1", seen=T1), seen=T3, complete=True)) == {"a:1"}


def test_in_a_load_that_is_not_complete_each_record_is_reported_when_it_was_seen() -> None:
    """So that it makes no difference how such a load is cut."""
    complete = load("a", thing("2"), seen=T2, complete=True)
    assert parts(load("a", thing("1", seen=T1), thing("2"), seen=T3), complete) == {"a:2"}
    assert parts(load("a", thing("1", seen=T3), thing("2"), seen=T1), complete) == {"a:1", "a:2"}


def test_a_record_that_moves_to_another_scope_is_held_by_that_one() -> None:
    moved = (load("a", thing("1"), scope="x"), load("a", thing("1"), scope="y", seen=T2))
    assert parts(*moved, load("a", scope="x", seen=T3, complete=True)) == {"a:1"}
    assert parts(*moved, load("a", scope="y", seen=T3, complete=True)) == set()


@pytest.mark.parametrize("scopes", ["xy", "yx"])
def test_the_same_word_in_two_scopes_is_held_by_the_greater(scopes: str) -> None:
    twice = [load("a", thing("1"), scope=scope) for scope in scopes]
    assert parts(*twice, load("a", scope="x", seen=T3, complete=True)) == {"a:1"}


@pytest.mark.parametrize("note", "stuvwxyz")
def test_at_one_time_a_register_gives_the_scope(note: str) -> None:
    twice = [load("a", thing("1"), scope="z"), load("a", thing("1", note=note), scope="x", partial=True)]
    assert parts(*twice, load("a", scope="z", seen=T2, complete=True)) == {"a:1"}


def test_a_rejected_record_counts_as_reported() -> None:
    assert only(load("a", thing("1", note="kept")), load("a", seen=T2, complete=True, rejected=("1",)))[2] == {
        "note": "kept"
    }


def test_what_is_rejected_counts_as_reported_in_a_complete_load_only() -> None:
    said = [load("a", thing("1")), load("a", thing("2"), seen=T2, complete=True)]
    assert parts(*said, load("a", seen=T3, rejected=("1",))) == {"a:2"}
    assert parts(*said, load("a", thing("2"), seen=T3, complete=True, rejected=("1",))) == {"a:1", "a:2"}
    again = load("a", thing("2"), seen=T3, complete=True, rejected=("1",))
    assert parts(again, *reversed(said)) == {"a:1", "a:2"}
    assert parts(*said, again, load("a", thing("2"), seen=T4, complete=True)) == {"a:2"}


def test_a_rejected_relationship_counts_as_reported() -> None:
    said = [TWO, load("a", edge("1", "NEEDS", "2"), scope="x")]
    rejected = (EdgeKey("a", "NEEDS", "1", "2", ""),)
    assert len(edges(*said, load("a", scope="x", seen=T2, complete=True, rejected=rejected))) == 1


def test_partial_records_are_registers() -> None:
    whole = load("a", thing("1", note="n", tag="t", serial="s"), seen=T2)
    register = load("a", thing("1", note="m"), seen=T3, partial=True)
    old = load("a", thing("1", tag="u", host="h"), seen=T1, partial=True)
    null = load("a", thing("1", serial=None), seen=T3, partial=True)
    for said in ((whole, register, old, null), (null, old, register, whole)):
        assert only(*said)[2] == {"note": "m", "tag": "t"}
    assert only(whole, register, load("a", thing("1", host="h"), seen=T4))[2] == {"host": "h"}


def test_a_register_is_newer_than_a_whole_record_of_the_same_time() -> None:
    assert only(load("a", thing("1", note="p"), partial=True), load("a", thing("1", note="w", tag="t")))[2] == {
        "note": "p",
        "tag": "t",
    }


def test_the_newest_register_of_each_attribute_counts() -> None:
    said = [load("a", thing("1", note=note), seen=seen, partial=True) for note, seen in (("b", T2), ("a", T1))]
    assert only(*said)[2] == {"note": "b"}


def test_a_registers_own_seen_counts_before_that_of_its_load() -> None:
    late = load("a", thing("1", note="old", seen=T1), seen=T3, partial=True)
    assert only(load("a", thing("1", note="new"), seen=T2, partial=True), late)[2] == {"note": "new"}
    assert only(load("a", thing("1", note="whole"), seen=T2), late)[2] == {"note": "whole"}


def test_of_two_registers_of_one_time_the_value_with_the_greater_digest_counts() -> None:
    greater = max("xyz", key=digest)
    said = [load("a", thing("1", note=note, tag=tag), partial=True) for note, tag in ("xt", "yu", "zv")]
    for order in (said, said[::-1]):
        assert only(*order)[2]["note"] == greater


def test_registers_alone_make_a_record_of_the_newest_ones_class() -> None:
    said = [load("a", thing("1", "Server", note="n"), partial=True)]
    said.append(load("a", thing("1", "Computer", tag="t"), seen=T2, partial=True))
    assert only(*said) == only(*said[::-1]) == ("Computer", "1", {"note": "n", "tag": "t"})


def test_the_class_is_that_of_the_newest_whole_report() -> None:
    said = [load("a", thing("1", "Server")), load("a", thing("1", "Printer"), seen=T2)]
    later = load("a", thing("1", "Computer"), seen=T3, partial=True)
    assert only(*said, later)[0] == only(later, *said[::-1])[0] == "Printer"


def test_a_partial_report_keeps_a_record_present_and_moves_its_scope() -> None:
    whole, whole_load = load("a", thing("1", note="n")), load("a", seen=T2, complete=True)
    assert parts(whole, whole_load, load("a", thing("1", tag="t"), seen=T3, partial=True)) == {"a:1"}
    assert parts(whole, load("a", thing("1", tag="t"), scope="x", seen=T2, partial=True), whole_load) == {"a:1"}
