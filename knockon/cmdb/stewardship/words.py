"""A person's words among those of the sources: under which name they are kept, and whether they count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from uuid_utils import uuid7

from knockon.cmdb.contract.rows import SEPARATOR, Record, last_seen
from knockon.cmdb.identity.claims import claimed
from knockon.cmdb.reconciliation.again import renews
from knockon.cmdb.reconciliation.taken import digest
from knockon.cmdb.reconciliation.thing import Heard, thing
from knockon.errors import EditInvalid, RejectCode
from knockon.schema import values
from knockon.schema.observation import PEOPLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from knockon.cmdb.contract.rows import EdgeRecord, EdgeRecordKey, Entity
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.identity.joining import Key
    from knockon.schema.model import Model


@dataclass(frozen=True, slots=True)
class Outweighed:
    """A person's word that is kept and does not count: ``source`` says ``value``, and is believed.

    None is no value.
    """

    attribute: str
    said: Any
    value: Any
    source: str

    def __str__(self) -> str:
        value = "no value" if self.value is None else repr(self.value)
        return f"kept, but {self.source}'s word counts for {self.attribute}: {value}."


def person_source(by: str) -> str:
    """Name the source that a person is; it can be ranked as any other.

    Raises
    ------
    EditInvalid
        A source's name has no colon and no control characters.
    """
    if not by.strip() or ":" in by or not by.isprintable():
        raise EditInvalid(f"{by!r} is no name that a person can write under: use a word or words without a colon.")
    return PEOPLE + by


def refuse_nameless(model: Model, class_name: str, attributes: Mapping[str, Any]) -> None:
    """Refuse to create, or leave, what nobody could find again or tell from others of its class.

    Needed is the name, where things of the class are told apart by it, else that or all values of one identifier set.

    Raises
    ------
    EditInvalid
        It names what lacks.
    """
    wanted = _told_apart_by(model, class_name)
    if all(claimed(attributes, each) is None for each in wanted):
        ways = ", or ".join(" and ".join(each) for each in wanted)
        why = f"this {class_name} could not be told from others: give {ways}"
        raise EditInvalid(f"{RejectCode.MISSING_IDENTIFIER}: {why}. Nothing is written.", RejectCode.MISSING_IDENTIFIER)


def refuse_made_nameless(model: Model, before: Entity, after: Entity) -> None:
    """Refuse an edit after which nobody could tell a thing from others of its class, where that could be done before.

    Raises
    ------
    EditInvalid
    """
    wanted = _told_apart_by(model, before.class_name)
    if any(claimed(before.attributes, each) is not None for each in wanted):
        refuse_nameless(model, after.class_name, after.attributes)


def _told_apart_by(model: Model, class_name: str) -> list[tuple[str, ...]]:
    sets = [tuple(each.by) for each in model.classes[class_name].identifiers]
    return [("name",)] if any("name" in each for each in sets) else [*sets, ("name",)]


def moment_after(moments: Iterable[str]) -> str:
    """Give this moment, or the next one after the newest of these, where a clock was ahead of ours."""
    newest = max(moments, default="")
    now = values.now()
    if now > newest:
        return now
    return values.instant((datetime.fromisoformat(newest) + timedelta(microseconds=1)).isoformat())


async def own_record(write: Write, members: Sequence[Record], source: str) -> tuple[Key, Key | None]:
    """Give the record under which a source speaks of a thing, and to which other it is to be linked if it is new."""
    keys = sorted((each.source, each.key) for each in members)
    own = next((key for key in keys if key[0] == source), None)
    if own:
        return own, None
    anchor = keys[0]
    plain = (source, anchor[1])  # a thing without a name is called by its smallest key: it keeps that
    return ((source, ":".join(anchor)) if await write.records([plain]) else plain), anchor


def said_already(model: Model, members: Sequence[Record], own: Key, said: Mapping[str, Any], moment: str) -> bool:
    """Tell whether a person's word on a thing is the one that stands, or takes back none.

    It is new where another record says something else, since the later word may count then; and where it has stood
    for long (``reconciliation.again``).
    """
    class_name = model.deepest({each.class_name for each in members})
    if class_name is None:
        return False
    declared = model.classes[class_name].attributes
    mine = next((each for each in members if (each.source, each.key) == own), None)

    def stands(name: str, value: Any) -> bool:
        if value is None and not declared[name].spec.null_overwrites:
            return mine is None or mine.said.get(name) is None
        if mine is None or name not in mine.said:
            return False
        since = mine.registers[name][1] if name in mine.registers else mine.seen
        agreed = all(name not in each.said or digest(each.said[name]) == digest(value) for each in members)
        return agreed and not renews(model, class_name, since, moment)

    return all(stands(*each) for each in said.items())


async def record_of_the_gone(write: Write, entity: Entity, source: str) -> tuple[Key, Key | None]:
    """Give the record under which a source says that a retired thing is there, and to which other it is to be linked.

    A new one is made so that it brings back this very thing. The other is one that the thing had when it was retired.
    """
    first, _, key = entity.order.rsplit(SEPARATOR, 1)[1].partition(":")
    anchor = (first, key)
    own = [(source, key), (source, f"{first}:{key}"), (source, str(uuid7()))]
    stored = await write.records([anchor, *own])
    now = await write.entities({each.entity_id for each in stored.values()})
    mine = {of for of, each in stored.items() if of[0] == source and now[each.entity_id].id == entity.id}
    if mine:
        return min(mine), None
    made = next(each for each in own if each not in stored)
    await write.put_records([Record(*made, entity.id, entity.class_name, {}, "", "", present=False)])
    return made, anchor


async def outweighed(write: Write, model: Model, entity: Entity, own: Key, said: Mapping[str, Any]) -> list[Outweighed]:
    """Tell which of the values that a person gave do not count, and whose do; a word taken back is none."""
    declared = model.classes[entity.class_name].attributes
    members = await write.members([entity.id])
    scopes = await write.scopes({each.source for each in members})
    won = thing(model, [Heard(each, last_seen(each, scopes)) for each in members], entity.class_name).won
    return [
        Outweighed(name, value, won[name].value, won[name].record.source)
        for name, value in sorted(said.items())
        if (value is not None or (name in declared and declared[name].spec.null_overwrites))
        and name in won
        and (won[name].record.source, won[name].record.key) != own
        and won[name].value != value
    ]


def outweighed_on_edge(word: EdgeRecord, own: EdgeRecordKey, said: Mapping[str, Any]) -> list[Outweighed]:
    """Tell which of the values that a person gave a relationship do not count; ``word`` is the record that does."""
    if word.key == own:
        return []
    return [
        Outweighed(name, value, word.attributes.get(name), word.key.source)
        for name, value in sorted(said.items())
        if value is not None and word.attributes.get(name) != value
    ]
