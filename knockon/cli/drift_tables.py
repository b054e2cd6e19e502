"""Baselines and drift, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.markup import escape
from rich.table import Table

from knockon.cli.tables import Out
from knockon.schema.wording import counted, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.cmdb.contract.rows import Baseline

_STYLES = {"created": "green", "changed": "yellow", "retired": "red"}


def print_baselines(found: Sequence[Baseline]) -> None:
    """Print all baselines."""
    out = Out()
    if not found:
        out.print("There are no baselines; knockon baseline create NAME makes one.")
        return
    table = _table("name", "revision", "named at", "by", "why")
    for each in found:
        table.add_row(escape(each.name), str(each.revision), f"{each.at[:19]}Z", escape(each.by), escape(each.reason))
    out.print(table)


def print_drift(found: dict[str, Any]) -> None:
    """Print what differs: from a baseline, or from a source."""
    out = Out()
    if "source" in found:
        says = counted(found["differing"], "says", "say")
        out.print(f"Of {counted(found['records'], 'record')} of {escape(found['source'])}, {says} otherwise.")
        columns: tuple[str, ...] = ("thing", "value", "source says", "is")
        rows: list[tuple[str, ...]] = [_overruled(each) for each in found["differences"]]
    else:
        counts = "; ".join(f"{kind}: {_counts(found[kind])}" for kind in ("entities", "relationships"))
        out.print(f"Since {escape(found['baseline'])} (revision {found['since']}), now revision {found['revision']}")
        out.print(counts)
        columns = ("", "thing or relationship", "what was, and is")
        rows = [_difference(each) for each in found["differences"]]
    if rows:
        table = _table(*columns)
        for row in rows:
            table.add_row(*row)
        out.print(table)
    if found["truncated"]:
        out.print("... and more: raise --limit.")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {change}" for change, count in counts.items())


def _difference(each: dict[str, Any]) -> tuple[str, str, str]:
    if each["kind"] == "entity":
        what = _thing(each)
    else:
        group = f" [dim]({escape(each['redundancyGroup'])})[/dim]" if each["redundancyGroup"] else ""
        what = f"{_thing(each['from'])} {each['type']} {_thing(each['to'])}{group}"
    values = "\n".join(
        f"{one['name']}: {_value(one['before'])} [dim]->[/dim] {_value(one['after'])}" for one in each["altered"]
    )
    change = each["change"]
    return f"[{_STYLES[change]}]{change}[/]", what, values


def _overruled(each: dict[str, Any]) -> tuple[str, ...]:
    columns = zip(*((one["name"], _value(one["said"]), _value(one["is"])) for one in each["altered"]), strict=True)
    return (f"{_thing(each)}\n[dim]{escape(each['key'])}[/dim]", *("\n".join(column) for column in columns))


def _thing(each: dict[str, Any]) -> str:
    return f"{escape(each['name'])} [dim]{each['class']}[/dim]"


def _value(value: Any) -> str:
    if value is None:
        return "[dim]nothing[/dim]"
    return escape(shown(value))


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in {"", "revision"})
    return table
