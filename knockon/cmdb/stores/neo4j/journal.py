"""The journal in Neo4j: a ``_Revision`` node each, and a full-text index of the ids that it touches.

An index on a list has no other form in Neo4j; its keyword analyzer takes each id as one word.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, LiteralString

from knockon.cmdb.contract.rows import things_of, touching
from knockon.cmdb.stores.neo4j import forms, reads
from knockon.cmdb.stores.neo4j.cypher import run
from knockon.cmdb.stores.neo4j.images import images
from knockon.errors import JournalCompacted
from knockon.schema import values

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence

    from neo4j import AsyncSession

    from knockon.cmdb.contract.images import Image
    from knockon.cmdb.contract.rows import Entity, JournalEntry, Revision, RevisionHead
    from knockon.cmdb.stores.neo4j.cypher import Transaction

TOUCHED_INDEX: LiteralString = "knockon_Revision_touched"
MAKE_TOUCHED_INDEX: LiteralString = (
    f"CREATE FULLTEXT INDEX {TOUCHED_INDEX} IF NOT EXISTS FOR (r:_Revision) ON EACH [r.touched] "
    "OPTIONS {indexConfig: {`fulltext.analyzer`: 'keyword'}}"
)

HORIZON: LiteralString = "MATCH (m:_Meta {id: 0}) RETURN coalesce(m.horizon, 0)"
REWRITTEN: LiteralString = "MATCH (m:_Meta {id: 0}) RETURN coalesce(m.rewritten, 0)"

FEED: LiteralString = """
MATCH (r:_Revision) WHERE r.n > $since
WITH r ORDER BY r.n LIMIT $limit
RETURN collect(r {.*, touched: null})"""

# The time of writing never goes back, also where two writers' clocks disagree.
JOURNAL: LiteralString = """
OPTIONAL MATCH (earlier:_Revision {n: $row.n - 1})
CREATE (r:_Revision) SET r = $row
SET r.written = CASE WHEN earlier.written > r.written THEN earlier.written ELSE r.written END"""

REVISION_AT: LiteralString = """
MATCH (r:_Revision) WHERE r.written <= $moment
RETURN r.n ORDER BY r.written DESC, r.n DESC LIMIT 1"""

WRITTEN_AT: LiteralString = "MATCH (r:_Revision {n: $revision}) RETURN r.written"

COUNT_ENTRIES: LiteralString = """
MATCH (r:_Revision) WHERE r.n > $since AND r.n <= $until
RETURN coalesce(sum(r.count), 0)"""

PARTS: LiteralString = """
UNWIND $ids AS id
OPTIONAL MATCH (alias:_Alias {id: id})
WITH id, coalesce(alias.entity, id) AS thing
OPTIONAL MATCH (other:_Alias {entity: thing}) USING INDEX SEEK other:_Alias(entity)
RETURN id, thing, collect(other.id)"""

TOUCHED: LiteralString = f"""
UNWIND $asked AS asked
CALL (asked) {{
  CALL db.index.fulltext.queryNodes('{TOUCHED_INDEX}', asked[1]) YIELD node
  WITH node.n AS n WHERE n > $since AND n < $before
  WITH n ORDER BY n DESC LIMIT $limit
  RETURN collect(n) AS numbers
}}
RETURN asked[0], numbers"""

REVISIONS: LiteralString = """
UNWIND $numbers AS n
MATCH (r:_Revision {n: n})
RETURN collect(r {.*, touched: null})"""

RECORDED: LiteralString = "UNWIND $keys AS k MATCH (r:_Record {k: k}) RETURN collect([r.source, r.key, r.entity])"

RETIRED: LiteralString = """
MATCH (n:_Retired {_name: $name})
WITH n ORDER BY n._order LIMIT $limit
RETURN collect(properties(n))"""

COMPACT: LiteralString = """
MATCH (r:_Revision) WHERE r.n > $since AND r.n <= $until
SET r.entries = '[]', r.touched = null"""
MARK_HORIZON: LiteralString = """
MATCH (m:_Meta {id: 0})
SET m.rewritten = $revision, m.horizon = CASE WHEN m.horizon > $until THEN m.horizon ELSE $until END"""

UNNOTED: LiteralString = """
MATCH (r:_Revision) WHERE r.n > $since
WITH r ORDER BY r.n LIMIT $limit
RETURN collect([r.n, r.at, r.entries])"""
NOTE: LiteralString = """
UNWIND $rows AS row
MATCH (r:_Revision {n: row[0]})
SET r.written = row[1], r.touched = row[2]"""

_AT_ONCE = 20  # revisions: each has up to 2,000 entries, of about 1 kB


async def put_revision(tx: Transaction, number: int, head: RevisionHead, entries: Sequence[JournalEntry]) -> None:
    """Write a revision's entry, and what it touches."""
    now = values.now()
    row = forms.revision_properties(number, head, entries) | {"written": now, "touched": sorted(things_of(entries))}
    await run(tx, JOURNAL, {"row": row})


async def compact(tx: Transaction, until: int, revision: int) -> None:
    """Drop the entries of revisions up to one."""
    await run(tx, COMPACT, {"since": await horizon(tx), "until": until})
    await run(tx, MARK_HORIZON, {"until": until, "revision": revision})


async def note_touched(session: AsyncSession) -> None:
    """Give the revisions of a store of layout 1 or 2 what newer ones have."""
    number, written = 0, ""
    while True:
        ((found,),) = await session.execute_read(run, UNNOTED, {"since": number, "limit": _AT_ONCE})
        if not found:
            return
        rows = []
        for number, at, entries in sorted(found):
            written = max(written, at)
            rows.append([number, written, sorted(things_of(forms.to_entries(entries)))])
        await session.execute_write(run, NOTE, {"rows": rows})


async def horizon(tx: Transaction) -> int:
    """Give the oldest revision that can be asked about."""
    rows = await run(tx, HORIZON, {})
    return int(rows[0][0]) if rows else 0


async def rewritten(tx: Transaction) -> int:
    """Give the newest revision that compacted or redacted."""
    rows = await run(tx, REWRITTEN, {})
    return int(rows[0][0]) if rows else 0


async def _refuse_compacted(tx: Transaction, since: int) -> None:
    if since < (oldest := await horizon(tx)):
        raise JournalCompacted.before(oldest)


async def images_of_revision(tx: Transaction, revision: int) -> list[Image]:
    """Read the images of a revision that was not compacted."""
    await _refuse_compacted(tx, revision - 1)
    return await images(tx, revision)


async def feed(tx: Transaction, since: int, limit: int) -> list[Revision]:
    """Read a contiguous run of whole revisions: what a commit has only half shown yet is left for later."""
    ((found,),) = await run(tx, FEED, {"since": since, "limit": limit})
    await _refuse_compacted(tx, since)  # afterwards: what was compacted meanwhile is not whole, and ends the run
    run_: list[Revision] = []
    for number, kept in enumerate(sorted(found, key=lambda each: each["n"]), start=since + 1):
        revision = forms.to_revision(kept)
        if revision.number != number or revision.count != len(revision.entries):
            break
        run_.append(revision)
    return run_


async def revision_at(tx: Transaction, moment: str) -> int:
    """Give the newest revision that was written then or before."""
    rows = await run(tx, REVISION_AT, {"moment": moment})
    return int(rows[0][0]) if rows else 0


async def written_at(tx: Transaction, revision: int) -> str | None:
    """Tell when a revision was written."""
    rows = await run(tx, WRITTEN_AT, {"revision": revision})
    return str(rows[0][0]) if rows else None


async def count_entries(tx: Transaction, since: int, until: int) -> int:
    """Count the entries of some revisions."""
    await _refuse_compacted(tx, since)
    return int((await run(tx, COUNT_ENTRIES, {"since": since, "until": until}))[0][0])


async def aliases(tx: Transaction, ids: Collection[str]) -> dict[str, frozenset[str]]:
    """Give all ids of the same things."""
    rows = await run(tx, PARTS, {"ids": sorted(set(ids))})
    return {id_: frozenset((id_, thing, *others)) for id_, thing, others in rows}


async def history(
    tx: Transaction, ids: Collection[str], since: int, before: int | None, limit: int
) -> dict[str, list[Revision]]:
    """Read what changed things; a round trip more for every 20 revisions."""
    parts = await aliases(tx, ids)
    asked = [[id_, " OR ".join(map(_word, sorted(own)))] for id_, own in parts.items()]
    bounds = {"since": since, "before": 1 << 62 if before is None else before, "limit": limit}
    numbers = dict(await run(tx, TOUCHED, {"asked": asked, **bounds}))
    wanted = sorted({number for found in numbers.values() for number in found})
    told: dict[tuple[str, int], Revision] = {}
    async for revisions in _read(tx, wanted):
        for revision in revisions:
            told |= {
                (id_, revision.number): touching(revision, parts[id_])
                for id_, own in numbers.items()
                if revision.number in own
            }
    return {id_: [told[id_, number] for number in sorted(numbers[id_], reverse=True)] for id_ in parts}


async def revisions_of(tx: Transaction, ids: Collection[str]) -> AsyncIterator[list[Revision]]:
    """Read all revisions that touched any of these entities, some at a time."""
    asked = [["", " OR ".join(map(_word, sorted(ids)))]]
    everything = {"since": 0, "before": 1 << 62, "limit": 1 << 62}
    ((_, numbers),) = await run(tx, TOUCHED, {"asked": asked, **everything})
    async for revisions in _read(tx, sorted(numbers)):
        yield revisions


async def _read(tx: Transaction, numbers: Sequence[int]) -> AsyncIterator[list[Revision]]:
    for start in range(0, len(numbers), _AT_ONCE):
        ((found,),) = await run(tx, REVISIONS, {"numbers": numbers[start : start + _AT_ONCE]})
        yield [forms.to_revision(each) for each in found]


def _word(id_: str) -> str:
    """Quote an id for a full-text query."""
    return '"' + id_.replace("\\", "\\\\").replace('"', '\\"') + '"'


async def recorded(tx: Transaction, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Find the ids of the entities that records are of."""
    ((found,),) = await run(tx, RECORDED, {"keys": [forms.key(*each) for each in set(keys)]})
    return {(source, key): id_ for source, key, id_ in found}


async def retired(tx: Transaction, name: str, limit: int) -> list[Entity]:
    """Read retired entities of exactly this name."""
    ((found,),) = await run(tx, RETIRED, {"name": name, "limit": limit})
    return sorted((forms.to_entity(each, retired=True) for each in found), key=lambda row: row.order)


class Neo4jJournal(ABC):
    """See ``knockon.cmdb.journal.Journal``."""

    @abstractmethod
    async def _read(self, work: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        """Read on a connection of the store, or of the write at hand."""

    async def horizon(self) -> int:
        return int(await self._read(horizon))

    async def rewritten(self) -> int:
        return int(await self._read(rewritten))

    async def feed(self, since: int, limit: int = 100) -> list[Revision]:
        found: list[Revision] = await self._read(feed, since, limit)
        return found

    async def revision_at(self, moment: str) -> int:
        return int(await self._read(revision_at, moment))

    async def written_at(self, revision: int) -> str | None:
        found: str | None = await self._read(written_at, revision)
        return found

    async def images(self, revision: int) -> list[Image]:
        found: list[Image] = await self._read(images_of_revision, revision)
        return found

    async def count_entries(self, since: int, until: int) -> int:
        return int(await self._read(count_entries, since, until))

    async def history(
        self, ids: Collection[str], *, since: int = 0, before: int | None = None, limit: int
    ) -> dict[str, list[Revision]]:
        found: dict[str, list[Revision]] = await self._read(history, ids, since, before, limit)
        return found

    async def aliases(self, ids: Collection[str]) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = await self._read(aliases, ids)
        return found

    async def known(self, ids: Collection[str]) -> dict[str, Entity]:
        found: dict[str, Entity] = await self._read(reads.entities, ids, retired=True)
        return found

    async def recorded(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = await self._read(recorded, keys)
        return found

    async def retired(self, name: str, limit: int = 10) -> list[Entity]:
        found: list[Entity] = await self._read(retired, name, limit)
        return found
