"""The two stores, chosen by a URL."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from knockon.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model

NEO4J_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")


def store_at(url: str, model: Model, *, user: str | None = None, password: str | None = None) -> Store:
    """Name a store by its URL, without opening it.

    ``sqlite:///path/estate.db``, or ``neo4j://``, ``neo4j+s://`` and ``bolt://`` with user and
    password in the URL or beside it.

    Raises
    ------
    BadUsage
        A URL of another kind.
    """
    if file := store_file(url):
        from knockon.cmdb.stores.sqlite import SqliteStore  # noqa: PLC0415 - a store's driver only when it is used

        return SqliteStore(file, model)
    parts = urlsplit(url)
    if parts.scheme in NEO4J_SCHEMES and parts.hostname:
        from knockon.cmdb.stores.neo4j import Neo4jStore  # noqa: PLC0415 - a store's driver only when it is used

        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        address = f"{parts.scheme}://{host}:{parts.port or 7687}"
        name = unquote(parts.username) if parts.username else user
        secret = unquote(parts.password) if parts.password else password
        return Neo4jStore(address, name, secret, model)
    raise BadUsage("A store is sqlite:///PATH, or neo4j://, neo4j+s:// or bolt:// with a host; this is neither.")


def store_file(url: str) -> Path | None:
    """Give the file that a ``sqlite:`` URL names, three slashes or four; None for any other URL."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.scheme != "sqlite" or parts.netloc or not path.strip("/"):
        return None
    return Path("/" + path.lstrip("/"))  # POSIX lets two slashes at the beginning stand


@asynccontextmanager
async def opened(store: Store) -> AsyncIterator[Store]:
    """Open a store for the length of a block."""
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def opened_to_fill(store: Store) -> AsyncIterator[Store]:
    """Open a store for the length of a block, to fill it: also one that an earlier filling left unfinished."""
    await store.open_to_fill()
    try:
        yield store
    finally:
        await store.close()


def shown(url: str) -> str:
    """Give a store's URL as it may be shown to anybody: without user and password."""
    if file := store_file(url):
        return f"sqlite://{file}"
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
