"""What a search found, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from knockon.cli.tables import Out
from knockon.cmdb.contract.rows import reference_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.cmdb.contract.rows import Found


def print_found(total: int, found: Sequence[Found]) -> None:
    """Print what was found, best first, each with a reference to name it by."""
    out = Out()
    if not found:
        out.print("Nothing is found by that. A word is found by its beginning, not by its middle.")
        return
    table = Table(box=box.SIMPLE)
    for title in ("name", "class", "reference"):
        table.add_column(title, overflow="fold")
    for entity in (each.entity for each in found):
        table.add_row(*map(escape, (entity.name, entity.class_name, reference_of(entity))))
    out.print(table)
    if total > len(found):
        out.print(f"[dim]... and {total - len(found)} more; give more words, --class, or a higher --limit.[/dim]")
