"""What an answer rests on, and how much of that is sound."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from knockon.cmdb.loading.load import load
from knockon.itsm.blast_radius.blast_radius import blast_radius
from knockon.itsm.blast_radius.question import Ask
from knockon.schema.observation import EntityObservation, RelationshipObservation
from tests.itsm.conftest import MODEL, link, say, thing

if TYPE_CHECKING:
    import pytest

    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.blast_radius.confidence import Confidence
    from knockon.schema.observation import Item

SEEN = datetime(2026, 11, 1, 8, tzinfo=UTC)
WEEK = 7 * 86_400
INFERRED = RelationshipObservation("t", "RUNS_ON", "wiki", "box", {"evidence": "inferred"}, "2026-11-01T09:00:00Z")


async def sure(shop: Topologies, *references: str, now: datetime = SEEN) -> Confidence:
    return (await blast_radius(shop, [Ask(each) for each in references], now=now)).confidence


async def test_what_is_declared_and_fresh_is_sound(shop: Topologies) -> None:
    found = await sure(shop, "box")
    assert (found.value, found.edges, found.looked_at, found.sound) == (1.0, 2, 2, 2)


async def test_of_nothing_there_is_no_confidence(shop: Topologies) -> None:
    found = await sure(shop, "shop")
    assert found.value is None
    assert found.edges == 0


async def test_what_is_only_inferred_is_not_sound(shop: Topologies) -> None:
    await say(shop.store, INFERRED)
    found = await sure(shop, "box")
    assert (found.value, found.sound, found.inferred) == (0.5, 1, 1)
    assert "1 only inferred" in found.because


async def test_a_second_source_that_saw_it_makes_it_sound(shop: Topologies) -> None:
    await say(shop.store, INFERRED)
    words = ("RUNS_ON", "t:wiki", "t:box", {"evidence": "observed"}, "2026-11-01T08:00:00Z")
    await load(shop.store, MODEL, [RelationshipObservation("scan", *words)], source="scan", actor="tester")
    assert (await sure(shop, "box")).value == 1.0


async def test_what_was_seen_too_long_ago_is_stale_on_the_day(
    shop: Topologies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODEL.classes, "Server", replace(MODEL.classes["Server"], refresh_seconds=WEEK))
    on_the_edge = await sure(shop, "box", now=datetime(2026, 11, 8, 8, tzinfo=UTC))
    assert (on_the_edge.value, on_the_edge.stale) == (1.0, 0)
    past_it = await sure(shop, "box", now=datetime(2026, 11, 8, 8, 0, 1, tzinfo=UTC))
    # wiki RUNS_ON box has a Server at one end; intranet DEPENDS_ON wiki has none, and no refresh period
    assert (past_it.value, past_it.sound, past_it.stale) == (0.5, 1, 1)


async def test_stale_suppliers_are_named_and_how_many_more(shop: Topologies, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODEL.classes, "Server", replace(MODEL.classes["Server"], refresh_seconds=WEEK))
    late = datetime(2026, 11, 9, tzinfo=UTC)
    (told,) = (await blast_radius(shop, [Ask("box")], now=late)).unknown
    assert told.ci is not None
    assert (told.ci.name, told.because) == (
        "box",
        "wiki RUNS_ON box was last seen at 2026-11-01T08:00:00Z, longer ago than the refresh period, so it may be over",
    )
    assert not (await blast_radius(shop, [Ask("box")], now=SEEN)).unknown
    await say(shop.store, thing("other", "Application"), link("other", "RUNS_ON", "box"))
    told, _unmapped = (await blast_radius(shop, [Ask("box")], now=late)).unknown
    assert "as 1 more relationship of it" in told.because
    many = [f"h{number:02}" for number in range(22)]
    await say(
        shop.store, *(thing(each, "Server") for each in many),
        *(thing(f"on-{each}", "Application") for each in many),
        *(link(f"on-{each}", "RUNS_ON", each) for each in many),
        *(link("intranet", "DEPENDS_ON", f"on-{each}") for each in many),
    )  # fmt: skip
    answer = await blast_radius(shop, [Ask(each) for each in many], now=late)
    assert [each.ci and each.ci.name for each in answer.unknown] == [*many[:20], None]
    assert answer.unknown[-1].because == "2 more suppliers of relationships that were not seen for too long"
    assert (answer.confidence.stale, answer.confidence.unknown) == (22, 0)


async def test_what_supports_no_service_is_named_in_a_line_and_lowers_nothing(shop: Topologies) -> None:
    await say(shop.store, thing("lone", "Server"))
    (told,) = (await blast_radius(shop, [Ask("lone")])).unknown
    assert (told.ci, told.because) == (None, "lone supports no service that is known, so whom that hits is not known")
    many = [f"h{number:02}" for number in range(22)]
    await say(shop.store, thing("farm", "Application"), *(thing(each, "Server") for each in many))
    await say(shop.store, *(link("farm", "RUNS_ON", each) for each in many))
    answer = await blast_radius(shop, [Ask(each) for each in many], now=SEEN)
    (told,) = answer.unknown
    assert told.because.startswith("h00, h01, h02, ")
    assert told.because.endswith("h19 and 3 more support no service that is known, so whom that hits is not known")
    assert (answer.confidence.value, answer.confidence.unknown, answer.confidence.unmapped) == (1.0, 0, 23)


async def test_a_complete_load_that_changes_nothing_keeps_it_fresh(
    shop: Topologies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODEL.classes, "Server", replace(MODEL.classes["Server"], refresh_seconds=WEEK))

    def reported(seen: str) -> list[Item]:
        return [
            EntityObservation("n", "host", "Server", {"name": "host"}, seen),
            EntityObservation("n", "tool", "Application", {"name": "tool"}, seen),
            RelationshipObservation("n", "RUNS_ON", "tool", "host", {}, seen),
        ]

    now = datetime(2026, 11, 10, tzinfo=UTC)
    await load(
        shop.store, MODEL, reported("2026-11-01T08:00:00Z"), source="n", actor="tester", scope="all", complete=True
    )
    assert (await sure(shop, "host", now=now)).value == 0.0
    await load(
        shop.store, MODEL, reported("2026-11-09T08:00:00Z"), source="n", actor="tester", scope="all", complete=True
    )
    assert (await sure(shop, "host", now=now)).value == 1.0


async def test_what_is_not_known_lowers_it(shop: Topologies) -> None:
    await say(shop.store, link("wiki", "DEPENDS_ON", "not-there-yet"))
    found = await sure(shop, "box")
    assert (found.sound, found.unknown) == (2, 1)
    assert found.value == round(2 / 3, 4)


async def test_an_edge_of_a_group_without_a_name_is_found(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("farm", "Cluster"), thing("n1", "Server"), thing("n2", "Server"),
        link("farm", "HAS_MEMBER", "n1"), link("farm", "HAS_MEMBER", "n2"),
    )  # fmt: skip
    found = await sure(shop, "n1", "n2")
    assert (found.value, found.edges, found.unmapped) == (1.0, 1, 3)
