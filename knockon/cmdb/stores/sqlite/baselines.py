"""Names for revisions."""

# ruff: noqa: D103 - what each promises stands in contract.py

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.contract.rows import Baseline

if TYPE_CHECKING:
    import sqlite3

BASELINES = "SELECT name, revision, at, made_by, reason FROM baseline ORDER BY revision, name"
PUT_BASELINE = "INSERT OR REPLACE INTO baseline (name, revision, at, made_by, reason) VALUES (?, ?, ?, ?, ?)"
DROP_BASELINE = "DELETE FROM baseline WHERE name = ?"


def baselines(connection: sqlite3.Connection) -> list[Baseline]:
    return [Baseline(*row) for row in connection.execute(BASELINES)]


def put_baseline(connection: sqlite3.Connection, row: Baseline) -> None:
    connection.execute(PUT_BASELINE, [row.name, row.revision, row.at, row.by, row.reason])


def drop_baseline(connection: sqlite3.Connection, name: str) -> None:
    connection.execute(DROP_BASELINE, [name])
