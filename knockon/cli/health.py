"""``health``: how good what is recorded is, the CIs behind each number, and the rules that it is held to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from knockon.cli.formats import ListFormat, one_format, show
from knockon.cli.options import Json, StoreUrl, asking, model_of, print_json, run, settings
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from knockon.itsm.health.answer import FailingAnswer, HealthAnswer
    from knockon.itsm.health.health import About, Examination

    T = TypeVar("T")
    Past = list[tuple[str, Examination]]

commands = typer.Typer()
ClassOf = Annotated[
    str | None,
    typer.Option("--class", metavar="CLASS", help="Only CIs of this class or below.", show_default=False),
]
ServiceOf = Annotated[
    str | None,
    typer.Option("--service", metavar="REF", help="Only what this service needs, and itself.", show_default=False),
]
OwnerOf = Annotated[
    str | None,
    typer.Option("--owner", metavar="REF", help="Only what this party owns.", show_default=False),
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="The moment as of which things are stale. Else now.", show_default=False),
]


@commands.callback(invoke_without_command=True)
def health(
    context: typer.Context,
    class_name: ClassOf = None,
    service: ServiceOf = None,
    owner: OwnerOf = None,
    by: Annotated[Literal["class", "service", "owner"], typer.Option(help="Whose scores to show apart.")] = "class",
    at: At = None,
    fail_under: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=100,
            help="The percentage that every check must reach; else each has its own.",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="NAME|REV", help="A baseline, a revision or a time to compare with.", show_default=False),
    ] = None,
    trend: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=24,  # each costs as much as a question about the past
            metavar="N",
            help="The figures at so many past moments: the newest baselines, or else evenly spaced revisions.",
            show_default=False,
        ),
    ] = None,
    output: ListFormat = "table",
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """How good what is recorded of the estate is; exit code 1 when a check fails."""
    if context.invoked_subcommand:
        return
    from dataclasses import replace

    from knockon.cli.health_tables import print_health
    from knockon.itsm.health.answer import health_json, health_sheet
    from knockon.itsm.health.health import About

    form = one_format(output, as_json)

    def ask(found: Examination, about: About, said: str, past: Past) -> HealthAnswer:
        answer = found.answer(about, said, by=by, needed=fail_under)
        then = [found.against(each, name, about) for name, each in past]
        if against is not None:
            answer = replace(answer, against=then.pop())
        return answer if trend is None else replace(answer, trend=tuple(then))

    answer = _examined(store, About(class_name, service, owner), at, ask, against, trend)
    show(form, table=lambda: print_health(answer), json=lambda: health_json(answer), sheet=lambda: health_sheet(answer))
    if not answer.passes:
        raise typer.Exit(1)


@commands.command("show")
def health_show(
    check: Annotated[str, typer.Argument(metavar="CHECK", help="A check or rule by name, such as orphans.")],
    class_name: ClassOf = None,
    service: ServiceOf = None,
    owner: OwnerOf = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many CIs to show at most.")] = 50,
    at: At = None,
    output: ListFormat = "table",
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """The CIs behind a number of health, and what each of them misses."""
    from knockon.cli.health_tables import print_failing
    from knockon.itsm.health.answer import failing_json, failing_sheet
    from knockon.itsm.health.health import About

    form = one_format(output, as_json)

    def ask(found: Examination, about: About, said: str, _past: Past) -> FailingAnswer:
        return found.failing(check, about, said, limit=limit)

    answer = _examined(store, About(class_name, service, owner), at, ask)
    show(
        form, table=lambda: print_failing(answer), json=lambda: failing_json(answer),
        sheet=lambda: failing_sheet(answer),
    )  # fmt: skip


@commands.command("lint")
def health_lint(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Rule files, besides the ones that ship.", show_default=False),
    ],
    as_json: Json = False,
) -> None:
    """Check files of compliance rules, without a store; exit code 1 if there is a mistake."""
    from dataclasses import asdict

    from knockon.itsm.health.checks import CHECKS
    from knockon.itsm.health.rules import read_rules

    rules, mistakes = read_rules(files, model_of(settings()), {each.name for each in CHECKS})
    if as_json:
        print_json([asdict(each) for each in mistakes])
    else:
        for each in mistakes:
            typer.echo(str(each))
        good = f"{counted(len(rules), 'rule')}, no mistakes."
        typer.echo(f"{counted(len(mistakes), 'mistake')}." if mistakes else good, err=True)
    if mistakes:
        raise typer.Exit(1)


def _examined(
    store: str | None,
    about: About,
    at: str | None,
    ask: Callable[[Examination, About, str, Past], T],
    against: str | None = None,
    trend: int | None = None,
) -> T:
    """Examine the estate in the store that is meant, as it is and perhaps as it was, and answer from that.

    Of the past, those of a trend come first, then the one to compare with.
    """
    from knockon.cmdb.stewardship.baselines import moment_named
    from knockon.itsm.health.checks import rules_of
    from knockon.itsm.health.health import examine, examine_past, resolved
    from knockon.itsm.health.trend import moments

    async def work() -> T:
        found = settings(store)
        model = model_of(found)
        rules = rules_of(found.rules, model)
        async with asking(found, model) as opened:
            meant, said = await resolved(opened, model, about)
            asked = await moments(opened, trend) if trend is not None else []
            if against is not None:
                asked.append((against, await moment_named(opened, against)))
            past = [(name, await examine_past(opened, model, rules, moment)) for name, moment in asked]
            return ask(await examine(opened, model, rules, at=at), meant, said, past)

    return run(work())
