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

_STYLES = {"created": "green", "changed": "yellow", "retired": "red",
           "otherwise": "yellow", "lacking": "red", "unseen": "cyan"}  # fmt: skip


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
        out.print(
            f"{escape(found['source'])} says {counted(found['records'], 'thing')} and "
            f"{counted(found['relationships'], 'relationship')}: {found['otherwise']} otherwise, "
            f"{found['lacking']} lacking; {found['unseen']} unseen"
        )
        columns: tuple[str, ...] = ("", "thing or relationship", "value", "source says", "is")
        rows: list[tuple[str, ...]] = [_contradiction(each) for each in found["differences"]]
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
    values = "\n".join(
        f"{one['name']}: {_value(one['before'])} [dim]->[/dim] {_value(one['after'])}" for one in each["altered"]
    )
    return _change(each), _what(each), values


def _contradiction(each: dict[str, Any]) -> tuple[str, ...]:
    what = f"{_what(each)}\n[dim]{escape(each['key'])}[/dim]"
    if not each["altered"]:
        return _change(each), what, "", "", "others say so" if each["change"] == "unseen" else each["because"]
    columns = zip(*((one["name"], _value(one["said"]), _value(one["is"])) for one in each["altered"]), strict=True)
    return (_change(each), what, *("\n".join(column) for column in columns))


def _change(each: dict[str, Any]) -> str:
    return f"[{_STYLES[each['change']]}]{each['change']}[/]"


def _what(each: dict[str, Any]) -> str:
    if each["kind"] == "entity":
        return _thing(each)
    group = f" [dim]({escape(each['redundancyGroup'])})[/dim]" if each["redundancyGroup"] else ""
    return f"{_thing(each['from'])} {each['type']} {_thing(each['to'])}{group}"


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
