"""Taking a person's data out of everything that is kept: records, the thing itself and the journal; on the record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson
from uuid_utils import uuid7

from knockon.cmdb.contract.rows import SEPARATOR, Decision, JournalEntry, RevisionHead
from knockon.cmdb.lookup import find_ever
from knockon.cmdb.reconciliation import reconcile, relate
from knockon.cmdb.reconciliation.reconciled import entity_image
from knockon.cmdb.transactions import Transactions
from knockon.errors import BadUsage
from knockon.schema import values
from knockon.schema.reference import answers_to

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from knockon.cmdb.contract.rows import DeadLetter, Entity, Values
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write
    from knockon.schema.model import Model


LETTERS = 500
SHORTEST = 3
"""Characters of a word that is looked for in dead letters: a shorter one would be found everywhere."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """What was taken out: these ``attributes`` of the person with this ``id``, in these records (``source:key``).

    ``references`` counts the relationships that are retired, since whoever reports them named the person by name only:
    these reports wait now for somebody of that name.
    ``letters`` counts the dead letters that spoke of the person, and are gone.
    """

    revision: int
    id: str
    attributes: tuple[str, ...]
    records: tuple[str, ...]
    references: int
    letters: int


async def redact(store: Store, model: Model, reference: str, *, reason: str, actor: str) -> Redacted:
    """Take a person's name and sensitive attributes out of all that is kept, for ever; a revision of its own.

    The person stays, with its relationships and history, and is called by its key. One transaction.

    Raises
    ------
    BadUsage
        The reference does not mean a person, or no reason is given.
    ReferenceNotFound, ReferenceAmbiguous, StoreError
    """
    if not reason.strip():
        raise BadUsage("A redaction is recorded with its reason: say why.")
    person = await find_ever(store, model, reference)
    if not model.is_a(person.class_name, reconcile.PERSON):
        raise BadUsage(f"{person.class_name}:{person.name} is no person; only persons are redacted.")
    attributes = sensitive(model, person.class_name)
    ids = (await store.aliases([person.id]))[person.id]
    now = values.now()
    note = {"id": person.id, "attributes": list(attributes), "reason": reason}
    transactions = Transactions(store, RevisionHead(actor, "redact", "", now, model.version, note))

    async def work(write: Write) -> tuple[tuple[list[tuple[str, str]], int, int], list[JournalEntry], bool]:
        old = (await write.entities([person.id]))[person.id]
        new = _nameless(old, attributes)
        known = await write.members([person.id])
        members = sorted((each.source, each.key) for each in known)
        for first, second in pairwise(members):  # what told that they are one is gone
            await write.put_decision(Decision(str(uuid7()), "link", first, second, now, actor, f"redacted: {reason}"))
        records = await write.redact(ids, attributes, new.name)
        said = [old.attributes, *(each.said for each in known)]
        letters = await _forget_letters(write, records, _secrets(said, attributes))
        names = [() if each.retired else answers_to(model, each.class_name, each.name) for each in (old, new)]
        await write.put_entities([new])
        edges = await relate.reread(write, model, set(names[0]) ^ set(names[1]), ())
        await reconcile.look_again(write, model, members)
        image = entity_image(new)  # nothing of what it was: who follows the changes takes this over
        entries = [JournalEntry("entity", new.id, image, image), *edges.entries]
        return (records, edges.retired, letters), entries, True

    records, references, letters = await transactions.write(work)
    told = tuple(f"{source}:{key}" for source, key in records)
    return Redacted(transactions.revision, person.id, attributes, told, references, letters)


async def _forget_letters(write: Write, records: Collection[tuple[str, str]], secrets: Collection[str]) -> int:
    """Take away the dead letters that are about one of these records or have one of these words; tell how many."""
    after, gone = "", 0
    while page := await write.letters(after=after, limit=LETTERS):
        found = [each.id for each in page if _speaks_of(each, records, secrets)]
        await write.drop_letters(found)
        after, gone = page[-1].place, gone + len(found)
    return gone


def _secrets(said: Iterable[Values], attributes: Collection[str]) -> set[str]:
    """Give the words that are taken out, as JSON writes them."""
    texts = {text for values in said for each in attributes for text in _texts(values.get(each))}
    return {orjson.dumps(each).decode()[1:-1].casefold() for each in texts if len(each) >= SHORTEST}


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []


def _speaks_of(letter: DeadLetter, records: Collection[tuple[str, str]], secrets: Collection[str]) -> bool:
    """Tell whether a letter is about one of these records, or has one of these words in it."""
    if letter.kind == "entity" and (letter.source, letter.words) in records:
        return True
    text = orjson.dumps([letter.record, letter.message, letter.about]).decode().casefold()
    return any(each in text for each in secrets)


def sensitive(model: Model, class_name: str) -> tuple[str, ...]:
    """Name what is taken out of a thing of a class: its name, and what the model calls sensitive."""
    attributes = model.classes[class_name].attributes
    return tuple(sorted({"name", *(name for name, each in attributes.items() if each.spec.sensitive)}))


def _nameless(entity: Entity, attributes: tuple[str, ...]) -> Entity:
    """Give an entity without attributes; it is called by its key, as one is that never had a name."""
    place = entity.order.rpartition(SEPARATOR)[2]
    name = place.partition(":")[2] or place
    kept = {each: value for each, value in entity.attributes.items() if each not in attributes}
    return replace(entity, name=name, order=SEPARATOR.join((entity.class_name, name, place)), attributes=kept)
