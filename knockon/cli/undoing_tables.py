"""What ``undo`` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cli.identity_tables import changes_words, say
from knockon.cli.tables import Out, print_table
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from knockon.cmdb.reconciliation.reconciled import Reconciled
    from knockon.cmdb.stewardship.undo import Loss, Undone

_LISTED = 20


def print_loss(source: str, loss: Loss) -> None:
    """Print what undoing a source would take away."""
    out = Out()
    relationships = counted(loss.relationships, "relationship")
    say(out, f"{source} has reported {counted(loss.records, 'record')} and {relationships}.")
    if not loss.only_here:
        say(out, "None of its things would be retired.")
    else:
        they = "it" if len(loss.only_here) == 1 else "they"
        say(out, f"Nobody else reports {len(loss.only_here):,} of its things; {they} would be retired:")
        print_table(out, "", ("class", "name"), [(each.class_name, each.name) for each in loss.only_here[:_LISTED]])
        if len(loss.only_here) > _LISTED:
            say(out, f"... and {len(loss.only_here) - _LISTED} more: --json lists all.")


def print_undone(source: str, changes: Reconciled) -> None:
    """Print what undoing a source came to."""
    say(Out(), f"All that {source} said is taken back. {changes_words(changes)}")


def print_load_undone(done: Undone) -> None:
    """Print what undoing a load came to, and how to take that back."""
    out = Out()
    first, last = done.revisions[0], done.revisions[-1]
    which = f"revision {last}" if first == last else f"revisions {first} to {last}"
    say(out, f"What {done.source} said in {which} is taken back. {changes_words(done.changes)}")
    if done.kept:
        say(out, f"{done.kept:,} of its words had been overtaken by what is newer and stays.")
    say(out, f"To take this back: knockon undo {done.source} --load {done.revision} --yes")
