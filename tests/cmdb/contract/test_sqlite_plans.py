"""Hot statements of the embedded store use an index for every table that can grow."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.contract.filter import All, Any_, Compare, Related
from knockon.cmdb.contract.indexing import indexed
from knockon.cmdb.contract.ordering import OrderBy, stretches
from knockon.cmdb.stores.sqlite import (
    identity,
    images,
    journal,
    letters,
    pages,
    reads,
    redaction,
    schema,
    values,
    write,
)
from knockon.cmdb.stores.sqlite.schema import MIGRATIONS, migrate
from knockon.cmdb.stores.sqlite.where import narrowest
from tests.cmdb.contract.estate import CLASSES, MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knockon.cmdb.contract.filter import Condition

INDEXES = indexed(MODEL)
STATEMENTS = {
    name: text
    for module in (reads, write, journal, redaction, identity, letters, values, images)
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
    numbered = set(re.findall(r"\?\d", statement))
    parameters = [None] * (len(numbered) or statement.count("?"))
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
    elif name == "BETWEEN":  # the whole estate is wanted
        assert scans(steps) == ["SCAN e"]
    elif name == "FILL":  # once in the life of a file
        assert scans(steps) == ["SCAN n USING INDEX entity_by_order"] * 2
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
    sought = pages.Sought(CLASSES, condition, INDEXES)
    steps = plan(connection, pages.plain(sought, "a", "b", 5, backward=backward)[0])
    assert scans(steps) == []
    assert any(index in step for step in steps), steps
    assert not any("TEMP B-TREE" in step for step in steps)


BY_VALUE = "SEARCH v USING PRIMARY KEY (attribute=? AND value{})"
BY_NAME = "SEARCH n USING INDEX entity_by_name (name{})"


@pytest.mark.parametrize(
    ("condition", "step"),
    [
        (Compare("serial_number", "eq", "x"), BY_VALUE.format("=?")),
        (All((Compare("serial_number", "in", ("x", "y")),)), BY_VALUE.format("=?")),
        (All((Compare("text", "eq", "x"), Compare("name", "eq", "x"))), BY_NAME.format("=?")),
        (Compare("serial_number", "starts_with", "x"), BY_VALUE.format(">? AND value<?")),
        (All((Compare("serial_number", "gte", "x"), Compare("serial_number", "gt", "y"))), BY_VALUE.format(">?")),
        (All((Compare("name", "starts_with", "x"), Compare("text", "eq", "x"))), BY_NAME.format(">? AND name<?")),
    ],
    ids=str,
)  # fmt: skip
def test_what_an_index_answers_is_found_by_it(connection: sqlite3.Connection, condition: Condition, step: str) -> None:
    sought = pages.Sought(CLASSES, condition, INDEXES)
    size = OrderBy("size")
    for statement, _ in (
        pages.plain(sought, None, None, 5, backward=False),
        pages.ordered(sought, size, (Compare("size", "is_null", value=False),), 5, backward=False),
        pages.matching("count(*)", sought, sought.source()),
    ):
        steps = plan(connection, statement)
        assert steps[0].startswith(step.removesuffix(")"))
        assert scans(steps) == []


@pytest.mark.parametrize("test", [("eq", "x"), ("in", ("x", "y"))])
def test_one_of_several_values_is_found_by_its_index(connection: sqlite3.Connection, test: tuple[Any, Any]) -> None:
    sought = pages.Sought(CLASSES, Compare("addresses", *test, many=True), INDEXES)
    for statement, _ in (
        pages.plain(sought, "a", "b", 5, backward=False),
        pages.ordered(sought, OrderBy("serial_number"), (), 5, backward=False),
        pages.matching("count(*)", sought, sought.source()),
    ):
        steps = plan(connection, statement)
        assert steps[0] == "SEARCH n USING INDEX sqlite_autoindex_entity_1 (id=?)"
        assert BY_VALUE.format("=?") in steps
        assert scans(steps) == []


def test_those_of_one_value_are_read_from_any_place_on_without_a_sort(connection: sqlite3.Connection) -> None:
    sought = pages.Sought(CLASSES, Compare("serial_number", "eq", "x"), INDEXES)
    for backward in (False, True):
        steps = plan(connection, pages.plain(sought, "a", "b", 5, backward=backward)[0])
        assert steps[0] == BY_VALUE.format("=? AND sort_key>? AND sort_key<?")
        assert not any("TEMP B-TREE" in step for step in steps)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(("name", "step"), [("serial_number", BY_VALUE), ("name", BY_NAME)])
def test_an_index_gives_the_order_from_any_place_on(
    connection: sqlite3.Connection, name: str, step: str, descending: bool, backward: bool
) -> None:
    by = OrderBy(name, descending)
    whole = {"SEARCH v USING PRIMARY KEY (attribute=?)", "SCAN n USING INDEX entity_by_name"}
    for condition in (None, Compare("text", "eq", "x"), Compare(name, "gte", "b")):
        for after in (None, '["x", "Server"]'):
            (middle,) = (each for each in stretches(by, after, None) if each.sorted)
            sought = pages.Sought(CLASSES, condition, INDEXES)
            steps = plan(connection, pages.ordered(sought, by, middle.tests, 5, backward=backward)[0])
            if after is None and condition in (None, Compare("text", "eq", "x")):
                assert steps[0] in whole
            else:
                assert steps[0].startswith((step.format(">?").removesuffix(")"), step.format("<?")))
            assert "USE TEMP B-TREE FOR ORDER BY" not in steps  # only those of one value are sorted
            if name != "name" and not descending:
                assert not any("TEMP B-TREE" in each for each in steps)


def test_of_several_bounds_the_closest_one_is_gone_by() -> None:
    tests = [Compare("x", "gte", "b"), Compare("x", "gt", "c"), Compare("x", "starts_with", "bz"),
             Compare("x", "lt", "d"), Compare("x", "lte", "d"), Compare("x", "eq", "c"),
             Compare("x", "is_null", value=False)]  # fmt: skip
    assert narrowest(tests) == [Compare("x", "eq", "c"), Compare("x", "gt", "c"), Compare("x", "lt", "b{")]
    assert narrowest([Compare("x", "lt", 5), Compare("x", "lte", 5)]) == [Compare("x", "lt", 5)]
    assert narrowest([Compare("x", "gt", 5), Compare("x", "gte", 5), Compare("x", "gte", 6)]) == [
        Compare("x", "gte", 6)
    ]


def test_every_list_of_the_question_is_the_outer_loop() -> None:
    for text in (*STATEMENTS.values(), *NEIGHBOURS.values()):
        assert text.count(" JOIN ") == text.count("CROSS JOIN ")


def test_findings_are_a_range_of_their_index(connection: sqlite3.Connection) -> None:
    steps = plan(connection, identity.FINDINGS_OF)
    assert steps == ["SEARCH f USING INDEX finding_by_code (code=? AND id>?)"]
    assert plan(connection, identity.FINDINGS) == ["SEARCH f USING INDEX finding_by_code ((code,id)>(?,?))"]
