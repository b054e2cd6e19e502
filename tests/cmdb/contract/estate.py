"""A small model, and short ways to say rows and to write them: what the contract suite speaks in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.rows import (
    Edge,
    EdgeKey,
    EdgeRecord,
    EdgeRecordKey,
    Entity,
    JournalEntry,
    Record,
    RevisionHead,
)
from knockon.cmdb.reconciliation.reconciled import entity_image
from knockon.cmdb.reconciliation.relate import edge_image
from knockon.errors import StoreBusy
from knockon.schema.build import build
from knockon.schema.source import read_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write
    from knockon.schema.model import Model

SEEN = "2026-11-01T08:00:00Z"
SEPARATOR = "\x1f"
CLASSES = ("Server", "ServerRoom", "Application")


def small_model() -> Model:
    """Read the suite's own model: three concrete classes and an attribute of every shape."""
    spec = read_sources([Path(__file__).with_name("model.yaml")]).spec
    assert spec is not None
    return build(spec)


MODEL = small_model()


def head(note: str = "", kind: str = "load") -> RevisionHead:
    return RevisionHead("tester", kind, "test", SEEN, MODEL.version, {"note": note})


def entity(entity_id: str, class_name: str = "Server", name: str | None = None, *, retired: bool = False,
           **attributes: Any) -> Entity:  # fmt: skip
    shown = entity_id if name is None else name
    order = SEPARATOR.join((class_name, shown, f"test:{entity_id}"))
    return Entity(entity_id, class_name, shown, order, attributes, retired)


def edge(source: str, target: str, group: str = "", type_name: str = "DEPENDS_ON", *, retired: bool = False,
         **attributes: Any) -> Edge:  # fmt: skip
    grouped = {"redundancy_group": group} if group else {}
    return Edge(EdgeKey(type_name, source, target, group), {**attributes, **grouped}, retired)


def record(key: str, entity_id: str, source: str = "test", *, seen: str = SEEN, digest: str = "d1",
           **attributes: Any) -> Record:  # fmt: skip
    return Record(source, key, entity_id, "Server", attributes, seen, digest)


def saying(from_ref: str, to_ref: str, means: EdgeKey | None = None, *, source: str = "test", seen: str = SEEN,
           watches: tuple[str, ...] = (), digest: str = "d1", because: str | None = None,
           **attributes: Any) -> EdgeRecord:  # fmt: skip
    key = EdgeRecordKey(source, "DEPENDS_ON", from_ref, to_ref, means.group if means else "")
    known = (means.source_id, means.target_id) if means else (None, None)
    why = because or (None if means else "WAITING")
    return EdgeRecord(key, attributes, seen, digest, means, why, known, watches)


def entry(entity_id: str, **after: Any) -> JournalEntry:
    return JournalEntry("entity", entity_id, None, {"name": entity_id, **after})


async def put(write: Write, *rows: Entity | Edge | Record | EdgeRecord) -> None:
    """Write rows of any kind in the order that references between them ask for."""
    entities = [row for row in rows if isinstance(row, Entity)]
    await write.put_records([row for row in rows if isinstance(row, Record)])
    await write.put_entities(entities)
    await write.put_edges([row for row in rows if isinstance(row, Edge)])
    await write.put_edge_records([row for row in rows if isinstance(row, EdgeRecord)])


async def commit(store: Store, *rows: Entity | Edge | Record | EdgeRecord, note: str = "",
                 entries: Sequence[JournalEntry] = (), tries: int = 20) -> int:  # fmt: skip
    """Write rows in one transaction of their own, again when the store was busy; give its revision."""
    for left in reversed(range(tries)):
        try:
            async with store.write() as write:
                await put(write, *rows)
                await write.journal(head(note), entries)
                number = write.revision
        except StoreBusy:
            if not left:
                raise
        else:
            return number
    raise AssertionError("unreachable")


def ids(rows: Iterable[Entity]) -> list[str]:
    return [row.id for row in rows]


async def write_pair(store: Store, writer: str, turn: int) -> int:
    """Write a pair and the edge between them: one thing that must be seen whole."""
    one, two = (entity(f"{writer}-{turn}-{end}", "Server", size=turn) for end in ("one", "two"))
    link = edge(one.id, two.id)
    entries = [JournalEntry("entity", each.id, None, entity_image(each)) for each in (one, two)]
    entries.append(JournalEntry("edge", " ".join(link.key), None, edge_image(link)))
    return await commit(store, one, two, link, note=f"{writer}-{turn}", entries=entries)
