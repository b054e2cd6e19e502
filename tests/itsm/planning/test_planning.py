"""Rolling order, recovery order and availability over a store: names, services, records and agreements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.contract.rows import Entity
from knockon.errors import BadUsage, ReferenceNotFound
from knockon.itsm.planning.availability import availability_json, own_availability, service_availability
from knockon.itsm.planning.recovery import recovery, recovery_json
from knockon.itsm.planning.rolling import rolling, rolling_json
from tests.itsm.conftest import MODEL, link, say, thing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.values import Ci


def names(cis: Iterable[Ci]) -> list[str]:
    return [each.name for each in cis]


# Rolling order


async def test_a_pair_takes_two_waves_and_what_carries_a_service_alone_takes_none(shop: Topologies) -> None:
    answer = await rolling(shop, ["db-1", "db-2", "box", "ann"])
    assert [names(wave.cis) for wave in answer.waves] == [["db-1"], ["db-2"]]
    assert [[(each.ci.name, each.state.name) for each in wave.services] for wave in answer.waves] == [
        [("shop", "AT_RISK")]
    ] * 2
    ((ci, (outage,)),) = answer.alone
    assert (ci.name, outage.service.name, outage.because) == ("box", "intranet", "wiki is down, which takes this down.")
    assert names(step.target for step in outage.path) == ["wiki", "box"]
    assert names(answer.unmapped) == ["ann"]
    assert (answer.lower_bound, answer.optimal) == (2, True)


async def test_what_is_open_holds_in_every_wave(shop: Topologies) -> None:
    await say(shop.store, thing("INC1", "Incident", kind="outage", state="new"), link("INC1", "AFFECTS", "db-2"))
    answer = await rolling(shop, ["db-1", "db-2"], given="open")
    assert [names(wave.cis) for wave in answer.waves] == [["db-2"]]
    assert [(ci.name, names(each.service for each in outages)) for ci, outages in answer.alone] == [("db-1", ["shop"])]


async def test_the_order_of_the_question_does_not_matter(shop: Topologies) -> None:
    one = await rolling(shop, ["db-1", "db-2", "box"])
    assert await rolling(shop, ["box", "db-2", "t:db-1", "db-1"]) == one
    found = rolling_json(one)
    assert found.keys() == {"revision", "given", "waves", "alone", "lowerBound", "optimal", "unmapped"}
    assert found["alone"][0]["services"][0].keys() == {"id", "class", "name", "because", "path"}


# Recovery order


async def test_the_whole_estate_starts_in_layers(shop: Topologies) -> None:
    answer = await recovery(shop)
    assert [names(layer) for layer in answer.layers] == [
        ["box", "db-1", "db-2"],
        ["web-a", "wiki"],
        ["intranet", "shop"],
    ]
    assert answer.loops == ()


async def test_one_service_starts_with_what_it_needs(shop: Topologies) -> None:
    answer = await recovery(shop, ["intranet"])
    assert [names(layer) for layer in answer.layers] == [["box"], ["wiki"], ["intranet"]]
    with pytest.raises(BadUsage, match="Person ann"):
        await recovery(shop, ["ann"])
    with pytest.raises(ReferenceNotFound):
        await recovery(shop, ["nowhere"])


async def test_a_loop_is_told_in_words(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("dns", "Application"),
        link("dns", "RUNS_ON", "box"),
        link("box", "DEPENDS_ON", "dns"),
    )
    answer = await recovery(shop, ["intranet"])
    (loop,) = answer.loops
    assert names(loop.members) == ["dns", "box"]
    assert [(ci.name, names(needs)) for ci, needs in loop.needs] == [("dns", ["box"]), ("box", ["dns"])]
    assert loop.advice == "Start dns by hand, without box: then box can follow."
    assert [names(layer) for layer in answer.layers] == [["dns"], ["box"], ["wiki"], ["intranet"]]
    (found,) = recovery_json(answer)["loops"]
    assert found.keys() == {"members", "breaker", "without", "followers", "layer", "advice"}
    assert found["layer"] == 1


# Availability


def thing_of(class_name: str, **attributes: Any) -> Entity:
    return Entity("x", class_name, "x", "x", attributes)


@pytest.mark.parametrize(
    ("entity", "percent", "assumed"),
    [
        (thing_of("Server", availability=99.5, mtbf="P1D", mttr="P1D"), 99.5, None),
        (thing_of("Server", mtbf="P30D", mttr="PT8H"), 100 * 720 / 728, None),
        (thing_of("Server", mtbf="P30D"), 99.95, "ComputerSystem"),
        (thing_of("Server", mtbf="PT0S", mttr="PT0S"), 99.95, "ComputerSystem"),
        (thing_of("UPS"), 99.99, "PowerSource"),
        (thing_of("BusinessService"), 100, "Service"),
        (thing_of("Site"), 99.99, "Place"),
    ],
)
def test_what_a_thing_contributes_is_recorded_or_assumed_by_class(
    entity: Entity, percent: float, assumed: str | None
) -> None:
    found, because, by_class = own_availability(MODEL, entity)
    assert found == pytest.approx(percent)
    assert by_class == assumed
    assert because == (f"assumed for the class {assumed}" if assumed else because)
    assert because.startswith("assumed") == (assumed is not None)


def test_every_class_that_can_fail_has_a_default() -> None:
    for name in MODEL.topology_classes:
        percent, _, nearest = own_availability(MODEL, thing_of(name))
        assert 99 <= percent <= 100
        assert nearest in MODEL.classes[name].lineage[:-1] or percent == 100


async def promise(shop: Topologies, target: float) -> None:
    await say(
        shop.store,
        thing("portal", "BusinessService"),
        thing("pages", "Application", availability=98.0),
        thing("iron", "Server", availability=99.0),
        link("portal", "DEPENDS_ON", "pages"),
        link("pages", "RUNS_ON", "iron"),
        thing("sla", "ServiceLevelAgreement", availability_target=target),
        thing("other", "ServiceLevelAgreement"),
        link("portal", "COVERED_BY", "sla"),
        link("portal", "COVERED_BY", "other"),
    )


@pytest.mark.parametrize(("target", "verdict"), [(97.0, "met"), (97.01, "met"), (97.03, "missed"), (99.9, "missed")])
async def test_a_service_is_held_against_its_target(shop: Topologies, target: float, verdict: str) -> None:
    await promise(shop, target)
    answer = await service_availability(shop, "portal", samples=20_000, seed=5)
    assert answer.estimate.exact_up == pytest.approx(0.99 * 0.98)
    assert answer.estimate.up.low <= 0.99 * 0.98 <= answer.estimate.up.high
    assert [(each.agreement.name, each.percent, each.verdict) for each in answer.targets] == [("sla", target, verdict)]
    assert [(each.ci.name, each.assumed_for) for each in answer.cis] == [
        ("pages", None),
        ("iron", None),
        ("portal", "Service"),
    ]
    assert answer.cis[0].involved > answer.cis[1].involved > answer.cis[2].involved == 0


async def test_where_chance_cannot_tell_the_verdict_stays_open(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("sla", "ServiceLevelAgreement", availability_target=99.0),
        link("intranet", "COVERED_BY", "sla"),
        *(thing(f"part-{number}", "Server", availability=99.94) for number in range(16)),
        *(link("wiki", "DEPENDS_ON", f"part-{number}") for number in range(16)),
    )
    answer = await service_availability(shop, "intranet", samples=500)
    assert answer.estimate.exact_up is None
    assert [each.verdict for each in answer.targets] == ["open"]


async def test_the_answer_is_json_in_percent(shop: Topologies) -> None:
    await promise(shop, 97)
    found = availability_json(await service_availability(shop, "portal", samples=100))
    assert found.keys() == {"revision", "service", "samples", "seed", "up", "full", "exact", "targets", "cis"}
    assert found["exact"]["up"] == pytest.approx(97.02)
    assert found["up"].keys() == {"estimate", "low", "high"}
    assert {each["name"]: each["assumed"] for each in found["cis"]} == {"pages": False, "iron": False, "portal": True}


async def test_what_no_rule_speaks_of_and_no_samples_are_refused(shop: Topologies) -> None:
    with pytest.raises(BadUsage, match="Person ann"):
        await service_availability(shop, "ann")
    with pytest.raises(BadUsage, match="sample"):
        await service_availability(shop, "intranet", samples=0)
    with pytest.raises(BadUsage, match="seed is -1"):
        await service_availability(shop, "intranet", seed=-1)
