"""Answers as tables that a tired person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from knockon.itsm.blast_radius.not_followed import MOST
from knockon.schema.states import State
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.cmdb.loading.report import Counts, LoadReport
    from knockon.itsm.blast_radius.answer import Affected, AffectedService, ImpactAnswer
    from knockon.itsm.blast_radius.supports import SupportsAnswer
    from knockon.itsm.services.surroundings import Surroundings
    from knockon.itsm.values import Ci, Step

_STYLES = {State.DOWN: "bold red", State.DEGRADED: "yellow", State.AT_RISK: "cyan", State.OPERATIONAL: "green"}
_SEEDS_IN_FULL = 5
_SHOWN = 40
_SHOWN_PROBLEMS = 20


class Out(Console):
    """Standard output, or standard error; every console is one of these.

    Names and keys show as they are: ``:key:`` is no emoji, and no part of a name is coloured by itself. When
    the reader has seen enough, the command ends as it does without tables.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, emoji=False, highlight=False)

    def on_broken_pipe(self) -> None:
        """Let the command line decide."""
        raise BrokenPipeError


def print_impact(answer: ImpactAnswer) -> None:
    """Print an impact answer: services first, then what else is hit, what holds, and what is not known."""
    out = Out()
    seeds = _seeds(answer)
    window = f", {answer.span}" if answer.span else ""
    moment = f", as it was at {answer.as_of[:19]}Z" if answer.as_of else ""
    known = f"{window}{knowing(answer.given)}{moment}"
    out.print(f"[bold]If[/bold] {seeds}{known}  [dim](revision {answer.revision})[/dim]")
    if answer.assumed:
        out.print(f"Assumed to be OPERATIONAL: {', '.join(_ci(each) for each in answer.assumed)}")
    if answer.excluded_types:
        out.print(f"Left out by --exclude: {', '.join(answer.excluded_types)}")
    counts = ", ".join(f"{count} {_state(state)}" for state, count in answer.counts.items() if count)
    out.print(f"{counts} of what depends on it." if counts else "Nothing else becomes worse.")
    _services(out, answer)
    services = {each.ci.id for each in answer.services}
    _affected(out, [each for each in answer.affected if each.ci.id not in services])
    if answer.truncated:
        out.print("[dim]Cut off by --max-distance: the counts above are of everything.[/dim]")
    _survivors(out, answer)
    _starved(out, answer)
    if answer.already:
        rows = [(_state(a.state), _with_reason(a.ci, a.because)) for a in answer.already]
        _print(out, "Already so", ("state", "CI, and why"), rows)
    if answer.excluded:
        types = dict.fromkeys(each.step.type_name for each in answer.excluded)
        more = f" (more than {MOST} of a kind)" if answer.excluded_truncated else ""
        out.print(f"Not followed, since no failure flows over them: {', '.join(types)}{more}")
    if answer.unmapped:
        out.print(f"Supporting no service: {_some(_ci(ci) for ci in answer.unmapped)}")
    if answer.unknown:
        unknown = [(_with_reason(u.ci, u.because) if u.ci else escape(u.because),) for u in answer.unknown]
        _print(out, "Not known", ("CI, and why",), unknown)
    _notify(out, answer)
    sure = answer.confidence
    if sure.value is not None:
        out.print(f"Confidence {sure.value:.0%}: {sure.because}")


def _seeds(answer: ImpactAnswer) -> str:
    """Word what fails: one by one, or how many and some of them by name."""
    if len(answer.seeds) <= _SEEDS_IN_FULL:
        return _some(f"{_ci(seed.ci)} is {seed.asked}" for seed in answer.seeds)
    by_state: dict[str, list[str]] = {}
    for seed in answer.seeds:
        by_state.setdefault(seed.asked, []).append(_ci(seed.ci))
    return "; ".join(
        f"{counted(len(names), 'thing is', 'things are')} {asked} ({_some(names, _SEEDS_IN_FULL)})"
        for asked, names in by_state.items()
    )


def knowing(given: str) -> str:
    """Word what else was taken to be the case; nothing where that is nothing."""
    words = {"open": "what is open", "window": "what is planned for then", "maintenance": "what is maintained then"}
    return "" if given == "none" else f", knowing {_listed([words[each] for each in given.split(',')])}"


def print_supports(answer: SupportsAnswer) -> None:
    """Print which services something supports."""
    out = Out()
    if not answer.services:
        out.print(f"{_ci(answer.ci)} supports no service.")
        return
    rows = [
        (str(each.distance), _service(each.ci, each.criticality, each.users) + _path(each.ci, each.path))
        for each in answer.services
    ]
    _print(out, f"{_ci(answer.ci)} supports", ("steps", "service, and by which way"), rows)


def print_load(report: LoadReport, seconds: float) -> None:
    """Print what a load did, and what it could not take."""
    out = Out()
    done = f"Loaded in {seconds:.1f} s, revision {report.revision}"
    title = done if report.plan is None else f"Dry run: nothing is written, revision {report.revision} stays"
    print_load_counts(out, report, title)
    if report.rejects and report.plan is None:
        out.print("Rejected records are kept: knockon letters lists them, and replays them when they are mended.")


def print_load_counts(out: Out, report: LoadReport, title: str) -> None:
    """Print what became of records, and what could not be taken, under a title."""
    table = Table(box=box.SIMPLE_HEAD, title=title)
    for column in ("", "created", "updated", "unchanged", "retired", "rejected", "waiting"):
        table.add_column(column, justify="left" if not column else "right")
    for name, counts in (("entities", report.entities), ("relationships", report.relationships)):
        table.add_row(name, *_counted(counts))
    out.print(table)
    if report.skipped:
        kinds = ", ".join(f"{count} {kind}" for kind, count in report.skipped.items())
        out.print(f"Skipped, not read by this loader: {escape(kinds)}")
    for kind, found in (("Rejected", report.rejects), ("Findings", report.findings)):
        if found:
            rows = [(escape(f.location), f.code.value, escape(f.message)) for f in found[:_SHOWN_PROBLEMS]]
            _print(out, kind, ("where", "code", "what"), rows)
            if len(found) > _SHOWN_PROBLEMS:
                out.print(f"... and {len(found) - _SHOWN_PROBLEMS} more: --json lists all.")


def _services(out: Out, answer: ImpactAnswer) -> None:
    if not answer.services:
        known = "known to be " if answer.unknown or answer.excluded_types else ""
        word = "made worse than it already is" if answer.already else "affected"
        out.print(f"[{'yellow' if known or answer.already else 'green'}]No service is {known}{word}.[/]")
        return
    rows = []
    for each in answer.services:
        reason = f"\n{escape(each.because.text)}{_path(each.ci, each.path)}{_around(each.around)}{_new(each)}"
        rows.append((_state(each.state), _service(each.ci, each.criticality, each.users) + reason))
    _print(out, "Services", ("state", "service, and why"), rows)
    if answer.new_points_truncated:
        out.print("[dim]What must not fail now was not searched to the end: there may be more.[/dim]")


def _new(service: AffectedService) -> str:
    """Write a line with what must not fail now."""
    names = [escape(each.name) for each in service.new_single_points]
    return f"\n[cyan]now down if one of these fails: {_some(names)}[/cyan]" if names else ""


def _around(around: Surroundings) -> str:
    """Write who stands around a service on a line, and what was promised on another."""
    said = [
        f"{word} {_some(escape(ci.name) for ci in parties)}"
        for word, parties in (("owner", around.owners), ("customers", around.customers))
        if parties
    ]
    hours = around.hours
    if hours and hours.inside is None:
        said.append("service hours cannot be read")
    elif hours:
        until = f" until {hours.until:%Y-%m-%d %H:%M} UTC" if hours.until else ""
        said.append(f"{'in' if hours.inside else 'out of'} service hours{until}")
    promised = "".join(
        f"\n{escape(each.ci.name)}: " + ", ".join(f"{_words(target.name)} {target.value}" for target in each.touched)
        for each in around.agreements
        if each.touched
    )
    return (f"\n{'; '.join(said)}" if said else "") + promised


def _words(attribute: str) -> str:
    return attribute.replace("_", " ")


def _notify(out: Out, answer: ImpactAnswer) -> None:
    if not answer.notify:
        return
    rows = [(_ci(each.ci), escape(_some(each.because, most=3, between="\n"))) for each in answer.notify[:_SHOWN]]
    _print(out, "To be told", ("who", "because they"), rows)
    if len(answer.notify) > _SHOWN:
        out.print(f"... and {len(answer.notify) - _SHOWN} more: --format json lists all.")


def _affected(out: Out, affected: list[Affected]) -> None:
    if not affected:
        return
    rows = [
        (_state(each.state), str(each.distance), _with_reason(each.ci, each.because.text)) for each in affected[:_SHOWN]
    ]
    _print(out, "Also affected", ("state", "steps", "CI, and why"), rows)
    if len(affected) > _SHOWN:
        out.print(f"... and {len(affected) - _SHOWN} more: --format json lists all, with their paths.")


def _survivors(out: Out, answer: ImpactAnswer) -> None:
    if not answer.survivors:
        return
    rows = [
        (
            _ci(each.ci),
            escape(each.group),
            f"{each.up} up, {each.min_up} needed",
            str(each.lost),
            "none left" if each.margin == 0 else f"{each.margin} more",
        )
        for each in answer.survivors[:_SHOWN]
    ]
    _print(out, "Redundancy that holds", ("CI", "group", "weight", "lost", "can lose in full service"), rows)
    if len(answer.survivors) > _SHOWN:
        out.print(f"... and {len(answer.survivors) - _SHOWN} more: --format json lists all.")


def _starved(out: Out, answer: ImpactAnswer) -> None:
    if not answer.starved:
        return
    rows = [(_with_reason(each.ci, each.because),) for each in answer.starved[:_SHOWN]]
    _print(out, "Works, but sees no traffic (its monitors may alarm)", ("CI, and why",), rows)
    if len(answer.starved) > _SHOWN:
        out.print(f"... and {len(answer.starved) - _SHOWN} more: --format json lists all.")


def _print(out: Out, title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=column in {"state", "steps", "code"}, overflow="fold")
    for row in rows:
        table.add_row(*row)
    out.print(table)


def print_table(out: Out, title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print a table of plain text."""
    _print(out, title, columns, [tuple(escape(cell) for cell in row) for row in rows])


def _path(here: Ci, path: tuple[Step, ...]) -> str:
    """Write a line with the names along a path, back to what failed; none where the reason has named it."""
    names = []
    for step in path:
        here = step.target if step.source == here else step.source
        names.append(here.name)
    return f"\n[dim]via {escape(' > '.join(names))}[/dim]" if len(names) > 1 else ""


def _ci(ci: Ci) -> str:
    return f"{escape(ci.name)} [dim]{ci.class_name}[/dim]"


def _state(state: State) -> str:
    return f"[{_STYLES[state]}]{state.name}[/]"


def _service(ci: Ci, criticality: int | None, users: int) -> str:
    rank = "" if criticality is None else f", criticality {criticality}"
    who = f", {counted(users, 'user')}" if users else ""
    return f"[bold]{escape(ci.name)}[/bold] [dim]{ci.class_name}[/dim]{rank}{who}"


def _listed(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _with_reason(ci: Ci, because: str) -> str:
    return f"{_ci(ci)}\n{escape(because)}"


def _some(words: Iterable[str], most: int = 10, between: str = ", ") -> str:
    listed = list(words)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return between.join(listed[:most]) + more


def _counted(counts: Counts) -> list[str]:
    return [
        str(value)
        for value in (
            counts.created,
            counts.updated,
            counts.unchanged,
            counts.retired,
            counts.rejected,
            counts.waiting,
        )
    ]
