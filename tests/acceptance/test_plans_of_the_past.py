"""Plans as of a moment say what they said then, on both stores, whatever has been written since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.loading.load import load
from knockon.cmdb.past.changes import Moment
from knockon.cmdb.stewardship.compaction import compact
from knockon.cmdb.stores import opened
from knockon.errors import JournalCompacted
from knockon.impact.topology.as_of import AsOf, Pasts
from knockon.impact.topology.topologies import Topologies
from knockon.itsm.context.given import Span
from knockon.itsm.planning.availability import availability_json, service_availability
from knockon.itsm.planning.overlay_file import read_overlay
from knockon.itsm.planning.recovery import recovery, recovery_json
from knockon.itsm.planning.rolling import rolling, rolling_json
from knockon.itsm.planning.what_if import what_if, what_if_json
from tests.acceptance.estates import MODEL
from tests.itsm.conftest import SHOP, link, say, thing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from knockon.schema.observation import Item
    from tests.acceptance.estates import Place

NIGHT = Span.read("2026-11-03T20:30:00Z")
OVERLAY = read_overlay("remove: [t:db-1]", "overlay.yaml")

THEN: list[Item] = [
    *SHOP,
    thing("sla", "ServiceLevelAgreement", availability_target=97.0),
    link("shop", "COVERED_BY", "sla"),
    thing("dns", "Application"),
    link("dns", "RUNS_ON", "box"),
    link("box", "DEPENDS_ON", "dns"),
    thing("chg", "Change", state="planned", planned_start="2026-11-03T20:00:00Z", planned_end="2026-11-03T21:00:00Z"),
    link("chg", "CHANGES", "db-2"),
]
SINCE: list[Item] = [
    thing("db-3", "Server"),
    link("web-a", "DEPENDS_ON", "db-3", redundancy_group="db"),
    link("dns", "RUNS_ON", "db-3"),
    thing("sla", "ServiceLevelAgreement", availability_target=99.9),
    thing("box", "Server", availability=50.0),
    thing("chg", "Change", state="closed"),
]


async def plans(estate: Topologies, span: Span | None = NIGHT) -> dict[str, Any]:
    """Make every plan."""
    return {
        "what-if": what_if_json(await what_if(estate, OVERLAY, given="window", span=span)),
        "rolling": rolling_json(await rolling(estate, ["db-1", "db-2", "box"], given="window", span=span)),
        "recovery": recovery_json(await recovery(estate)),
        "availability": availability_json(await service_availability(estate, "intranet", samples=500)),
        "targets": availability_json(await service_availability(estate, "shop", samples=500))["targets"],
    }


@pytest.fixture
async def estate(place: Place) -> AsyncIterator[Topologies]:
    async with opened(place.store()) as store:
        await say(store, *THEN)
        yield Topologies(store, MODEL)


async def since(estate: Topologies) -> tuple[dict[str, Any], int]:
    """Plan, and let the estate become another one; give the plans, and the revision that they were of."""
    found, revision = await plans(estate), await estate.store.revision()
    report = await load(estate.store, MODEL, SINCE, source="t", actor="tester")
    assert not report.rejects
    return found, revision


async def test_plans_as_of_a_moment_are_those_of_then(estate: Topologies) -> None:
    then, revision = await since(estate)
    past = await plans(await Pasts(estate).at(str(revision)))
    assert past["what-if"].pop("unknown")[-1] == {
        "because": f"which relationships waited at revision {revision} is not in the journal"
    }
    assert then["what-if"].pop("unknown") == []
    assert past == then
    now = await plans(estate)
    assert [name for name in now if now[name] == then[name]] == []


@pytest.mark.parametrize("question", ["what-if", "rolling"])
async def test_what_is_planned_for_the_moment_is_what_counts_where_no_window_is_named(
    estate: Topologies, question: str
) -> None:
    then, revision = await since(estate)
    past = await Pasts(estate).at(str(revision))
    during, after = [
        (await plans(AsOf(past, Moment(revision, at)), span=None))[question]
        for at in ("2026-11-03T20:30:00.250000Z", "2026-11-03T21:30:00Z")
    ]
    if question == "what-if":
        del during["unknown"], then[question]["unknown"]
    assert during == then[question] != after


QUESTIONS: list[Callable[[Topologies], Awaitable[Any]]] = [
    lambda each: what_if(each, OVERLAY),
    lambda each: rolling(each, ["db-1"]),
    recovery,
    lambda each: service_availability(each, "shop", samples=10),
]


async def test_what_is_not_kept_any_more_is_refused(estate: Topologies) -> None:
    _, revision = await since(estate)
    newest = await estate.store.revision()
    await compact(estate.store, MODEL, str(newest), actor="tester")
    with pytest.raises(JournalCompacted):
        await Pasts(estate).at(str(revision))
    for question in QUESTIONS:
        await question(await Pasts(estate).at(str(newest)))
