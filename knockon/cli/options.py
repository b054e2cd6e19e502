"""Options that many commands share, and what they stand for."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from knockon.errors import BadUsage, ReferenceNotFound, StoreUnreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
    from pathlib import Path
    from typing import Any, TypeVar

    from knockon.cmdb.contract.store import Store
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.context.given import Span
    from knockon.schema.model import Model
    from knockon.server.settings import Settings

    T = TypeVar("T")

StoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store",
        help="Where the data is: sqlite:///PATH, neo4j://HOST or bolt://HOST. "
        "Else KNOCKON_STORE, else a file in your data directory.",
        metavar="URL",
        show_default=False,
    ),
]
Given = Annotated[
    str,
    typer.Option(
        metavar="none|open,window,maintenance",
        help="What else is the case: nothing; or, with commas, open incidents and changes under way, "
        "what is planned for the window, maintenance windows.",
    ),
]
Window = Annotated[
    str | None,
    typer.Option(
        metavar="START/END",
        help="The time that is asked about, or a moment, like 2026-11-01T20:00:00Z/2026-11-01T23:00:00Z. Else now.",
        show_default=False,
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="T",
        help="As it was at a revision number or a time such as 2026-11-01T08:00:00Z.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def span_of(window: str | None) -> Span | None:
    """Read ``--window``.

    Raises
    ------
    BadUsage
    """
    from knockon.itsm.context.given import Span

    return None if window is None else Span.read(window)


def settings(store: str | None = None) -> Settings:
    """Read the settings of the environment; ``store`` given on the command line wins."""
    from knockon.server.settings import read_settings

    return read_settings(store=store)


def model_of(found: Settings) -> Model:
    """Read the model of this installation."""
    from knockon.schema.installed import installed_model

    return installed_model(tuple(str(path) for path in found.model))


@asynccontextmanager
async def open_store(found: Settings, model: Model) -> AsyncIterator[Store]:
    """Open the store that the settings name."""
    from knockon.cmdb.stores import opened, store_at

    password = found.store_password.get_secret_value() if found.store_password else None
    async with opened(store_at(found.store_url, model, user=found.store_user, password=password)) as store:
        yield store


@asynccontextmanager
async def asking(found: Settings, model: Model) -> AsyncIterator[Store]:
    """Open the store for a question; where nothing is found because nothing was ever loaded, say so.

    A question makes no store: a file that is not there is a mistake in its path.
    """
    _refuse_missing(found.store_url)
    async with open_store(found, model) as store:
        try:
            yield store
        except ReferenceNotFound as error:
            if await store.revision() > 0:
                raise
            raise ReferenceNotFound(
                "This store holds nothing yet. Load something first, or name another one with --store or KNOCKON_STORE."
            ) from error


def answered(store: str | None, ask: Callable[[Topologies], Awaitable[T]], as_of: str | None = None) -> T:
    """Put a question to the store that is meant, or to what it was at a moment of the past.

    What is kept of large estates from earlier questions is used.
    """

    async def work() -> T:
        from knockon.impact.topology.topologies import Topologies

        found = settings(store)
        model = model_of(found)
        async with asking(found, model) as opened:
            topologies = Topologies(opened, model, found.cache_folder)
            return await (ask(topologies) if as_of is None else _then(topologies, ask, as_of))

    return run(work())


async def _then(now: Topologies, ask: Callable[[Topologies], Awaitable[T]], as_of: str) -> T:
    from knockon.impact.topology.as_of import Pasts

    then = await Pasts(now).at(as_of)
    try:
        return await ask(then)
    except ReferenceNotFound as error:
        assert then.moment
        raise ReferenceNotFound(f"At revision {then.moment.revision}: {error}") from error


def _refuse_missing(url: str) -> None:
    from knockon.cmdb.stores import store_file

    file = store_file(url)
    if file and not file.exists():
        raise StoreUnreachable(f"There is no store at {file}; load something first, or name another one.")


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Say in a sentence that a path cannot be written."""
    try:
        yield
    except OSError as error:
        raise BadUsage(f"{path} cannot be written ({error.strerror}); choose another --out.") from error


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one command's work to its end."""
    import asyncio

    return asyncio.run(work)


def asked(store: str | None, ask: Callable[[Store, Model], Awaitable[T]]) -> T:
    """Put a question to the store that is meant, or tell it something; what is not there is not made."""

    async def work() -> T:
        found = settings(store)
        model = model_of(found)
        async with asking(found, model) as opened:
            return await ask(opened, model)

    return run(work())


def me() -> str:
    """Name who runs this; a container may run as a user without a name."""
    import getpass
    import os

    from knockon.schema.observation import OWN_NAMES

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
    return f"user {name}" if name in OWN_NAMES else name


def print_json(value: Any) -> None:
    """Print JSON on standard output, indented."""
    import orjson

    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
