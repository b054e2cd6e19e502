"""Whatever stands in a what-if or a scenario file: it is taken, or its mistakes are told with lines."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knockon.errors import OverlayInvalid
from knockon.itsm.planning.overlay_file import read_overlay
from knockon.itsm.planning.overlays import settle
from knockon.itsm.scenarios.scenario_file import read_scenarios
from tests.itsm.conftest import MODEL

if TYPE_CHECKING:
    from knockon.impact.topology.topologies import Topologies

WORDS = [
    "add", "remove", "change", "set", "ref", "class", "key", "from", "type", "to", "redundancy_group", "weight",
    "scenarios", "name", "when", "given", "assume", "then", "survive", "every", "at_worst", "at_least", "exactly",
    "margin", "group", "Server", "Cluster", "min_up", "shop", "web-a", "db-1", "DEPENDS_ON", "RUNS_ON", "down", "2", "",
]  # fmt: skip
word = st.sampled_from(WORDS)
values = st.recursive(
    word | st.none() | st.integers(-1, 3) | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(word, inner, max_size=5),
    max_leaves=25,
)
changes = st.dictionaries(word, word | st.none() | values, max_size=6)
overlays = st.dictionaries(st.sampled_from(["add", "remove", "change"]), st.lists(changes | word, max_size=4)) | values
scenarios = st.builds(lambda each: {"scenarios": each}, st.lists(st.dictionaries(word, values, max_size=6))) | values


@given(overlays)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_an_overlay_is_settled_or_refused_with_lines(shop: Topologies, written: Any) -> None:
    with suppress(OverlayInvalid):
        file = read_overlay(json.dumps(written, indent=1), "f.yaml")
        try:
            settled = await settle(shop.store, MODEL, file)
        except OverlayInvalid as error:
            first, *mistakes = str(error).splitlines()
            assert first == "the what-if file has mistakes."
            assert mistakes
            assert all(each.startswith("f.yaml:") for each in mistakes)
            raise
        assert len(settled.words) <= 10 * len(file.lines)


@given(scenarios)
@settings(deadline=None)
def test_a_scenario_file_has_scenarios_or_mistakes(written: Any) -> None:
    found, mistakes = read_scenarios(json.dumps(written, indent=1), "s.yaml", MODEL)
    assert found or mistakes
    assert all(each.line >= 1 for each in mistakes)
