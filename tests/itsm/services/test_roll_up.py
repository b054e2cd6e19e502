"""From an impact answer's services to customers, promises, hours and the people to tell."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from knockon.impact.topology.topologies import Topologies
from knockon.itsm.blast_radius.blast_radius import blast_radius
from knockon.itsm.blast_radius.question import Ask
from tests.itsm.conftest import MODEL, link, say, thing

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store
    from knockon.itsm.blast_radius.answer import ImpactAnswer

THURSDAY = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
OFFICE = {"rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=8", "duration": "PT9H", "time_zone": "Europe/Berlin"}
AROUND = [
    thing("retail", "Customer"),
    thing("desk", "SupportGroup"),
    thing("gold", "ServiceLevelAgreement", availability_target=99.9, resolution_time="PT4H"),
    thing("old", "ServiceLevelAgreement", availability_target=90, valid_until="2026-11-25"),
    thing("office", "Calendar", **OFFICE),
    link("shop", "OWNED_BY", "ann"),
    link("intranet", "OWNED_BY", "ann"),
    link("box", "SUPPORTED_BY", "desk"),
    link("shop", "SUPPORTED_BY", "desk"),
    link("shop", "CONSUMED_BY", "retail"),
    link("shop", "COVERED_BY", "gold"),
    link("shop", "COVERED_BY", "old"),
    link("shop", "HAS_CALENDAR", "office"),
]


def touched(answer: ImpactAnswer) -> list[tuple[str, list[tuple[str, str | None]]]]:
    (service,) = answer.services
    return [(each.ci.name, [(t.name, t.value) for t in each.touched]) for each in service.around.agreements]


async def test_a_service_comes_with_who_stands_around_it(shop: Topologies) -> None:
    await say(shop.store, *AROUND)
    answer = await blast_radius(shop, [Ask("web-a")], now=THURSDAY)
    (service,) = answer.services
    around = service.around
    assert [ci.name for ci in around.customers] == ["retail"]
    assert [ci.name for ci in around.owners] == ["ann"]
    assert [ci.name for ci in around.support_groups] == ["desk"]
    assert touched(answer) == [("gold", [("availability_target", "99.9 %"), ("resolution_time", "PT4H")])]
    assert around.hours
    assert (around.hours.inside, around.hours.until) == (True, datetime(2026, 11, 26, 16, 0, tzinfo=UTC))
    assert [ci.name for ci in around.hours.calendars] == ["office"]


async def test_only_what_the_state_touches_is_touched(shop: Topologies) -> None:
    await say(shop.store, *AROUND)
    degraded = await blast_radius(shop, [Ask("web-a", "degraded")], now=THURSDAY)
    assert touched(degraded) == [("gold", [("resolution_time", "PT4H")])]
    at_risk = await blast_radius(shop, [Ask("db-1")], now=THURSDAY)
    assert touched(at_risk) == [("gold", [])]


async def test_hours_say_when_they_begin_again(shop: Topologies) -> None:
    await say(shop.store, *AROUND)
    friday_night = datetime(2026, 11, 27, 20, 0, tzinfo=UTC)
    (service,) = (await blast_radius(shop, [Ask("web-a")], now=friday_night)).services
    assert service.around.hours
    assert (service.around.hours.inside, service.around.hours.until) == (
        False,
        datetime(2026, 11, 30, 7, 0, tzinfo=UTC),
    )


async def test_hours_that_cannot_be_read_say_why(shop: Topologies) -> None:
    nowhere = thing("odd", "Calendar", **OFFICE | {"time_zone": "Nowhere/Town"})
    await say(shop.store, *AROUND, nowhere, link("shop", "HAS_CALENDAR", "odd"))
    (service,) = (await blast_radius(shop, [Ask("web-a")], now=THURSDAY)).services
    assert service.around.hours
    assert service.around.hours.inside is None
    assert "cannot be read" in str(service.around.hours.because)


async def test_each_is_told_once_with_all_reasons(shop: Topologies) -> None:
    await say(shop.store, *AROUND)
    answer = await blast_radius(shop, [Ask("box"), Ask("db-1")], now=THURSDAY)
    assert [(each.ci.name, each.because) for each in answer.notify] == [
        ("ann", ("owns intranet, which is down", "owns shop, which is at risk")),
        ("desk", ("supports shop, which is at risk", "supports box, which is down")),
        ("retail", ("is a customer of shop, which is at risk",)),
    ]


class Counted:
    """A store that counts what it is asked."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        self.calls[name] += 1
        return getattr(self.store, name)


async def test_the_round_trips_do_not_grow_with_the_services(shop: Topologies) -> None:
    async def calls() -> Counter[str]:
        store: Any = Counted(shop.store)
        topologies = Topologies(store, MODEL)
        await topologies.current()
        store.calls.clear()
        answer = await blast_radius(topologies, [Ask("web-a")], now=THURSDAY)
        assert len(answer.notify) > len(answer.services) / 2
        return Counter(store.calls)

    await say(shop.store, *AROUND)
    one = await calls()
    many = [f"s{number}" for number in range(60)]
    await say(
        shop.store,
        *(thing(name, "BusinessService", user_count=1) for name in many),
        *(thing(f"p-{name}", "Person") for name in many),
        *(link(name, "DEPENDS_ON", "web-a") for name in many),
        *(link(name, "OWNED_BY", f"p-{name}") for name in many),
        *(link(name, "HAS_CALENDAR", "office") for name in many),
    )
    assert await calls() == one
    assert one["neighbours"] == 5 + 10  # what stands around, and five types that carry no failure, either way


async def test_an_answer_after_a_write_does_not_remember_what_was_before(shop: Topologies) -> None:
    await say(shop.store, *AROUND)
    ask = [Ask("web-a")]
    first, again = [await blast_radius(shop, ask, now=THURSDAY) for _ in range(2)]
    assert again == first
    await say(shop.store, thing("eve", "Person"), link("shop", "OWNED_BY", "eve"), thing("shop", "BusinessService"))
    (service,) = (await blast_radius(shop, ask, now=THURSDAY)).services
    assert [ci.name for ci in service.around.owners] == ["ann", "eve"]
