"""The oracle itself, by hand-worked cases: at least one for each sentence of docs/decisions/0006."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from knockon.schema.model import build
from knockon.schema.spec import ModelSpec
from tests.cmdb.oracle import Decision, EdgeKey, EdgeReport, EntityReport, Estate, Load, Rules, digest, judge

if TYPE_CHECKING:
    from collections.abc import Sequence

MODEL = build(
    ModelSpec.model_validate(
        yaml.safe_load("""
classes:
  Entity:
    description: x
    abstract: true
    attributes: {name: {type: string, description: x}, note: {type: string, description: x}}
  Computer:
    description: x
    is_a: Entity
    attributes:
      serial: {type: string, description: x}
      tag: {type: string, description: x}
      host: {type: string, description: x}
    identifiers: [{name: serial, by: [serial]}, {name: tag, by: [tag]}, {name: name, by: [name]}]
  Server: {description: x, is_a: Computer, identifiers: [{name: host, by: [host]}]}
  Rackmount: {description: x, is_a: Server, attributes: {units: {type: string, description: x}}}
  Printer: {description: x, is_a: Computer, attributes: {colour: {type: string, description: x}}}
  Database: {description: x, is_a: Entity, identifiers: [{name: in_host, by: [name], within: RUNS_ON}]}
  Table: {description: x, is_a: Entity, identifiers: [{name: in_base, by: [name], within: INSIDE}]}
  Folder: {description: x, is_a: Entity, identifiers: [{name: in_folder, by: [note], within: WITHIN}]}
  SubFolder: {description: x, is_a: Folder}
relationships:
  WITHIN: {inverse: CONTAINS, description: x, impact: none, because: x, ends: [[Folder, Folder]]}
  RUNS_ON: {inverse: RUNS, description: x, impact: none, because: x, ends: [[Database, Computer]]}
  HOLDS: {inverse: INSIDE, description: x, impact: none, because: x, ends: [[Database, Table]]}
  NEEDS: {inverse: NEEDED, description: x, impact: none, because: x, ends: [[Computer, Computer]]}
""")
    )
)
RULES = Rules(
    priorities={
        ("Computer", "serial"): 10, ("Computer", "tag"): 20, ("Server", "host"): 20, ("Computer", "name"): 30,
    },
    ranks={("", ""): ("strong", "weak"), ("Server", ""): ("strong", "weak", "a"), ("Computer", "tag"): ("weak",)},
    refresh={"Computer": 86400},
    null_overwrites=frozenset({("Computer", "host")}),
)  # fmt: skip
T1, T2, T3, T4 = (f"2026-11-0{day}T08:00:00Z" for day in range(1, 5))


def thing(key: str, class_name: str = "Server", seen: str | None = None, **attributes: Any) -> EntityReport:
    return EntityReport(key, class_name, attributes, seen)


def edge(start: str, kind: str, end: str, seen: str | None = None, **attributes: Any) -> EdgeReport:
    return EdgeReport(start, kind, end, attributes, seen)


def load(source: str, *items: EntityReport | EdgeReport, seen: str = T1, **more: Any) -> Load:
    entities = tuple(each for each in items if isinstance(each, EntityReport))
    edges = tuple(each for each in items if isinstance(each, EdgeReport))
    return Load(source, seen, entities, edges, **more)


def link(a: str, b: str, at: str = T1, *, taken_back: bool = False) -> Decision:
    return decide("link", a, b, at, taken_back=taken_back)


def apart(a: str, b: str, at: str = T1) -> Decision:
    return decide("apart", a, b, at)


def decide(kind: Any, a: str, b: str, at: str, *, taken_back: bool = False) -> Decision:
    (one, first), (other, second) = a.split(":"), b.split(":")
    return Decision(kind, (one, first), (other, second), at, taken_back)


def estate(*said: Load | Decision) -> Estate:
    loads = [each for each in said if isinstance(each, Load)]
    return judge(MODEL, RULES, loads, [each for each in said if isinstance(each, Decision)])


def words(records: frozenset[tuple[str, str]]) -> str:
    return " ".join(sorted(":".join(each) for each in records))


def parts(*said: Load | Decision) -> set[str]:
    return {words(records) for records, *_ in estate(*said).things}


def findings(*said: Load | Decision) -> set[tuple[str, str]]:
    return {(code, words(records)) for code, records in estate(*said).findings}


def only(*said: Load | Decision) -> tuple[str, str, dict[str, Any]]:
    """Class, name and attributes of the one thing there is."""
    ((_, class_name, name, attributes),) = estate(*said).things
    return class_name, name, json.loads(attributes)


# What is said


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


# Identification


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


def test_claims_of_one_set_are_taken_in_order_of_values() -> None:
    linked: list[Load | Decision] = [
        load("c", thing("1", name="m")),
        load("d", thing("1", name="n")),
        link("c:1", "d:1"),
    ]
    assert parts(*linked, load("a", thing("1", name="n"), thing("2", name="m"))) == {"a:1", "a:2 c:1 d:1"}


def test_claims_of_one_set_are_taken_in_order_of_the_parent_before_values() -> None:
    def on(key: str, name: str, host: str) -> tuple[EntityReport, EdgeReport]:
        return thing(key, "Database", name=name), edge(key, "RUNS_ON", host)

    linked = [load("c", thing("h"), *on("db", "z", "h")), load("d", thing("h"), *on("db", "a", "h"))]
    rivals = load("a", *on("1", "z", "c:h"), *on("2", "a", "d:h"))
    assert {"a:1 c:db d:db", "a:2"} <= parts(*linked, link("c:db", "d:db"), rivals)


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


def test_an_edge_that_is_not_allowed_gives_no_parent() -> None:
    wrong = [
        load(s, thing("x", "Database"), thing("db", "Database", name="d"), edge("db", "RUNS_ON", "a:x")) for s in "ab"
    ]
    assert {"a:db", "b:db"} <= parts(*wrong)


def test_an_ambiguous_reference_gives_no_parent() -> None:
    named = [load(s, thing("h", serial=s, name="same"), seen=T2) for s in "ac"]
    assert "b:db" in parts(base("a"), base("c"), *named, base("b", serial="b", of="Server:same"))


def test_children_whose_parents_go_round_in_a_circle_have_none() -> None:
    # Joined, a:t and b:t are a SubFolder named n, so that SubFolder:n is ambiguous, so that a:t has no parent, so that
    # they do not join, so that SubFolder:n is b:p alone, so that they join.
    child = load("a", thing("t", "SubFolder", note="t"), edge("t", "WITHIN", "SubFolder:n"))
    other = load(
        "b", thing("t", "Folder", note="t", name="n"), thing("p", "SubFolder", name="n"), edge("t", "WITHIN", "b:p")
    )
    assert parts(child, other) == {"a:t", "b:t", "b:p"}
    settled = (base("c"), base("d"))
    assert "c:db d:db" in parts(child, other, *settled)  # others do not notice


# Reconciliation


def pair(strong: EntityReport, weak: EntityReport, at: str = T1) -> tuple[Load, Load, Decision]:
    return load("strong", strong, seen=T1), load("weak", weak, seen=at), link("strong:1", "weak:1")


def test_the_class_is_the_deepest_on_one_branch() -> None:
    said = pair(thing("1", "Computer"), thing("1", "Rackmount", units="2"))
    assert only(*said) == ("Rackmount", "1", {"units": "2"})
    assert findings(*said) == set()


def test_classes_on_two_branches_are_settled_by_strength_with_a_finding() -> None:
    said = pair(thing("1", "Server"), thing("1", "Printer", colour="red", note="n"))
    deeper = (load("z", thing("1", "Rackmount")), link("z:1", "weak:1"))
    assert only(*said) == ("Server", "1", {"note": "n"})
    assert findings(*said) == {("CLASS_CONFLICT", "strong:1 weak:1")}
    assert only(*said, *deeper)[0] == "Rackmount"


def test_the_class_is_ranked_by_the_class_that_all_share() -> None:
    said: list[Load | Decision] = [
        load("0", thing("1", "Printer")),
        load("a", thing("1", "Server")),
        link("0:1", "a:1"),
    ]
    assert only(*said)[0] == "Printer"  # the Server's own ranking, which knows a, does not count


def test_the_stronger_source_wins_while_it_is_fresh() -> None:
    assert only(*pair(thing("1", note="s"), thing("1", note="w"), T2))[2] == {"note": "s"}  # exactly one day: fresh
    assert only(*pair(thing("1", note="s"), thing("1", note="w"), T3))[2] == {"note": "w"}


def test_freshness_is_measured_among_the_candidates_only() -> None:
    assert only(*pair(thing("1", note="s"), thing("1", tag="t"), T4))[2] == {"note": "s", "tag": "t"}


def test_freshness_is_that_of_the_value() -> None:
    said = pair(thing("1", note="s"), thing("1", note="w"), T3)
    assert only(*said, load("strong", thing("1", tag="t"), seen=T3, partial=True))[2] == {"note": "w", "tag": "t"}
    assert only(*said, load("strong", thing("1", note="r"), seen=T3, partial=True))[2] == {"note": "r"}


def test_a_class_without_a_refresh_period_is_always_fresh() -> None:
    said = pair(thing("1", "Database", note="s"), thing("1", "Database", note="w"), T4)
    assert only(*said)[2] == {"note": "s"}


def test_an_attributes_rule_counts_before_a_classes() -> None:
    assert only(*pair(thing("1", tag="s", note="s"), thing("1", tag="w", note="w")))[2] == {"tag": "w", "note": "s"}


def test_a_classes_ranking_counts_before_the_global_one_and_ranked_before_unranked() -> None:
    for class_name, winner in (("Server", "a"), ("Printer", "0")):
        said = [load(s, thing("1", class_name, note=s)) for s in ("0", "a")]
        assert only(*said, link("0:1", "a:1"))[2] == {"note": winner}


def test_unranked_the_newer_then_the_smaller_source_then_the_smaller_key_wins() -> None:
    def note(*reports: tuple[str, str, str]) -> str:
        said = [load(source, thing(key, note=f"{source}{key}"), seen=seen) for source, key, seen in reports]
        (a, k, _), (b, other, _) = reports
        return only(*said, link(f"{a}:{k}", f"{b}:{other}"))[2]["note"]  # type: ignore[no-any-return]

    assert note(("x", "1", T1), ("y", "1", T2)) == "y1"
    assert note(("y", "1", T1), ("x", "2", T1)) == "x2"
    assert note(("x", "2", T1), ("x", "1", T1)) == "x1"


def test_null_overwrites_only_where_the_model_says_so() -> None:
    assert only(*pair(thing("1", note=None, host=None), thing("1", note="n", host="h")))[2] == {"note": "n"}


def test_the_name_is_the_attribute_else_the_smallest_records_key() -> None:
    assert only(load("b", thing("1", serial="s")), load("a", thing("9", serial="s")))[1] == "9"
    assert only(load("b", thing("1", serial="s", name="n")), load("a", thing("9", serial="s")))[1] == "n"


# Edges


def edges(*said: Load | Decision) -> set[tuple[str, str, str, str, str]]:
    return {(kind, words(a), words(b), group, values) for kind, a, b, group, values in estate(*said).edges}


TWO = load("a", thing("1", name="one"), thing("2", name="two"))


def test_records_that_resolve_to_one_edge_are_one_edge_of_the_newest_words() -> None:
    old, new = edge("1", "NEEDS", "2", note="old"), edge("Server:one", "NEEDS", "a:2", seen=T2, note="new")
    assert edges(TWO, load("a", old), load("z", new)) == {("NEEDS", "a:1", "a:2", "", '{"note": "new"}')}
    tie = [load(s, edge("a:1", "NEEDS", "a:2", note=s)) for s in "yx"]
    assert edges(TWO, *tie) == {("NEEDS", "a:1", "a:2", "", '{"note": "x"}')}


def test_the_newest_report_of_an_edge_counts_and_gives_its_scope() -> None:
    def note(*said: Load) -> str:
        ((*_, values),) = edges(TWO, *said)
        return str(json.loads(values)["note"])

    new, old = load("a", edge("1", "NEEDS", "2", note="new"), seen=T2), load("a", edge("1", "NEEDS", "2", note="old"))
    late = load("a", edge("1", "NEEDS", "2", seen=T1, note="older"), seen=T3)
    assert note(new, old, late) == note(late, old, new) == "new"
    tied = [load("a", edge("1", "NEEDS", "2", note=each), scope=each) for each in "xyz"]
    greatest = max("xyz", key=lambda each: digest({"note": each}))
    assert note(*tied) == note(*tied[::-1]) == greatest
    for scope in "xyz":
        held = edges(TWO, *tied, load("a", scope=scope, seen=T2, complete=True))
        assert bool(held) == (scope != greatest)
    same = [load("a", edge("1", "NEEDS", "2"), scope=each) for each in "yx"]
    assert edges(TWO, *same, load("a", scope="y", seen=T2, complete=True)) == set()


def test_an_ambiguous_end_is_told_before_one_that_waits() -> None:
    two = load("a", thing("3", name="same", serial="3"), thing("4", name="same", serial="4"))
    for ends in (("gone", "Computer:same"), ("Computer:same", "gone")):
        said = estate(TWO, two, load("a", edge(ends[0], "NEEDS", ends[1])))
        assert {code for _, code in said.waiting} == {"AMBIGUOUS_REFERENCE"}


def test_a_name_is_that_of_a_thing_of_the_class_or_below_exactly() -> None:
    said = load(
        "a", thing("p", "Printer", name="lp"), edge("1", "NEEDS", "Server:lp"), edge("2", "NEEDS", "Computer:LP")
    )
    assert edges(TWO, said) == set()
    assert {end for *_, end, _, _ in edges(TWO, said, load("a", edge("1", "NEEDS", "Computer:lp")))} == {"a:p"}


def test_a_group_makes_another_edge() -> None:
    said = load("a", edge("1", "NEEDS", "2"), edge("1", "NEEDS", "2", redundancy_group="g"))
    assert {group for *_, group, _ in edges(TWO, said)} == {"", "g"}


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("nowhere", "WAITING_REFERENCE"),
        ("Computer:same", "AMBIGUOUS_REFERENCE"),
        ("1", "SELF_LOOP"),
        ("db", "RELATIONSHIP_NOT_ALLOWED"),
    ],
)
def test_what_waits_has_no_edge(end: str, code: str) -> None:
    more = load("a", thing("3", name="same", serial="3"), thing("4", name="same", serial="4"), thing("db", "Database"))
    said = estate(TWO, more, load("a", edge("1", "NEEDS", end)))
    assert said.edges == frozenset()
    assert said.waiting == {(EdgeKey("a", "NEEDS", "1", end, ""), code)}


def test_a_native_key_is_read_first_and_only_while_its_record_is_present() -> None:
    key = load("a", thing("Server:two"), seen=T1, scope="x")
    said = load("a", edge("1", "NEEDS", "Server:two"))
    assert {b for _, _, b, *_ in edges(TWO, key, said)} == {"a:Server:two"}
    assert {b for _, _, b, *_ in edges(TWO, key, said, load("a", scope="x", seen=T2, complete=True))} == {"a:2"}


def test_edges_are_withdrawn_too_and_a_retired_end_leaves_them_waiting() -> None:
    said = load("a", edge("1", "NEEDS", "2"), scope="edges")
    assert edges(TWO, said, load("a", scope="edges", seen=T2, complete=True)) == set()
    gone = estate(TWO, said, load("a", thing("1"), seen=T2, complete=True))
    assert {code for _, code in gone.waiting} == {"WAITING_REFERENCE"}


def test_ends_that_join_make_a_loop() -> None:
    assert edges(TWO, load("a", edge("1", "NEEDS", "2")), link("a:1", "a:2")) == set()


# Laws

VALUES = {"serial": "st", "tag": "tu", "name": "nm", "host": "h", "note": "xy"}
ENTITIES = st.builds(
    EntityReport,
    st.sampled_from("12"),
    st.sampled_from(["Computer", "Server", "Rackmount", "Printer", "Database"]),
    st.fixed_dictionaries({}, optional={k: st.sampled_from([*v, None]) for k, v in VALUES.items()}),
    st.sampled_from([None, T1, T2]),
)
EDGES = st.builds(
    EdgeReport,
    st.sampled_from(["1", "2", "a:1"]),
    st.sampled_from(["RUNS_ON", "NEEDS"]),
    st.sampled_from(["1", "2", "b:1", "Computer:n"]),
)


def of_one_moment(load: Load) -> Load:
    """A complete load is of one moment."""
    if not load.complete:
        return load
    entities = tuple(replace(each, seen=None) for each in load.entities)
    return replace(
        load, entities=entities, relationships=tuple(replace(each, seen=None) for each in load.relationships)
    )


LOADS = st.builds(
    Load,
    st.sampled_from(["a", "b", "strong"]),
    st.sampled_from([T1, T2, T3]),
    st.lists(ENTITIES, max_size=3).map(tuple),
    st.lists(EDGES, max_size=2).map(tuple),
    scope=st.sampled_from(["", "x"]),
    complete=st.booleans(),
    partial=st.booleans(),
).map(of_one_moment)
KEYS = st.tuples(st.sampled_from(["a", "b", "strong"]), st.sampled_from("12"))
DECISIONS = st.builds(
    Decision, st.sampled_from(["link", "apart"]), KEYS, KEYS, st.sampled_from([T1, T2]), st.booleans()
)


@given(st.lists(LOADS, max_size=5), st.lists(DECISIONS, max_size=3), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(loads: list[Load], decisions: list[Decision], chance: Any) -> None:
    def mixed(each: Sequence[Any]) -> list[Any]:
        again = [*each, *each[:2]]
        chance.shuffle(again)
        return again

    assert judge(MODEL, RULES, mixed(loads), mixed(decisions)) == judge(MODEL, RULES, loads, decisions)


@given(st.lists(LOADS, max_size=5), st.lists(DECISIONS, max_size=3))
def test_batches_change_nothing(loads: list[Load], decisions: list[Decision]) -> None:
    cut = []
    for each in loads:  # the last piece closes a complete load: at one time nothing withdraws what another piece says
        more: dict[str, Any] = {"scope": each.scope, "partial": each.partial}
        cut += [Load(each.source, each.seen, (one,), **more) for one in each.entities]
        cut += [Load(each.source, each.seen, (), (one,), **more) for one in each.relationships]
        cut.append(Load(each.source, each.seen, complete=each.complete, **more))
    assert judge(MODEL, RULES, cut, decisions) == judge(MODEL, RULES, loads, decisions)


@given(st.lists(LOADS, max_size=5), st.lists(DECISIONS, max_size=3))
def test_every_present_record_is_in_one_thing(loads: list[Load], decisions: list[Decision]) -> None:
    records = [key for each, *_ in judge(MODEL, RULES, loads, decisions).things for key in each]
    assert len(records) == len(set(records))
    assert set(records) <= {(each.source, report.key) for each in loads for report in each.entities}
