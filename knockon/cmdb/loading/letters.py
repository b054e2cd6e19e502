"""Dead letters: what a load rejects is kept until its source says it again, and can be said again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from knockon.cmdb.contract.rows import DeadLetter
from knockon.cmdb.reconciliation.taken import digest, edge_record_key
from knockon.schema.validate import MAX_KEY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from knockon.cmdb.contract.rows import Open, RevisionHead, Scope
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.loading.intake import Intake
    from knockon.schema.model import Model
    from knockon.schema.observation import Reject

LONGEST = 2**20
"""Characters of a record's JSON text up to which it is kept whole, and can be replayed."""

BEGINNING = 2_000
"""Characters that are kept of a longer one."""

MOST = 2_000
LARGEST = 16 * 2**20
"""Letters in one transaction at most, and characters of their records."""


def bounded(record: Any) -> tuple[Any, bool]:
    """Give a record as it is kept, and whether it was cut: of a very long one, the beginning of its JSON text."""
    text = _text(record)
    if len(text) <= LONGEST:
        return orjson.loads(text), False
    return f"{text[:BEGINNING]}...", True


def _text(record: Any) -> str:
    """Give a record's JSON text; what is no JSON in it, as far as it can be told in words."""
    try:
        return orjson.dumps(record).decode()
    except (TypeError, RecursionError):
        return json.dumps(repr(record))


@dataclass(frozen=True, slots=True)
class How:
    """What a load knows of all its letters: who brought what, from which file, and how strictly.

    ``file`` is "" where locations name it. ``replaced`` are the ids of the letters that the load says again.
    """

    head: RevisionHead
    scope: Scope
    strict: bool
    file: str = ""
    replaced: frozenset[str] = frozenset()


def written(how: How, rejects: Sequence[Reject]) -> list[DeadLetter]:
    """Write the letters of a load: one for each record, and one where a record stands there several times."""
    letters: dict[str, DeadLetter] = {}
    for number, reject in enumerate(rejects):
        letter = _letter(how, reject, number)
        known = letters.get(letter.id)
        if known is None or letter.seen >= known.seen:
            letters[letter.id] = letter
    return sorted(letters.values(), key=lambda each: each.number)


def _letter(how: How, reject: Reject, number: int) -> DeadLetter:
    record, cut = bounded(reject.record)
    about = reject.about if all(len(each) <= MAX_KEY for each in reject.about) else ()
    content = digest(_text(reject.record), reject.partial, reject.location if reject.record is None else "")
    return DeadLetter(
        id=_id(how.scope.source, reject.kind, about, content),
        source=how.scope.source,
        scope=how.scope.name,
        kind=reject.kind,
        about=about,
        code=reject.code.value,
        message=reject.message,
        location=_place(how.file, reject.location),
        record=record,
        cut=cut,
        format=reject.format,
        seen=reject.seen or how.head.at,
        partial=reject.partial,
        strict=how.strict,
        by=how.head.actor,
        at=how.head.at,
        since=how.head.at,
        revision=0,
        number=number,
    )


def _id(source: str, kind: str, about: tuple[str, ...], content: str) -> str:
    return hashlib.blake2b(orjson.dumps([source, kind, about, content]), digest_size=8).hexdigest()


def _place(file: str, location: str) -> str:
    """Give a location with the file that it is in."""
    if not file or not location:
        return file or location
    return f"{file}#{location}" if location.startswith("/") else f"{file}:{location}"


def parts(letters: Sequence[DeadLetter]) -> Iterator[list[DeadLetter]]:
    """Cut letters into what one transaction takes; at least one part, the last one for the load's end."""
    part: list[DeadLetter] = []
    size = 0
    for letter in letters:
        length = len(_text(letter.record))
        if part and (len(part) == MOST or size + length > LARGEST):
            yield part
            part, size = [], 0
        part.append(letter)
        size += length
    yield part


async def put(write: Write, letters: Sequence[DeadLetter]) -> None:
    """Keep letters. One that was kept already stays the same one; a newer word of its source stays as it is."""
    known = await write.letters_with([each.id for each in letters])
    redacted = await write.redacted([(each.source, each.about[0]) for each in letters if _is_entity(each)])
    rows = []
    for each in letters:
        old = known.get(each.id)
        if old is not None and old.seen > each.seen:
            continue
        row = replace(each, revision=write.revision, since=old.since if old else each.since)
        rows.append(without(row, redacted.get((each.source, each.about[0]), ())) if _is_entity(each) else row)
    await write.put_letters(rows)


def _is_entity(letter: DeadLetter) -> bool:
    return letter.kind == "entity" and len(letter.about) == 1


def without(letter: DeadLetter, attributes: Collection[str]) -> DeadLetter:
    """Give a letter without attributes that were redacted, and without words that may quote them."""
    if not attributes:
        return letter
    kept = letter.record if isinstance(letter.record, dict) and not letter.cut else {}
    record = {name: value for name, value in kept.items() if name not in attributes}
    return replace(letter, record=record, cut=True, message="What it said of a person was redacted.")


async def settle(
    write: Write, model: Model, how: How, intake: Intake, own: Collection[DeadLetter], *, complete: str = ""
) -> int:
    """Take away the letters that are settled now, and count them; ``own`` are those that this load has written.

    Settled is what the load says again; what it has another whole record or relationship about, taken or a letter of
    its own, seen then or later; and all of the scope that was seen before a complete load, at ``complete``.
    """
    ids = {each.id for each in own}
    known = [each for each in await write.open_letters(how.scope.source) if each.id not in ids]
    if not known:
        return 0
    said = _taken(model, intake, {(each.kind, each.about) for each in known if each.about})
    for each in own:
        if each.about and not each.partial:
            said[each.kind, each.about] = max(said.get((each.kind, each.about), ""), each.seen)
    gone = [each.id for each in known if each.id in how.replaced or _is_settled(each, said, how, complete)]
    await write.drop_letters(gone)
    return len(gone)


def _is_settled(letter: Open, said: dict[tuple[str, tuple[str, ...]], str], how: How, complete: str) -> bool:
    if complete and letter.scope == how.scope.name and letter.seen <= complete:
        return True
    return not letter.partial and letter.seen <= said.get((letter.kind, letter.about), "")


def _taken(
    model: Model, intake: Intake, wanted: Collection[tuple[str, tuple[str, ...]]]
) -> dict[tuple[str, tuple[str, ...]], str]:
    """Tell when each of these was seen that a load has taken."""
    found: dict[tuple[str, tuple[str, ...]], str] = {}
    about: tuple[str, tuple[str, ...]]
    for entity in intake.spool.entities():
        about = ("entity", (entity.said.key,))
        if about in wanted and not entity.said.partial:
            found[about] = max(found.get(about, ""), entity.seen)
    for edge in intake.spool.relationships():
        _, name, start, end, group = edge_record_key(edge.said)
        # a type that the model did not know then stands as it was written, maybe by its inverse name
        for words in ((name, start, end, group), (model.relationships[name].inverse, end, start, group)):
            about = ("relationship", words)
            if about in wanted:
                found[about] = max(found.get(about, ""), edge.seen)
    return found
