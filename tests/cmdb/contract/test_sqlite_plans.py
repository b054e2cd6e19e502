"""Hot statements of the embedded store use an index for every table that can grow."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.filter import All, Any_, Compare, Related
from knockon.cmdb.indexing import indexed
from knockon.cmdb.ordering import OrderBy, stretches
from knockon.cmdb.stores.sqlite import pages, reads, schema, search, write
from knockon.cmdb.stores.sqlite.schema import MIGRATIONS, migrate
from knockon.cmdb.words import Query
from tests.cmdb.contract.estate import CLASSES, MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knockon.cmdb.filter import Condition

INDEXES = indexed(MODEL)
STATEMENTS = {
    name: text
    for module in (reads, write, search)
    for name, text in vars(module).items()
    if isinstance(text, str) and name.isupper() and text.startswith(("SELECT", "UPDATE", "DELETE", "INSERT"))
}
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
    if name == "ATTRIBUTES":  # the names of a few attributes
        assert steps == ["SCAN search_attribute"]
    elif name == "LIVE":  # once in the life of a file
        assert len(steps) == 1
    elif name == "WAITING":  # what it wants of that index is all of it
        assert steps == ["SCAN s USING INDEX edge_record_waiting"]
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
    sought = pages.Sought(CLASSES, condition, INDEXES)
    steps = plan(connection, pages.plain(sought, "a", "b", 5, backward=backward)[0])
    assert scans(steps) == []
    assert any(index in step for step in steps), steps
    assert not any("TEMP B-TREE" in step for step in steps)


@pytest.mark.parametrize(
    ("condition", "step"),
    [
        (Compare("serial_number", "eq", "x"), "SEARCH v USING PRIMARY KEY (attribute=? AND value=?)"),
        (All((Compare("serial_number", "in", ("x", "y")),)), "SEARCH v USING PRIMARY KEY (attribute=? AND value=?)"),
        (All((Compare("text", "eq", "x"), Compare("name", "eq", "x"))), "SEARCH n USING INDEX entity_by_name (name=?)"),
    ],
    ids=str,
)
def test_equality_is_found_by_its_index(connection: sqlite3.Connection, condition: Condition, step: str) -> None:
    sought = pages.Sought(CLASSES, condition, INDEXES)
    for statement, _ in (
        pages.plain(sought, None, None, 5, backward=False),
        pages.ordered(sought, OrderBy("size"), (Compare("size", "is_null", value=False),), 5, backward=False),
    ):
        steps = plan(connection, statement)
        assert steps[0] == step
        assert scans(steps) == []


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("serial_number", "SEARCH v USING PRIMARY KEY (attribute=? AND value{}?)"),
        ("name", "SEARCH n USING INDEX entity_by_name (name{}?)"),
    ],
)
def test_an_indexed_attribute_gives_the_order_from_any_place_on(
    connection: sqlite3.Connection, name: str, step: str, descending: bool, backward: bool
) -> None:
    by = OrderBy(name, descending)
    for after in (None, '["x", "Server"]'):
        (middle,) = (each for each in stretches(by, after, None) if each.sorted)
        sought = pages.Sought(CLASSES, Compare("text", "eq", "x"), INDEXES)
        steps = plan(connection, pages.ordered(sought, by, middle.tests, 5, backward=backward)[0])
        if after is None:
            through = {"SEARCH v USING PRIMARY KEY (attribute=?)", "SCAN n USING INDEX entity_by_name"}
            assert steps[0] in {step.format(">"), *through}
        else:
            assert steps[0].startswith(step.format("<" if descending else ">").removesuffix(")")) or (
                steps[0] == step.format(">? AND name<")  # IS NOT NULL is the other bound
            )
        assert "USE TEMP B-TREE FOR ORDER BY" not in steps  # only those of one value are sorted


@pytest.mark.parametrize("text", ["host", "host 1", "1", "a long text of several words"])
def test_what_is_searched_for_is_found_by_its_longest_word(connection: sqlite3.Connection, text: str) -> None:
    steps = plan(connection, search.statement(Query(text), CLASSES, 5)[0])
    assert steps[0] == "SEARCH t USING PRIMARY KEY (entity_id=?)"
    assert "SEARCH w USING PRIMARY KEY (word>? AND word<?)" in steps
    assert scans(steps) == []


def test_every_list_of_the_question_is_the_outer_loop() -> None:
    for text in (*STATEMENTS.values(), *NEIGHBOURS.values()):
        assert text.count(" JOIN ") == text.count("CROSS JOIN ")
