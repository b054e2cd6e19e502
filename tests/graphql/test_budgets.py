"""What a query asks the store for: the same whether its pages hold one thing or a hundred."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.graphql.conftest import link, thing

if TYPE_CHECKING:
    from knockon.schema.observation import Item
    from tests.graphql.conftest import Api

BUDGETS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("budgets.yaml").read_text())


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
        for budget in BUDGETS:
            assert await empty.calls(budget["query"]) == budget["calls"], budget["query"]


@pytest.mark.parametrize("budget", BUDGETS, ids=lambda budget: str(budget["query"])[:60])
async def test_a_query_of_an_empty_store_costs_no_more(empty: Api, budget: dict[str, Any]) -> None:
    calls = await empty.calls(budget["query"])
    assert all(calls[name] <= budget["calls"][name] for name in calls)
