"""What an edit shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cli.identity_tables import changes_words, say
from knockon.cli.plan_table import print_plan
from knockon.cli.tables import Out

if TYPE_CHECKING:
    from knockon.cmdb.stewardship.writing import Edited


def print_edited(done: Edited) -> None:
    """Print what an edit came to, what of it does not count, and how to take it back."""
    out = Out()
    if done.plan is not None:
        print_plan(done.plan)
    else:
        state = "is retired now" if done.entity.retired else f"at revision {done.revision}"
        say(
            out,
            f"{done.entity.class_name}:{done.entity.name} ({done.entity.id}) {state}. {changes_words(done.changes)}",
        )
    for each in done.outweighed:
        words = str(each)
        say(out, words[0].upper() + words[1:])  # not capitalize(), which makes the values small
    for finding in done.findings:
        say(out, finding)
