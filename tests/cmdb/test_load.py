"""Loading, on both stores: what becomes of records, references and the estate that they imply."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb import transactions
from knockon.cmdb.loading import run as load_run
from knockon.cmdb.loading.load import load
from knockon.errors import FindingCode, StoreBusy
from knockon.schema.observation import EntityObservation, RelationshipObservation, Skipped
from tests.cmdb.contract.estate import MODEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.loading.report import LoadReport
    from knockon.schema.observation import Item

MONDAY, TUESDAY, WEDNESDAY = "2026-11-02T08:00:00Z", "2026-11-03T08:00:00Z", "2026-11-04T08:00:00Z"


def thing(
    key: str, class_name: str = "Server", *, source: str = "a", seen: str | None = MONDAY, **attributes: Any
) -> Item:
    return EntityObservation(source, key, class_name, attributes, seen, f"#{key}")


def link(
    start: str, end: str, kind: str = "DEPENDS_ON", *, source: str = "a", seen: str | None = MONDAY, **attributes: Any
) -> Item:
    return RelationshipObservation(source, kind, start, end, attributes, seen, f"#{start}-{end}", {"from": start})


async def say(store: Store, *items: Item, source: str = "a", **how: Any) -> LoadReport:
    return await load(store, MODEL, items, source=source, actor="tester", **how)


async def estate(store: Store) -> tuple[set[Any], set[Any]]:
    """The whole estate up to ids."""
    scan = await store.scan(MODEL.concrete("Entity"))
    names = {each.id: each.order for each in scan.entities}
    entities = {(each.order, each.name, tuple(sorted(each.attributes.items()))) for each in scan.entities}
    edges = {
        (
            each.key.type_name,
            names[each.key.source_id],
            names[each.key.target_id],
            tuple(sorted(each.attributes.items())),
        )
        for each in scan.edges
    }
    return entities, edges


async def test_a_load_makes_entities_and_edges_and_says_so(store: Store) -> None:
    report = await say(store, thing("s", name="web"), thing("app", "Application"), link("app", "s"))
    assert (report.entities.created, report.relationships.created) == (2, 1)
    assert report.as_json()["created"] == 2
    entities, edges = await estate(store)
    assert {name for _, name, _ in entities} == {"web", "app"}
    assert len(edges) == 1


async def test_the_same_load_again_is_one_run_entry_and_no_change(store: Store) -> None:
    items = [thing("s", name="web"), thing("app", "Application"), link("app", "s"), link("app", "gone")]
    await say(store, *items)
    before, newest = await estate(store), await store.revision()
    report = await say(store, *items)
    assert (report.entities.created, report.entities.updated, report.entities.unchanged) == (0, 0, 2)
    counts = report.relationships
    assert (counts.created, counts.updated, counts.unchanged, counts.waiting) == (0, 0, 1, 1)
    assert await store.revision() == newest + 1 == report.revision
    (run,) = await store.feed(newest)
    assert (run.head.kind, run.count) == ("run", 0)
    assert await estate(store) == before


async def test_a_change_is_journaled_with_before_and_after(store: Store) -> None:
    await say(store, thing("s", name="web"))
    await say(store, thing("s", name="web-1", seen=TUESDAY))
    entries = [entry for revision in await store.feed(0) for entry in revision.entries]
    assert [(e.before and e.before["name"], e.after and e.after["name"]) for e in entries] == [
        (None, "web"),
        ("web", "web-1"),
    ]


async def test_an_older_word_loses_whenever_it_arrives(store: Store) -> None:
    await say(store, thing("s", name="new", seen=TUESDAY))
    report = await say(store, thing("s", name="old", seen=MONDAY))
    assert report.entities.unchanged == 1
    assert {name for _, name, _ in (await estate(store))[0]} == {"new"}


async def test_what_was_seen_again_beats_an_older_word_that_comes_late(store: Store) -> None:
    await say(store, thing("s", name="one", seen=MONDAY))
    await say(store, thing("s", name="one", seen=WEDNESDAY))
    await say(store, thing("s", name="two", seen=TUESDAY))
    assert {name for _, name, _ in (await estate(store))[0]} == {"one"}


async def test_a_reference_waits_until_its_target_is_there(store: Store) -> None:
    report = await say(store, thing("app", "Application"), link("app", "b:s"))
    assert report.relationships.waiting == 1
    assert len((await store.scan(MODEL.concrete("Entity"))).waiting) == 1
    report = await say(store, thing("s", source="b"), source="b")
    assert report.relationships.created == 1
    assert len((await estate(store))[1]) == 1
    assert not (await store.scan(MODEL.concrete("Entity"))).waiting


async def test_a_name_that_becomes_ambiguous_waits_again_and_a_rename_settles_it(store: Store) -> None:
    await say(store, thing("1", name="db"), thing("app", "Application"), link("app", "Server:db"))
    assert len((await estate(store))[1]) == 1
    await say(store, thing("2", name="db"))
    assert not (await estate(store))[1]
    report = await say(store, link("app", "Server:db"))
    assert [finding.code for finding in report.findings] == ["AMBIGUOUS_REFERENCE"]
    await say(store, thing("1", name="db-old", seen=TUESDAY))
    _, edges = await estate(store)
    assert {target for _, _, target, _ in edges} == {"Server\x1fdb\x1fa:2"}


@pytest.mark.parametrize("strict", [False, True])
async def test_an_ambiguous_reference_is_told_with_what_it_means(store: Store, strict: bool) -> None:
    await say(store, thing("1", name="db"), thing("2", name="db"), thing("app", "Application"))
    means = "app DEPENDS_ON Server:db: 'Server:db' means several things: Server:db (a:1), Server:db (a:2). "
    advice = "Use source:key or an id, or load without --strict: then it waits."
    for _ in range(2):  # the second time the record may be known already
        report = await say(store, link("app", "Server:db"), link("app", "gone"), strict=strict)
        ambiguous, waiting = [each.message for each in (report.rejects if strict else report.findings)]
        assert ambiguous == means + (advice if strict else "It waits until only one is left.")
        assert waiting.startswith("app DEPENDS_ON gone: what it refers to is not there yet; ")


async def test_a_class_that_no_longer_fits_takes_the_edge_out_of_effect(store: Store) -> None:
    await say(store, thing("s"), thing("r", "ServerRoom"), link("s", "r", "LOCATED_IN"))
    assert len((await estate(store))[1]) == 1
    await say(store, thing("r", "Application", seen=TUESDAY))
    assert not (await estate(store))[1]
    await say(store, thing("r", "ServerRoom", seen=WEDNESDAY))
    assert len((await estate(store))[1]) == 1


async def test_a_pair_that_the_model_does_not_allow_is_a_finding_without_effect(store: Store) -> None:
    report = await say(store, thing("s"), thing("r", "ServerRoom"), link("r", "s", "LOCATED_IN"))
    assert [finding.code for finding in report.findings] == ["RELATIONSHIP_NOT_ALLOWED"]
    assert not (await estate(store))[1]


async def test_two_references_to_one_thing_are_a_self_loop(store: Store) -> None:
    report = await say(store, thing("s", name="web"), link("s", "Server:web"))
    assert [finding.code for finding in report.findings] == ["SELF_LOOP"]


async def test_the_newest_word_on_an_edge_counts_then_the_sources_name(store: Store) -> None:
    await say(store, thing("s"), thing("t"), link("s", "t", weight=1))
    await say(store, link("a:s", "a:t", source="b", weight=2), source="b")
    assert {dict(attributes)["weight"] for *_, attributes in (await estate(store))[1]} == {1}
    await say(store, link("a:s", "a:t", source="b", seen=TUESDAY, weight=3), source="b")
    assert {dict(attributes)["weight"] for *_, attributes in (await estate(store))[1]} == {3}


async def test_a_second_word_on_an_edge_that_changes_nothing_is_counted(store: Store) -> None:
    await say(store, thing("s"), thing("t"), link("s", "t"))
    report = await say(store, link("a:s", "a:t", source="b"), source="b")
    assert (report.relationships.created, report.relationships.unchanged) == (0, 1)
    report = await say(store, link("t", "s"), link("t", "a:s"))
    assert (report.relationships.created, report.relationships.unchanged) == (1, 1)


async def test_a_key_twice_in_one_load_is_a_finding_and_the_newer_counts(store: Store) -> None:
    report = await say(store, thing("s", name="new", seen=TUESDAY), thing("s", name="old", seen=MONDAY))
    assert [finding.code for finding in report.findings] == ["DUPLICATE_RECORD"]
    assert report.entities.created == 1
    assert {name for _, name, _ in (await estate(store))[0]} == {"new"}


async def test_rejects_are_told_and_the_rest_is_loaded(store: Store) -> None:
    items = [
        thing("s"),
        thing("x", "Sever"),
        thing("", "Server"),
        thing("y", nonsense=1),
        link("s", "t", "NO_SUCH"),
        link("s", ""),
    ]
    report = await say(store, *items, Skipped("Role"), Skipped("Role"))
    codes = {
        "UNKNOWN_CLASS",
        "MISSING_IDENTIFIER",
        "UNKNOWN_ATTRIBUTE",
        "UNKNOWN_RELATIONSHIP_TYPE",
        "MALFORMED_REFERENCE",
    }
    assert {reject.code for reject in report.rejects} == codes
    assert (report.entities.created, report.entities.rejected, report.relationships.rejected) == (1, 3, 2)
    assert report.skipped == {"Role": 2}


async def test_strict_rejects_what_would_wait_and_keeps_nothing_of_it(store: Store) -> None:
    report = await say(store, thing("s"), link("s", "gone"), strict=True)
    assert [reject.code for reject in report.rejects] == ["UNRESOLVED_REFERENCE"]
    assert report.relationships.waiting == 0
    assert not (await store.scan(MODEL.concrete("Entity"))).waiting


ITEMS: list[tuple[str, list[Item]]] = [
    ("a", [thing("s", name="db"), thing("app", "Application"), link("app", "Server:db", weight=2)]),
    (
        "b",
        [
            thing("s", source="b", name="cache"),
            link("a:app", "b:s", source="b"),
            link("a:app", "a:s", source="b", seen=TUESDAY),
        ],
    ),
    ("a", [thing("s", name="cache", seen=TUESDAY)]),
    ("c", [link("Application:app", "Server:cache", source="c"), thing("room", "ServerRoom", source="c")]),
]


SAME_EDGE: list[tuple[str, list[Item]]] = [
    ("a", [thing("s"), thing("t"), link("s", "t", weight=1)]),
    ("b", [link("a:s", "a:t", source="b", seen=TUESDAY, weight=2)]),
    ("a", [link("s", "t", seen=WEDNESDAY, weight=1)]),
]


@pytest.mark.parametrize("loads", [ITEMS, SAME_EDGE])
async def test_the_order_of_loads_does_not_matter(store: Store, loads: list[tuple[str, list[Item]]]) -> None:
    """Records say when they were seen, so the estate is a function of the set of them. One store, by prefixing keys."""
    outcomes = []
    for turn, order in enumerate(permutations(loads)):
        for source, items in order:
            await say(store, *_prefixed(items, f"{turn}-"), source=f"{turn}-{source}")
        outcomes.append(await estate(store))
    sizes = {turn: _of(outcomes[-1], f"{turn}-") for turn in range(len(outcomes))}
    assert len(set(map(str, sizes.values()))) == 1


def _prefixed(items: Sequence[Item], mark: str) -> list[Item]:
    """Move items into a world of their own: sources, keys and names carry a mark."""

    def reference(text: str) -> str:
        before, colon, after = text.partition(":")
        if not colon:
            return mark + text
        return f"{before}:{mark}{after}" if before in MODEL.classes else f"{mark}{before}:{mark}{after}"

    moved: list[Item] = []
    for item in items:
        if isinstance(item, EntityObservation):
            attributes = {**item.attributes, "name": mark + str(item.attributes.get("name", item.key))}
            moved.append(EntityObservation(mark + item.source, mark + item.key, item.class_name, attributes, item.seen))
        elif isinstance(item, RelationshipObservation):
            ends = (reference(item.from_ref), reference(item.to_ref))
            moved.append(RelationshipObservation(mark + item.source, item.type_name, *ends, item.attributes, item.seen))
    return moved


def _of(world: tuple[set[Any], set[Any]], mark: str) -> list[str]:
    entities, edges = world
    mine = [
        str(row).replace(mark, "") for row in (*entities, *edges) if f"'{mark}" in str(row) or f"x1f{mark}" in str(row)
    ]
    return sorted(mine)


async def test_many_batches_are_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [thing(str(n)) for n in range(7)] + [link(str(n), str((n + 1) % 7)) for n in range(7)]
    monkeypatch.setattr(load_run, "BATCH", 3)
    report = await say(store, *items)
    assert (report.entities.created, report.relationships.created) == (7, 7)
    assert [revision.count for revision in await store.feed(0)] == [3, 3, 1, 3, 3, 1, 0]


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_busy_store_is_tried_again(store: Store, monkeypatch: pytest.MonkeyPatch, dry_run: bool) -> None:
    write, failures = store.write, iter([True, True, False])

    def sometimes() -> Any:
        if next(failures, False):
            raise StoreBusy("Another writer came first.")
        return write()

    monkeypatch.setattr(store, "write", sometimes)
    report = await say(store, thing("s"), dry_run=dry_run)
    assert report.entities.created == 1
    assert await store.revision() == (0 if dry_run else 2)


async def test_a_store_that_stays_busy_is_given_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> Any:
        raise StoreBusy("Another writer came first.")

    monkeypatch.setattr(store, "write", never)
    monkeypatch.setattr(transactions, "ATTEMPTS", 2)
    for dry_run in (False, True):
        with pytest.raises(StoreBusy):
            await say(store, thing("s"), dry_run=dry_run)


async def test_words_that_come_too_late_are_told(store: Store) -> None:
    new, old = (EntityObservation("t", "k", "Server", {"name": name}, f"2026-11-0{day}T00:00:00.000000Z")
                for name, day in (("new", 2), ("old", 1)))  # fmt: skip
    await load(store, MODEL, [new], source="t", actor="tests")
    report = await load(store, MODEL, [old], source="t", actor="tests")
    assert [each.code for each in report.findings] == [FindingCode.OUTDATED]
    again = await load(store, MODEL, [replace(new, seen=old.seen)], source="t", actor="tests")
    assert again.findings == []  # it says the same, so nothing is lost


async def test_a_moment_that_has_not_come_is_told(store: Store) -> None:
    said = EntityObservation("t", "k", "Server", {"name": "n"}, "2999-01-01T00:00:00.000000Z")
    report = await load(store, MODEL, [said], source="t", actor="tests")
    assert [each.code for each in report.findings] == [FindingCode.SEEN_IN_FUTURE]


async def test_of_two_words_of_one_moment_the_lost_one_is_told(store: Store) -> None:
    one, other = (thing("s", text=text) for text in ("one", "other"))
    reports = [await say(store, each) for each in (one, other, one, other)]
    lost = [bool(each.findings) for each in reports]
    assert lost in ([False, False, True, False], [False, True, False, True])
    (finding,) = next(each for each in reports if each.findings).findings
    assert (finding.code, finding.location) == (FindingCode.OUTDATED, "#s")


async def test_records_that_move_to_another_scope_are_counted(store: Store) -> None:
    await say(store, thing("s"), thing("t"), scope="north")
    report = await say(store, thing("s"), thing("t"), scope="south")
    assert (report.entities.created, report.entities.updated, report.entities.unchanged) == (0, 0, 2)
