"""Laws of the oracle itself: order, batches and repetition change nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from tests.cmdb.oracle import Decision, EdgeReport, EntityReport, Load, judge
from tests.cmdb.saying import MODEL, RULES, T1, T2, T3

if TYPE_CHECKING:
    from collections.abc import Sequence


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
