"""What people write of relationships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.images import seen_image
from knockon.cmdb.contract.rows import EdgeKey, Scope, last_seen
from knockon.cmdb.lookup import find
from knockon.cmdb.reconciliation import reconcile, relate
from knockon.cmdb.reconciliation.reconciled import Reconciled
from knockon.cmdb.reconciliation.taken import Taken, digest, edge_record_key
from knockon.cmdb.stewardship.meanwhile import refuse_changed, refuse_edge_changed
from knockon.cmdb.stewardship.words import moment_after, outweighed_on_edge, person_source
from knockon.cmdb.stewardship.writing import Edited, Writing, refuse_reported
from knockon.errors import EditInvalid, FindingCode, ReferenceNotFound, RejectCode
from knockon.schema import validate
from knockon.schema.observation import PEOPLE, Reject, RelationshipObservation
from knockon.schema.wording import indefinite, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.reconciliation.relate import Related


class Relating(Writing):
    """A person who relates things, and takes that back."""

    __slots__ = ()

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
            raise EditInvalid(f"{said.code}: {said.message}", said.code)
        key = edge_record_key(said)
        words = _sentence(ends, type_name)

        async def work(write: Write) -> Edited:
            now = await write.entities([end.id for end in ends])
            for end in ends:
                await refuse_changed(self.store, now[end.id], None, ())
            edge = EdgeKey(said.type_name, now[said.from_ref].id, now[said.to_ref].id, key.group)
            await refuse_edge_changed(self.store, edge, words, expected, said.attributes)
            self._refuse_not_allowed(edge.type_name, now[edge.source_id], now[edge.target_id])
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
            raise EditInvalid(f"{RejectCode.UNKNOWN_RELATIONSHIP_TYPE}: {why}", RejectCode.UNKNOWN_RELATIONSHIP_TYPE)
        kind, turned = found
        first, second = (each.id for each in (reversed(ends) if turned else ends))
        edge = EdgeKey(kind.name, first, second, group)
        words = _sentence(ends, type_name)

        async def work(write: Write) -> Edited:
            sayings = (await write.sayings([edge])).get(edge, [])
            if not sayings:
                raise ReferenceNotFound(f"There is no relationship {words}.")
            await refuse_edge_changed(self.store, edge, words, expected, None)
            refuse_reported(words, (each.key.source for each in sayings))
            changes = await self._unsay(write, [each.key for each in sayings])
            return Edited((await write.entities([ends[0].id]))[ends[0].id], changes)

        return await self._written("unrelate", work)

    def _refuse_not_allowed(self, type_name: str, source: Entity, target: Entity) -> None:
        if source.id == target.id or self.model.allows(type_name, source.class_name, target.class_name):
            return
        ends = [f"from {indefinite(a)} to {indefinite(b)}" for a, b in self.model.relationships[type_name].spec.ends]
        code = FindingCode.RELATIONSHIP_NOT_ALLOWED
        raise EditInvalid(
            f"{code}: the model does not allow {type_name} from {indefinite(source.class_name)} to "
            f"{indefinite(target.class_name)}, and nothing is written. It goes {'; '.join(ends)}.",
            code,
        )

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
        related = await relate.relate(write, self.model, {key: taken}, Scope(said.source, ""))
        if related.waiting:
            code = related.waiting[0].because or ""
            raise EditInvalid(f"{code}: {relate.WHY[code]}", code)
        word = relate.counting(list(heard.values()), scopes) if related.unchanged else None
        if word and word.key != key and last_seen(word, scopes) < taken.seen:
            # the person says again what somebody has said otherwise since
            before = last_seen(heard[key], scopes)
            await write.put_images([seen_image(key, taken.digest, before, taken.seen)])
            await write.touch(said.source, taken.seen, [], [(key, taken.digest)])
            related.add(await relate.reweigh(write, [edge]))
            related.stored += 1
        return related


def _sentence(ends: Sequence[Entity], type_name: str) -> str:
    first, second = (f"{each.class_name}:{each.name}" for each in ends)
    return f"{first} {type_name} {second}"
