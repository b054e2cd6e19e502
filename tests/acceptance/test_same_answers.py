"""The sample estate in both stores gives the same answers up to ids, and loading it again changes nothing."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from knockon.cmdb.access import LOCAL
from knockon.cmdb.contract.filter import Compare
from knockon.cmdb.reading import all_entities
from knockon.cmdb.stores import opened
from knockon.graphql.request import Request
from knockon.graphql.schema import build_schema
from knockon.impact.topology.topologies import Topologies
from knockon.itsm.blast_radius.answer_json import impact_json
from knockon.itsm.blast_radius.blast_radius import blast_radius
from knockon.itsm.blast_radius.question import Ask
from knockon.itsm.blast_radius.supports import supports, supports_json
from knockon.itsm.decisions.incident import affected_services
from knockon.itsm.decisions.risk import change_risk
from knockon.itsm.planning.availability import service_availability
from knockon.itsm.planning.overlay_file import read_overlay
from knockon.itsm.planning.recovery import recovery
from knockon.itsm.planning.rolling import rolling
from knockon.itsm.planning.what_if import what_if
from knockon.itsm.scenarios.scenario_file import read_scenarios
from knockon.itsm.scenarios.scenarios import run_scenarios
from knockon.sample.blueprint import README_HYPERVISOR
from knockon.sample.planted import WEAKNESSES
from tests.acceptance.estates import (
    MODEL,
    Estate,
    Place,
    estate,
    load_files,
    native_reference,
    orders_of,
    replayed,
    up_to_ids,
    whole_feed,
)
from tests.conftest import no_notifications, wipe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from knockon.cmdb.contract.filter import Condition
    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Store

EXAMPLES = Path(__file__).parents[2] / "examples"
FAILING = sorted(MODEL.topology_classes)


class Loaded(NamedTuple):
    """A store with the sample estate in it, loaded twice; ``orders`` gives for each id its place in every list."""

    place: Place
    store: Store
    topologies: Topologies
    orders: dict[str, str]
    first: dict[str, Any]
    again: dict[str, Any]
    estates: tuple[Estate, Estate]

    async def entities(self, class_name: str, where: Condition | None = None) -> list[Entity]:
        pages = all_entities(self.store, MODEL.concrete(class_name), where)
        return [entity async for page in pages for entity in page]


def without_name(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out the answer's id, which holds the ids of what was asked, and the moment."""
    return {name: each for name, each in answer.items() if name != "answerId"}


async def loaded(place: Place, store: Store, files: Path) -> Loaded:
    first, before = await load_files(store, files), await estate(store)
    again, after = await load_files(store, files), await estate(store)
    orders = orders_of(await store.scan(MODEL.concrete("Entity")))
    return Loaded(place, store, Topologies(store, MODEL), orders, first.as_json(), again.as_json(), (before, after))


class Pair(NamedTuple):
    embedded: Loaded
    neo4j: Loaded

    async def ask(self, question: Callable[[Loaded], Awaitable[Any]]) -> Any:
        """Ask both, hold the answers equal up to ids, and give the answer."""
        one, other = [up_to_ids(await question(each), each.orders) for each in self]
        assert one == other
        return one


@pytest.fixture(scope="module")
async def pair(
    neo4j_uri: str, neo4j_auth: tuple[str, str], sample_files: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pair]:
    await wipe(neo4j_uri, neo4j_auth)
    places = Place(f"sqlite://{tmp_path_factory.mktemp('pair') / 'estate.db'}"), Place(neo4j_uri, neo4j_auth)
    async with AsyncExitStack() as stack:
        stack.enter_context(no_notifications())
        stores = [await stack.enter_async_context(opened(place.store())) for place in places]
        yield Pair(*[await loaded(*each, sample_files) for each in zip(places, stores, strict=True)])


def test_the_load_reports_are_the_same_and_say_that_all_is_there(pair: Pair, sample_files: Path) -> None:
    lines = {name: len((sample_files / f"{name}.ndjson").read_text().splitlines()) - 1  # the first names the source
             for name in ("entities", "relationships")}  # fmt: skip
    assert pair.embedded.first == pair.neo4j.first
    first = pair.embedded.first
    assert (first["created"], first["relationships"]["created"]) == (lines["entities"], lines["relationships"])
    assert (first["rejects"], first["findings"], first["skipped"]) == ([], [], {})
    assert {name: count for name, count in first["relationships"].items() if count} == {
        "created": lines["relationships"]
    }


def test_the_estate_is_the_same_up_to_ids(pair: Pair) -> None:
    one, other = pair.embedded.estates[0], pair.neo4j.estates[0]
    assert one.entities == other.entities
    assert one.edges == other.edges
    assert one.waiting == other.waiting == set()


def test_loading_again_changes_nothing(pair: Pair) -> None:
    assert pair.embedded.again == pair.neo4j.again
    first, again = pair.embedded.first, pair.embedded.again
    assert again["unchanged"] == first["created"]
    assert again["relationships"]["unchanged"] == first["relationships"]["created"]
    for counts in (again, again["relationships"]):
        assert {counts[name] for name in ("created", "updated", "retired", "rejected", "waiting")} == {0}
    assert again["revision"] == first["revision"] + 1
    for each in pair:
        assert each.estates[0] == each.estates[1]


async def test_the_journals_are_whole_say_the_same_and_add_up_to_the_estate(pair: Pair) -> None:
    feeds = [await whole_feed(each.store) for each in pair]
    kinds = [[(each.head.kind, each.head.source, each.head.note, each.count) for each in feed] for feed in feeds]
    assert kinds[0] == kinds[1]
    for each, feed in zip(pair, feeds, strict=True):
        entities, edges = replayed(feed)
        scan = await each.store.scan(MODEL.concrete("Entity"))
        assert {(e.id, e.class_name, e.name) for e in scan.entities} == {
            (id_, image["class"], image["name"]) for id_, image in entities.items()
        }
        assert {(" ".join(e.key), json.dumps(e.attributes, sort_keys=True)) for e in scan.edges} == {
            (id_, json.dumps(image["attributes"], sort_keys=True)) for id_, image in edges.items()
        }


async def impact(pair: Pair, asks: Iterable[Ask], **options: Any) -> dict[str, Any]:
    wanted = list(asks)

    async def question(each: Loaded) -> dict[str, Any]:
        return without_name(impact_json(await blast_radius(each.topologies, wanted, **options)))

    answer: dict[str, Any] = await pair.ask(question)
    return answer


async def some_of_each_class(pair: Pair) -> list[Entity]:
    """Give all hypervisors, and the first and the last of every class that can fail."""
    found = await pair.embedded.entities("Hypervisor")
    for class_name in FAILING:
        members = await pair.embedded.entities(class_name)
        found += [each for each in [*members[:1], *members[1:][-1:]] if each not in found]
    return found


@pytest.mark.parametrize("given", ["none", "open"])
async def test_failures_have_the_same_impact(pair: Pair, given: str) -> None:
    answers = [
        await impact(pair, [Ask(native_reference(each))], given=given) for each in await some_of_each_class(pair)
    ]
    assert len(answers) > 60
    assert sum(bool(each["affected"]) for each in answers) > len(answers) // 2


@pytest.mark.parametrize("weakness", WEAKNESSES, ids=lambda each: each.kind)
async def test_planted_weaknesses_are_found(pair: Pair, weakness: Any) -> None:
    answer = await impact(pair, [Ask(f"sample:{key}") for key in weakness.seeds], given=weakness.given)
    states = {each["id"].rpartition(":")[2]: each["state"] for each in [*answer["affected"], *answer["already"]][::-1]}
    assert {key: states.get(key, "OPERATIONAL") for key in weakness.expect} == weakness.expect


SEVERAL = (
    [Ask("ham-esx-03", "degraded"), Ask("Switch:lyo-core-01"), Ask("sample:lyo-ups-1a", "removed")],
    [Ask("ham-dbs-02"), Ask("lyo-dbs-02", "degraded")],
    [Ask("ham-dns-01", "removed"), Ask("lyo-dns-01", "degraded"), Ask("ham-ups-1a"), Ask("ham-ups-1b")],
    [Ask("Site:Hamburg"), Ask("lyo-nas-01", "degraded")],
)
OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"given": "open", "max_distance": 2},
    {"assume": ["ham-cluster", "Application:Customer Desk"], "max_distance": 1},
    {"exclude": ["POWERED_BY", "HAS_MEMBER"]},
    {"given": "open", "assume": ["lyo-cluster"], "exclude": ["ROUTES_TO"], "max_distance": 3},
)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda each: " ".join(each) or "plain")
@pytest.mark.parametrize("asks", SEVERAL, ids=lambda asks: " ".join(ask.reference for ask in asks))
async def test_several_seeds_with_options_have_the_same_impact(
    pair: Pair, asks: list[Ask], options: dict[str, Any]
) -> None:
    answer = await impact(pair, asks, **options)
    assert [each["asked"] for each in answer["seeds"]] == [ask.state for ask in asks]
    assert answer["affected"] or answer["truncated"]


async def test_things_support_the_same_services(pair: Pair) -> None:
    supporting = 0
    for entity in await some_of_each_class(pair):
        reference = native_reference(entity)

        async def question(each: Loaded, reference: str = reference) -> dict[str, Any]:
            return supports_json(await supports(each.topologies, reference))

        supporting += bool((await pair.ask(question))["services"])
    assert supporting > 50


OPEN = Compare("state", "in", ("new", "assigned", "in_progress", "pending"))
CLOSED = Compare("state", "eq", "closed")
AHEAD = Compare("state", "in", ("draft", "planned", "approved", "implementing"))


@pytest.mark.parametrize(("where", "at_most", "count"), [(OPEN, 100, 4), (CLOSED, 30, 30)])
async def test_incidents_hit_the_same_services(pair: Pair, where: Condition, at_most: int, count: int) -> None:
    async def question(each: Loaded) -> list[Any]:
        incidents = (await each.entities("Incident", where))[:at_most]
        return [(incident.name, await affected_services(each.topologies, incident)) for incident in incidents]

    answers = await pair.ask(question)
    assert len(answers) == count
    assert sum(bool(services) for _, services in answers) >= count // 2


async def test_changes_ahead_have_the_same_risk(pair: Pair) -> None:
    async def question(each: Loaded) -> list[Any]:
        return [
            (change.name, await change_risk(each.topologies, change)) for change in await each.entities("Change", AHEAD)
        ]

    answers = await pair.ask(question)
    assert len(answers) == 11
    assert len({risk["level"] for _, risk in answers}) > 1
    assert all(risk["missing"] for _, risk in answers)


FIELDS = "__typename id class name attributes"
LISTS = {
    "configurationItems": f"configurationItems(first: 50) {{ totalCount pageInfo {{ hasNextPage endCursor }} "
    f"edges {{ cursor node {{ {FIELDS} }} }} }}",
    "entities": f"entities(last: 50) {{ totalCount edges {{ cursor node {{ {FIELDS} }} }} }}",
    "virtualMachines": f"virtualMachines(first: 50) {{ edges {{ node {{ {FIELDS} "
    "hostedOn { totalCount edges { cursor node { name } } } "
    "runs(first: 50) { edges { cursor node { name class } } } } } }",
    "hypervisors": "hypervisors(first: 50) { edges { node { name memberOf { edges { node { name "
    "... on AnyCluster { hasMember { edges { weight node { name } } } } } } } runsOn { edges { node { name } } } "
    "blastRadius { counts { DOWN DEGRADED AT_RISK } services { name state } } } } }",
    "services": f"services(first: 50) {{ totalCount edges {{ node {{ {FIELDS} criticality "
    "ownedBy { edges { node { name } } } "
    "dependsOn { edges { cursor strength redundancyGroup evidence node { id class name } } } } } }",
    "incidents": f'incidents(first: 50, where: {{state: {{ne: "closed"}}}}) {{ totalCount edges {{ node {{ {FIELDS} '
    "openedAt kind affects { edges { effect node { name } } } } } }",
    "changes": 'changes(first: 50, where: {or: [{state: {in: ["planned", "approved"]}}, {name: {contains: "7"}}], '
    'plannedStart: {gte: "2026-06-01T00:00:00Z"}}) { totalCount edges { node { id name state plannedStart } } }',
    "related": 'configurationItems(first: 50, where: {related: {type: AFFECTED_BY, to: {class: {eq: Incident}}}, '
    'not: {name: {startsWith: "ham-"}}}) { totalCount edges { node { id class name } } }',
    "people": "people(first: 50) { totalCount edges { node { name attributes } } }",
    "pods": "pods(first: 50) { edges { node { name memberOf { edges { node { name } } } "
    "runsOn { edges { node { name } } } } } }",
    "calendars": "calendars { edges { node { name attributes } } }",
}  # fmt: skip


@pytest.fixture(scope="module")
def schema() -> Any:
    return build_schema(MODEL)


@pytest.mark.parametrize("name", LISTS)
async def test_lists_of_the_api_are_the_same(pair: Pair, schema: Any, name: str) -> None:
    async def question(each: Loaded) -> Any:
        result = await schema.execute(f"{{ {LISTS[name]} }}", context_value=Request(each.topologies, principal=LOCAL))
        assert result.errors is None, result.errors
        return result.data

    ((connection),) = (await pair.ask(question)).values()
    assert connection["edges"]


async def test_the_first_question_is_answered_alike_by_the_command_line_on_both(pair: Pair) -> None:
    async def question(each: Loaded) -> Any:
        ran = each.place.command("impact", f"Hypervisor:{README_HYPERVISOR}", "--json")
        assert (ran.returncode, ran.stderr) == (0, "")
        return without_name(json.loads(ran.stdout))

    assert (await pair.ask(question))["counts"]["DOWN"]


async def test_exports_are_the_same(pair: Pair) -> None:
    async def question(each: Loaded) -> Any:
        ran = each.place.command("export")
        assert (ran.returncode, ran.stderr) == (0, "")
        return json.loads(ran.stdout)

    exported = await pair.ask(question)
    assert len(exported["entities"]) == pair.embedded.first["created"]
    assert len(exported["relationships"]) == pair.embedded.first["relationships"]["created"]


async def test_plans_are_the_same(pair: Pair) -> None:
    overlay = read_overlay((EXAMPLES / "what-if/second-licence-server.yaml").read_text(), "overlay.yaml")
    files = [(EXAMPLES / f"scenarios/{name}.yaml").read_text() for name in ("compute", "names", "power")]
    scenarios = [each for text in files for each in read_scenarios(text, "s.yaml", MODEL)[0]]
    hosts = [native_reference(each) for each in await pair.embedded.entities("Hypervisor")]
    questions: list[Callable[[Topologies], Awaitable[Any]]] = [
        lambda each: what_if(each, overlay),
        lambda each: rolling(each, hosts, given="open"),
        recovery,
        lambda each: service_availability(each, "BusinessService:Payroll", samples=2_000),
        lambda each: run_scenarios(each, scenarios),
    ]
    for question in questions:

        async def ask(each: Loaded, question: Callable[[Topologies], Awaitable[Any]] = question) -> Any:
            return await question(each.topologies)

        assert await pair.ask(ask)
