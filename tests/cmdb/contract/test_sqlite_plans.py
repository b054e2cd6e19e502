"""Hot statements of the embedded store use an index for every table that can grow."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.contract.filter import All, Any_, Compare, Related
from knockon.cmdb.stores.sqlite import identity, journal, letters, reads, redaction, schema, write
from knockon.cmdb.stores.sqlite.schema import MIGRATIONS, migrate
from knockon.cmdb.stores.sqlite.where import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knockon.cmdb.contract.filter import Condition

STATEMENTS = {
    name: text
    for module in (reads, write, journal, redaction, identity, letters)
    for name, text in vars(module).items()
    if isinstance(text, str) and name.isupper() and text.startswith(("SELECT", "UPDATE", "DELETE", "INSERT"))
}
STATEMENTS |= {f"SAID_AT {at_source}": text for at_source, text in identity.SAID_AT.items()}
NEIGHBOURS = {
    f"neighbours {direction}{' backward' * backward}": reads.neighbours_statement(direction, backward=backward)
    for direction in ("out", "in")
    for backward in (False, True)
}


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    yield connection
    connection.close()


def plan(connection: sqlite3.Connection, statement: str) -> list[str]:
    parameters = [None] * (2 if "?2" in statement else statement.count("?"))
    return [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]


def scans(steps: list[str]) -> list[str]:
    """List the scans of whole tables; a list of the question's own (json_each) and subqueries are none."""
    own = ("VIRTUAL TABLE", "SCAN place", "SCAN (subquery")
    return [step for step in steps if step.startswith("SCAN") and not any(part in step for part in own)]


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_no_statement_scans_a_table(connection: sqlite3.Connection, name: str) -> None:
    steps = plan(connection, STATEMENTS[name])
    if name == "WAITING":  # what it wants of that index is all of it
        assert steps == ["SCAN s USING INDEX edge_record_waiting"]
    elif name == "RECORDS_OF":  # a redaction is rare, and a load that kept an index for it is not
        assert scans(steps) == ["SCAN r"]
    elif name == "EVERY_DECISION":  # of which people have made few
        assert scans(steps) == ["SCAN d"]
    else:
        assert scans(steps) == []


@pytest.mark.parametrize("before", [0, 2])
def test_the_index_of_what_waits_has_nothing_that_is_withdrawn(monkeypatch: pytest.MonkeyPatch, before: int) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        with monkeypatch.context() as older:  # also in a file that an older knockon made
            older.setattr(schema, "MIGRATIONS", MIGRATIONS[: before or len(MIGRATIONS)])
            migrate(connection)
        for number, because in enumerate([None, "WAITING_REFERENCE", "AMBIGUOUS_REFERENCE", *["WITHDRAWN"] * 50]):
            connection.execute(
                """INSERT INTO edge_record (source, type_name, from_ref, to_ref, redundancy_group, attributes, seen,
                digest, because, watches) VALUES ('s', 'T', ?, 'b', '', '{}', '', '', ?, '[]')""", [number, because],
            )  # fmt: skip
        migrate(connection)
        connection.execute("ANALYZE")
        query = "SELECT stat FROM sqlite_stat1 WHERE idx = 'edge_record_waiting'"
        assert [int(stat.split()[0]) for (stat,) in connection.execute(query)] == [2]
        assert len(connection.execute(reads.WAITING).fetchall()) == 2


def test_the_statements_are_all_there() -> None:
    assert {"RECORDS", "BY_NAME", "BY_KEY", "BY_ID", "WATCHING", "TOUCHING", "SAYINGS", "PUT_WATCHES"} <= set(
        STATEMENTS
    )


@pytest.mark.parametrize("name", sorted(NEIGHBOURS))
def test_neighbours_start_from_the_ids_asked_for(connection: sqlite3.Connection, name: str) -> None:
    steps = plan(connection, NEIGHBOURS[name])
    assert scans(steps) == []
    asked = next(i for i, step in enumerate(steps) if step.startswith("SCAN a VIRTUAL"))
    found = next(i for i, step in enumerate(steps) if step.startswith("SEARCH e"))
    assert asked < found


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize(
    ("condition", "index"),
    [
        (None, "entity_by_order (class_name=? AND sort_key>? AND sort_key<?)"),
        (Compare("text", "eq", "x"), "entity_by_order (class_name=? AND sort_key>? AND sort_key<?)"),
        (All((Compare("size", "gt", 1), Compare("id", "eq", "x"))), "autoindex_entity_1 (id=?)"),
        (Any_((Compare("size", "gt", 1), Compare("tags", "eq", "x", many=True))), "entity_by_order (class_name=?"),
        (Related("DEPENDS_ON", "in", Compare("size", "gt", 1)), "edge_by_target (target_id=? AND type_name=?)"),
        (Related("DEPENDS_ON", "out", None), "PRIMARY KEY (source_id=? AND type_name=?)"),
    ],
    ids=str,
)
def test_a_page_is_read_in_order_from_an_index(
    connection: sqlite3.Connection, condition: Condition | None, index: str, backward: bool
) -> None:
    text, _ = sql(condition, "n")
    steps = plan(connection, reads.page_statement(text, backward=backward))
    assert scans(steps) == []
    assert any(index in step for step in steps), steps
    assert not any("TEMP B-TREE" in step for step in steps)


def test_every_list_of_the_question_is_the_outer_loop() -> None:
    for text in (*STATEMENTS.values(), *NEIGHBOURS.values()):
        assert text.count(" JOIN ") == text.count("CROSS JOIN ")
