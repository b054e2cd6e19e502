"""What people write: each edit is an observation by that person, and none of them undoes another unseen.

An edit goes the way of a load, in one transaction. It may name the revision at which the person looked; what changed
since then in what the edit is about is a conflict, and nothing is written (docs/decisions/0025).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from uuid_utils import uuid7

from knockon.cmdb.contract.images import seen_image
from knockon.cmdb.contract.rows import Decision, EdgeKey, RevisionHead, Scope, last_reported, last_seen
from knockon.cmdb.identity.findings import worded
from knockon.cmdb.lookup import find
from knockon.cmdb.reconciliation import reconcile, relate
from knockon.cmdb.reconciliation.reckoning import reckon_again
from knockon.cmdb.reconciliation.reconciled import Reconciled
from knockon.cmdb.reconciliation.taken import Taken, digest, edge_record_key
from knockon.cmdb.stewardship.meanwhile import refuse_changed, refuse_edge_changed
from knockon.cmdb.stewardship.words import (
    PEOPLE,
    moment_after,
    outweighed,
    outweighed_on_edge,
    own_record,
    person_source,
)
from knockon.cmdb.transactions import Transactions
from knockon.errors import EditConflict, EditInvalid, FindingCode, ReferenceNotFound, StillReported
from knockon.schema import validate, values
from knockon.schema.observation import EntityObservation, Reject, RelationshipObservation
from knockon.schema.wording import unknown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from knockon.cmdb.contract.rows import Edge, Entity, JournalEntry
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.planned import Planned
    from knockon.cmdb.reconciliation.relate import Related
    from knockon.cmdb.stewardship.words import Outweighed
    from knockon.schema.model import Model


RECORD = "Record"
"""Things of this class are kept by a process, which moves them along."""


@dataclass
class Edited:
    """What an edit came to.

    ``revision`` is the one that it wrote, or the newest one where it changed nothing. ``outweighed`` are words that
    are kept and do not count, since another source is believed. ``plan`` is a dry run's, which wrote nothing.
    """

    entity: Entity
    changes: Reconciled
    outweighed: list[Outweighed] = field(default_factory=list)
    revision: int = 0
    plan: list[Planned] | None = None
    edge: Edge | None = None  # of ``relate``: the relationship as it is now

    @property
    def findings(self) -> list[str]:
        """Say in sentences what a person should look at in who is who."""
        return [worded(each) for each in self.changes.findings]


@dataclass(frozen=True, slots=True)
class Editor:
    """A person at a store: who writes, and why. With ``dry_run`` nothing is written, and answers have a plan."""

    store: Store
    model: Model
    by: str
    reason: str = ""
    dry_run: bool = False

    async def create(self, class_name: str, attributes: Mapping[str, Any]) -> Edited:
        """Say that there is a thing of a class.

        Raises
        ------
        EditInvalid
            The model does not take it.
        EditConflict
            By its identifiers it is there already.
        """
        key = str(uuid7())
        said = self._valid(EntityObservation(person_source(self.by), key, class_name, dict(attributes)))

        async def work(write: Write) -> Edited:
            taken = Taken(said, values.now(), digest(said.class_name, said.attributes))
            changes = await reconcile.take(write, self.model, [taken], Scope(said.source, ""), {})
            record = (await write.records([(said.source, key)]))[said.source, key]
            entity = (await write.entities([record.entity_id]))[record.entity_id]
            if await _members(write, entity.id) != {(said.source, key)}:
                raise EditConflict(
                    f"This is there already: {entity.class_name}:{entity.name} ({entity.id}) has the same identifiers, "
                    "and nothing is written. Change that one."
                )
            for each in changes.findings:  # two records of one person are never joined: a double shows as a finding
                if each.code == FindingCode.DUPLICATE_IDENTIFIER and (said.source, key) in each.records:
                    other = next(record for record in each.records if record != (said.source, key))
                    id_ = (await write.records([other]))[other].entity_id
                    raise EditConflict(f"{self.by} has said that this is there already ({id_}); change that one.")
            return Edited(entity, changes)

        return await self._written("create", work)

    async def change(self, reference: str, attributes: Mapping[str, Any], *, expected: int | None = None) -> Edited:
        """Say what attributes of a thing are; None takes the person's own word on one back.

        Where the model lets null overwrite, None says that there is no value. ``expected`` is the revision at which the
        person looked at the thing.

        Raises
        ------
        EditInvalid
            The model does not take it.
        EditConflict
            One of these attributes changed since ``expected``, or the thing was retired.
        ReferenceNotFound, ReferenceAmbiguous, JournalCompacted
        """
        meant = await find(self.store, self.model, reference)

        async def work(write: Write) -> Edited:
            entity = (await write.entities([meant.id]))[meant.id]
            self._refuse_state(entity, attributes)
            await refuse_changed(self.store, entity, expected, attributes)
            members = await write.members([entity.id])
            own, anchor = await own_record(write, members, person_source(self.by))
            raw = EntityObservation(own[0], own[1], entity.class_name, dict(attributes), partial=True)
            said = self._valid(raw)
            scopes = await write.scopes({each.source for each in members})
            people = [last_reported(each, scopes) for each in members if each.source.startswith(PEOPLE)]
            # a register of an earlier word of a person must not outlive this one, whatever the clocks say
            people += [
                seen for each in members if each.source.startswith(PEOPLE) for _, seen in each.registers.values()
            ]
            taken = Taken(said, moment_after(people), digest(said.class_name, said.attributes))
            if anchor:
                words = f"what {self.by} says of {entity.class_name}:{entity.name}"
                await write.put_decision(Decision(str(uuid7()), "link", own, anchor, taken.seen, self.by, words))
            changes = await reconcile.take(write, self.model, [taken], Scope(own[0], ""), {})
            now = (await write.entities([entity.id]))[entity.id]
            return Edited(now, changes, await outweighed(write, self.model, now, own, said.attributes))

        return await self._written("change", work)

    async def retire(self, reference: str, *, expected: int | None = None) -> Edited:
        """Take back all that people say of a thing; since nobody else reports it, it is retired and keeps its id.

        Raises
        ------
        StillReported
            A source that is no person reports it.
        EditConflict
            Any attribute of it changed since ``expected``, or it was retired.
        ReferenceNotFound, ReferenceAmbiguous, JournalCompacted
        """
        meant = await find(self.store, self.model, reference)

        async def work(write: Write) -> Edited:
            entity = (await write.entities([meant.id]))[meant.id]
            await refuse_changed(self.store, entity, expected, None)
            members = await _members(write, entity.id)
            _refuse_reported(f"{entity.class_name}:{entity.name}", (source for source, _ in members))
            touching = [each.key for each in await write.touching([entity.id]) if each.key.source.startswith(PEOPLE)]
            changes = await self._unsay(write, touching)
            rows = (await write.records(members)).values()
            at = moment_after([last_reported(each, await write.scopes({each.source})) for each in rows])
            for each in rows:
                scope = Scope(each.source, each.scope)
                changes.add(await reconcile.withdraw(write, self.model, scope, [each.key], at))
            return Edited((await write.entities([entity.id]))[entity.id], changes)

        return await self._written("retire", work)

    async def relate(
        self, source: str, type_name: str, target: str, attributes: Mapping[str, Any], *, expected: int | None = None
    ) -> Edited:
        """Say that two things are related, and all attributes of that; the type may be named by its inverse.

        An attribute that is not given has no value, or its default. ``expected`` is the revision at which the person
        looked at the relationship, or saw that there was none.

        Raises
        ------
        EditInvalid
            The model does not take it, or does not allow the type between these classes.
        EditConflict
            An attribute of it changed since ``expected`` to something else, or it was taken away since; or one of the
            two was retired.
        ReferenceNotFound, ReferenceAmbiguous, JournalCompacted
        """
        ends = [await find(self.store, self.model, each) for each in (source, target)]
        own = person_source(self.by)
        said = validate.relationship(
            self.model, RelationshipObservation(own, type_name, ends[0].id, ends[1].id, dict(attributes))
        )
        if isinstance(said, Reject):
            raise EditInvalid(f"{said.code}: {said.message}")
        key = edge_record_key(said)
        words = _sentence(ends, type_name)

        async def work(write: Write) -> Edited:
            now = await write.entities([end.id for end in ends])
            for end in ends:
                await refuse_changed(self.store, now[end.id], None, ())
            edge = EdgeKey(said.type_name, now[said.from_ref].id, now[said.to_ref].id, key.group)
            await refuse_edge_changed(self.store, edge, words, expected, said.attributes)
            related = await self._say_edge(write, said, edge)
            changes = Reconciled(related=related, stored=related.stored)
            changes.add(await reconcile.place_again(write, self.model, [key]))
            entity = (await write.entities([ends[0].id]))[ends[0].id]
            sayings = (await write.sayings([edge]))[edge]
            word = relate.counting(sayings, await write.scopes({each.key.source for each in sayings}))
            now_it_is = (await write.edges([edge]))[edge]
            return Edited(entity, changes, outweighed_on_edge(word, key, said.attributes), edge=now_it_is)

        return await self._written("relate", work)

    async def unrelate(
        self, source: str, type_name: str, target: str, group: str = "", *, expected: int | None = None
    ) -> Edited:
        """Take back what people say of a relationship; since nobody else reports it, it is retired.

        Raises
        ------
        StillReported
            A source that is no person reports it.
        EditInvalid
            There is no such type.
        EditConflict
            Anything of it changed since ``expected``.
        ReferenceNotFound, ReferenceAmbiguous, JournalCompacted
        """
        ends = [await find(self.store, self.model, each) for each in (source, target)]
        found = self.model.direction(type_name)
        if found is None:
            why = unknown("relationship type", type_name, self.model.type_names)
            raise EditInvalid(f"UNKNOWN_RELATIONSHIP_TYPE: {why}")
        kind, turned = found
        first, second = (each.id for each in (reversed(ends) if turned else ends))
        edge = EdgeKey(kind.name, first, second, group)
        words = _sentence(ends, type_name)

        async def work(write: Write) -> Edited:
            sayings = (await write.sayings([edge])).get(edge, [])
            if not sayings:
                raise ReferenceNotFound(f"There is no relationship {words}.")
            await refuse_edge_changed(self.store, edge, words, expected, None)
            _refuse_reported(words, (each.key.source for each in sayings))
            changes = await self._unsay(write, [each.key for each in sayings])
            return Edited((await write.entities([ends[0].id]))[ends[0].id], changes)

        return await self._written("unrelate", work)

    async def _say_edge(self, write: Write, said: RelationshipObservation, edge: EdgeKey) -> Related:
        """Write a person's word on a relationship, later than what other people have said of it.

        Raises
        ------
        EditInvalid
        """
        key = edge_record_key(said)
        heard = {each.key: each for each in (await write.sayings([edge])).get(edge, [])}
        scopes = await write.scopes({each.source for each in heard} | {said.source})
        people = {of: each for of, each in heard.items() if of.source.startswith(PEOPLE)}
        people |= await write.edge_records([key])  # also one that was taken back
        taken = Taken(said, moment_after(last_seen(each, scopes) for each in people.values()), digest(said.attributes))
        related = await relate.relate(write, self.model, [taken], Scope(said.source, ""))
        if related.waiting:
            raise EditInvalid(f"{related.waiting[0].because}: {relate.WHY[related.waiting[0].because or '']}")
        word = relate.counting(list(heard.values()), scopes) if related.unchanged else None
        if word and word.key != key and last_seen(word, scopes) < taken.seen:
            # the person says again what somebody has said otherwise since
            before = last_seen(heard[key], scopes)
            await write.put_images([seen_image(key, taken.digest, before, taken.seen)])
            await write.touch(said.source, taken.seen, [], [(key, taken.digest)])
            related.add(await relate.reweigh(write, [edge]))
            related.stored += 1
        return related

    async def _unsay(self, write: Write, keys: Iterable[Any]) -> Reconciled:
        changes = Reconciled()
        for record in (await write.edge_records(list(keys))).values():
            scope = Scope(record.key.source, record.scope)
            gone = await relate.withdraw(write, scope, [record.key], moment_after([record.seen]))
            changes.add(Reconciled(related=gone, stored=gone.stored))
            changes.add(await reconcile.place_again(write, self.model, [record.key]))
        return changes

    def _refuse_state(self, entity: Entity, attributes: Mapping[str, Any]) -> None:
        """A record's state is moved by the tool that keeps the record, with what goes with it; a CI's status is not."""
        lifecycle = self.model.lifecycle(entity.class_name)
        if lifecycle and lifecycle.attribute in attributes and self.model.is_a(entity.class_name, RECORD):
            raise EditInvalid(
                f"The {lifecycle.attribute} of a {entity.class_name} is not set by hand: it moves where the record is "
                "kept. Load the record from there."
            )

    def _valid(self, raw: EntityObservation) -> EntityObservation:
        said = validate.entity(self.model, raw)
        if isinstance(said, Reject):
            raise EditInvalid(f"{said.code}: {said.message}")
        return said

    async def _written(self, kind: str, work: Callable[[Write], Awaitable[Edited]]) -> Edited:
        note = {"edit": kind, "reason": self.reason}
        head = RevisionHead(self.by, "edit", person_source(self.by), values.now(), self.model.version, note)
        transactions = Transactions(self.store, head)
        done: list[Edited] = []

        async def one(write: Write) -> tuple[Edited, list[JournalEntry], bool]:
            edited = await work(write)
            _, entries, stored = edited.changes.as_written()
            return edited, entries, stored

        async def all_of_it() -> None:
            await reckon_again(self.store, self.model, transactions)
            done.append(await transactions.write(one))

        plan = await transactions.rehearse(all_of_it) if self.dry_run else None
        if not self.dry_run:
            await all_of_it()
        edited = done[-1]
        edited.plan = plan
        edited.revision = transactions.revision or await self.store.revision()
        return edited


def _sentence(ends: Sequence[Entity], type_name: str) -> str:
    first, second = (f"{each.class_name}:{each.name}" for each in ends)
    return f"{first} {type_name} {second}"


async def _members(write: Write, id_: str) -> set[tuple[str, str]]:
    return {(each.source, each.key) for each in await write.members([id_])}


def _refuse_reported(what: str, sources: Iterable[str]) -> None:
    """Refuse to take away what others than people report.

    Raises
    ------
    StillReported
    """
    if others := sorted({each for each in sources if not each.startswith(PEOPLE)}):
        raise StillReported(
            f"{what} is still reported by {', '.join(others)}, and stays until it no longer is: nothing is written. "
            "Take it out of what they load, and load that completely."
        )
