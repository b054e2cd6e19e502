"""Answers to planning questions as tables that a tired person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from knockon.cli.tables import Out, knowing
from knockon.schema.states import State
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from knockon.impact.planning.availability import Share
    from knockon.itsm.planning.availability import AvailabilityAnswer, Own
    from knockon.itsm.planning.recovery import RecoveryAnswer
    from knockon.itsm.planning.rolling import RollingAnswer, Wave
    from knockon.itsm.planning.what_if import Case, WhatIfAnswer
    from knockon.itsm.scenarios.scenarios import ScenarioReport
    from knockon.itsm.values import Ci, Step

_STYLES = {State.DOWN: "bold red", State.DEGRADED: "yellow", State.AT_RISK: "cyan", State.OPERATIONAL: "green"}
_OUTCOMES = {"passed": "[green]holds[/]", "failed": "[bold red]FAILS[/]", "error": "[bold red]ERROR[/]"}
_VERDICTS = {"met": "[green]met[/]", "missed": "[bold red]missed[/]", "open": "[yellow]open[/]"}
_SHOWN = 40
_SHOWN_SHIFTS = 12


def print_what_if(answer: WhatIfAnswer) -> None:
    """Print what a change of the estate would mean, failure by failure."""
    out = Out()
    out.print(
        f"[bold]What if[/bold]  [dim](revision {answer.revision}{knowing(answer.given)}; nothing is written)[/dim]"
    )
    for words in answer.changes:
        out.print(f"  {escape(words)}", highlight=False)
    tried = counted(answer.asked, "failure")
    if not answer.cases:
        out.print(f"[green]No difference:[/] {tried} tried; what would happen is what happens today.")
    else:
        found = sum(bool(case.seeds) for case in answer.cases)
        out.print(f"{found} of {tried} would do something else than today.")
        alike: dict[tuple[object, ...], list[Case]] = {}
        for case in answer.cases:
            what = tuple((shift.ci.id, shift.before, shift.after) for shift in (*case.worse, *case.better))
            alike.setdefault(what, []).append(case)
        rows = [(_seeds(cases), _shifts(cases[0])) for cases in list(alike.values())[:_SHOWN]]
        _print(out, "Differences", ("if one of these fails" if answer.asked > 1 else "if these fail", "then"), rows)
        _more(out, len(alike) - _SHOWN)
    if answer.unknown:
        rows_of_unknown = [(_with(u.ci, u.because) if u.ci else escape(u.because),) for u in answer.unknown]
        _print(out, "Not known", ("CI, and why",), rows_of_unknown)


def _seeds(cases: Sequence[Case]) -> str:
    names = [
        " and ".join(f"{escape(ci.name)}{'' if asked == 'down' else f' ({asked})'}" for ci, asked in case.seeds)
        or "[dim]nothing more[/dim]"
        for case in cases[:_SHOWN]
    ]
    return "\n".join([*names, *([f"and {len(cases) - _SHOWN} more"] if len(cases) > _SHOWN else [])])


def _shifts(case: Case) -> str:
    """List services, and other CIs where no service changes, with the reason of the first on either side."""
    lines = []
    for word, shifts in (("[red]worse[/] ", case.worse), ("[green]better[/]", case.better)):
        shown = [each for each in shifts if each.service][:_SHOWN_SHIFTS] or list(shifts[:_SHOWN_SHIFTS])
        lines += [f"{word} {_ci(each.ci)}: {_state(each.after)}, was {_state(each.before)}" for each in shown]
        if len(shifts) > len(shown):
            lines.append(f"       [dim]and {counted(len(shifts) - len(shown), 'more CI')}[/dim]")
        if shown:
            because = f"{'' if shown[0].after > shown[0].before else 'today: '}{shown[0].because}"
            lines.append(f"  [dim]{escape(because)}[/dim]{_way(shown[0].ci, shown[0].path)}")
    return "\n".join(lines)


def print_rolling(answer: RollingAnswer) -> None:
    """Print waves of maintenance, and what no wave can take."""
    out = Out()
    out.print(f"[bold]Rolling order[/bold]  [dim](revision {answer.revision}{knowing(answer.given)})[/dim]")
    if answer.waves:
        best = "no order has fewer" if answer.optimal else f"no order has fewer than {answer.lower_bound}"
        waves = counted(len(answer.waves), "wave")
        out.print(f"{waves} in which no service goes DOWN; {best}.")
        _print(
            out, "Waves", ("wave", "down together", "services with less meanwhile"),
            [(str(number), _list(wave.cis), _weakened(wave)) for number, wave in enumerate(answer.waves, 1)],
        )  # fmt: skip
    if answer.alone:
        rows = [
            (
                _ci(ci),
                "\n".join(
                    f"{_state(State.DOWN)} {_ci(each.service)}\n  [dim]{escape(each.because)}[/dim]"
                    f"{_way(each.service, each.path)}"
                    for each in outages
                ),
            )
            for ci, outages in answer.alone
        ]
        _print(out, "Not without an outage", ("CI", "services that go down with it"), rows)
    if answer.unmapped:
        out.print(f"In no wave, since no impact rule names their class: {_list(answer.unmapped)}")


def _weakened(wave: Wave) -> str:
    return "\n".join(f"{_state(each.state)} {escape(each.ci.name)}" for each in wave.services) or "[dim]none[/dim]"


def print_recovery(answer: RecoveryAnswer) -> None:
    """Print loops first, for they need a person, then the layers."""
    out = Out()
    count = sum(map(len, answer.layers))
    out.print(f"[bold]Recovery order[/bold] of {counted(count, 'CI')}  [dim](revision {answer.revision})[/dim]")
    if answer.loops:
        told = []
        for loop in answer.loops:
            waits = [f"{escape(ci.name)} [dim]waits for[/dim] {_list(needs)}" for ci, needs in loop.needs[:_SHOWN]]
            left = len(loop.needs) - _SHOWN
            waits += [f"... and {left} more: --json lists all."] if left > 0 else []
            told.append((str(loop.layer), "\n".join([f"[bold]{escape(loop.advice)}[/bold]", *waits])))
        _print(out, "Bootstrap loops: nothing in them can start first", ("layer", "what to do, and who waits"), told)
    else:
        out.print("No loops: everything can start in this order.")
    rows = [(str(number), str(len(layer)), _list(layer)) for number, layer in enumerate(answer.layers, 1)]
    _print(out, "Layers", ("layer", "CIs", "start these, in any order"), rows)


def print_availability(answer: AvailabilityAnswer) -> None:
    """Print how often a service is up, what was promised, and what was assumed."""
    out = Out()
    found = answer.estimate
    out.print(
        f"[bold]Availability of {_ci(answer.service)}[/bold]  "
        f"[dim](revision {answer.revision}, {counted(found.samples, 'sample')}, seed {answer.seed})[/dim]",
        highlight=False,
    )
    _print(
        out, "Share of the time", ("", "estimate", "95 % interval", "exact"),
        [("not DOWN", *_share(found.up, found.exact_up)), ("in full service", *_share(found.full, found.exact_full))],
    )  # fmt: skip
    if answer.targets:
        promised = [(_ci(each.agreement), f"{each.percent:g} %", _VERDICTS[each.verdict]) for each in answer.targets]
        _print(out, "Promised", ("agreement", "target", "is it met"), promised)
    else:
        out.print("No agreement of it has an availability_target.")
    part = [each for each in answer.cis if each.involved]
    if part:
        rows = [
            (_ci(each.ci), f"{each.percent:.6g} %", f"{each.involved:.1%}", escape(each.because)) for each in part[:10]
        ]
        _print(out, "Down in most outages", ("CI", "up by itself", "of outages", "by"), rows)
    _assumed(out, answer.cis)


def _assumed(out: Out, cis: Sequence[Own]) -> None:
    classes: dict[str, list[Own]] = {}
    for each in cis:
        if each.assumed_for:
            classes.setdefault(each.assumed_for, []).append(each)
    if classes:
        words = [f"{name} {own[0].percent:g} % ({counted(len(own), 'CI')})" for name, own in sorted(classes.items())]
        why = "since neither availability nor mtbf and mttr are recorded"
        out.print(f"[yellow]Assumed by class[/], {why}: {', '.join(words)}.", highlight=False)


def _share(share: Share, exact: float | None) -> tuple[str, str, str]:
    exactly = "[dim]too many combinations[/dim]" if exact is None else f"{100 * exact:.4f} %"
    return f"{100 * share.estimate:.4f} %", f"{100 * share.low:.4f} to {100 * share.high:.4f} %", exactly


def print_scenarios(report: ScenarioReport) -> None:
    """Print the scenarios that do not hold, with each reason, and the count."""
    out = Out()
    for each in report.results:
        out.print(f"{_OUTCOMES[each.outcome]}  {escape(each.scenario.name)}", highlight=False)
        for line, text in each.because:
            out.print(f"       [dim]{escape(each.scenario.file)}:{line}[/dim] {escape(text)}", highlight=False)
    wrong = report.count("failed") + report.count("error")
    colour = "bold red" if wrong else "green"
    out.print(
        f"[{colour}]{report.count('passed')} of {len(report.results)} hold[/]  [dim](revision {report.revision})[/]"
    )


def _print(out: Out, title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", show_lines=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    out.print(table)


def _more(out: Out, count: int) -> None:
    if count > 0:
        out.print(f"... and {count} more: --json lists all.")


def _ci(ci: Ci) -> str:
    return f"{escape(ci.name)} [dim]{ci.class_name}[/dim]"


def _with(ci: Ci, because: str) -> str:
    return f"{_ci(ci)}\n{escape(because)}"


def _state(state: State) -> str:
    return f"[{_STYLES[state]}]{state.name}[/]"


def _list(cis: Sequence[Ci]) -> str:
    more = f" and {len(cis) - _SHOWN} more" if len(cis) > _SHOWN else ""
    return ", ".join(escape(each.name) for each in cis[:_SHOWN]) + more


def _way(here: Ci, path: tuple[Step, ...]) -> str:
    """Write a line with the names along a path; none where the reason has named it."""
    names = []
    for step in path:
        here = step.target if step.source == here else step.source
        names.append(here.name)
    return f"\n  [dim]via {escape(' > '.join(names))}[/dim]" if len(names) > 1 else ""
