"""A store as it was: the reading half of ``contract.Store``, answered from a past scan in memory."""

from __future__ import annotations

from asyncio import to_thread
from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

from knockon.cmdb.contract.reads import MOST_ANSWERS
from knockon.cmdb.past.changes import past_scan
from knockon.cmdb.past.estate import Estate
from knockon.cmdb.past.searching import Words
from knockon.errors import BadUsage
from knockon.schema.reference import answers_to

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from knockon.cmdb.contract.rows import (
        DeadLetter,
        Decision,
        EdgeKey,
        EdgeRecord,
        Entity,
        Found,
        IdentityFinding,
        Record,
        Revision,
        Scan,
    )
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.words import Query
    from knockon.schema.model import Model

T = TypeVar("T")

_PRESENT = "is known of the present only; leave asOf out."


class PastStore(Estate):
    """The estate at one revision: every answer is of that revision, whatever is written meanwhile.

    A ``source:key``, an alias and a retired name mean what they mean today, as far as it was there then; an id that
    is an alias today and was a thing of its own then is that thing; one that was an alias then and is a thing of its
    own again is what it became part of before. Nothing waits: that is not in the journal.
    """

    def __init__(self, now: Store, model: Model, scan: Scan) -> None:
        super().__init__(model, scan)
        self._now = now
        self._words: Words | None = None
        self._by_token: dict[str, list[Entity]] = defaultdict(list)
        self._by_name: dict[str, list[Entity]] = defaultdict(list)
        for each in sorted(scan.entities, key=lambda entity: entity.order):
            self._by_name[each.name].append(each)
            for token in answers_to(model, each.class_name, each.name):
                self._by_token[token].append(each)

    @classmethod
    async def at(cls, now: Store, model: Model, revision: int) -> PastStore:
        """Read the past from a store; costs and errors as ``past.past_scan``."""
        return await to_thread(cls, now, model, await past_scan(now, model, revision))

    async def _done(self, work: Callable[[], T]) -> T:
        """Look through it where that holds up nobody: nothing changes here."""
        return await to_thread(work)

    async def entities(self, ids: Collection[str]) -> dict[str, Entity]:
        """As ``Store.entities``."""
        found = {id_: self._by_id[id_] for id_ in ids if id_ in self._by_id}
        missing = [id_ for id_ in ids if id_ not in found]
        if missing:
            today = await self._now.known(missing)
            found |= {id_: self._by_id[each.id] for id_, each in today.items() if each.id in self._by_id}
            found |= await self._were_part_of([id_ for id_, each in today.items() if each.id == id_ not in found])
        return found

    async def _were_part_of(self, ids: Collection[str]) -> dict[str, Entity]:
        """Give what these ids, which are things of today and were none then, had become part of by then."""
        meant = {id_: id_ for id_ in ids}
        found: dict[str, Entity] = {}
        while meant:  # each step leads to what lived on at that merge, so to a later one: it ends
            last = await self._now.history(set(meant.values()), before=self._revision + 1, limit=1)
            into = {
                entry.id: entry.after["merged_into"]
                for revisions in last.values()
                for each in revisions
                for entry in each.entries
                if entry.kind == "entity" and entry.after and entry.after.get("merged_into")
            }
            meant = {id_: into[at] for id_, at in meant.items() if at in into and into[at] != at}
            found |= {id_: self._by_id[at] for id_, at in meant.items() if at in self._by_id}
            meant = {id_: at for id_, at in meant.items() if id_ not in found}
        return found

    async def resolve(self, tokens: Collection[str]) -> dict[str, list[str]]:
        """As ``Store.resolve``."""
        found: dict[str, list[str]] = {}
        ids: dict[str, str] = {}
        keys: dict[tuple[str, str], str] = {}
        for token in tokens:
            kind, _, rest = token.partition(":")
            if kind == "n" and token in self._by_token:
                found[token] = sorted(each.id for each in self._by_token[token])[:MOST_ANSWERS]
            elif kind == "k":
                source, _, key = rest.partition(":")
                keys[source, key] = token
            elif kind == "i":
                ids[token] = rest
        if keys:
            ids |= {keys[each]: id_ for each, id_ in (await self._now.recorded(list(keys))).items()}
        things = await self.entities(list(set(ids.values())))
        return found | {token: [things[id_].id] for token, id_ in ids.items() if id_ in things}

    async def named(self, name: str, limit: int = 10) -> list[Entity]:
        """As ``Store.named``."""
        return self._by_name[name][:limit] if name in self._by_name else []

    async def history(
        self, ids: Collection[str], *, since: int = 0, before: int | None = None, limit: int
    ) -> dict[str, list[Revision]]:
        """As ``Journal.history``, up to the revision that it is of."""
        newest = self._revision + 1
        until = newest if before is None else min(before, newest)
        return await self._now.history(ids, since=since, before=until, limit=limit)

    async def aliases(self, ids: Collection[str]) -> dict[str, frozenset[str]]:
        """As ``Journal.aliases``, today's."""
        return await self._now.aliases(ids)

    async def known(self, ids: Collection[str]) -> dict[str, Entity]:
        """As ``Journal.known``: as they were, and as they are today where they were not there."""
        here = await self.entities(ids)
        missing = [id_ for id_ in ids if id_ not in here]
        return here | (await self._now.known(missing) if missing else {})

    async def members(self, _ids: Collection[str]) -> list[Record]:
        """Refuse: the journal has things, and not the records that made them."""
        raise BadUsage(f"Which records made a thing, and whose word counted, {_PRESENT}")

    async def sayings(self, _keys: object) -> dict[EdgeKey, list[EdgeRecord]]:
        """Refuse, as ``members``."""
        raise BadUsage(f"Which records made a relationship {_PRESENT}")

    async def findings(self, *_asked: object) -> list[IdentityFinding]:
        """Refuse: what is to be looked at follows from records, and is not in the journal."""
        raise BadUsage(f"What is to be looked at in who is who {_PRESENT}")

    async def decisions(self, _keys: object = None) -> list[Decision]:
        """Refuse: when a decision was taken back is not kept with it."""
        raise BadUsage(f"What persons decided {_PRESENT}")

    async def letters(self, *_asked: object, **_page: object) -> list[DeadLetter]:
        """Refuse: what was taken in the end leaves no letter behind."""
        raise BadUsage(f"Which records were not taken {_PRESENT}")

    async def count_letters(self, *_asked: object) -> int:
        """Refuse, as ``letters``."""
        raise BadUsage(f"Which records were not taken {_PRESENT}")

    async def search(
        self, sought: Query, classes: Collection[str], *,
        after: str | None = None, before: str | None = None, limit: int, backward: bool = False,
    ) -> list[Found]:  # fmt: skip
        """As ``Store.search``."""
        if limit <= 0:
            return []
        rows = [
            each
            for each in await self._found(sought, classes)
            if (after is None or each.place > after) and (before is None or each.place < before)
        ]
        return rows[max(len(rows) - limit, 0) :] if backward else rows[:limit]

    async def count_found(self, sought: Query, classes: Collection[str]) -> int:
        """As ``Store.count_found``."""
        return len(await self._found(sought, classes))

    async def _found(self, sought: Query, classes: Collection[str]) -> list[Found]:
        if self._words is None:
            self._words = await to_thread(Words, self._model, self._by_id.values())
        return self._words.found(sought, classes)
