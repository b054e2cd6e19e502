"""Whole estates as values that compare: what a store says that it keeps, and what really lies in its database."""

from __future__ import annotations

import itertools
import json
import sqlite3
import zlib
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import neo4j
import orjson

from knockon.cmdb.contract.moving import KINDS, State
from knockon.cmdb.moving.lines import to_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from knockon.cmdb.contract.moving import Movable

Stream = tuple[State, dict[str, list[bytes]]]


async def stream_of(store: Movable) -> Stream:
    """Read everything, as the lines of an export; those of a kind sorted, since each store has an order of its own."""
    async with store.everything() as reading:
        found = {kind: sorted([_line(kind, row) async for rows in reading.rows(kind) for row in rows])
                 for kind in KINDS}  # fmt: skip
        assert {kind: len(lines) for kind, lines in found.items()} == reading.counts
        return reading.state, found


def _line(kind: str, row: Any) -> bytes:
    """Write a row with its attributes in order, which Neo4j does not keep."""
    return orjson.dumps(orjson.loads(to_line(kind, row)), option=orjson.OPT_SORT_KEYS)


@contextmanager
def clockwork() -> Iterator[None]:
    """Let ids and moments be the same wherever the same is done, in the same order."""
    numbers = itertools.count(1)
    with ExitStack() as stack:
        for module in ("knockon.cmdb.identity.naming", "tests.cmdb.driving"):
            stack.enter_context(patch(f"{module}.uuid7", lambda: f"ffff{next(numbers):08}"))
        stack.enter_context(patch("knockon.schema.values.now", lambda: f"2099-01-01T00:00:00.{next(numbers):06}Z"))
        yield


def raw_sqlite(path: Path) -> dict[str, list[Any]]:
    """Read all tables as they are, but for numbers that SQLite gave out and the index that it keeps of words."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found: dict[str, list[Any]] = {}
        for table in tables:
            if table == "search" or not table.startswith(("search_", "sqlite_")):
                cursor = connection.execute(f"SELECT * FROM {table}")
                names = [column[0] for column in cursor.description]
                rows = [dict(zip(names, map(_plain, row), strict=True)) for row in cursor]
                found[table] = rows
        numbers = {row["number"]: _identity(row) for row in found["edge_record"]}
        for row in found["watch"]:
            row["edge_record"] = numbers[row["edge_record"]]
        for row in [*found["edge_record"], *found["searchable"]]:
            del row["number"]
        return {table: sorted(map(_text, rows)) for table, rows in found.items()}


def _identity(row: dict[str, Any]) -> list[str]:
    return [row[name] for name in ("source", "type_name", "from_ref", "to_ref", "redundancy_group")]


async def raw_neo4j(uri: str, auth: tuple[str, str]) -> list[str]:
    """Read all nodes and relationships as they are, but for what a store that nobody ever compacted does not say."""
    async with neo4j.AsyncGraphDatabase.driver(uri, auth=auth) as driver:
        nodes = await driver.execute_query("MATCH (n) RETURN labels(n) AS l, properties(n) AS p", database_="neo4j")
        links = await driver.execute_query(
            "MATCH (a)-[r]->(b) RETURN type(r) AS t, properties(r) AS p, properties(a) AS a, properties(b) AS b",
            database_="neo4j",
        )
    described = [_text([sorted(row["l"]), _properties(row["p"])]) for row in nodes.records]
    related = [_text([row["t"], *(_properties(row[each]) for each in "pab")]) for row in links.records]
    return sorted([*described, *related])


def _properties(kept: dict[str, Any]) -> dict[str, Any]:
    unsaid: dict[str, Any] = {"horizon": 0, "rewritten": 0, "touched": []}
    return {
        name: sorted(value) if name in {"attributes", "_json"} and isinstance(value, list) else _plain(value)
        for name, value in kept.items()
        if name != "held" and unsaid.get(name) != value
    }


def _plain(value: Any) -> Any:
    """Take away what says nothing: how it is packed, and the order of names in JSON."""
    if isinstance(value, bytes):
        value = zlib.decompress(value).decode() if value else "[]"
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        return json.loads(value)
    return value


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
