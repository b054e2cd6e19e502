"""Options that many commands share, and what they stand for."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from typing import Any, TypeVar

    from knockon.cmdb.contract import Store
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
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def settings(store: str | None = None) -> Settings:
    """Read the settings of the environment; ``store`` given on the command line wins."""
    from knockon.server.settings import read_settings

    return read_settings(store=store)


def data_file(name: str) -> str:
    """Give the URL of a store file in the user's data directory, which is made if need be."""
    from platformdirs import user_data_path

    return f"sqlite://{user_data_path('knockon', ensure_exists=True) / name}"


def model_of(found: Settings) -> Model:
    """Read the model of this installation."""
    from knockon.schema.installed import installed_model

    return installed_model(tuple(str(path) for path in found.model))


@asynccontextmanager
async def open_store(found: Settings, model: Model) -> AsyncIterator[Store]:
    """Open the store that the settings name."""
    from knockon.cmdb.stores import opened, store_at

    url = found.store or data_file("estate.db")
    password = found.store_password.get_secret_value() if found.store_password else None
    async with opened(store_at(url, model, user=found.store_user, password=password)) as store:
        yield store


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one command's work to its end."""
    import asyncio

    return asyncio.run(work)


def print_json(value: Any) -> None:
    """Print JSON on standard output, indented."""
    import orjson

    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
