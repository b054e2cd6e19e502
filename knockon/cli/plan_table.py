"""What a load would do, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from knockon.cli.tables import Out
from knockon.schema.wording import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.cmdb.planned import Planned

SHOWN = 60


def print_plan(plan: Sequence[Planned]) -> None:
    """Print the changes, retirements first; of an update the attributes that change."""
    out = Out()
    if not plan:
        out.print("Nothing would change.")
        return
    table = Table(box=box.SIMPLE_HEAD, title="It would", title_justify="left", title_style="bold")
    table.add_column("change", no_wrap=True)
    table.add_column("what", overflow="fold")
    for each in plan[:SHOWN]:
        style = "red" if each.change == "retire" else "green" if each.change == "create" else "yellow"
        lines = [escape(each.what), *(f"[dim]{escape(line)}[/dim]" for line in _differences(each))]
        table.add_row(f"[{style}]{each.change}[/]", "\n".join(lines))
    out.print(table)
    if len(plan) > SHOWN:
        out.print(f"... and {len(plan) - SHOWN} more: --json lists all.")


def _differences(planned: Planned) -> list[str]:
    """List what changes in an update: ``name: before -> after``."""
    if planned.before is None or planned.after is None:
        return []
    before, after = ({**each, **each["attributes"]} for each in (planned.before, planned.after))
    names = [name for name in sorted({*before, *after} - {"attributes"}) if before.get(name) != after.get(name)]
    return [f"{name}: {_shown(before.get(name))} -> {_shown(after.get(name))}" for name in names]


def _shown(value: object) -> str:
    return "nothing" if value is None else shown(value)
