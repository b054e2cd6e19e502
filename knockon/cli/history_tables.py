"""A thing's history as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from knockon.cli.tables import Out
from knockon.schema.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 60  # of a value in a line
_COLOURS = {"created": "green", "changed": "yellow", "retired": "red", "merged": "cyan"}


def print_history(told: dict[str, Any]) -> None:
    """Print the JSON form of a history: a heading for each revision, and a line for each value that changed."""
    out = Out()
    retired = " [red](retired)[/]" if told["retired"] else ""
    out.print(f"[bold]{escape(told['class'])}:{escape(told['name'])}[/]{retired}  [dim]{told['id']}[/]")
    if told["aliases"]:
        out.print(f"[dim]also known by the ids {', '.join(told['aliases'])}[/]")
    for event in told["history"]:
        out.print()
        source = f" from {escape(event['source'])}" if event["source"] else ""
        out.print(
            f"[bold]revision {event['revision']}[/]  {event['at'][:19]}Z  {event['kind']} by "
            f"{escape(event['actor'])}{source}"
        )
        if event["reason"]:
            out.print(f"  because: {escape(event['reason'])}", soft_wrap=True)
        for change in event["changes"]:
            for line in _lines(change):
                out.print(line, soft_wrap=True)
    out.print()
    if told["truncated"]:
        out.print(f"[dim]There is more: --before {told['history'][-1]['revision']} shows what was earlier.[/]")
    elif not told["history"]:
        out.print("Nothing was written about it in this time.")
    if told["horizon"]:
        out.print(f"[dim]The journal up to revision {told['horizon']} was compacted.[/]")


def _lines(change: dict[str, Any]) -> Iterator[str]:
    what = "another thing into it" if change["change"] == "merged" else "itself"
    if "relationship" in change:
        other = change["other"]
        name = f"{other['class']}:{other['name']}" if other["class"] else other["id"]
        what = f"{change['relationship']} {escape(name)}"
    yield f"  [{_COLOURS[change['change']]}]{change['change']}[/] {what}"
    for each in change["attributes"]:
        before = "" if change["change"] == "created" else f"{_value(each['before'])} -> "
        yield f"    {escape(each['name'])}: {before}{_value(each['after'])}"


def _value(value: Any) -> str:
    if value is None:
        return "[dim]nothing[/]"
    text = shown(value).replace("\n", " ")
    return escape(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")
