"""Dead letters, as tables that a tired person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from knockon.cli.tables import Out, print_load_counts, print_table
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.cmdb.contract.rows import DeadLetter
    from knockon.cmdb.loading.replay import Replayed


def print_letters(found: Sequence[DeadLetter], count: int, following: str | None) -> None:
    """Print a page of letters, and how to go on."""
    out = Out()
    if not count:
        _say(out, "No dead letters.")
        return
    _say(out, f"Dead letters: {len(found):,} of {count:,}")
    for each in found:  # lines, not a table: an id is there to be copied
        about = f"{each.words}: " if each.words else ""
        _say(out, f"  {each.id}  {each.code}  {each.source}, {each.location or 'place not known'}")
        _say(out, f"    {about}{each.message}")
    if following:
        _say(out, f"There are more: --after {following}")
    _say(out, "knockon letters show ID has the record; replay, export and drop settle them.")


def print_letter(letter: DeadLetter) -> None:
    """Print all of one letter."""
    out = Out()
    _say(out, f"{letter.code}  {letter.message}")
    _say(out, "")
    scope = f", scope {letter.scope}" if letter.scope else ""
    rows = [
        ("source", f"{letter.source}{scope}"),
        ("where", letter.location or "not known"),
        ("about", letter.words or "that cannot be told"),
        ("seen", letter.seen),
        ("rejected", f"{letter.at} in revision {letter.revision}, loaded by {letter.by}"),
        ("since", letter.since),
    ]
    flags = [word for word, is_so in (("partial", letter.partial), ("strict", letter.strict)) if is_so]
    if flags:
        rows.append(("loaded as", ", ".join(flags)))
    for name, value in rows:
        _say(out, f"{name:>9}  {value}")
    _say(out, "")
    _say(out, "The record is too long to be kept whole; it begins:" if letter.cut else "The record:")
    record = letter.record
    _say(out, record if isinstance(record, str) else orjson.dumps(record, option=orjson.OPT_INDENT_2).decode())


def print_replayed(done: Sequence[Replayed], left: Sequence[tuple[str, str]]) -> None:
    """Print what became of letters that were said again, and which could not be."""
    out = Out()
    if not done and not left:
        _say(out, "No dead letters.")
    for each in done:
        scope = f", scope {each.scope}" if each.scope else ""
        rejected = len(each.report.rejects)
        title = f"{counted(each.letters, 'letter')} of {each.source}{scope}: {each.letters - rejected:,} taken"
        if each.report.plan is not None:
            title += " in a dry run; nothing is written"
        print_load_counts(out, each.report, title)
    if left:
        print_table(out, "Not replayed", ("id", "why"), list(left))


def _say(out: Out, text: str) -> None:
    out.print(text, markup=False, highlight=False, soft_wrap=True)
