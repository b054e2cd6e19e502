"""Where a status and what sources see differ, as a change coordinator would tell it, on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.loading.load import load
from knockon.cmdb.lookup import find
from knockon.cmdb.moving.copying import copy
from knockon.cmdb.reconciliation.explaining import explain
from knockon.cmdb.stewardship.decisions import decide, take_back
from knockon.cmdb.stewardship.edits import Editor
from knockon.cmdb.stewardship.undo import undo_load, undo_source
from knockon.cmdb.stores import opened, store_at
from knockon.schema.build import build
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation

if TYPE_CHECKING:
    from pathlib import Path

    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model

    Found = list[tuple[str, tuple[str, ...], str]]

PLAIN = installed_model()
DAYS = tuple(f"2026-11-0{day}T08:00:00Z" for day in range(1, 8))
PRESENT, ABSENT = "PRESENT_AGAINST_STATUS", "ABSENT_AGAINST_STATUS"


def looking(**discovers: tuple[str, ...]) -> Model:
    """Give the shipped model with these sources that look."""
    sources = PLAIN.spec.sources.model_copy(update={"discovers": discovers})
    return build(PLAIN.spec.model_copy(update={"sources": sources}))


@pytest.fixture
def store_model() -> Model:
    return PLAIN


def server(key: str, **said: Any) -> tuple[str, dict[str, Any]]:
    return key, {"serial_number": key, **said}


async def say(
    store: Store, source: str, *things: tuple[str, dict[str, Any]], day: int, model: Model = PLAIN, **how: Any
) -> Any:
    items = [EntityObservation(source, f"{source}-{key}", "Server", said, DAYS[day]) for key, said in things]
    report = await load(store, model, items, source=source, actor="tests", allow_retire=True, **how)
    assert not report.rejects
    return report


async def found(store: Store) -> Found:
    """Read the findings that are kept; each of them is told with each of its records too."""
    kept = await store.findings()
    for each in kept:
        assert each in await store.findings_about(each.records[:1])
    return [(each.code, tuple(":".join(key) for key in each.records), each.what) for each in kept]


def present(status: str, *records: str) -> Found:
    return [(PRESENT, records, status)]


@pytest.mark.parametrize("status", ["ordered", "received", "in_stock", "retired", "disposed"])
async def test_what_is_seen_and_not_in_operation_is_a_finding_until_the_status_says_so(
    store: Store, status: str
) -> None:
    await say(store, "erp", server("s1", status=status), day=0)
    assert await found(store) == []
    report = await say(store, "scan", server("s1", name="web"), day=1)
    assert await found(store) == present(status, "scan:scan-s1")
    ((code, message),) = [(each.code, each.message) for each in report.findings]
    assert (code, status in message, "scan:scan-s1" in message) == (PRESENT, True, True)
    explained = await explain(store, PLAIN, await find(store, PLAIN, "erp:erp-s1"))
    assert [each.code for each in explained.findings] == [PRESENT]
    await say(store, "erp", server("s1", status="in_maintenance"), day=2)
    assert await found(store) == []


@pytest.mark.parametrize("status", [None, "in_use", "in_maintenance", "obsolete"])
async def test_what_serves_or_says_nothing_of_it_is_none(store: Store, status: str | None) -> None:
    await say(store, "scan", server("s1"), day=0)
    await say(store, "erp", server("s1", **({"status": status} if status else {})), day=1)
    assert await found(store) == []


async def test_who_says_a_status_keeps_papers_and_a_person_does_not_look(store: Store) -> None:
    await say(store, "erp", server("s1", status="ordered"), day=0)
    await say(store, "plan", server("s1", status="in_use"), day=1)  # newer, and none of them is ranked
    await Editor(store, PLAIN, "anna").change("erp:erp-s1", {"description": "comes on Monday"})
    assert await found(store) == []
    assert (await find(store, PLAIN, "erp:erp-s1")).attributes["status"] == "in_use"
    await say(store, "plan", server("s1", status="disposed"), day=2)
    assert await found(store) == []


async def test_a_person_retires_what_still_runs_and_moves_it_back(store: Store) -> None:
    await say(store, "scan", server("s1"), day=0)
    await Editor(store, PLAIN, "anna").move("scan:scan-s1", "in_use")
    assert await found(store) == []
    done = await Editor(store, PLAIN, "anna").move("scan:scan-s1", "retired")
    assert await found(store) == present("retired", "scan:scan-s1")
    assert [each.split(": ")[0] for each in done.findings] == ["scan:scan-s1"]
    gone = await Editor(store, PLAIN, "ben").move("scan:scan-s1", "disposed")
    assert await found(store) == present("disposed", "scan:scan-s1")
    await undo_load(store, PLAIN, gone.revision, of="person/ben", by="tests")
    assert await found(store) == present("retired", "scan:scan-s1")
    await Editor(store, PLAIN, "ben").move("scan:scan-s1", "in_use")
    assert await found(store) == []


async def test_it_goes_when_the_source_no_longer_sees_it_and_comes_back_with_it(store: Store) -> None:
    await say(store, "erp", server("s1", status="retired"), server("s2"), day=0)
    await say(store, "scan", server("s1"), server("s2"), day=1)
    gone = await say(store, "scan", server("s2"), day=2, complete=True)
    assert (gone.entities.retired, await found(store)) == (0, [])
    back = await say(store, "scan", server("s1"), server("s2"), day=3)
    assert await found(store) == present("retired", "scan:scan-s1")
    await undo_load(store, PLAIN, back.revision, of="scan", by="tests")
    assert await found(store) == []
    await undo_load(store, PLAIN, gone.revision, of="scan", by="tests")
    assert await found(store) == present("retired", "scan:scan-s1")
    await undo_source(store, PLAIN, "erp", by="tests")
    assert await found(store) == []


async def test_the_same_again_changes_nothing_and_a_rehearsal_tells(store: Store) -> None:
    await say(store, "erp", server("s1", status="ordered"), day=0)
    rehearsed = await say(store, "scan", server("s1"), day=1, dry_run=True)
    assert ([each.code for each in rehearsed.findings], await found(store)) == ([PRESENT], [])
    await say(store, "scan", server("s1"), day=1)
    kept, newest = await store.findings(), await store.revision()
    await say(store, "scan", server("s1"), day=1)
    assert (await store.findings(), await store.revision() - newest) == (kept, 1)


async def test_a_word_that_counts_again_when_it_is_said_again_counts_here_too(store: Store) -> None:
    await say(store, "erp", server("s1", status="in_stock"), day=0)
    await say(store, "plan", server("s1", status="in_use"), day=1)
    await say(store, "scan", server("s1"), day=2)
    assert await found(store) == []
    await say(store, "erp", server("s1", status="in_stock"), day=3)
    assert await found(store) == present("in_stock", "scan:scan-s1")
    await say(store, "plan", server("s1", status="in_use"), day=4)
    assert await found(store) == []


async def test_findings_of_both_kinds_about_one_record_leave_each_other_alone(store: Store) -> None:
    await say(store, "erp", server("s1", name="web", status="ordered"), day=0)
    await say(store, "list", server("s2", name="web", status="in_use"), day=0)
    await say(store, "scan", server("s1", name="web"), day=1)
    veto = [each.id for each in await store.findings("IDENTITY_VETO")]
    assert len(veto) > 0
    assert await found(store) != []
    seen = present("ordered", "scan:scan-s1")
    assert [each for each in await found(store) if each[0] == PRESENT] == seen
    await say(store, "erp", server("s1", name="web", status="in_use"), day=2)  # its claims are as they were
    assert [each.id for each in await store.findings()] == veto
    await say(store, "erp", server("s1", name="web", status="ordered"), day=3)
    await say(store, "list", server("s2", name="db", status="in_use"), day=4)  # no status of it changes
    assert await found(store) == seen


async def test_links_take_it_along(store: Store) -> None:
    await say(store, "erp", ("s1", {"status": "ordered"}), day=0)
    await say(store, "scan", ("s1", {}), day=1)
    assert await found(store) == []
    decision, _ = await decide(store, PLAIN, "link", ("erp", "erp-s1"), ("scan", "scan-s1"), by="anna")
    assert await found(store) == present("ordered", "scan:scan-s1")
    await take_back(store, PLAIN, decision.id, by="anna")
    assert await found(store) == []


async def test_a_record_that_goes_to_another_thing_takes_nothing_with_it(store: Store) -> None:
    await say(store, "erp", server("s1", status="ordered"), server("s2"), day=0)
    await say(store, "scan", server("s1"), day=1)
    assert await found(store) == present("ordered", "scan:scan-s1")
    await say(store, "scan", ("s1", {"serial_number": "s2"}), day=2)
    assert await found(store) == []


LOOKING = looking(scan=("ComputerSystem",), agents=())


async def test_what_is_in_use_and_not_seen_by_who_looks_is_a_finding(store: Store) -> None:
    await say(store, "erp", server("s1", status="in_use"), server("s2"), day=0, model=LOOKING)
    unseen = [(ABSENT, ("erp:erp-s1",), "in_use")]
    assert await found(store) == unseen
    await say(store, "plan", server("s1"), server("s2"), day=1, model=LOOKING)  # is not among those who look
    assert await found(store) == unseen
    await say(store, "agents", server("s1"), day=1, model=LOOKING)  # sees it, also if it does not see all
    assert await found(store) == []
    await undo_source(store, LOOKING, "agents", by="tests")
    assert await found(store) == unseen
    await say(store, "scan", server("s1", status="running"), server("s2"), day=2, model=LOOKING)
    assert await found(store) == []
    await say(store, "scan", server("s2"), day=3, model=LOOKING, complete=True)
    assert await found(store) == unseen
    await say(store, "scan", server("s1", status="disposed"), server("s2"), day=4, model=LOOKING, complete=True)
    assert await found(store) == []  # its own word is the newest
    await say(store, "erp", server("s1", status="in_use"), server("s2"), day=5, model=LOOKING)
    assert await found(store) == unseen
    await undo_source(store, LOOKING, "erp", by="tests")
    assert await found(store) == []


async def test_what_nobody_reports_any_more_is_retired_and_no_finding(store: Store) -> None:
    await say(store, "erp", server("s1", status="in_use"), server("s2"), day=0, model=LOOKING)
    assert len(await found(store)) == 1
    gone = await say(store, "erp", server("s2"), day=1, model=LOOKING, complete=True)
    assert (gone.entities.retired, await found(store)) == (1, [])


async def test_the_model_says_who_looks_and_what_is_there_follows_it(store: Store) -> None:
    await say(store, "erp", server("s1", status="ordered"), server("s2", status="in_use"), day=0)
    await say(store, "list", server("s1"), server("s2"), day=1)
    assert await found(store) == present("ordered", "list:list-s1")
    await say(store, "other", server("s3"), day=2, model=LOOKING)
    assert await found(store) == [(ABSENT, ("erp:erp-s2",), "in_use")]
    await say(store, "other", server("s4"), day=3, model=looking())
    assert await found(store) == []
    states = PLAIN.spec.lifecycles["item"].states
    states = states | {"in_use": states["in_use"].model_copy(update={"counts": False})}
    item = PLAIN.spec.lifecycles["item"].model_copy(update={"states": states})
    stricter = build(PLAIN.spec.model_copy(update={"lifecycles": PLAIN.spec.lifecycles | {"item": item}}))
    await say(store, "other", server("s5"), day=4, model=stricter)
    assert {each[2] for each in await found(store)} == {"ordered", "in_use"}


async def test_a_copy_has_them_and_goes_on_with_them(store: Any, tmp_path: Path) -> None:
    await say(store, "erp", server("s1", status="ordered"), day=0)
    await say(store, "scan", server("s1"), day=1)
    async with opened(store_at(f"sqlite:///{tmp_path}/copy.db", PLAIN)) as target:
        await copy(store, target)
        assert await target.findings() == await store.findings()
        await say(target, "erp", server("s1", status="in_use"), day=2)
        assert await found(target) == []
    assert len(await found(store)) == 1


async def test_a_load_tells_each_status_that_no_lifecycle_has_once_for_a_class(store: Store) -> None:
    said = [("s1", "running"), ("s2", "running"), ("s3", "in_use"), ("s4", None), ("s5", "RUNNING")]
    items = [
        EntityObservation("erp", key, "Server", {"serial_number": key, "status": word}, DAYS[0], str(n))
        for n, (key, word) in enumerate(said, start=1)
    ]
    report = await load(store, PLAIN, items, source="erp", actor="tests")
    assert [(each.code.value, each.location, each.message[:41]) for each in report.findings] == [
        ("UNKNOWN_STATE", "5", "1 Server record has the status RUNNING, w"),
        ("UNKNOWN_STATE", "1", "2 Server records have the status running,"),
    ]
    assert "disposed, in_maintenance, in_stock, in_use" in report.findings[0].message
    assert await found(store) == []
    kept = [(await find(store, PLAIN, f"erp:{key}")).attributes.get("status") for key, _ in said]
    assert kept == ["running", "running", "in_use", None, "RUNNING"]
