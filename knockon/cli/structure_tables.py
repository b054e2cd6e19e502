"""Answers about the estate as it stands, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.markup import escape
from rich.table import Table

from knockon.cli.tables import Out
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from knockon.itsm.structure.answer import (
        CommonAnswer,
        CommonCi,
        DependenciesAnswer,
        NeededCi,
        PathsAnswer,
        PointsAnswer,
        SharedFate,
        SinglePoint,
    )
    from knockon.itsm.values import Ci, Step

_STYLES = {State.DOWN: "bold red", State.DEGRADED: "yellow", State.AT_RISK: "cyan", State.OPERATIONAL: "green"}
_SHOWN = 40


def print_dependencies(answer: DependenciesAnswer) -> None:
    """Print what something needs."""
    out = Out()
    if not answer.needs:
        out.print(f"{_ci(answer.ci)} needs nothing that is known.")
        return
    rows = [(str(n.distance), f"{_ci(n.ci)}\n{_role(n)}{_via(answer.ci, n.path)}") for n in answer.needs[:_SHOWN]]
    _print(out, f"{_ci(answer.ci)} needs", ("steps", "CI, and what it is to what needs it"), rows)
    _more(out, len(answer.needs))
    if answer.truncated:
        out.print(f"[dim]Cut off by --max-distance: it needs {answer.total} in all.[/dim]")


def print_common(answer: CommonAnswer) -> None:
    """Print what several things have in common."""
    out = Out()
    who = ", ".join(_ci(each) for each in answer.cis)
    if not answer.common:
        out.print(f"Nothing known is needed by more than one of {who}.")
        return
    rows = [
        (
            "-" if each.explained is None else f"{each.explained} of {len(answer.cis)}",
            _others(each),
            " ".join("-" if far is None else str(far) for far in each.distances),
            f"{_ci(each.ci)}{' [bold]lowest[/bold]' if each.lowest else ''}\n[dim]{escape(each.because)}[/dim]",
        )
        for each in answer.common[:_SHOWN]
    ]
    columns = ("explains", "others", "steps", "CI, if it alone failed; lowest: nothing the same ones need needs it")
    _print(out, f"What could explain {who}, the best first", columns, rows)
    _more(out, len(answer.common))
    if answer.truncated:
        out.print("[yellow]Cut off by --limit: the last were not tried, and may explain more.[/yellow]")


def _others(common: CommonCi) -> str:
    if common.others_down is None or common.others_degraded is None:
        return "-"
    return str(common.others_down + common.others_degraded)


def print_paths(answer: PathsAnswer) -> None:
    """Print how one thing needs another."""
    out = Out()
    if not answer.paths:
        out.print(f"Neither {_ci(answer.consumer)} nor {_ci(answer.supplier)} needs the other.")
        return
    turned = " [dim](not the other way round)[/dim]" if answer.direction == "backward" else ""
    rows = []
    for each in answer.paths[:_SHOWN]:
        names = [answer.consumer.name, *_names(answer.consumer, each.steps)]
        rows.append((str(each.length), escape(" > ".join(names))))
    _print(out, f"{_ci(answer.consumer)} needs {_ci(answer.supplier)}{turned}", ("steps", "way"), rows)
    _more(out, len(answer.paths))
    if answer.truncated:
        out.print("There may be more ways: raise --limit, or lower --max-length.")


def print_points(answer: PointsAnswer) -> None:
    """Print where one failure is enough."""
    out = Out()
    for word, points in (("take down", answer.down), ("degrade", answer.degraded)):
        if points:
            _points(out, answer.ci, f"Single failures that {word} {_ci(answer.ci)}", points)
    if not answer.down:
        sure = "was found that takes" if answer.truncated else "takes"
        out.print(f"[{'yellow' if answer.truncated else 'green'}]No single failure {sure} {_ci(answer.ci)} down.[/]")
    if answer.fates:
        rows = [(_state(each.state), f"{_ci(each.ci)}\n{escape(each.because)}") for each in _nearest(answer.fates)]
        _print(out, "Redundancy that shares one fate", ("state", "CI, and what falls together"), rows[:_SHOWN])
        if len(rows) > _SHOWN or len(rows) < len(answer.fates):
            out.print("... the worst of each group: --json lists all.")
    if answer.truncated:
        out.print("[yellow]Cut off by --limit: there may be more.[/yellow]")


def _points(out: Out, service: Ci, title: str, points: Sequence[SinglePoint]) -> None:
    rows = [
        (str(each.weight), str(each.services), f"{_ci(each.ci)}{_via(service, each.path)}") for each in points[:_SHOWN]
    ]
    _print(out, title, ("weight", "services down", "CI, and by which way"), rows)
    _more(out, len(points))


def _nearest(fates: Iterable[SharedFate]) -> list[SharedFate]:
    """Keep the first of each group: the worst."""
    first: dict[tuple[str, str], SharedFate] = {}
    for each in fates:
        first.setdefault((each.ci.id, each.group), each)
    return sorted(first.values(), key=lambda each: -each.state)


def _role(needed: NeededCi) -> str:
    roles = [f"in {escape(needed.consumer.name)}'s group {escape(each)}" for each in needed.groups]
    return " and ".join([*([f"needed by {escape(needed.consumer.name)}"] if needed.plain else []), *roles])


def _via(start: Ci, path: tuple[Step, ...]) -> str:
    names = _names(start, path)
    return f"\n[dim]via {escape(' > '.join(names))}[/dim]" if len(names) > 1 else ""


def _names(here: Ci, path: tuple[Step, ...]) -> list[str]:
    names = []
    for step in path:
        here = step.target if step.source == here else step.source
        names.append(here.name)
    return names


def _print(out: Out, title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=column in {"state", "steps", "weight", "explains", "others"}, overflow="fold")
    for row in rows:
        table.add_row(*row)
    out.print(table)


def _more(out: Out, count: int) -> None:
    if count > _SHOWN:
        out.print(f"... and {count - _SHOWN} more: --json lists all.")


def _ci(ci: Ci) -> str:
    return f"{escape(ci.name)} [dim]{ci.class_name}[/dim]"


def _state(state: State) -> str:
    return f"[{_STYLES[state]}]{state.name}[/]"


def print_analysis(answer: dict[str, Any]) -> None:
    """Print an analysis of the whole estate: the worst of it."""
    out, rows = Out(), answer["rows"]
    if answer["analysis"] == "spof":
        ranked = sorted(rows, key=lambda row: -row["weight"] * bool(row["points"]))
        shown = [(str(len(row["points"])), f"{_named(row)}\n[dim]{_first(row['points'])}[/dim]") for row in ranked]
        _print(out, "Single points of failure of each service", ("points", "service, and the heaviest"), shown[:_SHOWN])
    else:
        if answer["analysis"] == "blast-radius":
            rows = sorted(rows, key=lambda row: (-row["counts"]["DOWN"], -row["counts"]["DEGRADED"]))
        title = "What the failure of each CI does" if answer["analysis"] == "blast-radius" else "The most dangerous CIs"
        columns: tuple[str, ...] = ("weight", "services down", "down", "degraded", "at risk", "CI")
        counted = [
            (
                str(row["weight"]), str(row["services"]["DOWN"]),
                *(str(row["counts"][state]) for state in ("DOWN", "DEGRADED", "AT_RISK")), _named(row),
            )
            for row in rows[:_SHOWN]
        ]  # fmt: skip
        _print(out, title, columns, counted)
    _more(out, len(rows))


def _first(points: list[dict[str, Any]]) -> str:
    return escape(", ".join(each["name"] for each in points[:3])) or "none"


def _named(row: dict[str, Any]) -> str:
    return f"{escape(row['name'])} [dim]{row['class']}[/dim]"
