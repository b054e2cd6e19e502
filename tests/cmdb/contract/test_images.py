"""Before-images: kept with their revision in the order in which they were put, until they are compacted or redacted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.contract.images import Image, edge_record_image, record_image, scope_image, seen_image
from knockon.cmdb.contract.rows import Scope
from knockon.errors import JournalCompacted
from tests.cmdb.contract.estate import commit, entity, head, record, saying

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.cmdb.contract.store import Store

OLD = replace(record("s", "id", digest="d0"), registers={"text": ("x", "2026-11-01T08:00:00.000000Z")}, whole=False)
NEW = replace(record("s", "id", digest="d1"), latest=("2026-11-02T08:00:00.000000Z", True, "d2"))
EVERY_KIND = [
    record_image(None, "", OLD),
    record_image(OLD, OLD.seen, NEW),
    edge_record_image(None, "", saying("s", "t")),
    seen_image((NEW.source, NEW.key), "d1", NEW.seen, "2026-11-03T08:00:00.000000Z"),
    seen_image(saying("s", "t").key, "d1", NEW.seen, "2026-11-03T08:00:00.000000Z"),
    scope_image(Scope("a", "n"), Scope("a", "n", "2", "1", frozenset({"k", saying("s", "t").key}))),
]


async def keep(store: Store, *parts: Sequence[Image]) -> int:
    async with store.write() as write:
        for part in parts:
            await write.put_images(part)
        await write.journal(head(), [])
        return write.revision


async def test_images_come_back_as_they_were_put(store: Store) -> None:
    first = await keep(store, EVERY_KIND[:2], [], EVERY_KIND[2:])
    second = await keep(store)
    assert await store.images(first) == EVERY_KIND
    assert await store.images(second) == []


async def test_a_write_that_failed_leaves_none(store: Store) -> None:
    with suppress(ZeroDivisionError):
        async with store.write() as write:
            await write.put_images(EVERY_KIND)
            raise ZeroDivisionError
    assert await store.revision() == 0
    assert await store.images(1) == []


async def test_compaction_drops_them(store: Store) -> None:
    first, second = await keep(store, EVERY_KIND), await keep(store, EVERY_KIND)
    async with store.write() as write:
        await write.compact(first)
        await write.journal(head(), [])
    with pytest.raises(JournalCompacted):
        await store.images(first)
    assert await store.images(second) == EVERY_KIND


async def test_redaction_drops_those_of_the_records(store: Store) -> None:
    await commit(store, entity("id"), NEW)
    other = record_image(None, "", record("other", "elsewhere"))
    first = await keep(store, [*EVERY_KIND, other])
    async with store.write() as write:
        await write.redact(["id"], ["name"], "somebody")
        await write.journal(head(), [])
    kept = await store.images(first)
    assert [each.kind for each in kept] == ["edge", "seen", "edge_seen", "scope", "record"]
    assert kept[-1] == other
