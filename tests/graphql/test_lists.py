"""Lists of classes: pages, cursors, counts and filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.graphql.conftest import MODEL, names, thing

if TYPE_CHECKING:
    from tests.graphql.conftest import Api

PAGE = """query($first: Int, $after: String, $last: Int, $before: String) {
  servers(first: $first, after: $after, last: $last, before: $before) {
    totalCount edges { cursor node { name } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


async def where(api: Api, field: str, condition: str) -> list[str]:
    data = await api.ask(f"{{ {field}(where: {condition}) {{ edges {{ node {{ name }} }} }} }}")
    return names(data[field])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 500])
async def test_pages_run_through_the_whole_list_in_both_directions(empty: Api, size: int) -> None:
    await empty.load(*(thing(f"s{i}", "Server") for i in range(7)))
    expected = [f"s{i}" for i in range(7)]
    for steps in (("first", "after", "endCursor", "hasNextPage"), ("last", "before", "startCursor", "hasPreviousPage")):
        count, place, end, more = steps
        found: list[str] = []
        cursor = None
        while True:
            page = (await empty.ask(PAGE, **{count: size, place: cursor}))["servers"]
            assert page["totalCount"] == 7
            assert page["pageInfo"]["startCursor"] == (page["edges"][0]["cursor"] if page["edges"] else None)
            found = [*found, *names(page)] if count == "first" else [*names(page), *found]
            if not page["pageInfo"][more]:
                break
            assert len(page["edges"]) == size
            cursor = page["pageInfo"][end]
        assert found == expected


async def test_a_page_stays_where_it_is_while_others_write(empty: Api) -> None:
    await empty.load(thing("b", "Server"), thing("d", "Server"))
    first = (await empty.ask(PAGE, first=1))["servers"]
    await empty.load(thing("a", "Server"), thing("c", "Server"))
    second = (await empty.ask(PAGE, first=2, after=first["pageInfo"]["endCursor"]))["servers"]
    assert names(first) + names(second) == ["b", "c", "d"]
    assert second["pageInfo"]["hasPreviousPage"] is True


async def test_an_abstract_class_lists_all_below_it_by_class_and_name(api: Api) -> None:
    data = await api.ask("{ hardware: computerSystems { edges { node { __typename class name } } } }")
    assert [tuple(edge["node"].values()) for edge in data["hardware"]["edges"]] == [
        ("Server", "Server", "box"),
        ("Server", "Server", "srv-1"),
        ("Server", "Server", "srv-2"),
    ]


async def test_only_what_is_asked_for_is_read(api: Api) -> None:
    assert await api.calls("{ servers { totalCount } }") == {"count": 1}
    assert await api.calls("{ servers { edges { node { name } } pageInfo { endCursor } } }") == {"page": 1}
    assert await api.calls("{ a: servers { totalCount } b: servers { totalCount } }") == {"count": 1}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"first": 501}, "BAD_USAGE"),
        ({"last": 501}, "BAD_USAGE"),
        ({"first": -1}, "BAD_USAGE"),
        ({"first": 1, "last": 1}, "BAD_USAGE"),
        ({"after": "nonsense"}, "BAD_CURSOR"),
        ({"before": ""}, "BAD_CURSOR"),
        ({"after": "QQ=="}, "BAD_CURSOR"),
        ({"after": "zażółć"}, "BAD_CURSOR"),
    ],
)
async def test_arguments_that_make_no_sense_are_told_with_a_code(api: Api, arguments: Any, code: str) -> None:
    assert (await api.code(PAGE, **arguments))[0] == code


async def test_a_cursor_of_another_list_is_refused(api: Api) -> None:
    page = await api.ask("{ applications(first: 1) { pageInfo { endCursor } } }")
    cursor = page["applications"]["pageInfo"]["endCursor"]
    assert (await api.code(PAGE, after=cursor))[0] == "BAD_CURSOR"


async def test_nodes_by_id(api: Api) -> None:
    server = (await api.ask("{ servers(first: 1) { edges { node { id } } } }"))["servers"]["edges"][0]["node"]["id"]
    data = await api.ask(
        "query($id: ID!, $ids: [ID!]!) "
        "{ node(id: $id) { id ... on Entity { class name attributes } ... on Server { serialNumber } } "
        "nodes(ids: $ids) { ... on Entity { name } } nothing: node(id: 5) { id } }",
        id=server,
        ids=[server, "unknown", server],
    )
    assert data == {
        "node": {
            "id": server,
            "class": "Server",
            "name": "box",
            "attributes": {"name": "box", "serial_number": "T1"},
            "serialNumber": "T1",
        },
        "nodes": [{"name": "box"}, None, {"name": "box"}],
        "nothing": None,
    }


@pytest.mark.parametrize(
    ("field", "condition", "expected"),
    [
        ("servers", '{name: {eq: "srv-1"}}', ["srv-1"]),
        ("servers", '{name: {ne: "srv-1"}}', ["box", "srv-2"]),
        ("servers", '{serialNumber: {in: ["S1", "S2", "S3"]}}', ["srv-1", "srv-2"]),
        ("servers", "{serialNumber: {in: []}}", []),
        ("servers", '{serialNumber: {startsWith: "S"}, name: {contains: "2"}}', ["srv-2"]),
        ("servers", '{or: [{name: {eq: "box"}}, {serialNumber: {eq: "S2"}}]}', ["box", "srv-2"]),
        ("servers", "{or: []}", []),
        ("servers", "{and: []}", ["box", "srv-1", "srv-2"]),
        ("servers", '{not: {name: {eq: "box"}}}', ["srv-1", "srv-2"]),
        ("servers", "{}", ["box", "srv-1", "srv-2"]),
        ("servers", "null", ["box", "srv-1", "srv-2"]),
        ("servers", '{related: {type: RUNS, to: {name: {eq: "esx-2"}}}}', ["srv-2"]),
        ("servers", "{related: {type: RUNS, to: {class: {eq: Application}}}}", ["box"]),
        ("servers", "{not: {related: {type: CHANGED_BY}}}", ["box"]),
        ("servers", "{not: {related: {type: CHANGED_BY, to: {}}}}", ["box"]),
        ("servers", "{related: {type: RUNS, to: {related: {type: MEMBER_OF}}}}", ["srv-1", "srv-2"]),
        ("applications", "{environment: {eq: production}}", ["web"]),
        ("applications", "{environment: {in: [test, staging]}}", ["wiki"]),
        ("applications", "{environment: {isNull: true}}", []),
        ("services", "{criticality: {lte: 3}}", ["shop"]),
        ("businessServices", "{userCount: {isNull: true}}", ["intranet"]),
        ("businessServices", "{userCount: {gt: 998, lt: 1000}}", ["shop"]),
        ("incidents", '{openedAt: {gte: "2026-10-01T07:00:00Z", lt: "2026-11-01T00:00:00+01:00"}}', ["inc-2"]),
        ("incidents", '{openedAt: {eq: "2026-11-01T10:00:00+01:00"}}', ["inc-1"]),
        ("configurationItems", "{class: {in: [Service, Hypervisor]}}", ["intranet", "shop", "esx-1", "esx-2"]),
        ("entities", "{class: {ne: ConfigurationItem}}", ["chg-1", "inc-1", "inc-2", "ann"]),
    ],
)
async def test_filters(api: Api, field: str, condition: str, expected: list[str]) -> None:
    assert await where(api, field, condition) == expected


ORDERED = """query($order: ServerOrder, $first: Int, $after: String, $last: Int, $before: String) {
  servers(orderBy: $order, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { name } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


@pytest.mark.parametrize(
    ("field", "order", "expected"),
    [
        ("servers", "SERIAL_NUMBER_DESC", ["box", "srv-2", "srv-1"]),
        ("servers", "NAME_DESC", ["srv-2", "srv-1", "box"]),
        ("servers", "null", ["box", "srv-1", "srv-2"]),
        ("services", "USER_COUNT_ASC", ["shop", "intranet"]),
        ("services", "USER_COUNT_DESC", ["shop", "intranet"]),
        ("services", "CRITICALITY_DESC", ["intranet", "shop"]),
        ("incidents", "OPENED_AT_ASC", ["inc-2", "inc-1"]),
        ("applications", "ENVIRONMENT_DESC", ["wiki", "web"]),
    ],
)
async def test_order(api: Api, field: str, order: str, expected: list[str]) -> None:
    data = await api.ask(f"{{ {field}(orderBy: {order}) {{ edges {{ node {{ name }} }} }} }}")
    assert names(data[field]) == expected


@pytest.mark.parametrize("order", ["CPU_CORES_ASC", "CPU_CORES_DESC", "SERIAL_NUMBER_DESC"])
async def test_pages_of_an_order_run_through_the_whole_list_in_both_directions(empty: Api, order: str) -> None:
    some = [thing(f"s{i}", "Server", serial_number=f"S{i % 3}", cpu_cores=i % 3 + 1) for i in range(6)]
    await empty.load(*some, thing("s9", "Server"))
    for size in (1, 2, 7):
        whole = names((await empty.ask(ORDERED, order=order))["servers"])
        assert sorted(whole) == [*(f"s{i}" for i in range(6)), "s9"]
        assert whole[-1] == "s9"
        for count, cursor, end, more in (
            ("first", "after", "endCursor", "hasNextPage"),
            ("last", "before", "startCursor", "hasPreviousPage"),
        ):
            found: list[str] = []
            place = None
            while True:
                page = (await empty.ask(ORDERED, order=order, **{count: size, cursor: place}))["servers"]
                found = [*found, *names(page)] if count == "first" else [*names(page), *found]
                if not page["pageInfo"][more]:
                    break
                place = page["pageInfo"][end]
            assert found == whole


async def test_a_cursor_of_another_order_is_refused(api: Api) -> None:
    page = (await api.ask(ORDERED, order="NAME_ASC", first=1))["servers"]
    for order in ("NAME_DESC", None, "SERIAL_NUMBER_ASC"):
        assert (await api.code(ORDERED, order=order, after=page["pageInfo"]["endCursor"]))[0] == "BAD_CURSOR"


async def test_a_list_in_order_costs_one_call_whatever_it_holds(api: Api) -> None:
    query = "{ servers(orderBy: SERIAL_NUMBER_DESC) { totalCount edges { node { name runs { edges { node { name }}}}}}}"
    assert await api.calls(query) == {"page": 1, "count": 1, "neighbours": 1}


async def test_a_list_that_no_index_answers_is_bounded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knockon.graphql.schema.MOST_LOOKED_AT", 2)
    code, message = await api.code("{ servers(orderBy: CPU_CORES_ASC) { edges { node { id } } } }")
    assert code == "SCAN_TOO_LARGE"
    assert "cpu_cores" in message
    assert "indexed: true" in message
    assert (await api.code('{ servers(where: {name: {contains: "x"}}) { totalCount } }'))[0] == "SCAN_TOO_LARGE"
    await api.ask("{ servers(orderBy: SERIAL_NUMBER_ASC) { totalCount } }")
    await api.ask("{ applications(orderBy: ENVIRONMENT_ASC) { edges { node { id } } } }")


async def test_counting_respects_the_filter(api: Api) -> None:
    data = await api.ask('{ servers(first: 0, where: {name: {startsWith: "srv"}}) { totalCount edges { cursor } } }')
    assert data["servers"] == {"totalCount": 2, "edges": []}


async def test_a_filter_in_variables(api: Api) -> None:
    data = await api.ask(
        "query($w: ApplicationWhere) { applications(where: $w) { edges { node { name } } } }",
        w={"environment": {"in": ["test"]}, "related": {"type": "RUNS_ON"}},
    )
    assert names(data["applications"]) == ["wiki"]


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ('{name: {eq: "two\\nlines"}}', "BAD_FILTER"),
        ("{name: {eq: null}}", "BAD_FILTER"),
        ("{" + "not: {" * 11 + "}" * 12, "BAD_FILTER"),
        ("{or: [" + '{name: {eq: "a"}} ' * 101 + "]}", "BAD_FILTER"),
        ("{serialNumber: {gt: 1}}", "QUERY_INVALID"),
        ("{colour: {eq: 1}}", "QUERY_INVALID"),
        ("{related: {type: LOVES}}", "QUERY_INVALID"),
    ],
)
async def test_filters_that_are_refused(api: Api, condition: str, code: str) -> None:
    assert (await api.code(f"{{ servers(where: {condition}) {{ totalCount }} }}"))[0] == code


@pytest.mark.parametrize(
    ("field", "condition", "told"),
    [
        ("incidents", '{state: {eq: "resolve"}}', "did you mean resolved?"),
        ("incidents", '{state: {ne: "odd"}}', "of Incident. There are assigned, "),
        ("incidents", '{or: [{not: {state: {in: ["new", "odd"]}}}]}', "startsWith"),
        ("servers", '{status: {eq: "broken"}}', "in_use"),
        ("configurationItems", '{status: {eq: "broken"}}', "in_use"),
        ("servers", '{related: {type: CHANGED_BY, to: {and: []}}, status: {in: ["In Use"]}}', "did you mean in_use?"),
    ],
)
async def test_a_state_that_no_lifecycle_has_is_refused_with_those_there_are(
    api: Api, field: str, condition: str, told: str
) -> None:
    code, message = await api.code(f"{{ {field}(where: {condition}) {{ totalCount }} }}")
    assert (code, told in message) == ("BAD_FILTER", True), message


async def test_states_that_a_source_says_besides_are_found_all_the_same(api: Api) -> None:
    await api.load(thing("inc-3", "Incident", kind="outage", state="odd"))
    known = sorted(MODEL.states["Incident"][1])
    for condition in ({"state": {"startsWith": "od"}}, {"not": {"state": {"in": known}}}):
        data = await api.ask(
            "query($w: IncidentWhere) { incidents(where: $w) { edges { node { name } } } }", w=condition
        )
        assert names(data["incidents"]) == ["inc-3"]
    data = await api.ask('{ incidents(where: {state: {eq: "new"}}) { edges { node { name } } } }')
    assert names(data["incidents"]) == ["inc-1"]
