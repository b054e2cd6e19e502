"""What lists ask the store for: the same whether their pages hold one thing or a hundred."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from graphql import get_named_type, get_nullable_type, is_list_type, is_object_type

from knockon.cmdb.loading.load import load
from tests.graphql.conftest import MODEL, Api, link, thing
from tests.graphql.estates import CONCRETE, some_of_each_class

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knockon.graphql.schema import ApiSchema
    from knockon.schema.observation import Item

BUDGETS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("budgets.yaml").read_text())
ARGUMENTS = {"search": '(text: "some")', "nodes": '(ids: ["?"])'}


def lists_of(fields: Any) -> dict[str, str]:
    """Give what to ask of each field that is a list of objects, by its name."""
    found = {}
    for name, field in fields.items():
        kind = get_named_type(field.type)
        if kind.name.endswith("Connection"):
            total = " totalCount" if "totalCount" in kind.fields else ""
            found[name] = f"{{ edges {{ cursor }} pageInfo {{ startCursor endCursor }}{total} }}"
        elif is_list_type(get_nullable_type(field.type)) and (is_object_type(kind) or kind.name == "Entity"):
            found[name] = "{ __typename }"
    return found


def query_fields(schema: ApiSchema) -> Any:
    query = schema._schema.query_type
    assert query is not None
    return query.fields


def class_lists(schema: ApiSchema) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Give each list of the query with what it may cost."""
    for name, asked in lists_of(query_fields(schema)).items():
        budget = BUDGETS["lists"].get(name) or BUDGETS["lists"]["of a class"]
        yield name, f"{name}{ARGUMENTS.get(name, '')} {asked}", budget


def lists_of_things(schema: ApiSchema) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Give each list that a thing has, once, with what it may cost."""
    types: Any = schema._schema.type_map
    plural = {
        name: next(n for n, each in query_fields(schema).items() if str(each.type) == f"{name}Connection")
        for name in CONCRETE
    }
    seen = set()
    for name in CONCRETE:
        for field, asked in lists_of(types[name].fields).items():
            if field not in seen:
                seen.add(field)
                more = BUDGETS["of things"].get(field) or BUDGETS["of things"]["over a relationship"]
                yield (
                    f"{name}.{field}",
                    f"{plural[name]} {{ edges {{ node {{ {field} {asked} }} }} }}",
                    Counter({"page": 1}) + Counter(more),
                )


async def test_every_list_keeps_its_budget_whatever_its_page_holds(empty: Api) -> None:
    every = [*class_lists(empty.schema), *lists_of_things(empty.schema)]
    assert len(every) > len(CONCRETE) + 60
    budgets = {name: budget for name, _, budget in every}
    for number in (1, 20):
        report = await load(empty.store, MODEL, some_of_each_class(number), source="t", actor="tester")
        assert not report.rejects
        api = Api(empty.store, empty.schema)  # without a network that another one has read already
        calls = {name: await api.calls(f"{{ {asked} }}") for name, asked, _ in every}
        assert {name: each for name, each in calls.items() if each != budgets[name]} == {}


def servers(several: range) -> list[Item]:
    """Give servers with a hypervisor on each, which are in clusters."""
    made: list[Item] = [thing(f"farm-{i}", "Cluster") for i in range(7)]
    for i in several:
        made += [thing(f"box {i:03}", "Server", serial_number=f"S{i}"), thing(f"vsphere-{i}", "Hypervisor")]
        made += [link(f"vsphere-{i}", "RUNS_ON", f"box {i:03}"), link(f"vsphere-{i}", "MEMBER_OF", f"farm-{i % 7}")]
    return made


async def test_a_query_costs_the_same_whatever_its_pages_hold(empty: Api) -> None:
    for several in (range(1), range(1, 100)):
        await empty.load(*servers(several))
        for budget in BUDGETS["queries"]:
            assert await empty.calls(budget["query"]) == budget["calls"], budget["query"]


@pytest.mark.parametrize("budget", BUDGETS["queries"], ids=lambda budget: str(budget["query"])[:60])
async def test_a_query_of_an_empty_store_costs_no_more(empty: Api, budget: dict[str, Any]) -> None:
    calls = await empty.calls(budget["query"])
    assert all(calls[name] <= budget["calls"][name] for name in calls)
