"""Each check on small estates: what it finds, and what it must not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.errors import BadUsage
from knockon.itsm.health.checks import AREAS, CHECKS
from knockon.itsm.health.freshness import STALE_AFTER
from knockon.itsm.health.health import About
from tests.itsm.health.estate import counted, examined, link, missed, thing, waits

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Edge, Entity

SHOP: list[Entity | Edge] = [
    thing("shop", "BusinessService", criticality=1),
    thing("app", "Application"),
    thing("srv", "Server"),
    thing("ann", "Person"),
    link("shop", "DEPENDS_ON", "app"),
    link("app", "RUNS_ON", "srv"),
    link("app", "OWNED_BY", "ann"),
]


def test_an_estate_without_items_has_no_score_and_passes() -> None:
    answer = examined(thing("ann", "Person")).answer(About(), "all")
    assert (answer.cis, answer.score, answer.passes, answer.parts) == (0, None, True, ())
    assert [area.name for area in answer.areas] == ["completeness", "correctness", "relationships", "coverage"]
    assert {area.score for area in answer.areas} == {None}


def test_the_names_of_checks_are_theirs_alone() -> None:
    assert len({each.name for each in CHECKS}) == len(CHECKS)
    assert {each.area for each in CHECKS} <= set(AREAS)


def test_what_is_recommended_and_not_recorded_is_named() -> None:
    found = examined(thing("shop", "BusinessService"), thing("pay", "BusinessService", criticality=2))
    assert missed(found, "recommended") == {"shop": "not recorded: criticality"}
    assert counted(found, "recommended") == (3, 4)
    assert counted(found, "required") == (0, 0)


def test_what_is_on_order_is_no_orphan_and_not_asked_for_more() -> None:
    ordered = thing("new", "BusinessService", status="ordered")
    found = examined(*SHOP, ordered, thing("lone", "Server"))
    assert missed(found, "orphans") == {"lone": "nothing is related to it"}
    for check in ("orphans", "recommended", "owner", "service"):
        assert "new" not in missed(found, check)
    assert counted(found, "orphans") == (3, 4)


def test_an_owner_does_not_make_an_orphan_belong() -> None:
    found = examined(thing("srv", "Server"), thing("ann", "Person"), link("srv", "OWNED_BY", "ann"))
    assert missed(found, "orphans").keys() == {"srv"}
    assert missed(found, "owner") == {}


def test_a_place_is_enough_not_to_be_an_orphan() -> None:
    found = examined(thing("srv", "Server"), thing("ham", "Site"), link("srv", "LOCATED_IN", "ham"))
    assert missed(found, "orphans") == {}


def test_what_was_reported_longer_ago_than_its_period_is_stale() -> None:
    seen = {"shop": "2026-11-25T00:00:00Z", "app": "2026-09-27T08:00:00Z", "srv": "2026-09-27T07:59:59Z"}
    assert STALE_AFTER == 60 * 24 * 3600
    found = examined(*SHOP, seen=seen)
    assert missed(found, "stale") == {"srv": "last reported 2026-09-27"}
    assert counted(found, "stale") == (2, 3)
    assert missed(examined(*SHOP, seen=seen, moment="2026-10-01T00:00:00.000000Z"), "stale") == {}


def test_nothing_is_stale_of_which_no_record_is_known() -> None:
    assert counted(examined(*SHOP), "stale") == (0, 0)


def test_one_identity_in_two_things_is_found_in_both() -> None:
    found = examined(thing("a", "Server", serial_number="S1"), thing("b", "Server", serial_number=" s1 "))
    assert missed(found, "duplicates") == {
        "a": "same Hardware.serial_number as b", "b": "same Hardware.serial_number as a",
    }  # fmt: skip


def test_one_name_is_no_duplicate_where_a_stronger_identifier_differs() -> None:
    one, other = (thing(key, "Server", serial_number=key) for key in ("S1", "S2"))
    for each in (one, other):
        each.attributes["name"] = "db"
    assert missed(examined(one, other), "duplicates") == {}
    del other.attributes["serial_number"]
    assert missed(examined(one, other), "duplicates").keys() == {"S1", "S2"}


def test_a_value_that_very_many_have_identifies_nobody() -> None:
    many = [thing(f"s{number}", "Server", serial_number="to be filled in") for number in range(21)]
    assert len(missed(examined(*many[:20]), "duplicates")) == 20
    assert missed(examined(*many), "duplicates") == {}


def test_what_is_named_within_its_parent_is_a_duplicate_in_one_parent_only() -> None:
    def estate(second_home: str) -> list[Entity | Edge]:
        one, other = thing("1", "Database"), thing("2", "Database")
        one.attributes["name"] = other.attributes["name"] = "orders"
        homes = [thing("pg-1", "DatabaseInstance"), thing("pg-2", "DatabaseInstance")]
        return [one, other, *homes, link("1", "RUNS_ON", "pg-1"), link("2", "RUNS_ON", second_home)]

    assert missed(examined(*estate("pg-1")), "duplicates").keys() == {"1", "2"}
    assert missed(examined(*estate("pg-2")), "duplicates") == {}


FARM: list[Entity | Edge] = [
    thing("farm", "Cluster"),
    thing("esx-1", "Hypervisor"),
    thing("esx-2", "Hypervisor"),
    link("esx-1", "MEMBER_OF", "farm"),
]


def test_redundancy_is_that_the_loss_of_one_can_be_stood() -> None:
    lone = examined(*FARM)
    assert missed(lone, "redundancy") == {"farm": "the loss of one member by MEMBER_OF leaves 0, and 1 must be up"}
    both = [*FARM, link("esx-2", "MEMBER_OF", "farm")]
    assert counted(examined(*both), "redundancy") == (1, 1)
    both[0] = thing("farm", "Cluster", min_up="2")
    assert missed(examined(*both), "redundancy").keys() == {"farm"}
    heavy = [*FARM[:3], link("esx-1", "MEMBER_OF", "farm", weight=3), link("esx-2", "MEMBER_OF", "farm")]
    heavy[0] = thing("farm", "Cluster", min_up="50%")
    assert missed(examined(*heavy), "redundancy") == {
        "farm": "the loss of one member by MEMBER_OF leaves 1, and 2 must be up"
    }


def test_a_member_on_order_is_no_redundancy() -> None:
    estate = [*FARM, link("esx-2", "MEMBER_OF", "farm")]
    estate[2] = thing("esx-2", "Hypervisor", status="ordered")
    assert missed(examined(*estate), "redundancy").keys() == {"farm"}


def test_a_group_that_needs_more_than_it_has_is_told() -> None:
    estate = [*FARM, link("esx-2", "MEMBER_OF", "farm")]
    estate[0] = thing("farm", "Cluster", min_up="3", full_up="100%")
    assert missed(examined(*estate), "group-settings") == {"farm": "MEMBER_OF is to have 3 and has 2 in all"}
    estate[0] = thing("farm", "Cluster", min_up="2")
    assert missed(examined(*estate), "group-settings") == {}


POOL: list[Entity | Edge] = [thing("app", "Application"), *(thing(f"db-{number}", "Server") for number in (1, 2, 3))]


def pool(*settings: dict[str, Any]) -> list[Entity | Edge]:
    """Let the application need a group of servers, by relationships with these settings."""
    return [*POOL, *(link("app", "DEPENDS_ON", f"db-{n}", redundancy_group="db", **of) for n, of in
                     enumerate(settings, 1))]  # fmt: skip


def test_relationships_of_a_group_that_disagree_are_told() -> None:
    found = examined(*pool({"min_up": "1"}, {"min_up": "2"}, {"min_up": "2"}))
    assert missed(found, "group-settings") == {
        "app": "db: its relationships disagree on min_up: 1 (db-1), 2 (db-2, db-3); 2 counts"
    }
    assert counted(found, "group-settings") == (0, 1)
    agreed = pool({"min_up": "2"}, {"min_up": "50%"}, {})  # of three
    assert missed(examined(*agreed), "group-settings") == {}
    assert missed(examined(*agreed[:-1]), "group-settings").keys() == {"app"}  # of two


def test_full_service_on_less_than_must_be_up_is_told() -> None:
    found = examined(*pool({"min_up": "2", "full_up": "1"}, {}, {}))
    assert missed(found, "group-settings") == {"app": "db: full_up 1 is below the 2 that must be up, which count"}
    assert missed(examined(*pool({"min_up": "2", "full_up": "2"}, {})), "group-settings") == {}
    farm = [thing("farm", "Cluster", min_up="2", full_up="50%"), *FARM[1:], link("esx-2", "MEMBER_OF", "farm")]
    assert missed(examined(*farm), "group-settings") == {
        "farm": "MEMBER_OF: full_up 50% is below the 2 that must be up, which count"
    }
    farm[-1] = link("esx-2", "MEMBER_OF", "farm", min_up="1")  # which counts instead of the cluster's own
    assert missed(examined(*farm), "group-settings") == {}


def test_an_own_setting_without_its_group_is_told() -> None:
    odd = pool({"min_up": "1"}, {})
    odd[0] = thing("app", "Application", min_up="2")
    assert missed(examined(*odd), "group-settings") == {
        "app": "its class has no group that its own min_up could be for"
    }
    assert counted(examined(*odd), "group-settings") == (1, 2)
    farm: list[Entity | Edge] = [thing("farm", "Cluster", full_up="2"), thing("srv", "Server")]
    assert counted(examined(*farm), "group-settings") == (0, 0)  # nobody has recorded its members
    farm.append(link("farm", "RUNS_ON", "srv", redundancy_group="rack"))
    assert missed(examined(*farm), "group-settings") == {
        "farm": "its own full_up is for MEMBER_OF only, and that has no members"
    }


def test_a_member_that_is_needed_by_itself_too_is_told() -> None:
    pool = [thing("app", "Application"), thing("db-1", "Server"), thing("db-2", "Server")]
    group = [link("app", "DEPENDS_ON", each, redundancy_group="db") for each in ("db-1", "db-2")]
    assert missed(examined(*pool, *group), "group-members") == {}
    assert missed(examined(*pool, *group, link("app", "DEPENDS_ON", "db-1")), "group-members") == {
        "app": "also needed by itself: db-1"
    }


def test_relationships_without_effect_count_with_the_item_that_is_known() -> None:
    found = examined(
        *SHOP, thing("inc", "Incident"),
        waits("app", "DEPENDS_ON", None, "WAITING_REFERENCE"),
        waits(None, "RUNS_ON", "srv", "AMBIGUOUS_REFERENCE"),
        waits("srv", "RUNS_ON", "shop", "RELATIONSHIP_NOT_ALLOWED"),
        waits("srv", "DEPENDS_ON", "srv", "SELF_LOOP"),
        waits("inc", "AFFECTS", None, "WAITING_REFERENCE"),
        waits(None, "DEPENDS_ON", None, "WAITING_REFERENCE"),
    )  # fmt: skip
    assert missed(found, "waiting") == {"app": "app DEPENDS_ON to? (source t)"}
    assert missed(found, "ambiguous").keys() == {"srv"}
    assert missed(found, "not-allowed").keys() == {"srv"}
    assert missed(found, "self-loops").keys() == {"srv"}
    assert counted(found, "waiting") == (6, 8), "three relationships, and five that wait; the incident's is no item's"
    shown = found.failing("waiting", About(), "all")
    assert [(each.ci and each.ci.id, each.missed) for each in shown.failing] == [("app", 1), (None, 1)]
    assert found.failing("waiting", About("Application"), "").score.tally == (3, 1, 1)


def test_coverage_looks_for_a_service_over_any_number_of_steps() -> None:
    found = examined(*SHOP, thing("spare", "Server"), link("spare", "CONNECTS_TO", "srv"))
    assert missed(found, "service") == {"spare": "no service depends on it"}
    assert counted(found, "service") == (2, 3)


def test_a_part_of_the_estate_is_asked_about() -> None:
    found = examined(*SHOP, thing("spare", "Server"))
    by_class = {part.name: part.cis for part in found.answer(About(), "").parts}
    assert by_class == {"Application": 1, "BusinessService": 1, "Server": 2}
    assert found.answer(About("ComputerSystem"), "").cis == 2
    assert found.answer(About(service="shop"), "").cis == 3
    assert found.answer(About("Server", service="shop"), "").cis == 1
    assert found.answer(About(owner="ann"), "", by="owner").parts[0].ci is not None
    assert [part.cis for part in found.answer(About("Server"), "", by="service").parts] == [1]
    for wrong in (About("Person"), About("Nothing"), About(service="srv")):
        with pytest.raises(BadUsage):
            found.answer(wrong, "")


def test_of_the_past_it_is_said_what_cannot_be_told() -> None:
    found = examined(*SHOP, past=True)
    assert [each.name for each in found.left_out] == [
        "stale",
        "status",
        "waiting",
        "ambiguous",
        "not-allowed",
        "self-loops",
    ]
    assert counted(found, "orphans") == (3, 3)
    with pytest.raises(BadUsage, match="not kept"):
        found.failing("stale", About(), "")
    with pytest.raises(BadUsage, match="There is no check"):
        found.failing("nonsense", About(), "")
