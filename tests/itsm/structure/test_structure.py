from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.errors import BadUsage, ReferenceNotFound
from knockon.itsm.structure.answer import dependencies_json
from knockon.itsm.structure.structure import common_upstream, dependencies, paths_between, single_points_of_failure
from knockon.schema.states import State
from tests.itsm.conftest import link, say, thing

if TYPE_CHECKING:
    from knockon.impact.topology.topologies import Topologies


async def test_what_a_service_needs_and_what_each_is_to_its_consumer(shop: Topologies) -> None:
    answer = await dependencies(shop, "shop")
    assert [(n.ci.name, n.distance, n.plain, n.groups, n.consumer.name) for n in answer.needs] == [
        ("web-a", 1, True, (), "shop"), ("db-1", 2, False, ("db",), "web-a"), ("db-2", 2, False, ("db",), "web-a"),
    ]  # fmt: skip
    near = await dependencies(shop, "shop", max_distance=1)
    assert ([n.ci.name for n in near.needs], near.total, near.truncated) == (["web-a"], 3, True)
    written: Any = dependencies_json(answer)
    names = {each["id"]: each["name"] for each in written["nodes"]}
    assert list(names.values()) == ["shop", "web-a", "db-1", "db-2"]
    assert [(names[e["from"]], e["type"], names[e["to"]]) for e in written["edges"]] == [
        ("shop", "DEPENDS_ON", "web-a"), ("web-a", "DEPENDS_ON", "db-1"), ("web-a", "DEPENDS_ON", "db-2"),
    ]  # fmt: skip


async def test_paths_are_told_with_their_direction(shop: Topologies) -> None:
    answer = await paths_between(shop, "db-1", "shop")
    assert (answer.consumer.name, answer.supplier.name, answer.direction) == ("shop", "db-1", "backward")
    assert [each.length for each in answer.paths] == [2]
    assert (await paths_between(shop, "shop", "db-1")).direction == "forward"
    nothing = await paths_between(shop, "shop", "box")
    assert (nothing.direction, nothing.paths, nothing.truncated) == ("none", (), False)


async def test_common_upstream_is_ranked_and_says_why(shop: Topologies) -> None:
    await say(shop.store, link("intranet", "DEPENDS_ON", "web-a"))
    answer = await common_upstream(shop, ["shop", "intranet"])
    assert [(each.ci.name, each.distances, each.lowest, each.because) for each in answer.common] == [
        ("web-a", (1, 1), True, "Explains all 2; nothing else would be ill."),
        ("db-1", (2, 2), False, "Explains none of the 2; nothing else would be ill."),
        ("db-2", (2, 2), False, "Explains none of the 2; nothing else would be ill."),
    ]  # fmt: skip
    assert not answer.truncated
    cut = await common_upstream(shop, ["shop", "intranet"], limit=1)
    assert [each.explained for each in cut.common] == [2, None, None]
    assert cut.truncated


async def test_single_points_are_ranked_by_what_they_take_down_and_shared_fate_is_told(shop: Topologies) -> None:
    await say(
        shop.store, thing("ups", "UPS"), link("db-1", "POWERED_BY", "ups"), link("db-2", "POWERED_BY", "ups"),
        link("wiki", "DEPENDS_ON", "ups"), thing("mail", "Application"),
        link("web-a", "DEPENDS_ON", "mail", strength="soft"),
    )  # fmt: skip
    answer = await single_points_of_failure(shop, "shop")
    assert [(each.ci.name, each.weight, each.services, each.distance) for each in answer.down] == [
        ("ups", 9, 2, 3), ("web-a", 8, 1, 1),
    ]  # fmt: skip
    assert [step.target.name for step in answer.down[0].path] == ["web-a", "db-1", "ups"]
    assert [(each.ci.name, each.state, each.weight) for each in answer.degraded] == [("mail", State.DEGRADED, 0)]
    (fate,) = answer.fates
    assert (fate.ci.name, fate.group, fate.cause.name, [each.name for each in fate.members]) == (
        "web-a", "db", "ups", ["db-1", "db-2"],
    )  # fmt: skip
    assert fate.because == "db-1 and db-2 hang on ups: without it, 0 of 2 up; web-a needs 1 of its group db."
    assert not answer.truncated
    assert (await single_points_of_failure(shop, "shop", limit=1)).truncated


async def test_what_cannot_fail_needs_nothing_and_has_no_points(shop: Topologies) -> None:
    assert (await dependencies(shop, "ann")).needs == ()
    assert (await single_points_of_failure(shop, "ann")).down == ()
    assert (await common_upstream(shop, ["ann", "shop"])).common == ()
    assert (await paths_between(shop, "ann", "shop")).direction == "none"


async def test_wrong_questions_are_refused(shop: Topologies) -> None:
    with pytest.raises(BadUsage, match="counted in steps"):
        await dependencies(shop, "shop", max_distance=0)
    with pytest.raises(BadUsage, match="two different"):
        await common_upstream(shop, ["shop", "t:shop"])
    with pytest.raises(BadUsage, match="same thing"):
        await paths_between(shop, "shop", "t:shop")
    with pytest.raises(BadUsage, match="counted from 1"):
        await paths_between(shop, "shop", "db-1", limit=0)
    with pytest.raises(ReferenceNotFound):
        await single_points_of_failure(shop, "nothing")
