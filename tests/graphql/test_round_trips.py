"""What stands below a list costs as many calls to the store where it has twenty rows as where it has one.

Which fields there are the schema says: each that is more than read off its parent is asked on the rows of a list, with
all that can be asked of what it leads to, over an estate in which it leads to something. ``ROOTS`` says how the other
fields of the query are asked.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import pytest
from graphql import get_named_type, is_abstract_type, is_composite_type, is_object_type, is_required_argument

from knockon.cmdb.loading.load import load
from knockon.cmdb.stewardship import decisions
from knockon.graphql.definitions import WEIGHT, Resolved
from knockon.graphql.limits import QueryLimits
from knockon.graphql.questions import ANALYSIS
from knockon.graphql.schema import build_schema
from tests.graphql.conftest import MODEL, Api, thing
from tests.graphql.estates import CONCRETE, everything_linked, linked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knockon.graphql.schema import ApiSchema

ROWS = 20
LATE = 3
"""Calls that there may be more: what is asked for late, on a busy machine, is read by itself. A call for each row is
no less than ROWS."""
WITHOUT = QueryLimits(cost=10**9, depth=100, tokens=10**6)
SERVICE = "BusinessService:top"
ROOTS = {
    "answer": ['(id: "ANSWER")'],
    "availability": [f'(service: "{SERVICE}", samples: 100)'],
    "commonUpstream": [
        '(refs: ["BusinessService:some BusinessService 0", "TechnicalService:some TechnicalService 0"])'
    ],
    "deadLetters": [""],
    "decisions": [""],
    "dependencies": [f'(ref: "{SERVICE}")'],
    "entity": ['(ref: "Server:hub")'],
    "findings": ["", "(accepted: true)"],
    "health": [""],
    "impact": ['(of: [{ref: "Server:hub"}], given: [open])'],
    "node": ['(id: "HUB")'],
    "nodes": ['(ids: ["HUB"])'],
    "paths": [f'(from: "{SERVICE}", to: "Server:some Server 0")'],
    "recoveryOrder": [""],
    "rollingOrder": ['(refs: ["Server:hub"])'],
    "search": ['(text: "some")'],
    "serviceBoard": [""],
    "singlePointsOfFailure": [f'(service: "{SERVICE}")'],
    "supports": ['(ref: "Server:hub")'],
    "whatIf": ['(changes: "remove: [hub]")'],
}
FIRST = ["Server", "BusinessService", "Incident", "Change"]
"""Classes whose things have most to tell: where a field is asked that several classes have."""


def ours(field: Any) -> Any:
    return field.extensions["strawberry-definition"]


def is_thing(kind: Any) -> bool:
    return kind.name == "Node" or any(each.name == "Node" for each in kind.interfaces)


class Walk:
    """Words questions: what is asked of things below a list, and of what they lead to."""

    def __init__(self, schema: Any) -> None:
        self.schema = schema
        self.types = schema.type_map
        self.query = self.types["Query"]
        lists = {f"{name}Connection": name for name in MODEL.classes}
        self.plural = {
            lists[get_named_type(field.type).name]: name
            for name, field in self.query.fields.items()
            if get_named_type(field.type).name in lists
        }
        self._whole: set[str] = set()

    def questions(self) -> Iterator[tuple[str, str]]:
        """Give each with a name."""
        for name, field in self.query.fields.items():
            for arguments in ROOTS[name] if name not in self.plural.values() else ():
                yield f"{name}{arguments}", self._asked(name, field, 1, arguments)
        has_some, done = linked(), set()
        for name in [*FIRST, *(each for each in CONCRETE if each not in FIRST)]:
            for spoken, field in self.types[name].fields.items():
                of = has_some.get(_snake(spoken), [name])
                if isinstance(ours(field), Resolved) and ours(field) not in done and name in of:
                    done.add(ours(field))
                    asked = self._asked(spoken, field, 1)
                    yield f"{name}.{spoken}", f"{self.plural[name]} {{ edges {{ node {{ {asked} }} }} }}"

    def _asked(self, name: str, field: Any, things: int, arguments: str = "") -> str:
        """Ask a field if the store may be read for it, or for what it leads to; else give nothing."""
        reads = isinstance(ours(field), Resolved)
        if not arguments and any(is_required_argument(each) for each in field.args.values()):
            raise AssertionError(f"How is {name} asked?")
        kind = get_named_type(field.type)
        if not is_composite_type(kind):
            return name if reads else ""
        below = self._below(kind, things)
        if not below and not reads:
            return ""
        # the type of what is given tells its fields, where the schema does not
        return f"{name}{arguments} {{ {'__typename' if is_abstract_type(kind) or not below else ''} {below} }}"

    def _below(self, kind: Any, things: int) -> str:
        """Ask all of an object; of a thing what costs no run of the engine, and the second time of its kind some."""
        fields = kind.fields
        if is_thing(kind):
            if not things:
                return ""
            things -= 1
            some = {"freshness", "records"} if kind.name in self._whole else set(fields)
            self._whole.add(kind.name)
            fields = {
                name: field
                for name, field in fields.items()
                if name in some and ours(field).metadata[WEIGHT].cost < ANALYSIS
            }
        return " ".join(filter(None, (self._asked(name, field, things) for name, field in fields.items())))


def _snake(name: str) -> str:
    return "".join(f"_{each}" if each.isupper() else each.upper() for each in name)


def told(kind: Any, data: Any, types: Any) -> Iterator[Any]:
    """Give the fields that an answer has something of."""
    for name, value in data.items():
        if name == "__typename" or value in (None, []) or (isinstance(value, dict) and value.get("edges") == []):
            continue
        yield ours(kind.fields[name])
        leads = get_named_type(kind.fields[name].type)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                yield from told(types[each.get("__typename", leads.name)], each, types)


def all_that_reads(walk: Walk) -> dict[Any, str]:
    """Give all fields for which the store may be read, in all that the query leads to, but the lists of classes."""
    found: dict[Any, str] = {}
    seen, left = {"Query"}, [walk.query]
    while left:
        kind = left.pop()
        for name, field in kind.fields.items():
            if kind is walk.query and name in walk.plural.values():
                continue
            if isinstance(ours(field), Resolved):
                found.setdefault(ours(field), f"{kind.name}.{name}")
            leads = get_named_type(field.type)
            for each in walk.schema.get_possible_types(leads) if is_abstract_type(leads) else [leads]:
                if is_object_type(each) and each.name not in seen:
                    seen.add(each.name)
                    left.append(each)
    return found


async def estate_of(number: int, empty: Api) -> Api:
    items = [*everything_linked(number), *(thing(f"bad {i}", "Nothing") for i in range(number))]
    report = await load(empty.store, MODEL, items, source="t", actor="tester")
    assert len(report.rejects) == number, report.rejects
    some = (await decisions.findings_of(empty.store, ""))[-number:]  # so that the first page has none of them
    for each in some:
        await decisions.accept(empty.store, MODEL, each.id, by="ann")
    assert len(some) == number
    api = Api(empty.store, empty.schema)  # without a network that another one has read already
    await api.ask('{ supports(ref: "Server:hub") { revision } }')
    return api


@pytest.fixture(scope="module")
def schema() -> ApiSchema:
    return build_schema(MODEL, limits=WITHOUT)


async def test_what_stands_below_a_list_costs_the_same_whatever_its_length(empty: Api) -> None:
    walk = Walk(empty.schema._schema)
    questions = dict(walk.questions())
    asked, calls = set(), {}
    for number in (1, ROWS):
        api = await estate_of(number, empty)
        known = await api.ask(f"{{ entity{ROOTS['entity'][0]} {{ id }} impact{ROOTS['impact'][0]} {{ answerId }} }}")
        ids = {"HUB": known["entity"]["id"], "ANSWER": known["impact"]["answerId"]}
        for name, question in questions.items():
            api.store.calls.clear()
            answer = await api.ask("{ %s }" % reduce(lambda text, word: text.replace(*word), ids.items(), question))
            calls[name, number] = api.store.calls.copy()
            asked |= set(told(walk.query, answer, walk.types))
    more = {
        (name, call): (calls[name, 1][call], times)
        for name in questions
        for call, times in calls[name, ROWS].items()
        if times > calls[name, 1][call] + LATE
    }
    assert more == {}
    assert ", ".join(name for field, name in all_that_reads(walk).items() if field not in asked) == ""


@pytest.mark.parametrize("asked", ['entity(ref: "Server:some Server {i}")', 'node(id: "{id}")'])
async def test_things_that_are_asked_for_one_by_one_are_read_together(empty: Api, asked: str) -> None:
    await empty.load(*(thing(f"some Server {i}", "Server") for i in range(20)))
    found = await empty.ask("{ servers { edges { node { id } } } }")
    ids = [each["node"]["id"] for each in found["servers"]["edges"]]
    calls = []
    for number in (1, 20):
        every = [asked.format(i=i, id=ids[i]) for i in range(number)]
        text = " ".join(
            f"a{i}: {each} {{ __typename ... on Entity {{ freshness {{ seen }} }} }}" for i, each in enumerate(every)
        )
        calls.append(await empty.calls(f"{{ {text} }}"))
    assert calls[0] == calls[1]
