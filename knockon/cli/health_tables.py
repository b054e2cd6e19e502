"""The health of the estate, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from knockon.cli.tables import Out
from knockon.itsm.health.answer import percent
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from knockon.itsm.health.answer import CheckScore, FailingAnswer, HealthAnswer

_SHOWN = 12
_GOOD, _FAIR = 90, 70


def print_health(answer: HealthAnswer) -> None:
    """Print the scores: each check by area, then the parts."""
    out = Out()
    out.print(
        f"[bold]Health of {escape(answer.about)}[/bold]: {_score(answer.score)} over {counted(answer.cis, 'CI')}  "
        f"[dim](revision {answer.revision}, as of {answer.as_of[:19]}Z)[/dim]"
    )
    if not answer.cis:
        out.print("There is no such configuration item, so nothing was asked.")
        return
    table = _table("", ("check", "score", "met", "of", "", "CIs"))
    for area in answer.areas:
        table.add_row(f"[bold]{area.name}[/bold]", _score(area.score))
        for each in area.checks:
            tally = each.tally
            counts = (str(tally.met), str(tally.asked)) if tally.asked else ("", "")
            table.add_row(
                f"  {each.check.name}", _score(tally.score), *counts, _verdict(each), str(tally.failing or "")
            )
    out.print(table)
    _before(out, answer)
    _trend(out, answer)
    _parts(out, answer)
    for missing in answer.left_out:
        out.print(f"[dim]Left out: {missing.name}, since {missing.because}.[/dim]")
    failed = [each for each in answer.checks if not each.passes]
    if failed:
        fail = counted(len(failed), "check fails", "checks fail")
        out.print(f"{fail}; [bold]knockon health show {failed[0].check.name}[/bold] lists the CIs.")


def print_failing(answer: FailingAnswer) -> None:
    """Print the CIs behind a number."""
    out, tally = Out(), answer.score.tally
    out.print(
        f"[bold]{answer.score.check.name}[/bold] of {escape(answer.about)}: {_score(tally.score)}, "
        f"{tally.met} of {tally.asked} met  [dim]{escape(answer.score.check.says)}[/dim]"
    )
    if not answer.failing:
        out.print("[green]Nothing is missed.[/green]" if tally.asked else "Nothing was asked of any of these.")
        return
    table = _table("", ("CI", "what it misses"))
    for each in answer.failing:
        who = f"{escape(each.ci.name)} [dim]{each.ci.class_name}[/dim]" if each.ci else "[dim]no known end[/dim]"
        table.add_row(who, escape(each.because))
    out.print(table)
    if answer.truncated:
        out.print(f"... of {counted(tally.failing, 'CI')}: raise --limit to see more.")


def _before(out: Out, answer: HealthAnswer) -> None:
    """Print the scores of then beside today's, as far as they differ."""
    before = answer.against
    if before is None:
        return
    table = _table(f"Since {escape(before.name)} (revision {before.revision})", ("check", "then", "today"))
    table.add_row("[bold]all, of the checks below[/bold]", _score(before.score), _score(before.score_today))
    today = {each.check.name: each.tally for each in answer.checks}
    for name, score in before.scores.items():
        table.add_row(f"[bold]{name}[/bold]", _score(score), _score(before.today[name]))
    for name, tally in before.checks.items():
        if tally[:2] != today[name][:2]:
            table.add_row(f"  {name}", _score(tally.score), _score(today[name].score))
    out.print(table)
    if before.left_out:
        names = ", ".join(each.name for each in before.left_out)
        out.print(f"[dim]Left out of both: {names}, since {before.left_out[0].because}.[/dim]")


def _trend(out: Out, answer: HealthAnswer) -> None:
    """Print the scores of past moments, oldest first, and today's of the same checks."""
    if answer.trend is None:
        return
    if not answer.trend:
        out.print("[dim]There is no past yet to show a trend of.[/dim]")
        return
    areas = list(answer.trend[-1].scores)
    table = _table("Trend", ("at", "as of", "CIs", "all", *(_HEADS.get(name, name) for name in areas)))
    for each in answer.trend:
        scores = (_score(each.scores.get(name)) for name in areas)
        table.add_row(escape(each.name), each.as_of[:10], str(each.cis), _score(each.score), *scores)
    last = answer.trend[-1]
    today = (_score(last.today.get(name)) for name in areas)
    table.add_row("today", answer.as_of[:10], str(answer.cis), _score(last.score_today), *today)
    out.print(table)
    if last.left_out and answer.against is None:
        names = ", ".join(each.name for each in last.left_out)
        out.print(f"[dim]Left out of all: {names}, since {last.left_out[0].because}.[/dim]")


def _parts(out: Out, answer: HealthAnswer) -> None:
    areas = [area.name for area in answer.areas]
    table = _table(f"By {answer.by}", (answer.by, "CIs", "all", *(_HEADS.get(name, name) for name in areas)))
    worst = sorted(answer.parts, key=lambda part: (part.score is None, part.score))
    for part in worst[:_SHOWN]:
        shown = escape(part.name) + (f" [dim]{part.ci.class_name}[/dim]" if part.ci else "")
        table.add_row(shown, str(part.cis), _score(part.score), *(_score(part.areas[name]) for name in areas))
    if answer.parts:
        out.print(table)
    if len(worst) > _SHOWN or answer.truncated:
        out.print(f"... the worst {min(_SHOWN, len(worst))} of {len(worst)}; --json lists all.")


_HEADS = {
    "completeness": "compl.", "correctness": "corr.", "compliance": "rules", "relationships": "rel.",
    "coverage": "cov.",
}  # fmt: skip


def _score(score: float | None) -> str:
    shown = percent(score)
    if shown is None:
        return "[dim]-[/dim]"
    style = "green" if shown >= _GOOD else "yellow" if shown >= _FAIR else "red"
    return f"[{style}]{shown:.1f}[/]"


def _verdict(each: CheckScore) -> str:
    if not each.tally.asked:
        return "[dim]not asked[/dim]"
    return "[green]ok[/green]" if each.passes else f"[bold red]under {each.needed:g}[/]"


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", title_style="bold")
    for column in columns:
        numbers = column in {"score", "met", "of", "CIs", "all", "then", "today", *_HEADS.values()}
        narrow = numbers or column in {"check", ""}
        table.add_column(column, justify="right" if numbers else "left", no_wrap=narrow, overflow="fold")
    return table
