"""What people write: each edit is an observation by that person, and none of them undoes another unseen.

An edit goes the way of a load, in one transaction. It may name the revision at which the person looked; what changed
since then in what the edit is about is a conflict, and nothing is written (docs/decisions/0025).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from uuid_utils import uuid7

from knockon.cmdb.contract.rows import Decision, Scope, last_reported
from knockon.cmdb.identity.claims import claimed
from knockon.cmdb.lookup import find, find_ever
from knockon.cmdb.reconciliation import reconcile
from knockon.cmdb.reconciliation.reconciled import Reconciled
from knockon.cmdb.reconciliation.taken import Taken, digest
from knockon.cmdb.stewardship.meanwhile import refuse_changed, refuse_returned
from knockon.cmdb.stewardship.moves import beginning, kept, lifecycle_of, refuse_illegal, refuse_kept, refuse_set
from knockon.cmdb.stewardship.relating import Relating
from knockon.cmdb.stewardship.words import (
    moment_after,
    outweighed,
    own_record,
    person_source,
    record_of_the_gone,
    refuse_made_nameless,
    refuse_nameless,
    said_already,
)
from knockon.cmdb.stewardship.writing import Edited, refuse_reported
from knockon.errors import EditConflict, FindingCode
from knockon.schema import values
from knockon.schema.observation import PEOPLE, EntityObservation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from knockon.cmdb.contract.rows import Entity, Record
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.identity.joining import Key


class Editor(Relating):
    """A person at a store: who writes, and why. With ``dry_run`` nothing is written, and answers have a plan."""

    __slots__ = ()

    async def create(self, class_name: str, attributes: Mapping[str, Any]) -> Edited:
        """Say that there is a thing of a class.

        Raises
        ------
        EditInvalid
            The model does not take it, or nobody could tell what it is: it has no name, or no identifier.
        IllegalMove
            Nothing of its class begins in this state.
        EditConflict
            By its identifiers it is there already.
        """
        source, key = person_source(self.by), str(uuid7())
        said = self._valid(EntityObservation(source, key, class_name, dict(attributes)))
        said = replace(said, attributes=beginning(self.model, said))
        refuse_nameless(self.model, said.class_name, said.attributes)

        async def work(write: Write) -> Edited:
            taken = Taken(said, values.now(), digest(said.class_name, said.attributes))
            changes = await reconcile.take(write, self.model, [taken], Scope(source, ""), {})
            return Edited(await self._alone(write, (source, key), changes), changes)

        return await self._written("create", work)

    async def change(self, reference: str, attributes: Mapping[str, Any], *, expected: int | None = None) -> Edited:
        """Say what attributes of a thing are; None takes the person's own word on one back.

        Where the model lets null overwrite, None says that there is no value. What the person has said already, and
        counts, is said again without a revision (``words.said_already``). ``expected`` is the revision at which the
        person looked at the thing.

        Raises
        ------
        EditInvalid
            The model does not take it; or nobody could tell the thing from others any more.
        EditConflict
            One of these attributes changed since ``expected``, or the thing was retired.
        ReferenceNotFound, ReferenceAmbiguous, JournalCompacted
        """
        meant = await find(self.store, self.model, reference)

        async def work(write: Write) -> Edited:
            entity = (await write.entities([meant.id]))[meant.id]
            refuse_set(self.model, entity, attributes)
            await refuse_changed(self.store, entity, expected, attributes)
            edited = await self._say(write, entity, await write.members([entity.id]), attributes)
            refuse_made_nameless(self.model, entity, edited.entity)
            return edited

        return await self._written("change", work)

    async def move(self, reference: str, state: str, *, expected: int | None = None) -> Edited:
        """Move a thing to another state of its lifecycle; one that is in it already is left as it is.

        ``expected`` is the revision at which the person looked at the thing.

        Raises
        ------
        IllegalMove
            Its lifecycle has no such move; it names those that there are.
        KeptElsewhere
            Another source keeps its state.
        EditInvalid
            It has no lifecycle.
        EditConflict
            Its state changed since ``expected``, or the thing was retired.
        ReferenceNotFound, ReferenceAmbiguous, JournalCompacted
        """
        meant = await find(self.store, self.model, reference)

        async def work(write: Write) -> Edited:
            entity = (await write.entities([meant.id]))[meant.id]
            lifecycle = lifecycle_of(self.model, entity)
            said = {lifecycle.attribute: state}
            await refuse_changed(self.store, entity, expected, said)
            members = await write.members([entity.id])
            refuse_kept(self.model, entity, lifecycle.attribute, members, person_source(self.by))
            if entity.attributes.get(lifecycle.attribute) == state:
                return Edited(entity, Reconciled())
            refuse_illegal(lifecycle, entity, state)
            edited = await self._say(write, entity, members, said)
            if edited.outweighed:
                raise kept(entity, lifecycle.attribute, [each.source for each in edited.outweighed])
            return edited

        return await self._written("move", work)

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
            refuse_reported(f"{entity.class_name}:{entity.name}", (source for source, _ in members))
            touching = [each.key for each in await write.touching([entity.id]) if each.key.source.startswith(PEOPLE)]
            changes = await self._unsay(write, touching)
            changes.add(await reconcile.take_away(write, self.model, members))
            return Edited((await write.entities([entity.id]))[entity.id], changes)

        return await self._written("retire", work)

    async def restore(self, reference: str, *, expected: int | None = None) -> Edited:
        """Say that a retired thing is there, as it was known last; it has its id again.

        Its relationships are not said again. ``expected`` is the revision at which the person looked at it.

        Raises
        ------
        EditConflict
            It is not retired, or was retired since ``expected``; or another thing has its identifiers now.
        EditInvalid
            The model does not take it any more.
        ReferenceNotFound, ReferenceAmbiguous
        """
        meant = await find_ever(self.store, self.model, reference)

        async def work(write: Write) -> Edited:
            gone = (await write.entities([meant.id]))[meant.id]
            refuse_returned(gone, expected)
            own, anchor = await record_of_the_gone(write, gone, person_source(self.by))
            known = self.model.classes[gone.class_name].attributes if gone.class_name in self.model.classes else {}
            last = {
                name: value
                for name, value in gone.attributes.items()
                if name in known and not known[name].spec.internal
            }
            said = self._valid(EntityObservation(*own, gone.class_name, last))
            rows = list((await write.records([own, *([anchor] if anchor else [])])).values())
            taken = Taken(said, await self._moment(write, rows), digest(said.class_name, said.attributes))
            changes = await self._take(write, gone, taken, anchor)
            entity = await self._alone(write, own, changes)
            return Edited(entity, changes)

        return await self._written("restore", work)

    async def _say(
        self, write: Write, entity: Entity, members: Sequence[Record], attributes: Mapping[str, Any]
    ) -> Edited:
        """Write a person's word on attributes of a thing, later than what other people have said of it."""
        own, anchor = await own_record(write, members, person_source(self.by))
        said = self._valid(EntityObservation(*own, entity.class_name, dict(attributes), partial=True))
        moment = await self._moment(write, members)
        if said_already(self.model, members, own, said.attributes, moment):
            return Edited(entity, Reconciled())
        taken = Taken(said, moment, digest(said.class_name, said.attributes))
        changes = await self._take(write, entity, taken, anchor)
        now = (await write.entities([entity.id]))[entity.id]
        return Edited(now, changes, await outweighed(write, self.model, now, own, said.attributes))

    async def _moment(self, write: Write, members: Iterable[Record]) -> str:
        people = [each for each in members if each.source.startswith(PEOPLE)]
        scopes = await write.scopes({each.source for each in people})
        said = [last_reported(each, scopes) for each in people]
        # a register of an earlier word of a person must not outlive this one, whatever the clocks say
        return moment_after([*said, *(seen for each in people for _, seen in each.registers.values())])

    async def _take(
        self, write: Write, entity: Entity, taken: Taken[EntityObservation], anchor: Key | None
    ) -> Reconciled:
        own = (taken.said.source, taken.said.key)
        if anchor and anchor != own:
            words = f"what {self.by} says of {entity.class_name}:{entity.name}"
            await write.put_decision(Decision(str(uuid7()), "link", own, anchor, taken.seen, self.by, words))
        return await reconcile.take(write, self.model, [taken], Scope(own[0], ""), {})

    async def _alone(self, write: Write, own: Key, changes: Reconciled) -> Entity:
        """Give the thing that a person's record made, unless it is one that is there already.

        Raises
        ------
        EditConflict
        """
        record = (await write.records([own]))[own]
        entity = (await write.entities([record.entity_id]))[record.entity_id]
        if await _members(write, entity.id) != {own}:
            # as it was: what this edit says of it is not its name yet
            there = (await self.store.entities([entity.id])).get(entity.id, entity)
            said = record.said
            sets = [tuple(each.by) for each in self.model.classes[entity.class_name].identifiers]
            values = [(claimed(said, by), claimed(there.attributes, by), by) for by in sets]
            raise EditConflict(
                f"This is there already: {there.class_name}:{there.name} ({there.id}) has the same identifiers, "
                "and nothing is written. Change that one.",
                owner=there.class_name,
                shared=tuple(by for own, other, by in values if own is not None and own == other),
            )
        for each in changes.findings:  # two records of one person are never joined: a double shows as a finding
            if each.code == FindingCode.DUPLICATE_IDENTIFIER and own in each.records:
                other = next(record for record in each.records if record != own)
                id_ = (await write.records([other]))[other].entity_id
                raise EditConflict(f"{self.by} has said that this is there already ({id_}); change that one.")
        return entity


async def _members(write: Write, id_: str) -> set[tuple[str, str]]:
    return {(each.source, each.key) for each in await write.members([id_])}
