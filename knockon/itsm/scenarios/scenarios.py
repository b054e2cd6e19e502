"""Running scenarios: each is a failure put to the estate, and what was expected of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from knockon.errors import UsageError
from knockon.impact.propagation.explanation import explain
from knockon.impact.propagation.margins import holding
from knockon.itsm.context.difference import compare
from knockon.itsm.context.effects import Context, open_records
from knockon.itsm.formats.sheet import Sheet
from knockon.itsm.planning.asking import FAILING, look_up
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from knockon.cmdb.contract.rows import Entity
    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.topology.topologies import Topologies, View
    from knockon.itsm.scenarios.scenario_file import Expectation, Scenario, Survival

Outcome = Literal["passed", "failed", "error"]


@dataclass(frozen=True, slots=True)
class Result:
    """How a scenario ended; ``because`` has a sentence for each expectation that does not hold, with its line.

    An ``error`` could not be put to the estate, since something that it names is not there.
    """

    scenario: Scenario
    outcome: Outcome
    because: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class ScenarioReport:
    """The results, in the order of the files, at one revision."""

    revision: int
    results: tuple[Result, ...]

    def count(self, outcome: Outcome) -> int:
        """Count the scenarios that ended so."""
        return sum(each.outcome == outcome for each in self.results)

    @property
    def holds(self) -> bool:
        """Tell whether all is as it was expected to be."""
        return all(each.outcome == "passed" for each in self.results)


class _Unusable(Exception):
    """A scenario cannot be put to the estate: the line, and why."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


async def run_scenarios(
    topologies: Topologies,
    scenarios: Sequence[Scenario],
    *,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> ScenarioReport:
    """Put scenarios to the newest revision, the same one for all.

    ``progress`` is told (scenarios done, scenarios in all).

    Raises
    ------
    StoreError
    """
    store, model = topologies.store, topologies.model
    known = await look_up(store, model, {reference for each in scenarios for reference in each.references})
    view = await topologies.current()
    is_open = any(each.given == "open" for each in scenarios)
    open_now = await open_records(store, model, topologies.asked_at()) if is_open else Context()
    results = []
    for number, scenario in enumerate(scenarios):
        progress(number, len(scenarios))
        context = open_now if scenario.given == "open" else Context()
        results.append(_Run(topologies, view, known, scenario).result(context))
    return ScenarioReport(view.revision, tuple(results))


class _Run:
    """One scenario at one revision."""

    def __init__(
        self, topologies: Topologies, view: View, known: Mapping[str, Entity | UsageError], scenario: Scenario
    ) -> None:
        self._model = topologies.model
        self._view = view
        self._known = known
        self._scenario = scenario

    def result(self, context: Context) -> Result:
        try:
            found = self._evaluate(context)
            wrong = [
                *(miss for each in self._scenario.then for miss in self._expect(each, found)),
                *(miss for each in self._scenario.survive for miss in self._survive(each, found)),
            ]
        except _Unusable as unusable:
            return Result(self._scenario, "error", ((unusable.line, str(unusable)),))
        return Result(self._scenario, "failed" if wrong else "passed", tuple(wrong))

    def _evaluate(self, context: Context) -> Evaluation:
        seeds: dict[str, State] = {}
        removed = set()
        for each in self._scenario.when:
            id_ = self._id(each.reference, each.line)
            seeds[id_] = max(FAILING[each.state], seeds.get(id_, State.OPERATIONAL))
            removed |= {id_} if each.state == "removed" else set()
        pins = set()
        for each in self._scenario.assume:
            pins.add(id_ := self._id(each.reference, each.line))
            if id_ in seeds:
                raise _Unusable(each.line, f"{self._named(id_)} fails and is assumed operational; choose one.")
        return compare(self._view, context, seeds, removed=removed, pins=pins).after

    def _expect(self, expected: Expectation, found: Evaluation) -> Iterator[tuple[int, str]]:
        if expected.reference:
            ids = [self._id(expected.reference, expected.line)]
        else:
            classes = set(self._model.concrete(expected.every or ""))
            ids = [id_ for id_, each in self._view.entities.items() if each.class_name in classes]
            if not ids:
                raise _Unusable(expected.line, f"the estate has no {expected.every} of which this could be said.")
            ids.sort(key=lambda id_: self._view.entities[id_].order)
        for id_ in ids:
            state = found.state(id_)
            if not expected.best <= state <= expected.worst:
                wanted = _words(expected.best, expected.worst)
                why = self._why(found, id_)
                yield expected.line, f"{self._named(id_)} was expected to be {wanted}, but is {state.name}: {why}"

    def _survive(self, expected: Survival, found: Evaluation) -> Iterator[tuple[int, str]]:
        id_ = self._id(expected.reference, expected.line)
        groups = self._view.topology.groups(id_)
        if not groups or (expected.group and expected.group not in groups):
            has = f"its groups are {', '.join(groups)}" if groups else "it has no redundancy group"
            wanted = f" group {expected.group}" if expected.group else " group"
            raise _Unusable(expected.line, f"{self._named(id_)} has no{wanted}: {has}.")
        for group in [expected.group] if expected.group else groups:
            held = holding(found, id_, group)
            wanted = f"the group {group} of {self._named(id_)} was expected to hold with a margin of {expected.margin}"
            if not held.holds:
                yield expected.line, f"{wanted}, but is DOWN: {self._why(found, id_)}"
            elif held.margin < expected.margin:
                yield expected.line, f"{wanted}, but can lose {held.margin or 'none'} more in full service."

    def _id(self, reference: str, line: int) -> str:
        entity = self._known[reference]
        if isinstance(entity, UsageError):
            raise _Unusable(line, str(entity))
        if entity.id not in self._view.topology:
            why = "no impact rule names its class, so nothing is known of its failure"
            raise _Unusable(line, f"{entity.class_name} {entity.name}: {why}.")
        return entity.id

    def _why(self, found: Evaluation, id_: str) -> str:
        """Give the reason, and the way back to what failed where it is longer than the reason."""
        text = explain(found, id_, lambda each: self._view.entities[each].name).text
        way = [self._view.entities[step.supplier].name for step in found.path(id_)]
        return f"{text} Via {' > '.join(way)}." if len(way) > 1 else text

    def _named(self, id_: str) -> str:
        entity = self._view.entities[id_]
        return f"{entity.class_name} {entity.name}"


def _words(best: State, worst: State) -> str:
    if best == worst:
        return worst.name
    bounds = [f"at least {best.name}"] if best > State.OPERATIONAL else []
    return " and ".join([*bounds, f"at worst {worst.name}"] if worst < State.DOWN else bounds)


def scenarios_json(report: ScenarioReport) -> dict[str, Any]:
    """Give the JSON form."""
    return {
        "revision": report.revision,
        "passed": report.count("passed"),
        "failed": report.count("failed"),
        "errors": report.count("error"),
        "scenarios": [
            {
                "file": each.scenario.file,
                "line": each.scenario.line,
                "name": each.scenario.name,
                "outcome": each.outcome,
                "because": [{"line": line, "text": text} for line, text in each.because],
            }
            for each in report.results
        ],
    }


def scenarios_sheet(report: ScenarioReport) -> Sheet:
    """Give a line for each scenario, and one for each further reason."""
    rows = [
        (each.scenario.file, line or each.scenario.line, each.scenario.name, each.outcome, text)
        for each in report.results
        for line, text in each.because or ((0, ""),)
    ]
    return Sheet(("file", "line", "name", "outcome", "because"), rows)
