"""What else is the case: what is open, what is planned for the window, what maintenance takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.loading.load import load
from knockon.cmdb.stores import opened
from knockon.cmdb.stores.sqlite import SqliteStore
from knockon.errors import BadUsage
from knockon.itsm.blast_radius.blast_radius import blast_radius
from knockon.itsm.blast_radius.question import Ask
from knockon.itsm.context.given import Span, context_of, kinds_of, words_of
from knockon.schema.installed import read_model, shipped_files
from knockon.schema.states import State
from tests.itsm.conftest import MODEL, link, say, thing

if TYPE_CHECKING:
    from pathlib import Path

    from knockon.impact.topology.topologies import Topologies
    from knockon.schema.model import Model

EVENING = Span.read("2026-11-03T20:00:00Z/2026-11-03T23:00:00Z")


async def planned(
    shop: Topologies, start: str | None, end: str | None, state: str | None = "approved", effect: str = "down"
) -> None:
    times = {name: f"2026-11-03T{at}:00Z" for name, at in (("planned_start", start), ("planned_end", end)) if at}
    await say(
        shop.store,
        thing("CHG1", "Change", **({"state": state} if state else {}), **times),
        link("CHG1", "CHANGES", "db-2", effect=effect),
    )


async def failed(shop: Topologies, given: str, span: Span = EVENING) -> set[str]:
    context = await context_of(shop.store, shop.model, given, span)
    entities = await shop.store.entities(context.states)
    return {each.name for each in entities.values()}


@pytest.mark.parametrize(
    ("start", "end", "inside"),
    [
        ("21:00", "22:00", True), ("18:00", "20:01", True), ("22:59", "23:30", True), ("10:00", "23:59", True),
        ("18:00", "20:00", False), ("23:00", "23:30", False), ("10:00", "11:00", False),
        (None, "22:00", False), ("21:00", None, False), (None, None, False),
    ],
)  # fmt: skip
async def test_a_change_counts_if_it_shares_a_part_of_the_window(
    shop: Topologies, start: str | None, end: str | None, *, inside: bool
) -> None:
    await planned(shop, start, end)
    assert await failed(shop, "window") == ({"db-2"} if inside else set())


@pytest.mark.parametrize(("at", "inside"), [("20:00", True), ("21:59", True), ("22:00", False), ("19:59", False)])
async def test_a_moment_is_inside_from_the_start_until_the_end(shop: Topologies, at: str, *, inside: bool) -> None:
    await planned(shop, "20:00", "22:00")
    assert await failed(shop, "window", Span.read(f"2026-11-03T{at}:00Z")) == ({"db-2"} if inside else set())


@pytest.mark.parametrize(
    ("state", "counts"), [("draft", True), ("implementing", True), ("completed", False), ("Somewhere else", True)]
)
async def test_a_change_that_is_done_with_does_not_count(shop: Topologies, state: str, *, counts: bool) -> None:
    await planned(shop, "21:00", "22:00", state)
    assert await failed(shop, "window") == ({"db-2"} if counts else set())


async def test_what_is_planned_is_not_what_is_open(shop: Topologies) -> None:
    await planned(shop, "21:00", "22:00")
    await say(shop.store, thing("INC1", "Incident", kind="outage", state="new"), link("INC1", "AFFECTS", "box"))
    assert await failed(shop, "open") == {"box"}
    assert await failed(shop, "open,window") == {"box", "db-2"}
    assert await failed(shop, "none") == set()


@pytest.mark.parametrize("state", ["Somewhere else", None])
@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        ("20:01", "22:00", "it is not counted: its planned start is 2026-11-03T20:01:00Z"),
        ("20:01", None, "it is not counted: its planned start is 2026-11-03T20:01:00Z"),
        ("18:00", "20:00", "it is not counted: its planned end was 2026-11-03T20:00:00Z"),
        ("20:00", "20:01", "it counts as open"), ("18:00", None, "it counts as open"),
        (None, "20:01", "it counts as open"), (None, None, "it counts as open"),
    ],
)  # fmt: skip
async def test_a_change_in_an_unknown_state_is_in_effect_unless_its_plan_says_otherwise(
    shop: Topologies, state: str | None, start: str | None, end: str | None, why: str
) -> None:
    await planned(shop, start, end, state)
    counted = why == "it counts as open"
    context = await context_of(shop.store, shop.model, "open", EVENING)
    assert [each.item_id for each in context.effects] == list(context.states)
    assert len(context.states) == len(context.records) == counted
    (told,) = context.not_counted()
    assert told.because == f"the model does not know its state {state!r}; {why}"


async def test_a_change_whose_state_is_known_is_not_asked_for_its_plan(shop: Topologies) -> None:
    await planned(shop, "21:00", "22:00", "implementing")
    assert await failed(shop, "open") == {"db-2"}


async def test_a_change_under_way_is_told_once(shop: Topologies) -> None:
    await planned(shop, "21:00", "22:00", "implementing")
    context = await context_of(shop.store, shop.model, "open,window", EVENING)
    assert [each.because for each in context.effects] == ['Change "CHG1" declares down']


async def test_two_changes_in_one_window_break_what_each_alone_does_not(shop: Topologies) -> None:
    await planned(shop, "21:00", "22:00")
    alone = await blast_radius(shop, [Ask("db-1")], span=EVENING)
    together = await blast_radius(shop, [Ask("db-1")], given="window", span=EVENING)
    later = await blast_radius(shop, [Ask("db-1")], given="window", span=Span.read("2026-11-04T20:00:00Z"))
    assert [(each.ci.name, each.state) for each in alone.services] == [("shop", State.AT_RISK)]
    assert [(each.ci.name, each.state) for each in together.services] == [("shop", State.DOWN)]
    assert [(each.ci.name, each.state) for each in later.services] == [("shop", State.AT_RISK)]
    because = next(each.because for each in together.already if each.ci.name == "db-2")
    assert because == 'Change "CHG1" declares down, planned 2026-11-03T21:00:00Z/2026-11-03T22:00:00Z'


async def test_the_effect_that_the_work_declares_is_what_counts(shop: Topologies) -> None:
    await planned(shop, "21:00", "22:00", effect="none")
    assert await failed(shop, "window") == set()


@pytest.mark.parametrize("text", ["2026-11-03", "tomorrow", "2026-11-03T20:00:00", "2026-11-03T20:00:00Z/", "/",
                                  "2026-11-03T20:00:00Z/2026-11-03T19:00:00Z"])  # fmt: skip
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadUsage):
        Span.read(text)


def test_times_are_in_utc() -> None:
    assert str(Span.read("2026-11-03T21:00:00+01:00/2026-11-04T00:00:00+01:00")) == str(EVENING)
    assert str(Span.read("2026-11-03T21:00:00+01:00")) == "2026-11-03T20:00:00Z"


def test_what_is_given_is_listed_once_and_in_order() -> None:
    assert kinds_of("maintenance, open,OPEN") == ("open", "maintenance")
    assert words_of("none") == "none"
    for wrong in ("none,open", "closed", "", "open,"):
        with pytest.raises(BadUsage):
            kinds_of(wrong)


PLANNING = """
classes:
  Period:
    description: Something that lasts from one moment to another.
    is_a: Record
    abstract: true
    attributes:
      starts_at: {type: datetime, description: "When it begins."}
      ends_at: {type: datetime, description: "When it is over."}
  MaintenanceWindow:
    description: A time for work.
    is_a: Period
    identifiers:
      - {name: name, by: [name], priority: 90}
"""
MAINTAINED = [
    (("2026-11-03T21:00:00Z", "2026-11-03T22:00:00Z", False), True),
    (("2026-11-03T18:00:00Z", "2026-11-03T20:00:00Z", False), False),
    (("2026-11-01T00:00:00Z", None, False), True),
    ((None, "2026-11-09T00:00:00Z", False), False),
    ((None, None, True), True),
    (("2026-11-03T22:30:00Z", None, True), False),
    (("2026-11-03T21:30:00Z", None, True), True),
    ((None, "2026-11-03T21:00:00Z", True), False),
]
"""Start, end and whether in the hours of a calendar (Tuesdays 21 to 22 UTC); and whether that is in the evening."""


@pytest.fixture
def planning(tmp_path: Path) -> Model:
    """The shipped model, with maintenance windows where it has none yet."""
    if "MaintenanceWindow" in MODEL.classes:
        return MODEL
    files = []
    for file in shipped_files():
        text = file.read_text().replace(
            "      - [Service, Calendar]", "      - [Service, Calendar]\n      - [Period, Calendar]"
        )
        files.append(tmp_path / file.name)
        files[-1].write_text(text)
    (tmp_path / "windows.yaml").write_text(PLANNING)
    return read_model([*files, tmp_path / "windows.yaml"])


@pytest.mark.parametrize(("time", "inside"), MAINTAINED)
async def test_maintenance_takes_what_it_declares_in_its_time(
    tmp_path: Path, planning: Model, time: tuple[str | None, str | None, bool], *, inside: bool
) -> None:
    starts, ends, recurring = time
    attributes = {name: at for name, at in (("starts_at", starts), ("ends_at", ends)) if at}
    weekly = {"rrule": "FREQ=WEEKLY;BYDAY=TU;BYHOUR=21", "duration": "PT1H", "time_zone": "UTC"}
    items = [
        thing("box", "Server"), thing("switch", "Switch"), thing("MW", "MaintenanceWindow", **attributes),
        thing("tuesdays", "Calendar", **weekly),
        link("MW", "AFFECTS", "box", effect="down"), link("MW", "AFFECTS", "switch"),
        *([link("MW", "HAS_CALENDAR", "tuesdays")] if recurring else []),
    ]  # fmt: skip
    async with opened(SqliteStore(tmp_path / "estate.db", planning)) as store:
        report = await load(store, planning, items, source="t", actor="tester")
        assert not report.rejects
        assert not report.findings
        context = await context_of(store, planning, "maintenance", EVENING)
        named = await store.entities(context.states)
    assert {each.name for each in named.values()} == ({"box"} if inside else set())
