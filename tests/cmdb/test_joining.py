"""Golden cases of joining and naming: the order in which records join, what keeps them apart, who keeps which id."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.contract.rows import Alias, EdgeRecord, EdgeRecordKey, Entity, Record
from knockon.cmdb.identity.claims import claimed, claims, parents_of
from knockon.cmdb.identity.joining import JUNK, joined
from knockon.cmdb.identity.naming import holders, named
from knockon.cmdb.identity.touched import Touched
from tests.cmdb.identity import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from knockon.cmdb.identity.joining import Key

SEEN = "2026-11-02T08:00:00Z"


def record(words: str, class_name: str = "Server", **said: Any) -> Record:
    source, key = words.split(":")
    return Record(source, key, "", class_name, said, SEEN, "d", claims=claims(MODEL, class_name, said, {}))


def key(words: str) -> Key:
    source, native = words.split(":")
    return source, native


def pair(words: str) -> tuple[Key, Key]:
    a, b = words.split()
    return key(a), key(b)


def parts(records: Iterable[Record], **how: Any) -> set[str]:
    keyed = {(each.source, each.key): each for each in records}
    found = joined(MODEL, keyed, how.pop("junk", ()), **how)
    return {" ".join(":".join(each) for each in part) for part in found.parts}


def outcomes(records: Iterable[Record], **how: Any) -> list[tuple[str, str | None]]:
    keyed = {(each.source, each.key): each for each in records}
    return [(each.outcome.value, each.veto) for each in joined(MODEL, keyed, (), **how).meetings]


def test_the_stronger_set_joins_first_and_then_forbids_the_weaker() -> None:
    # by name b would be a's; but it is c's by serial number, and c is not a
    three = [record("a:1", name="n", serial="s"), record("b:1", name="n"), record("c:1", name="n", serial="t")]
    assert parts(three) == {"a:1 b:1", "c:1"}
    three[1] = record("b:1", name="n", serial="t")
    assert parts(three) == {"a:1", "b:1 c:1"}


def test_sets_of_equal_priority_do_not_forbid_each_other() -> None:
    assert parts([record("a:1", tag="x", host="h"), record("b:1", tag="x", host="g")]) == {"a:1 b:1"}


def test_a_value_in_common_is_agreement_whatever_else_a_part_claims() -> None:
    # linked, a part has two serial numbers; who has one of them agrees with it
    three = [record("a:1", serial="s", name="n"), record("b:1", serial="t"), record("c:1", serial="t", name="n")]
    assert parts(three, links=[pair("a:1 b:1")]) == {"a:1 b:1 c:1"}
    other = record("d:1", serial="u", name="n")
    assert parts([*three, other], links=[pair("a:1 b:1")]) == {"a:1 b:1 c:1", "d:1"}


def test_a_veto_is_told_with_the_set_that_it_comes_from() -> None:
    two = [record("a:1", serial="s", tag="x", name="n"), record("b:1", serial="t", tag="y", name="n")]
    assert outcomes(two) == [("IDENTITY_VETO", "Computer.serial")]


def test_a_source_means_two_things_by_two_keys_and_others_join_the_smaller() -> None:
    three = [record("b:2", serial="s"), record("b:1", serial="s"), record("a:9", serial="s")]
    assert parts(three) == {"a:9 b:1", "b:2"}
    assert outcomes(three) == [("JOINED", None), ("DUPLICATE_IDENTIFIER", None), ("DUPLICATE_IDENTIFIER", None)]


def test_a_link_makes_two_records_of_one_source_one_thing() -> None:
    assert parts([record("a:1"), record("a:2")], links=[pair("a:1 a:2")]) == {"a:1 a:2"}


@pytest.mark.parametrize("how", ["serial", "link"])
def test_a_keep_apart_holds_for_all_that_is_one_with_the_two(how: str) -> None:
    three = [record("a:1", serial="s"), record("b:1", serial="s", name="n"), record("c:1", name="n")]
    apart = {frozenset(pair("a:1 c:1"))}
    links = [pair("b:1 c:1")] if how == "link" else []
    wanted = {"a:1", "b:1 c:1"} if how == "link" else {"a:1 b:1", "c:1"}
    assert parts(three, apart=apart, links=links) == wanted


def test_links_are_taken_by_source_and_key_and_stop_at_a_keep_apart() -> None:
    three = [record("a:1"), record("b:1"), record("c:1")]
    links, apart = [pair("b:1 c:1"), pair("a:1 b:1")], {frozenset(pair("a:1 c:1"))}
    assert parts(three, links=links, apart=apart) == {"a:1 b:1", "c:1"}
    assert outcomes(three, links=links, apart=apart) == [("LINKED", None), ("LINK_CONFLICT", None)]


def test_junk_neither_joins_nor_disagrees() -> None:
    two = [record("a:1", serial="0", name="n"), record("b:1", serial="s", name="n")]
    assert parts(two) == {"a:1", "b:1"}
    assert parts(two, junk={two[0].claims["Computer.serial"]}) == {"a:1 b:1"}


@pytest.mark.parametrize(
    ("before", "now", "junk", "newly", "un", "concerned"),
    [
        (JUNK, JUNK, False, False, False, JUNK),
        (JUNK, JUNK + 1, True, True, False, JUNK + 1),
        (JUNK + 1, JUNK + 1, True, False, False, 0),
        (JUNK + 1, JUNK, False, False, True, JUNK),
        (0, JUNK + 1, True, True, False, JUNK + 1),
    ],
)
def test_a_value_is_junk_from_one_more_than_twenty_on_and_back(
    before: int, now: int, junk: bool, newly: bool, un: bool, concerned: int
) -> None:
    touched = Touched()
    near = touched.weigh("t", before, {("s", str(n)) for n in range(now)})
    assert (("t" in touched.junk), ("t" in touched.newly_junk), ("t" in touched.unjunked)) == (junk, newly, un)
    assert len(near) == concerned  # what was junk and is so still concerns nobody


def test_the_order_in_which_records_stand_makes_no_difference() -> None:
    four = [record("a:1", serial="s", name="n"), record("b:1", tag="x", name="n"), record("c:1", serial="t", tag="x"),
            record("d:1", "Computer", serial="s", tag="y")]  # fmt: skip
    assert len({frozenset(parts(order)) for order in permutations(four)}) == 1


# Claims


def test_claims_are_compared_without_case_and_outer_blanks_and_only_whole() -> None:
    one, other = (record("a:1", serial=" S1 ", host="H"), record("b:1", serial="s1", host="h"))
    assert one.claims == other.claims
    assert claimed({"x": None, "y": "a"}, ["x", "y"]) is None
    assert claimed({"x": "  ", "y": "a"}, ["x", "y"]) is None
    assert claimed({"x": 0, "y": ["A ", "b"]}, ["x", "y"]) == [0, ["a", "b"]]


def test_a_printer_with_a_computers_serial_number_claims_something_else() -> None:
    one, other = record("a:1", serial="s").claims, record("b:1", "Printer", serial="s").claims
    assert set(one.values()).isdisjoint(other.values())


def placing(child: str, parent: str, known: str | None) -> EdgeRecord:
    return EdgeRecord(EdgeRecordKey("a", "RUNS_ON", child, parent, ""), {}, SEEN, "d", None, None, ("i", known), ())


MACHINES = {name: Entity(name, "Server", name, name, {}) for name in ("m", "n")} | {
    "p": Entity("p", "Printer", "p", "p", {})
}


@pytest.mark.parametrize(
    ("placings", "parent"),
    [
        ([("m", "m")], "m"),
        ([], None),
        ([("m", None)], None),
        ([("m", "m"), ("m2", "m")], "m"),
        ([("m", "m"), ("n", "n")], None),
        ([("m", "m"), ("p", "p")], "m"),
        ([("Computer:m", "m")], "m"),
        ([("Printer:m", "m")], None),
    ],
    ids=str,
)
def test_a_parent_is_what_all_ways_lead_to(placings: list[tuple[str, str | None]], parent: str | None) -> None:
    found = parents_of(MODEL, "Instance", [placing("i", to, known) for to, known in placings], MACHINES)
    assert list(found.values()) == ([parent] if parent else [])


# Ids


def ids(
    parts: Mapping[str, str | None], former: Sequence[Alias] = (), **had: str
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Name parts, each said as the letters of its records; new ids are told by a star."""
    keyed = {letters: tuple(("s", each) for each in letters) for letters in parts}
    of = {("s", each): id_ for each, id_ in had.items()}
    found = named(list(keyed.values()), of, holders(list(keyed.values()), of), former)
    shown = {id_: "*" if id_ in found.made else id_ for id_ in found.ids.values()}
    return (
        {letters: shown[found.ids[part]] for letters, part in keyed.items()},
        {alias: shown[to] for alias, to in found.aliases.items()},
        {next(w for w, part in keyed.items() if found.ids[part] == new): of for new, of in found.split_from.items()},
    )


def test_what_is_new_gets_a_new_id_and_no_origin() -> None:
    assert ids({"ab": None, "c": None}) == ({"ab": "*", "c": "*"}, {}, {})


def test_a_merge_keeps_the_oldest_id_and_the_others_lead_to_it() -> None:
    assert ids({"abc": None}, a="2", b="1", c="3") == ({"abc": "1"}, {"2": "1", "3": "1"}, {})


def test_after_a_split_most_records_keep_the_id_then_the_smallest_record() -> None:
    assert ids({"a": None, "bc": None}, a="1", b="1", c="1") == ({"a": "*", "bc": "1"}, {}, {"a": "1"})
    assert ids({"a": None, "b": None}, a="1", b="1") == ({"a": "1", "b": "*"}, {}, {"b": "1"})


def test_records_that_change_sides_leave_each_side_its_id() -> None:
    assert ids({"ac": None, "bd": None}, a="1", b="1", c="2", d="2") == ({"ac": "1", "bd": "2"}, {}, {})


def test_an_id_that_no_part_keeps_leads_to_where_most_of_its_records_went() -> None:
    # 1 goes to abc; of 2, c went there and d and e left alone
    found = ids({"abc": None, "de": None}, a="1", b="1", c="2", d="2", e="2")
    assert found == ({"abc": "1", "de": "2"}, {}, {})
    assert ids({"abcd": None, "e": None}, a="1", b="1", c="2", d="2", e="1")[1] == {"2": "1"}


def was(alias: str, of: str, records: str, since: int) -> Alias:
    return Alias(alias, of, tuple(("s", each) for each in records), since)


def test_a_part_takes_up_the_id_that_its_records_had_before_they_came_together() -> None:
    came = [was("2", "1", "bcd", 5)]
    assert ids({"a": None, "bcd": None}, came, a="1", b="1", c="1", d="1")[0] == {"a": "1", "bcd": "2"}
    assert ids({"ab": None, "cd": None}, came, a="1", b="1", c="1", d="1")[0] == {"ab": "1", "cd": "2"}


def test_an_id_stays_with_what_was_there_before_the_last_came() -> None:
    came = [was("2", "1", "b", 5), was("3", "1", "cd", 6)]  # a, which had it first, is gone
    assert ids({"b": None, "cd": None}, came, b="1", c="1", d="1")[0] == {"b": "1", "cd": "3"}


def test_an_alias_goes_with_its_records_where_those_go() -> None:
    parts = [(("s", "a"),), (("s", "b"), ("s", "c"))]
    had = {("s", each): "1" for each in "abc"}
    found = named(parts, had, holders(parts, had), [was("2", "1", "bc", 5), was("3", "1", "c", 4)])
    assert found.returned == {"2"}
    assert found.turned == [was("3", "2", "c", 4)]
