"""The oracle on reconciliation, of docs/decisions/0006, by hand-worked cases: at least one for each sentence."""

from __future__ import annotations

import json

import pytest

from tests.cmdb.oracle import Decision, EdgeKey, EntityReport, Load, digest
from tests.cmdb.saying import T1, T2, T3, T4, TWO, edge, edges, estate, findings, link, load, only, thing


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
        return str(only(*said, link(f"{a}:{k}", f"{b}:{other}"))[2]["note"])

    assert note(("x", "1", T1), ("y", "1", T2)) == "y1"
    assert note(("y", "1", T1), ("x", "2", T1)) == "x2"
    assert note(("x", "2", T1), ("x", "1", T1)) == "x1"


def test_null_overwrites_only_where_the_model_says_so() -> None:
    assert only(*pair(thing("1", note=None, host=None), thing("1", note="n", host="h")))[2] == {"note": "n"}


def test_the_name_is_the_attribute_else_the_smallest_records_key() -> None:
    assert only(load("b", thing("1", serial="s")), load("a", thing("9", serial="s")))[1] == "9"
    assert only(load("b", thing("1", serial="s", name="n")), load("a", thing("9", serial="s")))[1] == "n"


# Edges


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
