"""What follows from records that changed: things, relationships, and things inside those.

A change is followed from layer to layer: things get their records, references that led to them are read again, and
records whose parent became another thing are looked at in their turn. Layers only go up, so it ends.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from knockon.cmdb.contract.rows import Alias, last_seen
from knockon.cmdb.identity.apart import class_said, classes_said
from knockon.cmdb.identity.finding_parents import placings, with_claims
from knockon.cmdb.identity.findings import ABOUT_IDENTITY, ABOUT_PARENTS, ABOUT_PRESENCE, findings, parentless
from knockon.cmdb.identity.joining import Joined, joined
from knockon.cmdb.identity.naming import holders, named
from knockon.cmdb.identity.touched import Touched, touched_by
from knockon.cmdb.reconciliation import relate
from knockon.cmdb.reconciliation.presence import differing, may_differ
from knockon.cmdb.reconciliation.reconciled import Reconciled, entity_image
from knockon.cmdb.reconciliation.thing import Heard, thing
from knockon.schema.reference import answers_to, id_token, key_token

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from knockon.cmdb.contract.rows import EdgeRecordKey, Entity, IdentityFinding, Record
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.identity.joining import Key, Part
    from knockon.cmdb.identity.naming import Naming
    from knockon.schema.model import Model


@dataclass
class _Stirred:
    """What others have to notice: tokens that may mean something else now, ids whose class or records changed."""

    tokens: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)


class Following:
    """Follows one change within a write transaction.

    ``stored`` has the records as the store has them, ``expected`` the relationships to parents that the same load will
    report later. Those in ``again`` are identified anew also where they are as they were.
    """

    def __init__(
        self,
        write: Write,
        model: Model,
        stored: Mapping[Key, Record],
        *,
        expected: Mapping[Key, Sequence[EdgeRecordKey]] | None = None,
        again: Collection[Key] = (),
    ) -> None:
        self.result = Reconciled()
        self._write = write
        self._model = model
        self._stored = dict(stored)
        self._expected = expected or {}
        self._again = again

    async def follow(self, changed: Iterable[Record]) -> Reconciled:
        """Write changed records and all that follows; records that are as they were are looked at for their claims."""
        waiting: dict[int, dict[Key, Record]] = defaultdict(dict)
        for record in changed:
            old = self._stored.get((record.source, record.key))
            layers = {self._model.layer(each.class_name) for each in (record, old) if each}
            waiting[min(layers)][record.source, record.key] = record
        while waiting:
            layer = min(waiting)
            stirred = await self._stage(list(waiting.pop(layer).values()))
            children = await self._reread(stirred, layer)
            for key, child in children.items():
                if not any(key in later for later in waiting.values()):
                    self._stored[key] = child
                    waiting[self._model.layer(child.class_name)][key] = child
        return self.result

    async def follow_children(self, edge_keys: Iterable[EdgeRecordKey], above: int = -1) -> Reconciled:
        """Look again at the records that these edge records place, or placed, in a parent."""
        self._stored = await self._children(edge_keys, above)
        return await self.follow(list(self._stored.values()))

    async def reweigh(self, ids: Collection[str]) -> Reconciled:
        """Imply these entities again out of their records."""
        stirred = _Stirred()
        members = _by_entity(await self._write.members(ids)) if ids else {}
        if members:
            records = {key: each for part in members.values() for key, each in part.items()}
            before = await self._write.entities(members)
            parts = {id_: tuple(sorted(part)) for id_, part in members.items()}
            implied, differ = await self._implied(parts, records, before, {})
            await self._put(before, implied, {}, stirred)
            await self._note_presence(parts, before, differ, {})
        children = await self._reread(stirred, -1)
        self._stored = children
        return await self.follow(list(children.values()))

    async def _reread(self, stirred: _Stirred, layer: int) -> dict[Key, Record]:
        """Read again what references mean now; give the records above the layer whose parents that may change."""
        if not stirred.tokens and not stirred.ids:
            return {}
        related = await relate.reread(self._write, self._model, stirred.tokens, stirred.ids)
        self.result.related.add(related)
        return await self._children((each.key for each in related.read), layer)

    async def _children(self, edge_keys: Iterable[EdgeRecordKey], above: int) -> dict[Key, Record]:
        """Read the present records above a layer that these edge records place in a parent."""
        children = placings(self._model, edge_keys).keys()
        found = await self._write.records(children) if children else {}
        return {key: each for key, each in found.items() if each.present and self._model.layer(each.class_name) > above}

    async def _stage(self, changed: Sequence[Record]) -> _Stirred:
        """Write changed records of one layer and the entities that they imply."""
        stirred = _Stirred()
        claimed, parentless_now = await with_claims(self._write, self._model, changed, self._expected)
        now = {
            (each.source, each.key): each
            for each in claimed
            if (each.source, each.key) in self._again or each != self._stored.get((each.source, each.key))
        }
        if now:
            await self._identify(now, stirred)
        await self._note_parentless(changed, parentless_now)
        return stirred

    async def _identify(self, now: Mapping[Key, Record], stirred: _Stirred) -> None:
        """Write records that are not as they were, and what they come to."""
        had = await self._had(now)
        moving = {key: each for key, each in now.items() if self._may_move(key, each)}
        moving |= await self._met_on_return(moving, now, had)
        touched = await touched_by(self._write, self._model, moving, self._stored)
        records = dict(touched.records)
        had |= {key: each.entity_id for key, each in records.items() if key not in now}
        how = joined(self._model, records, touched.junk, touched.links, touched.apart)
        held = holders(how.parts, had)
        parted = [id_ for id_, parts in held.items() if len(parts) > 1]
        former = await self._write.standing_for(parted) if parted else []
        naming = named(how.parts, had, held, former)
        if naming.returned:
            await self._write.drop_aliases(naming.returned)
        settled = {key: each for key, each in now.items() if key not in moving}
        # a record that came too late to be present has never had an id
        staying = {had[key] for key in settled if key in had and key not in records}
        for id_, members in _by_entity(await self._write.members(staying) if staying else ()).items():
            whole = members | {key: settled[key] for key in members if key in settled}
            naming.ids[tuple(sorted(whole))] = id_
            records |= whole
        records |= settled
        await self._settle(naming, records, now, had, stirred)
        await self._note_findings(how, touched, moving)

    async def _had(self, now: Mapping[Key, Record]) -> dict[Key, str]:
        """Give the ids of the entities that records belonged to, aliases followed; new records have none."""
        ids = {each.entity_id for each in now.values() if each.entity_id}
        entities = await self._write.entities(ids) if ids else {}
        return {key: entities[each.entity_id].id for key, each in now.items() if each.entity_id in entities}

    async def _met_on_return(
        self, moving: Mapping[Key, Record], now: Mapping[Key, Record], had: Mapping[Key, str]
    ) -> dict[Key, Record]:
        """Give the records of things that live on without one that returns now: it may belong to them no more."""
        back = {
            had[key]
            for key, each in moving.items()
            if each.present and key in had and not (key in self._stored and self._stored[key].present)
        }
        members = await self._write.members(back) if back else []
        return {(each.source, each.key): each for each in members if (each.source, each.key) not in now}

    def _may_move(self, key: Key, now: Record) -> bool:
        """Tell whether a record may come to another thing: its claims, its presence or its class changed."""
        old = self._stored.get(key)
        return (
            old is None
            or key in self._again
            or dict(now.claims) != dict(old.claims)
            or now.present != old.present
            or now.class_name != old.class_name
        )

    async def _settle(
        self,
        naming: Naming,
        records: Mapping[Key, Record],
        now: Mapping[Key, Record],
        had: Mapping[Key, str],
        stirred: _Stirred,
    ) -> None:
        """Write the records that changed or moved, and the entities that are not as they were."""
        id_of = {key: id_ for part, id_ in naming.ids.items() for key in part}
        moved = {key for key, id_ in id_of.items() if had.get(key, id_) != id_}
        left = {had[key] for key in (*moved, *(key for key in now if key not in id_of)) if key in had}
        stirred.ids |= left
        came = set(moved)
        for key, record in now.items():
            old = self._stored.get(key)
            if record.present and not (old and old.present):
                stirred.tokens.add(key_token(*key))
                came.add(key)
        rows = [each.known_as(id_of.get(key, had.get(key, "")), each.claims) for key, each in now.items()]
        rows += [records[key].known_as(id_of[key], records[key].claims) for key in moved if key not in now]
        await self._write.put_records(rows, new=now.keys() - self._stored.keys())
        self.result.stored += len(rows)
        again = {
            id_: part
            for part, id_ in naming.ids.items()
            if id_ in left or any(key in now or key in moved for key in part)
        }
        before = await self._write.entities((again.keys() | left) - naming.made)
        implied, differ = await self._implied(again, records, before, naming.split_from)
        implied += [replace(before[id_], retired=True, disputed=False) for id_ in left - again.keys()]
        noted = len(self.result.entries)
        rekeyed = left | {id_of[key] for key in came if key in id_of}
        await self._put(before, implied, naming.aliases, stirred, rekeyed)
        changed = {entry.id for entry in self.result.entries[noted:]}
        self.result.as_they_were |= {key for key in now if key in id_of and id_of[key] not in changed}
        for alias in sorted(naming.aliases):
            parted = tuple(sorted(key for key, id_ in had.items() if id_ == alias and key in id_of))
            await self._write.put_alias(Alias(alias, naming.aliases[alias], parted, self._write.revision))
        for each in naming.turned:
            await self._write.put_alias(each)
        await self._note_presence(again, before, differ, {key: had[key] for key in (*moved, *now) if key in had})

    async def _implied(
        self,
        parts: Mapping[str, Part],
        records: Mapping[Key, Record],
        before: Mapping[str, Entity],
        split_from: Mapping[str, str],
    ) -> tuple[list[Entity], list[IdentityFinding]]:
        """Give the entities of these parts, by id, and where their status differs from what is seen of them."""
        sources = {source for part in parts.values() if len(part) > 1 for source, _ in part}
        scopes = await self._write.scopes(sources) if sources else {}
        clashing = {key for part in parts.values() if not self._on_one_branch(part, records) for key in part}
        said = classes_said(await self._write.decisions(clashing)) if clashing else {}
        implied, differ = [], []
        for id_, part in parts.items():
            heard = [Heard(records[key], last_seen(records[key], scopes)) for key in part]
            origin = before[id_].split_from if id_ in before else split_from.get(id_, "")
            made = thing(self._model, heard, class_said(part, said) if said else None)
            implied.append(made.entity(id_, origin))
            if found := differing(self._model, made, heard):
                differ.append(found)
        return implied, differ

    def _on_one_branch(self, part: Part, records: Mapping[Key, Record]) -> bool:
        return len(part) == 1 or bool(self._model.deepest({records[key].class_name for key in part}))

    async def _put(
        self,
        before: Mapping[str, Entity],
        implied: Iterable[Entity],
        aliases: Mapping[str, str],
        stirred: _Stirred,
        rekeyed: Collection[str] = (),
    ) -> None:
        """Write the entities that are not as they were, journal them, and note who has to notice.

        Those in ``rekeyed`` have not the records that they had, so that search finds them by other keys.
        """
        changed: list[Entity] = []
        for new in implied:
            old = before.get(new.id)
            same = old is not None and entity_image(old) == entity_image(new)
            if not same:
                self.result.note(old, new, aliases.get(new.id))
                self._stir(old, new, stirred)
            if not (same and old and (old.disputed, old.order) == (new.disputed, new.order)):
                changed.append(new)
        new_ids = {each.id for each in changed if each.id not in before}
        await self._write.put_entities(changed, new=new_ids)
        if as_they_were := set(rekeyed).difference(each.id for each in changed):
            await self._write.put_words(as_they_were)

    def _stir(self, old: Entity | None, new: Entity, stirred: _Stirred) -> None:
        lived = old is not None and not old.retired
        stirred.tokens |= set(self._answers(new)) ^ set(self._answers(old) if old else ())
        if lived != (not new.retired):
            stirred.tokens.add(id_token(new.id))
        if lived and (new.retired or (old and old.class_name != new.class_name)):
            stirred.ids.add(new.id)

    def _answers(self, entity: Entity) -> tuple[str, ...]:
        return () if entity.retired else answers_to(self._model, entity.class_name, entity.name)

    async def _note_findings(self, how: Joined, touched: Touched, moving: Mapping[Key, Record]) -> None:
        """Keep what is to be found about these components now, in place of what was."""
        found = findings(self._model, how, touched)
        about = {key for key in (*moving, *touched.records) if key in self._stored or key not in moving}
        if about or found or touched.unjunked:
            await self._write.put_findings(about, touched.unjunked, found, of=ABOUT_IDENTITY)
        self.result.findings += found

    async def _note_parentless(self, looked: Iterable[Record], found: Sequence[Record]) -> None:
        """Keep which of the records that were looked at need a parent and name none, in place of which did."""
        about = {key for key in ((each.source, each.key) for each in looked) if self._may_have_lacked(key)}
        about |= {(each.source, each.key) for each in found}
        if not about:
            return
        now = parentless(self._model, found)
        before = [each for each in await self._write.findings_about(about) if each.code in ABOUT_PARENTS]
        if set(now) != set(before):
            await self._write.put_findings(about, (), now, of=ABOUT_PARENTS)
            self.result.stored += 1
        self.result.findings += now

    def _may_have_lacked(self, key: Key) -> bool:
        old = self._stored.get(key)
        return old is not None and not old.claims and (bool(self._again) or old.class_name in self._model.dependent)

    async def _note_presence(self, parts: Mapping[str, Part], before: Mapping[str, Entity],
                             found: Sequence[IdentityFinding], had: Mapping[Key, str]) -> None:  # fmt: skip
        """Keep where status and what is seen differ now, in place of where they did in these things.

        ``had`` are the ids of the things that records were part of. Under another model, what differed is not known.
        """
        differed = {id_ for id_, each in before.items() if self._again or may_differ(self._model, each)}
        about = {key for id_ in differed for key in parts.get(id_, ())} | {
            k for k, id_ in had.items() if id_ in differed
        }
        if about or found:
            await self._write.put_findings(about, (), found, of=ABOUT_PRESENCE)
        self.result.findings += found


def _by_entity(records: Iterable[Record]) -> dict[str, dict[Key, Record]]:
    found: dict[str, dict[Key, Record]] = {}
    for each in records:
        found.setdefault(each.entity_id, {})[each.source, each.key] = each
    return found
