"""How the server runs our statements: by index, whatever the size of the estate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import neo4j
import pytest

from knockon.cmdb.contract.filter import All, Compare, Related
from knockon.cmdb.contract.indexing import indexed
from knockon.cmdb.contract.ordering import OrderBy, stretches
from knockon.cmdb.stores.neo4j import (
    Neo4jStore,
    identity,
    journal,
    moving,
    pages,
    reads,
    redaction,
    scan,
    write,
)
from tests.cmdb.contract.estate import CLASSES, MODEL, commit, edge, entity, record, saying
from tests.conftest import wipe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

SCANS = {"AllNodesScan", "NodeByLabelScan", "DirectedAllRelationshipsScan", "UndirectedAllRelationshipsScan",
         "DirectedRelationshipTypeScan", "UndirectedRelationshipTypeScan", "NodeIndexScan", "UnionNodeByLabelsScan",
         "PartitionedNodeByLabelScan"}  # fmt: skip
NUMBERS = {"limit", "chunk", "most", "since", "revision", "until", "before"}
TEXTS = {
    "name",
    "low",
    "high",
    "first",
    "last",
    "seen",
    "alias",
    "entity",
    "source",
    "begins",
    "scope",
    "moment",
    "rules",
    "members",
}

INDEXED = indexed(MODEL)
WHERES: dict[str, Any] = {
    "any": None,
    "name": Compare("name", "eq", "x"),
    "indexed": All((Compare("size", "gt", 1), Compare("serial_number", "eq", "x"))),
    "among": All((Compare("serial_number", "in", ("x", "y")), Compare("size", "gt", 1))),
    "range": All((Compare("serial_number", "gte", "x"), Compare("serial_number", "lt", "\ue000"))),
    "beginning": Compare("name", "starts_with", "x"),
    "member": All((Compare("addresses", "in", ("x", "y z"), many=True), Compare("size", "gt", 1))),
    "other": Compare("text", "contains", "x"),
    "related": Related("DEPENDS_ON", "out", Compare("name", "eq", "x")),
}


def fixed(module: Any) -> Iterator[tuple[str, str]]:
    for name, value in vars(module).items():
        if name.isupper() and isinstance(value, str) and re.search(r"\b(MATCH|MERGE|CREATE)\b", value):
            yield f"{module.__name__.rpartition('.')[2]}.{name}", value


def by_value(name: str, after: str | None, where: Any, *, descending: bool = False, backward: bool = False) -> str:
    """Give the statement for all that has a value, or for what comes after a place."""
    by = OrderBy(name, descending)
    (middle,) = (each for each in stretches(by, after, None) if each.sorted)
    sought = pages.Sought(pages.Wanted(CLASSES, where, INDEXED), by=name, between=middle.tests)
    return pages.page_statement(sought, by, backward=backward)


STATEMENTS: dict[str, str] = {
    **dict(each for module in (reads, write, scan, journal, redaction, identity, moving) for each in fixed(module)),
    **{f"moving page {name}": kind.page for name, kind in moving.KINDS.items()},
    "put_new_edges": write.put_new_edges_statement("DEPENDS_ON"),
    "put_edges": write.put_edges_statement("DEPENDS_ON"),
    "retire_edges": write.retire_edges_statement("DEPENDS_ON"),
    **{
        f"neighbours {direction} {down}": reads.neighbours_statement("DEPENDS_ON", direction, "true", backward=down)
        for direction in ("out", "in")
        for down in (False, True)
    },
    "count_neighbours": reads.count_neighbours_statement("DEPENDS_ON", "out"),
    **{
        f"page {name} {down}": pages.page_statement(
            pages.Sought(pages.Wanted(CLASSES, where, INDEXED), "a", "z"), backward=down
        )
        for name, where in WHERES.items()
        for down in (False, True)
    },
    **{
        f"bound {name}": pages.bound_statement(pages.Sought(pages.Wanted(CLASSES, where, INDEXED)))
        for name, where in WHERES.items()
    },
    **{
        f"count {name}": pages.count_statement(pages.Sought(pages.Wanted(CLASSES, where, INDEXED)))
        for name, where in WHERES.items()
    },
}


@pytest.fixture(scope="module", params=["large", "emptied"])
async def session(
    request: pytest.FixtureRequest, neo4j_uri: str, neo4j_auth: tuple[str, str]
) -> AsyncIterator[neo4j.AsyncSession]:
    """Give a session on an estate that is large enough for the planner to mind, or on one without anything in it.

    A plan of the first load is made when there is nothing yet, and is used while the estate grows.
    """
    store = Neo4jStore(neo4j_uri, *neo4j_auth, MODEL)
    await store.open()
    things = [entity(f"e{i}", CLASSES[i % 3], f"n{i % 50}", size=i, serial_number=f"s{i}") for i in range(600)]
    links = [edge(f"e{i}", f"e{i * 7 % 600}") for i in range(600)] + [edge("e0", f"e{i}", "hub") for i in range(1, 600)]
    said = [saying(each.key.source_id, each.key.target_id, each.key, watches=("w",)) for each in links]
    await commit(store, *things, *links, *said, *(record(each.id, each.id) for each in things))
    await store.close()
    if request.param == "emptied":
        await wipe(neo4j_uri, neo4j_auth)
    async with (
        neo4j.AsyncGraphDatabase.driver(neo4j_uri, auth=neo4j_auth) as driver,
        driver.session(database="neo4j") as session,
    ):
        await (await session.run("CALL db.prepareForReplanning(60)")).consume()
        yield session


def operators(plan: dict[str, Any]) -> Iterator[str]:
    yield plan["operatorType"].partition("@")[0]
    for child in plan.get("children", []):
        yield from operators(child)


def value_for(parameter: str) -> Any:
    if parameter in NUMBERS:
        return 1
    if parameter in TEXTS or re.fullmatch(r"w\d+", parameter):
        return ""
    return {"n": 1} if parameter == "row" else []


async def plan_of(session: neo4j.AsyncSession, statement: str) -> dict[str, Any]:
    lists: dict[str, Any] = {name: [] for name in re.findall(r"IN \$(\w+)", statement)}
    parameters = {name: value_for(name) for name in re.findall(r"\$(\w+)", statement)} | lists
    summary = await (await session.run("CYPHER replan=force EXPLAIN " + statement, parameters)).consume()
    assert summary.plan is not None
    return summary.plan


@pytest.mark.parametrize("name", sorted(STATEMENTS))
async def test_no_statement_looks_at_everything(
    request: pytest.FixtureRequest, session: neo4j.AsyncSession, name: str
) -> None:
    found = list(operators(await plan_of(session, STATEMENTS[name])))
    scans = SCANS
    if request.node.callspec.params["session"] == "emptied" and name.startswith(("page", "count", "bound")):
        scans = SCANS - {"NodeIndexScan"}  # all of an empty index costs what a part of it does; no load asks for pages
    if name == "moving.COUNT_EDGES":  # all of them, once in a copy
        scans = scans - {"NodeByLabelScan", "DirectedAllRelationshipsScan"}
    if name == "redaction.RECORDS_OF":  # it is rare, and a load that kept an index for it is not
        scans = scans - {"NodeByLabelScan"}
    assert scans.isdisjoint(found), found


@pytest.mark.parametrize("session", ["large"], indirect=True, scope="module")
@pytest.mark.parametrize("name", ["write.EDGES", "write.FORGET_RETIRED", "put_edges", "retire_edges"])
async def test_an_edge_is_looked_for_from_its_lesser_end(session: neo4j.AsyncSession, name: str) -> None:
    found = list(operators(await plan_of(session, STATEMENTS[name])))
    assert sum(each.startswith("NodeUniqueIndexSeek") for each in found) == 2
    assert {"Expand(Into)", "OptionalExpand(Into)", "Merge"} & set(found)
    assert "Expand(All)" not in found


@pytest.mark.parametrize("name", [name for name in STATEMENTS if name.startswith("page any")])
async def test_a_page_is_read_in_the_order_of_the_index(session: neo4j.AsyncSession, name: str) -> None:
    plan = await plan_of(session, STATEMENTS[name])
    found = list(operators(plan))
    assert found.count("Top") <= 1, found  # of the classes' pages, never of a class
    assert "Sort" not in found
    assert "NodeIndexSeekByRange" in found


@pytest.mark.parametrize("name", [name for name in STATEMENTS if name.startswith("moving page")])
async def test_a_whole_estate_is_read_in_the_order_of_an_index(session: neo4j.AsyncSession, name: str) -> None:
    found = list(operators(await plan_of(session, STATEMENTS[name])))
    assert {"Sort", "Top"}.isdisjoint(found), found
    assert {"NodeUniqueIndexSeekByRange", "NodeIndexSeekByRange"} & set(found), found


@pytest.mark.parametrize("name", ["page indexed False", "count indexed", "page name True", "count name"])
async def test_equality_is_found_by_its_index(session: neo4j.AsyncSession, name: str) -> None:
    assert "NodeIndexSeek" in list(operators(await plan_of(session, STATEMENTS[name])))


@pytest.mark.parametrize("session", ["large"], indirect=True, scope="module")
@pytest.mark.parametrize("name", ["range", "beginning", "among"])
async def test_a_part_of_the_values_is_found_by_its_index(session: neo4j.AsyncSession, name: str) -> None:
    seek = "NodeIndexSeek" if name == "among" else "NodeIndexSeekByRange"
    for kind in ("page {} False", "page {} True", "count {}", "bound {}"):
        assert seek in list(operators(await plan_of(session, STATEMENTS[kind.format(name)])))


@pytest.mark.parametrize("name", ["page member False", "page member True", "count member", "bound member"])
async def test_one_of_several_values_is_found_by_its_index(session: neo4j.AsyncSession, name: str) -> None:
    found = list(operators(await plan_of(session, STATEMENTS[name])))
    assert found[-1] == "ProcedureCall" or found[-2:] == ["ProcedureCall", "Argument"], found


@pytest.mark.parametrize("session", ["large"], indirect=True, scope="module")
@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", ["serial_number", "name"])
async def test_an_indexed_attribute_gives_the_order_from_any_place_on(
    session: neo4j.AsyncSession, name: str, descending: bool, backward: bool
) -> None:
    for after, operator in ((None, "NodeIndexScan"), ('["x", "Server"]', "NodeIndexSeekByRange")):
        for where in (None, Compare("text", "contains", "x")):
            statement = by_value(name, after, where, descending=descending, backward=backward)
            found = list(operators(await plan_of(session, statement)))
            assert operator in found, found
            assert {"Top", "Sort"}.isdisjoint(found), found  # only those of one value are sorted: PartialTop


@pytest.mark.parametrize("name", ["identity.FINDINGS", "identity.FINDINGS_OF"])
async def test_findings_are_read_in_the_order_of_their_index(session: neo4j.AsyncSession, name: str) -> None:
    found = list(operators(await plan_of(session, STATEMENTS[name])))
    assert set(found) & {"NodeIndexSeek", "NodeIndexSeekByRange"}
    assert "Sort" not in found
    assert name == "identity.FINDINGS" or "Top" not in found
