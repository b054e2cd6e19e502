"""Saying dead letters again, and dropping those that nobody wants."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.rows import RevisionHead
from knockon.cmdb.loading.load import load
from knockon.cmdb.transactions import Transactions
from knockon.errors import BadUsage, ReferenceNotFound
from knockon.schema import values

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence

    from knockon.cmdb.contract.rows import DeadLetter, JournalEntry
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.loading.report import LoadReport
    from knockon.schema.model import Model
    from knockon.schema.observation import Item

PAGE = 500


@dataclass(frozen=True, slots=True)
class Replayed:
    """One load of letters of one source and scope, and what it did: its rejects are dead letters again."""

    source: str
    scope: str
    letters: int
    report: LoadReport


@dataclass(frozen=True, slots=True)
class Chosen:
    """Letters with the item that each is read as, and by id why others are left as they are."""

    said: list[tuple[DeadLetter, Item]]
    left: list[tuple[str, str]]


def as_kept(found: Collection[DeadLetter], read: Callable[..., Item]) -> Chosen:
    """Choose letters to be replayed as they are kept; ``read`` is the native loader's ``item``."""
    said = [(each, _item(each, each.record, read)) for each in found if not unfit(each)]
    return Chosen(said, [(each.id, unfit(each)) for each in found if unfit(each)])


def as_mended(found: Mapping[str, DeadLetter], mended: Mapping[str, Any], read: Callable[..., Item]) -> Chosen:
    """Choose letters to be replayed with the records that stand for them now, by id.

    One that is not ``found`` was settled meanwhile, and is left.
    """
    chosen = Chosen([], [])
    for id_, record in mended.items():
        letter = found.get(id_)
        if letter is None:
            why = "It is no dead letter any more: its source has said it again, or it was dropped."
            chosen.left.append((id_, why))
        elif record == letter.record and unfit(letter):
            chosen.left.append((id_, unfit(letter)))
        else:
            chosen.said.append((letter, _item(letter, record, read)))
    return chosen


def _item(letter: DeadLetter, record: Any, read: Callable[..., Item]) -> Item:
    return read(record, letter.location, letter.source, letter.seen, partial=letter.partial)


async def replay(
    store: Store,
    model: Model,
    said: Sequence[tuple[DeadLetter, Item]],
    *,
    actor: str,
    dry_run: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Replayed]:
    """Say letters again, each with the item that its record is read as, mended or not; by source, then scope.

    A load for each source and scope, as any other: partial records and strict ones as they came. The items
    say when they were seen, so that a letter does not stand against what its source has said since. What is taken
    is no letter any more, what is rejected is one with its new reason.

    Raises
    ------
    StoreError
        What was committed before it stays.
    """

    def group(each: tuple[DeadLetter, Item]) -> tuple[str, str, bool]:
        return each[0].source, each[0].scope, each[0].strict

    done = []
    for (source, scope, strict), some in groupby(sorted(said, key=lambda each: (*group(each), each[0].place)), group):
        pairs = list(some)
        report = await load(
            store,
            model,
            [item for _, item in pairs],
            source=source,
            actor=actor,
            scope=scope,
            strict=strict,
            dry_run=dry_run,
            replaced={letter.id for letter, _ in pairs},
            progress=progress,
        )
        done.append(Replayed(source, scope, len(pairs), report))
    return done


def unfit(letter: DeadLetter) -> str:
    """Say why a letter cannot be replayed as it is kept; "" if it can."""
    if letter.cut:
        return "It is not kept whole: mend its source and load that again, or replay a mended record."
    if letter.format != "native":
        return f"Only a load of the {letter.format} files can read it: mend them and load them again."
    if not isinstance(letter.record, dict):
        return "It cannot be read as a record: mend it in an export, and replay that; or mend its source."
    return ""


async def drop(store: Store, model: Model, ids: Collection[str], *, by: str, reason: str) -> list[DeadLetter]:
    """Take away letters that nobody wants; a revision of its own tells who did, when and why.

    Raises
    ------
    ReferenceNotFound
        One of them is no dead letter; nothing is dropped.
    BadUsage
        No reason is given.
    """
    if not reason.strip():
        raise BadUsage("It is recorded why a dead letter is dropped: say why.")
    dropped = await letters_named(store, ids)
    note = {"dropped": [{"id": each.id, "source": each.source, "code": each.code} for each in dropped]}
    head = RevisionHead(by, "letters", "", values.now(), model.version, {**note, "reason": reason})

    async def work(write: Write) -> tuple[None, list[JournalEntry], bool]:
        await write.drop_letters([each.id for each in dropped])
        return None, [], True

    await Transactions(store, head).write(work)
    return dropped


async def letters_named(store: Store, ids: Collection[str]) -> list[DeadLetter]:
    """Find dead letters by id, each once, in the order asked for.

    Raises
    ------
    ReferenceNotFound
    """
    found = await store.letters_with(ids)
    for id_ in ids:
        if id_ not in found:
            raise ReferenceNotFound(f"There is no dead letter {id_}; `knockon letters` lists them.")
    return [found[id_] for id_ in dict.fromkeys(ids)]


async def every_letter(store: Store, source: str = "", code: str = "") -> AsyncIterator[DeadLetter]:
    """Read all dead letters, of a source or of a code, in order."""
    after = ""
    while page := await store.letters(source, code, after=after, limit=PAGE):
        for each in page:
            yield each
        after = page[-1].place


def letter_json(letter: DeadLetter, *, whole: bool = True) -> dict[str, Any]:
    """Give the ``--json`` form of a letter; ``whole`` with its record."""
    return {
        "id": letter.id, "source": letter.source, "scope": letter.scope, "kind": letter.kind, "about": letter.words,
        "code": letter.code, "message": letter.message, "location": letter.location,
        **({"record": letter.record} if whole else {}),
        "cut": letter.cut, "format": letter.format, "partial": letter.partial, "strict": letter.strict,
        "seen": letter.seen, "by": letter.by, "at": letter.at, "since": letter.since, "revision": letter.revision,
    }  # fmt: skip
