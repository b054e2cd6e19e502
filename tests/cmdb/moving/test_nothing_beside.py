"""Whatever a store keeps is either moved or made anew: a table, a label or a column that is neither fails here."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import fields
from typing import TYPE_CHECKING

import neo4j
import pytest

from knockon.cmdb.contract.moving import KINDS, State
from knockon.cmdb.moving.form import FORMAT
from knockon.cmdb.stores import opened
from knockon.cmdb.stores.neo4j import moving as neo4j_moving
from knockon.cmdb.stores.neo4j import schema
from knockon.cmdb.stores.sqlite import moving as sqlite_moving
from tests.cmdb.conftest import neo4j_store, sqlite_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ITS_OWN = {"number"}
"""Columns that are no part of a row: numbers that SQLite gives out."""
OF_THE_STORE = {"schema", "search"}
"""What a file says of itself."""
IN_FORMAT = {
    1: {
        "alias": "alias entity_id",
        "baseline": "name revision at by reason",
        "decision": "id kind a b at by reason taken_back",
        "edge": "key attributes retired",
        "edge_record": "key attributes seen digest edge because known watches scope",
        "entity": "entity answers",
        "image": "revision part images",
        "letter": "id source scope kind about code message location record cut format seen partial strict by at since"
        " revision number",
        "finding": "id code records what veto token",
        "record": "source key entity_id class_name attributes seen digest scope present claims registers latest whole",
        "redaction": "source key attributes",
        "revision": "number head count entries written",
        "scope": "source name seen complete rejected",
    },
    2: {
        "alias": "alias entity_id records since",
        "baseline": "name revision at by reason",
        "decision": "id kind a b at by reason taken_back",
        "edge": "key attributes retired",
        "edge_record": "key attributes seen digest edge because known watches scope",
        "entity": "entity answers",
        "image": "revision part images",
        "letter": "id source scope kind about code message location record cut format seen partial strict by at since"
        " revision number",
        "finding": "id code records what veto token",
        "record": "source key entity_id class_name attributes seen digest scope present claims registers latest whole",
        "redaction": "source key attributes",
        "revision": "number head count entries written",
        "scope": "source name seen complete rejected",
    },
}  # fmt: skip
"""The fields of each kind, by the format of a full export. A file of an older format is still read: give a new field a
default, raise FORMAT and add what it has now."""


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[sqlite3.Connection]:
    async with opened(sqlite_store(tmp_path / "estate.db")):
        pass
    with closing(sqlite3.connect(tmp_path / "estate.db")) as connection:
        yield connection


def test_every_table_is_moved_or_made_anew(connection: sqlite3.Connection) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    of_the_index = {f"search_{each}" for each in ("data", "idx", "docsize", "config")}
    moved = {kind.table.split()[0] for kind in sqlite_moving.KINDS.values()}
    assert moved.isdisjoint(sqlite_moving.DERIVED)
    assert (moved | sqlite_moving.DERIVED).isdisjoint(sqlite_moving.STAYS)
    assert tables - of_the_index == moved | sqlite_moving.DERIVED | sqlite_moving.STAYS | {"meta"}


@pytest.mark.parametrize("name", KINDS)
def test_every_column_is_moved(connection: sqlite3.Connection, name: str) -> None:
    kind = sqlite_moving.KINDS[name]
    table, letter = kind.table.split()
    columns = {column for _, column, *_ in connection.execute(f"PRAGMA table_info({table})")}
    read = set(re.findall(rf"\b{letter}\.(\w+)", kind.columns))
    assert columns - read <= ITS_OWN - ({"number"} if name == "revision" else set())


def test_all_that_a_file_says_of_an_estate_is_moved(connection: sqlite3.Connection) -> None:
    said = {key for (key,) in connection.execute("SELECT key FROM meta")} | {"reckoned"}
    assert said == {each.name for each in fields(State)} | OF_THE_STORE


def test_every_label_is_moved_or_made_anew() -> None:
    known = {label for label, *_ in (*schema.UNIQUE, *schema.INDEXED)}
    moved = {kind.label for kind in neo4j_moving.KINDS.values()}
    assert known == moved | {*neo4j_moving.DERIVED} | {*neo4j_moving.STAYS} | {"_Meta", "_Commit"} | {
        "_Live",
        "_Retired",
        "_Waiting",
    }


async def test_both_stores_move_every_kind(wiped_neo4j: str, neo4j_auth: tuple[str, str]) -> None:
    assert KINDS.keys() == sqlite_moving.KINDS.keys() == neo4j_moving.KINDS.keys()
    async with opened(neo4j_store(wiped_neo4j, neo4j_auth)):
        pass
    async with neo4j.AsyncGraphDatabase.driver(wiped_neo4j, auth=neo4j_auth) as driver:
        for kind in neo4j_moving.KINDS.values():  # pages go by an index that keeps identities apart
            found = await driver.execute_query(
                "SHOW CONSTRAINTS YIELD labelsOrTypes, properties WHERE labelsOrTypes = [$label] RETURN properties",
                label=kind.label, database_="neo4j",
            )  # fmt: skip
            assert [each["properties"] for each in found.records] == [[kind.key]]


def test_a_format_has_the_fields_that_it_had() -> None:
    fields_now = {name: " ".join(each.name for each in fields(kind)) for name, kind in KINDS.items()}
    assert IN_FORMAT[FORMAT] == fields_now
