"""Changed estates: the changes are those that were asked for, and no failure outside the neighbourhood notices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from knockon.cmdb.contract.rows import Edge, EdgeKey, Entity, Scan
from knockon.impact.planning.overlay import Overlay, apply, contrast, neighbourhood
from knockon.impact.topology.derive import network
from knockon.impact.topology.network import Network
from knockon.impact.topology.topology import Topology
from knockon.schema.installed import installed_model
from knockon.schema.states import State
from tests.conftest import scaled
from tests.impact import oracle
from tests.impact.networks import choices, needs, needs_of_one, network_of, networks

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject, DrawFn

MODEL = installed_model()


@st.composite
def edits(draw: DrawFn, before: Network) -> Network:
    """The same network with some dependencies fewer, some more, an item gone, one new and one with other settings."""
    kept = [each for each in before.dependencies if draw(choices([True, True, True, False]))[0]]
    size = len(before.items)
    more = draw(st.lists(needs_of_one(size), max_size=2)) if size > 1 else []
    items = list(before.items)
    place = draw(st.integers(0, size - 1))
    items[place] = replace(items[place], min_up=draw(st.sampled_from([items[place].min_up, "2", "50%"])))
    dependencies = [*kept, *(each for some in more for each in some)]
    if draw(st.booleans()):
        gone = items.pop(draw(st.integers(0, size - 1))).id
        dependencies = [each for each in dependencies if gone not in (each.consumer, each.supplier)]
    return Network(items, dependencies)


@given(networks(max_items=10), st.data())
@settings(max_examples=scaled(200), deadline=None)
def test_a_contrast_is_the_difference_of_the_two_estates(before: Network, data: DataObject) -> None:
    after = data.draw(edits(before), "after")
    ids = sorted({item.id for item in (*before.items, *after.items)})
    seeds = data.draw(st.dictionaries(st.sampled_from(ids), st.sampled_from([State.DOWN, State.DEGRADED]), max_size=3))
    found = contrast(Topology.of(before), Topology.of(after), seeds)
    old, new = (
        oracle.judge(
            each, {k: v for k, v in seeds.items() if k in {i.id for i in each.items}}, frozenset(), frozenset()
        )
        for each in (before, after)
    )
    both = old.states.keys() & new.states.keys()
    assert set(found.worse) == {each for each in both if new.states[each] > old.states[each]}
    assert set(found.better) == {each for each in both if new.states[each] < old.states[each]}


@given(networks(max_items=10), st.data())
@settings(max_examples=scaled(200), deadline=None)
def test_no_single_failure_outside_the_neighbourhood_makes_a_difference(before: Network, data: DataObject) -> None:
    after = data.draw(edits(before), "after")
    near = neighbourhood(before, after)
    old, new = Topology.of(before), Topology.of(after)
    for item in {item.id for item in (*before.items, *after.items)} - near:
        for state in (State.DEGRADED, State.DOWN):
            found = contrast(old, new, {item: state})
            assert (found.worse, found.better) == ((), ())


@given(networks(max_items=10), st.data())
@settings(max_examples=scaled(200), deadline=None)
def test_nor_does_one_where_something_has_failed_on_both_sides(before: Network, data: DataObject) -> None:
    """Outside the neighbourhood, a failure shifts nothing but what is shifted already."""
    after = data.draw(edits(before), "after")
    ids = sorted({item.id for item in (*before.items, *after.items)})
    base = data.draw(st.dictionaries(st.sampled_from(ids), st.sampled_from([State.DOWN, State.DEGRADED]), max_size=2))
    old, new = Topology.of(before), Topology.of(after)
    standing = contrast(old, new, base)
    shifted = {*standing.worse, *standing.better}
    for item in set(ids) - neighbourhood(before, after, shifted):
        found = contrast(old, new, {**base, item: State.DOWN})
        for each in (*found.worse, *found.better):
            assert each in shifted
            assert found.before.state(each) == standing.before.state(each)
            assert found.after.state(each) == standing.after.state(each)


def test_the_neighbourhood_of_no_change_is_empty_and_that_of_one_is_all_that_it_hangs_on() -> None:
    before = network_of(*needs("shop", "app"), *needs("app", "db"), *needs("db", "iron"), *needs("wiki", "iron"))
    assert neighbourhood(before, before) == frozenset()
    changed = network_of(*before.dependencies, *needs("app", "mail"))
    assert neighbourhood(before, changed) == {"db", "iron", "mail"}


def thing(name: str, class_name: str = "Server", **attributes: str) -> Entity:
    return Entity(name, class_name, name, f"{class_name}\x1f{name}\x1ft:{name}", {"name": name, **attributes})


def need(consumer: str, supplier: str, group: str = "", **attributes: str) -> Edge:
    own = {**attributes, **({"redundancy_group": group} if group else {})}
    return Edge(EdgeKey("DEPENDS_ON", consumer, supplier, group), own)


NAMES = ["a", "b", "c", "d", "e"]


@st.composite
def scans(draw: DrawFn, names: list[str]) -> Scan:
    pairs = [(one, other, group) for one in names for other in names if one != other for group in ("", "g")]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=8)) if pairs else []
    strength = st.sampled_from([{}, {"strength": "soft"}, {"min_up": "2"}])
    return Scan(1, [thing(name) for name in names], [need(*pair, **draw(strength)) for pair in chosen], [])


@given(scans(NAMES), st.data())
@settings(deadline=None)
def test_an_overlay_gives_the_estate_that_was_written_by_hand(scan: Scan, data: DataObject) -> None:
    """Draw another estate, write the way there as an overlay, and arrive."""
    names = data.draw(st.lists(st.sampled_from([*NAMES, "f", "g"]), unique=True), "names")
    wanted = data.draw(scans(names), "wanted")
    old, new = ({edge.key: edge for edge in each.edges} for each in (scan, wanted))
    overlay = Overlay(
        put={each.id: each for each in wanted.entities if each.id not in NAMES},
        gone=set(NAMES) - set(names),
        put_edges={key: edge for key, edge in new.items() if old.get(key) != edge},
        gone_edges=old.keys() - new.keys(),
    )
    found = apply(overlay, scan)
    assert {each.id: each for each in found.entities} == {each.id: each for each in wanted.entities}
    assert {each.key: each for each in found.edges} == new
    assert len(found.entities) == len(names)
    assert len(found.edges) == len(new)
    mine, theirs = network(MODEL, found.entities, found.edges), network(MODEL, wanted.entities, wanted.edges)
    assert neighbourhood(mine, theirs) == frozenset()


def test_what_is_put_stands_in_the_place_of_the_old_and_the_scan_is_left_alone() -> None:
    scan = Scan(7, [thing("a"), thing("farm", "Cluster", min_up="1")], [need("a", "farm")], [])
    overlay = Overlay(
        put={"farm": thing("farm", "Cluster", min_up="2")},
        put_edges={need("a", "farm").key: need("a", "farm", strength="soft")},
    )
    found = apply(overlay, scan)
    assert (found.revision, found.entities, found.edges) == (
        7, [thing("a"), thing("farm", "Cluster", min_up="2")], [need("a", "farm", strength="soft")],
    )  # fmt: skip
    assert scan.edges == [need("a", "farm")]


def test_what_an_estate_does_not_have_cannot_fail_there() -> None:
    before = network_of(*needs("shop", "a"))
    after = network_of(*needs("shop", "a"), *needs("shop", "new"))
    found = contrast(Topology.of(before), Topology.of(after), {"new": State.DOWN})
    assert (found.worse, found.better) == (("shop",), ())
    back = contrast(Topology.of(after), Topology.of(before), {"new": State.DOWN})
    assert (back.worse, back.better) == ((), ("shop",))
