from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon.errors import BadUsage, ReferenceNotFound
from knockon.itsm.blast_radius import blast_radius as module
from knockon.itsm.blast_radius.answer_json import impact_json
from knockon.itsm.blast_radius.blast_radius import blast_radius
from knockon.itsm.blast_radius.question import Ask
from knockon.itsm.blast_radius.supports import supports, supports_json
from knockon.schema.states import State
from tests.itsm.conftest import link, say, thing

if TYPE_CHECKING:
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.blast_radius.answer import ImpactAnswer


def affected(answer: ImpactAnswer) -> dict[str, str]:
    return {each.ci.name: each.state.name for each in answer.affected}


async def test_a_single_supplier_takes_its_service_down(shop: Topologies) -> None:
    answer = await blast_radius(shop, [Ask("box")])
    assert affected(answer) == {"wiki": "DOWN", "intranet": "DOWN"}
    assert [(s.ci.name, s.state, s.criticality, s.users) for s in answer.services] == [("intranet", State.DOWN, 4, 2)]
    assert answer.counts == {State.DOWN: 2, State.DEGRADED: 0, State.AT_RISK: 0}
    path = next(each.path for each in answer.affected if each.ci.name == "intranet")
    named = [(step.source.name, step.type_name, step.target.name) for step in path]
    assert named == [("intranet", "DEPENDS_ON", "wiki"), ("wiki", "RUNS_ON", "box")]


async def test_half_of_a_pair_puts_at_risk_and_survives_without_margin(shop: Topologies) -> None:
    answer = await blast_radius(shop, [Ask("db-1")])
    assert affected(answer) == {"web-a": "AT_RISK", "shop": "AT_RISK"}
    assert [(s.ci.name, s.group, s.up, s.min_up, s.lost, s.margin) for s in answer.survivors] == [
        ("web-a", "db", 1, 1, 1, 0)
    ]


async def test_what_is_open_is_known_and_told_apart(shop: Topologies) -> None:
    await say(shop.store, thing("INC1", "Incident", kind="outage", state="assigned"), link("INC1", "AFFECTS", "db-2"))
    alone = await blast_radius(shop, [Ask("db-1")])
    assert affected(alone)["shop"] == "AT_RISK"
    knowing = await blast_radius(shop, [Ask("db-1")], given="open")
    assert affected(knowing) == {"web-a": "DOWN", "shop": "DOWN"}
    assert {(a.ci.name, a.state.name) for a in knowing.already} == {
        ("db-2", "DOWN"),
        ("web-a", "AT_RISK"),
        ("shop", "AT_RISK"),
    }
    assert "INC1" in next(a.because for a in knowing.already if a.ci.name == "db-2")


async def test_what_was_so_already_is_not_affected(shop: Topologies) -> None:
    await say(shop.store, thing("INC1", "Incident", kind="outage", state="new"), link("INC1", "AFFECTS", "wiki"))
    answer = await blast_radius(shop, [Ask("box")], given="open")
    assert affected(answer) == {}
    assert answer.services == ()


async def test_a_state_that_the_model_does_not_know_counts_as_open_and_is_said(shop: Topologies) -> None:
    await say(shop.store, thing("INC1", "Incident", kind="outage", state="Parked"), link("INC1", "AFFECTS", "db-2"))
    answer = await blast_radius(shop, [Ask("db-1")], given="open")
    assert affected(answer)["shop"] == "DOWN"
    assert [(u.ci and u.ci.name, "Parked" in u.because) for u in answer.unknown] == [("INC1", True)]


async def test_a_persons_pin_beats_what_a_record_says(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("INC1", "Incident", kind="outage", state="new"),
        link("INC1", "AFFECTS", "db-2"),
        thing("INC2", "Incident", kind="outage", state="new"),
        link("INC2", "AFFECTS", "db-2", assume="operational"),
    )
    assert affected(await blast_radius(shop, [Ask("db-1")], given="open"))["shop"] == "AT_RISK"


async def test_what_is_asked_about_fails_although_a_record_pins_it(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("INC1", "Incident", kind="outage", state="new"),
        link("INC1", "AFFECTS", "box"),
        link("INC1", "AFFECTS", "wiki", assume="operational"),
    )
    assert affected(await blast_radius(shop, [Ask("wiki")], given="open")) == {"intranet": "DOWN"}


async def test_a_group_that_is_weakened_further_survives_again(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("db-3", "Server"),
        link("web-a", "DEPENDS_ON", "db-3", redundancy_group="db"),
        thing("INC1", "Incident", kind="degradation", state="new"),
        link("INC1", "AFFECTS", "db-1"),
    )
    answer = await blast_radius(shop, [Ask("db-1")], given="open")
    assert [(each.ci.name, each.up, each.lost) for each in answer.survivors] == [("web-a", 2, 1)]


async def test_records_that_pin_are_told(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("INC1", "Incident", kind="outage", state="new"),
        link("INC1", "AFFECTS", "wiki", assume="operational"),
    )
    answer = await blast_radius(shop, [Ask("box")], given="open")
    assert affected(answer) == {}
    assert [ci.name for ci in answer.assumed] == ["wiki"]


async def test_an_open_record_whose_item_waits_is_unknown(shop: Topologies) -> None:
    await say(
        shop.store, thing("INC1", "Incident", kind="outage", state="new"), link("INC1", "AFFECTS", "not-there-yet")
    )
    (unknown,) = (await blast_radius(shop, [Ask("db-1")], given="open")).unknown
    assert "INC1 AFFECTS not-there-yet" in unknown.because
    assert not (await blast_radius(shop, [Ask("db-1")])).unknown


async def test_a_distance_below_one_is_refused(shop: Topologies) -> None:
    with pytest.raises(BadUsage):
        await blast_radius(shop, [Ask("box")], max_distance=0)


async def test_assumed_things_block_propagation_and_are_told(shop: Topologies) -> None:
    answer = await blast_radius(shop, [Ask("box")], assume=["wiki"])
    assert affected(answer) == {}
    assert [ci.name for ci in answer.assumed] == ["wiki"]


async def test_each_seed_has_its_own_state(shop: Topologies) -> None:
    answer = await blast_radius(shop, [Ask("box", "degraded"), Ask("db-1", "removed")])
    assert affected(answer) == {"wiki": "DEGRADED", "intranet": "DEGRADED", "web-a": "AT_RISK", "shop": "AT_RISK"}
    assert [(s.ci.name, s.asked, s.state.name) for s in answer.seeds] == [
        ("box", "degraded", "DEGRADED"),
        ("db-1", "removed", "DOWN"),
    ]


async def test_max_distance_cuts_the_list_not_the_truth(shop: Topologies) -> None:
    answer = await blast_radius(shop, [Ask("box")], max_distance=1)
    assert affected(answer) == {"wiki": "DOWN"}
    assert answer.truncated
    assert answer.counts[State.DOWN] == 2
    (service,) = answer.services
    assert (service.ci.name, service.because.text) == ("intranet", "wiki is down, which takes this down.")
    assert [step.target.name for step in service.path] == ["wiki", "box"]


async def test_an_excluded_type_carries_nothing(shop: Topologies) -> None:
    assert affected(await blast_radius(shop, [Ask("box")], exclude=["RUNS"])) == {}


async def test_what_belongs_to_no_service_is_unmapped(shop: Topologies) -> None:
    await say(shop.store, thing("lonely", "Server"), thing("tool", "Application"), link("tool", "RUNS_ON", "lonely"))
    answer = await blast_radius(shop, [Ask("lonely")])
    assert {ci.name for ci in answer.unmapped} == {"lonely", "tool"}
    assert not (await blast_radius(shop, [Ask("box")])).unmapped


async def test_what_waits_beside_the_answer_is_unknown(shop: Topologies) -> None:
    await say(shop.store, link("wiki", "DEPENDS_ON", "not-there-yet"))
    (unknown,) = (await blast_radius(shop, [Ask("box")])).unknown
    assert unknown.ci is not None
    assert unknown.ci.name == "wiki"
    assert "not-there-yet" in unknown.because
    assert not (await blast_radius(shop, [Ask("db-1")])).unknown


async def test_a_seed_without_impact_rules_is_unknown_not_harmless(shop: Topologies) -> None:
    answer = await blast_radius(shop, [Ask("ann")])
    assert [u.ci and u.ci.name for u in answer.unknown] == ["ann"]


@pytest.mark.parametrize(
    ("asks", "assume"),
    [
        ([], []),
        ([Ask("box", "broken")], []),
        ([Ask("box"), Ask("Server:box", "degraded")], []),
        ([Ask("box")], ["Server:box"]),
    ],
)
async def test_wrong_use_is_refused(shop: Topologies, asks: list[Ask], assume: list[str]) -> None:
    with pytest.raises(BadUsage):
        await blast_radius(shop, asks, assume=assume)


async def test_an_unknown_reference_is_refused(shop: Topologies) -> None:
    with pytest.raises(ReferenceNotFound):
        await blast_radius(shop, [Ask("nobody")])


async def test_the_answer_follows_the_estate(shop: Topologies) -> None:
    first = await blast_radius(shop, [Ask("box")])
    await say(shop.store, thing("rag", "Application"), link("rag", "RUNS_ON", "box"))
    second = await blast_radius(shop, [Ask("box")])
    assert second.revision > first.revision
    assert "rag" in affected(second)


async def test_the_json_has_exactly_the_fields_of_this_version(shop: Topologies) -> None:
    answer = impact_json(await blast_radius(shop, [Ask("db-1")]))
    assert set(answer) == {
        "answerId", "revision", "modelVersion", "engineVersion", "asOf", "given", "seeds", "assumed", "excludedTypes",
        "affected", "counts", "survivors", "starved", "excluded", "excludedTruncated", "newSinglePointsTruncated",
        "already", "services", "notify", "unmapped", "unknown", "truncated", "confidence",
        "confidenceBecause",
    }  # fmt: skip
    assert set(answer["affected"][0]) == {"id", "class", "name", "state", "distance", "because", "path"}
    assert answer["affected"][0]["because"]["group"]["minUp"] == 1
    assert answer["counts"] == {"DOWN": 0, "DEGRADED": 0, "AT_RISK": 2}


async def test_supports_tells_also_what_redundancy_hides(shop: Topologies) -> None:
    answer = await supports(shop, "db-1")
    assert [(s.ci.name, s.distance, s.criticality) for s in answer.services] == [("shop", 2, 1)]
    assert supports_json(answer)["services"][0]["path"][0]["type"] == "DEPENDS_ON"
    assert (await supports(shop, "ann")).services == ()


async def test_a_path_leads_to_what_was_asked_not_to_what_was_so_already(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("esx", "Hypervisor"),
        link("db-2", "RUNS_ON", "esx"),
        thing("INC1", "Incident", kind="outage", state="new"),
        link("INC1", "AFFECTS", "db-1"),
    )
    answer = await blast_radius(shop, [Ask("esx")], given="open")
    web = next(each for each in answer.affected if each.ci.name == "web-a")
    assert [step.target.name for step in web.path] == ["db-2", "esx"]
    near = await blast_radius(shop, [Ask("esx")], given="open", max_distance=1)
    assert affected(near) == {"db-2": "DOWN"}


async def test_what_nothing_calls_any_more_is_starved(shop: Topologies) -> None:
    answer = await blast_radius(shop, [Ask("web-a")])
    assert [(each.ci.name, each.state, each.because) for each in answer.starved] == [
        (name, State.OPERATIONAL, "Nothing calls it any more: web-a is down.") for name in ("db-1", "db-2")
    ]
    assert not (await blast_radius(shop, [Ask("web-a", "degraded")])).starved


async def test_what_a_person_uses_still_calls(shop: Topologies) -> None:
    await say(shop.store, thing("console", "Application"), link("console", "DEPENDS_ON", "db-1"))
    starved = (await blast_radius(shop, [Ask("web-a")])).starved
    assert [each.ci.name for each in starved] == ["db-1", "db-2"]
    await say(shop.store, link("ann", "USES", "console"))
    starved = (await blast_radius(shop, [Ask("web-a")])).starved
    assert [each.ci.name for each in starved] == ["db-2"]


async def test_where_failure_does_not_go_on_is_told_with_the_models_reason(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("probe", "Application"),
        link("box", "CONNECTS_TO", "db-1"),
        link("box", "MONITORED_BY", "probe"),
        link("db-2", "CONNECTS_TO", "box"),
    )
    answer = await blast_radius(shop, [Ask("box")])
    assert [(each.step.source.name, each.step.type_name, each.step.target.name) for each in answer.excluded] == [
        ("box", "CONNECTS_TO", "db-1"),
        ("db-2", "CONNECTS_TO", "box"),
        ("box", "MONITORED_BY", "probe"),
    ]
    assert answer.excluded[2].because == "What is watched works on when nobody watches it."
    assert not (await blast_radius(shop, [Ask("wiki")])).excluded


async def test_that_more_is_not_followed_than_is_told_is_said(shop: Topologies) -> None:
    many = [thing(f"peer-{number:02}", "Server") for number in range(21)]
    links = [link("box", "CONNECTS_TO", f"peer-{number:02}") for number in range(21)]
    await say(shop.store, *many, *links[:20])
    exactly = await blast_radius(shop, [Ask("box")])
    assert (len(exactly.excluded), exactly.excluded_truncated) == (20, False)
    await say(shop.store, links[20])
    more = await blast_radius(shop, [Ask("box")])
    assert (len(more.excluded), more.excluded_truncated) == (20, True)


async def test_the_last_of_two_is_a_new_single_point(shop: Topologies) -> None:
    answer = await blast_radius(shop, [Ask("db-1")])
    (service,) = answer.services
    assert [each.name for each in service.new_single_points] == ["db-2"]  # web-a takes the shop down anyway
    assert not answer.new_points_truncated
    down = await blast_radius(shop, [Ask("web-a")])
    assert [each.new_single_points for each in down.services] == [()]


async def test_the_search_for_new_single_points_is_bounded_and_says_so(
    shop: Topologies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NEW_POINTS", 1)
    answer = await blast_radius(shop, [Ask("db-1")])
    assert answer.new_points_truncated
    assert [each.new_single_points for each in answer.services] == [()]


async def test_what_waits_at_a_seed_that_cannot_fail_is_unknown(shop: Topologies) -> None:
    await say(shop.store, thing("INC1", "Incident"), link("INC1", "AFFECTS", "nowhere"))
    answer = await blast_radius(shop, [Ask("INC1")])
    told = [(each.ci and each.ci.name, each.because) for each in answer.unknown]
    assert [name for name, _ in told] == ["INC1", "INC1"]
    assert "nowhere" in told[1][1]
