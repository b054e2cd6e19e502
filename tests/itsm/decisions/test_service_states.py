"""The state of each service, what it comes from, and what differs between two looks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from knockon.errors import BadCursor
from knockon.itsm.context.given import Span, context_of
from knockon.itsm.decisions.service_states import Look, differences, is_timed, states_of
from knockon.schema.states import State
from tests.itsm.conftest import MODEL, link, say, thing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.decisions.service_states import ServiceState

NOW = Span.at(datetime(2026, 11, 2, tzinfo=UTC))


async def states(shop: Topologies, given: str) -> Mapping[str, ServiceState]:
    return await states_of(await shop.current(), await context_of(shop.store, MODEL, given, NOW))


async def test_what_makes_a_service_worse_and_what_did(shop: Topologies) -> None:
    await say(shop.store, thing("INC1", "Incident", kind="outage", state="new"), link("INC1", "AFFECTS", "shop"))
    found = {each.service.name: each for each in (await states(shop, "open")).values()}
    assert found["shop"].state is State.DOWN
    assert found["shop"].because == 'Incident "INC1" declares no effect: down assumed for kind outage'
    assert [each.name for each in found["shop"].records] == ["INC1"]
    assert found["intranet"] == found["intranet"]._replace(state=State.OPERATIONAL, cause=None, records=())
    nothing = await states(shop, "none")
    assert {each.state for each in nothing.values()} == {State.OPERATIONAL}
    gone = differences(nothing, {})
    assert [(each.service.name, each.before, each.after) for each in gone] == [
        ("intranet", State.OPERATIONAL, None), ("shop", State.OPERATIONAL, None),
    ]  # fmt: skip


def test_looks_read_as_they_were_written() -> None:
    for look in (Look(0), Look(12), Look(12, datetime(2026, 11, 27, 8, 0, 5, tzinfo=UTC))):
        assert Look.read(str(look)) == look
    for text in ("", "x", "-1", "1@", "1@yesterday", "@2026-11-27T08:00:00Z", "1@2026-11-27T08:00:00"):
        with pytest.raises(BadCursor):
            Look.read(text)


def test_which_states_the_time_alone_may_change() -> None:
    assert [is_timed(each) for each in ("none", "open", "open,window", "maintenance")] == [False, False, True, True]
