from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.lookup import find
from knockon.itsm.decisions.incident import affected_services
from knockon.itsm.decisions.risk import LIKELIHOOD_MISSING, change_risk, level_of
from tests.itsm.conftest import link, say, thing

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Entity
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.decisions.risk import Risk

OFFICE = {
    "rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=8;BYMINUTE=0",
    "duration": "PT10H",
    "time_zone": "Europe/Berlin",
    "start": "2025-01-01",
}


async def entity(shop: Topologies, reference: str) -> Entity:
    return await find(shop.store, shop.model, reference)


async def hit(shop: Topologies, name: str) -> set[tuple[str, str, bool]]:
    found = await affected_services(shop, await entity(shop, name))
    return {(each.ci.name, each.state.name, each.added) for each in found}


async def test_an_incident_adds_to_what_is_open(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("INC1", "Incident", kind="outage", state="assigned"),
        link("INC1", "AFFECTS", "db-1"),
        thing("INC2", "Incident", kind="outage", state="new"),
        link("INC2", "AFFECTS", "db-2"),
    )
    assert await hit(shop, "INC1") == {("shop", "DOWN", True)}
    await say(shop.store, thing("INC3", "Incident", kind="degradation", state="new"), link("INC3", "AFFECTS", "web-a"))
    assert await hit(shop, "INC3") == {("shop", "DOWN", False)}


async def test_an_incident_alone_loses_redundancy_only(shop: Topologies) -> None:
    await say(shop.store, thing("INC1", "Incident", kind="outage", state="new"), link("INC1", "AFFECTS", "db-1"))
    assert await hit(shop, "INC1") == {("shop", "AT_RISK", True)}
    (found,) = await affected_services(shop, await entity(shop, "INC1"))
    assert "web-a" in found.because


async def test_a_declared_effect_beats_the_kind(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("INC1", "Incident", kind="outage", state="new"),
        link("INC1", "AFFECTS", "wiki", effect="degraded"),
        thing("INC2", "Incident", kind="request", state="new"),
        link("INC2", "AFFECTS", "db-1"),
    )
    assert await hit(shop, "INC1") == {("intranet", "DEGRADED", True)}
    assert await hit(shop, "INC2") == set()


async def test_an_effect_of_none_leaves_another_records_pin(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("INC1", "Incident", kind="outage", state="new"),
        link("INC1", "AFFECTS", "wiki", assume="operational"),
        thing("INC2", "Incident", kind="outage", state="new"),
        link("INC2", "AFFECTS", "wiki", effect="none"),
        link("INC2", "AFFECTS", "box"),
    )
    assert await hit(shop, "INC2") == set()


async def test_services_that_the_incident_does_not_touch_are_left_out(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("INC1", "Incident", kind="outage", state="new"),
        link("INC1", "AFFECTS", "box"),
        thing("INC2", "Incident", kind="outage", state="new"),
        link("INC2", "AFFECTS", "web-a"),
    )
    assert await hit(shop, "INC2") == {("shop", "DOWN", True)}


async def risk(shop: Topologies, name: str = "CHG1") -> Risk:
    return await change_risk(shop, await entity(shop, name))


async def test_risk_is_the_formula_and_says_what_it_lacks(shop: Topologies) -> None:
    await say(shop.store, thing("CHG1", "Change", state="planned"), link("CHG1", "CHANGES", "web-a", effect="down"))
    found = await risk(shop)
    assert found.score == pytest.approx(1 * 8 * (1 + math.log10(1000)))
    assert [factor.name for factor in found.factors] == ["shop"]
    assert found.level == level_of(found.score) == "very_high"
    assert LIKELIHOOD_MISSING in found.missing
    assert any(each.startswith("window") for each in found.missing)


async def test_the_window_counts_by_its_share_of_service_hours(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("office", "Calendar", **OFFICE),
        link("shop", "HAS_CALENDAR", "office"),
        # Monday 2026-11-02, 16:00 to 20:00 in Berlin: two of four hours
        thing("CHG1", "Change", planned_start="2026-11-02T15:00:00Z", planned_end="2026-11-02T19:00:00Z"),
        link("CHG1", "CHANGES", "web-a", effect="degraded"),
    )
    found = await risk(shop)
    assert found.score == pytest.approx(0.4 * 8 * 4 * 0.5)
    assert "50%" in found.factors[0].because
    assert not any(each.startswith("window") for each in found.missing)


async def test_missing_effect_means_down_and_several_cis_add_up(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("CHG1", "Change"),
        link("CHG1", "CHANGES", "db-1"),
        link("CHG1", "CHANGES", "db-2"),
        link("CHG1", "CHANGES", "box", effect="none"),
    )
    found = await risk(shop)
    (factor,) = found.factors
    assert factor.name == "shop"
    assert factor.contribution == pytest.approx(32)


async def test_a_ci_that_is_not_there_yet_is_missing_not_harmless(shop: Topologies) -> None:
    await say(shop.store, thing("CHG1", "Change"), link("CHG1", "CHANGES", "not-there-yet"))
    assert [each for each in (await risk(shop)).missing if each.startswith("CI: not-there-yet")]


async def test_a_change_without_cis_is_low_and_says_why(shop: Topologies) -> None:
    await say(shop.store, thing("CHG1", "Change"))
    found = await risk(shop)
    assert (found.level, found.score, found.factors) == ("low", 0, ())
    assert any("CHANGES" in each for each in found.missing)
