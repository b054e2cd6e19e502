"""The oracle on identification, of docs/decisions/0006, by hand-worked cases: at least one for each sentence."""

from __future__ import annotations

import pytest

from tests.cmdb.oracle import Decision, Load
from tests.cmdb.saying import T2, apart, edge, findings, link, load, parts, thing, words


def test_records_join_by_text_without_case_and_outer_blanks() -> None:
    assert parts(load("a", thing("1", serial="AB ")), load("b", thing("1", serial="ab"))) == {"a:1 b:1"}


@pytest.mark.parametrize("nothing", ["", " ", None])
def test_empty_is_no_claim(nothing: str | None) -> None:
    assert parts(load("a", thing("1", serial=nothing)), load("b", thing("1", serial=nothing))) == {"a:1", "b:1"}


def test_a_set_of_an_ancestor_joins_classes() -> None:
    assert parts(load("a", thing("1", "Computer", tag="t")), load("b", thing("1", tag="t"))) == {"a:1 b:1"}
    assert parts(load("a", thing("1", "Computer", host="t")), load("b", thing("1", host="t"))) == {"a:1", "b:1"}


def test_replaced_hardware_stays_two_with_a_finding() -> None:
    old, new = load("a", thing("1", name="n", serial="s1")), load("b", thing("1", name="n", serial="s2"))
    assert parts(old, new) == {"a:1", "b:1"}
    assert findings(old, new) == {("IDENTITY_VETO", "a:1 b:1")}


def test_a_weaker_set_or_one_of_equal_priority_does_not_veto() -> None:
    assert parts(load("a", thing("1", serial="s", tag="t")), load("b", thing("1", serial="s", tag="u"))) == {"a:1 b:1"}
    assert parts(load("a", thing("1", host="h", tag="t")), load("b", thing("1", host="h", tag="u"))) == {"a:1 b:1"}


def test_a_part_disagrees_only_where_nothing_is_in_common() -> None:
    said = [load("a", thing("1", serial="s1", tag="t")), load("b", thing("1", serial="s2", name="n"))]
    assert parts(*said, link("a:1", "b:1"), load("c", thing("1", serial="s2", tag="t"))) == {"a:1 b:1 c:1"}


def test_the_middle_of_a_chain_goes_with_the_stronger_set() -> None:
    middle = load("b", thing("1", tag="t", name="n"))
    tagged, named = load("c", thing("1", serial="s1", tag="t")), load("a", thing("1", serial="s2", name="n"))
    assert parts(named, middle, tagged) == {"a:1", "b:1 c:1"}
    assert findings(named, middle, tagged) == {("IDENTITY_VETO", "a:1 b:1")}


def test_the_middle_of_a_chain_in_one_set_goes_with_the_smaller_key() -> None:
    said = [load("b", thing("1", name="n", serial="s1")), load("c", thing("1", name="n", serial="s2"))]
    assert parts(*said, load("d", thing("1", name="n"))) == {"b:1 d:1", "c:1"}
    assert parts(*said, load("a", thing("1", name="n"))) == {"a:1 b:1", "c:1"}


def test_at_equal_priority_the_deeper_declaring_class_goes_first() -> None:
    said = [load("a", thing("1", serial="1", tag="t")), load("b", thing("1", tag="t", host="h"))]
    assert parts(*said, load("c", thing("1", serial="2", host="h"))) == {"a:1", "b:1 c:1"}


def test_two_keys_of_one_source_do_not_join() -> None:
    said = load("a", thing("1", serial="s"), thing("2", serial="s"))
    assert parts(said) == {"a:1", "a:2"}
    assert findings(said) == {("DUPLICATE_IDENTIFIER", "a:1 a:2")}
    assert parts(said, link("a:1", "a:2")) == {"a:1 a:2"}
    assert parts(said, link("a:1", "a:2"), load("b", thing("1", serial="s"))) == {"a:1 a:2 b:1"}


def test_two_keys_of_one_source_do_not_meet_through_a_third() -> None:
    said = (load("b", thing("1", serial="s", tag="t")), load("a", thing("1", serial="s"), thing("2", tag="t")))
    assert parts(*said) == {"a:1 b:1", "a:2"}
    assert findings(*said) == {("DUPLICATE_IDENTIFIER", "a:2 b:1")}


def test_claims_of_one_set_are_taken_in_order_of_their_smallest_record() -> None:
    linked: list[Load | Decision] = [
        load("c", thing("1", name="m")),
        load("d", thing("1", name="n")),
        link("c:1", "d:1"),
    ]
    assert parts(*linked, load("a", thing("1", name="n"), thing("2", name="m"))) == {"a:1 c:1 d:1", "a:2"}


@pytest.mark.parametrize(("count", "joined"), [(20, True), (21, False)])
def test_a_value_with_more_than_twenty_claimants_identifies_nobody(count: int, joined: bool) -> None:
    many = [load(f"s{n:02}", thing("1", serial="none", name=f"n{n}")) for n in range(count)]
    assert len(parts(*many)) == (1 if joined else count)
    assert len(findings(*many)) == (0 if joined else 1)


def test_a_junk_value_does_not_disagree_either() -> None:
    many = [load(f"s{n:02}", thing("1", serial="none", tag=f"t{n}")) for n in range(21)]
    assert "s00:1 z:1" in parts(*many, load("z", thing("1", serial="real", tag="t0")))


def test_a_withdrawn_record_claims_nothing() -> None:
    many = [load(f"s{n:02}", thing("1", serial="none")) for n in range(21)]
    assert len(parts(*many, load("s00", seen=T2, complete=True))) == 1


def test_a_person_wins_over_values() -> None:
    one, other = load("a", thing("1", serial="s1")), load("b", thing("1", serial="s2"))
    assert parts(one, other, link("b:1", "a:1")) == {"a:1 b:1"}
    same = load("b", thing("1", serial="s1"))
    assert parts(one, same, apart("b:1", "a:1")) == {"a:1", "b:1"}
    assert findings(one, same, apart("a:1", "b:1")) == set()


def test_the_newer_decision_about_a_pair_counts_and_may_be_taken_back() -> None:
    said = [load("a", thing("1")), load("b", thing("1"))]
    assert parts(*said, link("a:1", "b:1", T2), apart("b:1", "a:1")) == {"a:1 b:1"}
    assert parts(*said, apart("a:1", "b:1", T2), link("b:1", "a:1")) == {"a:1", "b:1"}
    assert parts(*said, link("a:1", "b:1", T2, taken_back=True)) == {"a:1", "b:1"}
    assert parts(*said, link("a:1", "b:1"), apart("a:1", "b:1")) == {"a:1", "b:1"}  # one moment


def test_a_link_against_a_keep_apart_is_a_finding() -> None:
    said = [load(source, thing("1")) for source in "abc"]
    decisions = [link("a:1", "b:1"), link("b:1", "c:1"), apart("a:1", "c:1")]
    assert parts(*said, *decisions) == {"a:1 b:1", "c:1"}
    assert findings(*said, *decisions) == {("LINK_CONFLICT", "b:1 c:1")}


def test_a_keep_apart_holds_for_whole_parts() -> None:
    said = [
        load("a", thing("1", serial="s")),
        load("b", thing("1", serial="s", tag="t")),
        load("c", thing("1", tag="t")),
    ]
    assert parts(*said, apart("a:1", "c:1")) == {"a:1 b:1", "c:1"}


def test_a_decision_about_a_record_that_is_not_there_waits() -> None:
    assert parts(load("a", thing("1")), link("a:1", "b:1")) == {"a:1"}
    assert parts(load("a", thing("1")), link("a:1", "b:1"), load("b", thing("1"))) == {"a:1 b:1"}


def test_a_record_that_changes_its_serial_splits_off() -> None:
    said = [load("a", thing("1", serial="s")), load("b", thing("1", serial="s"))]
    assert parts(*said) == {"a:1 b:1"}
    assert parts(*said, load("b", thing("1", serial="u"), seen=T2)) == {"a:1", "b:1"}


def test_a_stronger_set_that_agrees_does_not_hide_another_that_does_not() -> None:
    said = [load(s, thing("1", serial=s, tag="t", name="n")) for s in "ab"]
    assert parts(*said) == {"a:1", "b:1"}


def test_a_veto_names_the_claimants_of_the_two_parts_only() -> None:
    said = [load(s, thing("1", serial=f"s{s}", name="n")) for s in "abd"]
    third = load("c", thing("1", serial="sa", name="n"))
    assert findings(*said, third) == {
        ("IDENTITY_VETO", "a:1 b:1 c:1"), ("IDENTITY_VETO", "a:1 c:1 d:1"), ("IDENTITY_VETO", "b:1 d:1"),
    }  # fmt: skip


def test_too_many_claimants_are_named() -> None:
    many = [load(f"s{n:02}", thing("1", serial="none")) for n in range(21)]
    assert findings(*many) == {("TOO_MANY_CLAIMANTS", words(frozenset((f"s{n:02}", "1") for n in range(21))))}


def test_a_decision_waits_for_either_of_its_records() -> None:
    for decision in (link("a:1", "b:1"), link("b:1", "a:1"), apart("a:1", "b:1")):
        assert parts(load("a", thing("1")), decision) == {"a:1"}
        assert parts(load("b", thing("1")), decision) == {"b:1"}


def test_of_two_decisions_of_one_moment_the_keep_apart_counts() -> None:
    said = [load("a", thing("1", serial="s")), load("b", thing("1", serial="s"))]
    assert parts(*said, apart("a:1", "b:1"), link("a:1", "b:1")) == {"a:1", "b:1"}


def test_what_is_taken_back_lets_the_decision_before_it_count_again() -> None:
    said = (load("a", thing("1")), load("b", thing("1")), link("a:1", "b:1"))
    newer = Decision("apart", ("a", "1"), ("b", "1"), T2, taken_back=True)
    assert parts(*said, apart("a:1", "b:1", T2)) == {"a:1", "b:1"}
    assert parts(*said, newer) == {"a:1 b:1"}


# Parents


def base(source: str, *, host: str = "h", of: str = "", serial: str = "s") -> Load:
    host_record = thing(host, serial=serial)
    return load(source, host_record, thing("db", "Database", name="d"), edge("db", "RUNS_ON", of or host))


def test_children_meet_when_their_parents_do() -> None:
    assert parts(base("a"), base("b")) == {"a:h b:h", "a:db b:db"}
    assert parts(base("a"), base("b", serial="other")) == {"a:h", "b:h", "a:db", "b:db"}
    assert "a:db b:db" in parts(base("a"), base("b", serial="other"), link("a:h", "b:h"))


def test_grandchildren_meet_too_through_an_inverse_name() -> None:
    inner = [load(s, thing("t", "Table", name="t"), edge("db", "HOLDS", "t")) for s in "ab"]
    assert "a:t b:t" in parts(base("a"), base("b"), *inner)


def test_a_child_without_parent_is_no_claim() -> None:
    lone = load("b", thing("db", "Database", name="d"))
    assert "b:db" in parts(base("a"), lone)
    two = load("b", thing("i", serial="i"), edge("db", "RUNS_ON", "i"))
    assert "b:db" in parts(base("a"), base("b"), two)
    gone = load("b", edge("db", "RUNS_ON", "nowhere"))
    assert "a:db b:db" in parts(base("a"), base("b"), gone)  # what does not resolve does not count


def test_the_child_end_must_be_the_plain_native_key_of_the_own_source() -> None:
    for words_of_child in ("b:db", "Database:d"):
        said = load(
            "b", thing("h", serial="s"), thing("db", "Database", name="d"), edge(words_of_child, "RUNS_ON", "h")
        )
        assert "b:db" in parts(base("a"), said)
    foreign = load("c", edge("b:db", "RUNS_ON", "a:h"))
    assert "b:db" in parts(base("a"), load("b", thing("db", "Database", name="d")), foreign)
    assert "a:db b:db" in parts(base("a"), base("b", of="a:h"))


def test_what_is_no_such_parent_is_none() -> None:
    wrong = [
        load(s, thing("x", "Database"), thing("db", "Database", name="d"), edge("db", "RUNS_ON", "a:x")) for s in "ab"
    ]
    assert {"a:db", "b:db"} <= parts(*wrong)


def test_an_ambiguous_reference_gives_no_parent() -> None:
    named = [load(s, thing("h", serial=s, name="same"), seen=T2) for s in "ac"]
    assert "b:db" in parts(base("a"), base("c"), *named, base("b", serial="b", of="Server:same"))


def test_a_parent_named_under_another_class_is_none() -> None:
    # whether Entity:h means one thing depends on the databases too
    named = load("a", thing("h", serial="s", name="m"), seen=T2)
    assert "a:db b:db" in parts(base("a"), named, base("b", of="Computer:m"))
    assert "b:db" in parts(base("a"), named, base("b", of="Entity:m"))


def test_records_of_different_families_are_never_one() -> None:
    said = (load("a", thing("1", name="n")), load("b", thing("1", "Database", name="n")))
    assert parts(*said, link("a:1", "b:1")) == {"a:1", "b:1"}
