"""The GraphQL schema of one model, and what a request brings to it."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import strawberry
from graphql import GraphQLError, GraphQLSyntaxError
from strawberry import ID
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import ParserCache
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.base import StrawberryList

from knockon.cmdb.lookup import find
from knockon.errors import BadUsage, InternalError, KnockonError, QueryInvalid, QueryTooCostly
from knockon.graphql.answers import AnswerTypes
from knockon.graphql.asked import Asking, Named
from knockon.graphql.availability import AvailabilityQuestions
from knockon.graphql.board import board_field
from knockon.graphql.connections import (
    MAX_PAGE,
    Connection,
    ConnectionTypes,
    cursor_of,
    page_of,
    paging,
    paging_arguments,
)
from knockon.graphql.decisions import decisions_field
from knockon.graphql.definitions import Definitions, argument, as_of_argument, listed, maybe, resolve_directly, resolved
from knockon.graphql.entity_changes import entity_changes_field
from knockon.graphql.filters import Filters
from knockon.graphql.health import HealthQuestions
from knockon.graphql.history import history_field, value_type
from knockon.graphql.identity import IdentityFields
from knockon.graphql.inputs import Inputs
from knockon.graphql.letters import letters_field
from knockon.graphql.limits import STANDARD, Limits, Validated
from knockon.graphql.mutations import Mutations
from knockon.graphql.orders import Orders
from knockon.graphql.payloads import Payloads
from knockon.graphql.plans import PlanQuestions
from knockon.graphql.questions import Questions
from knockon.graphql.relations import Relations
from knockon.graphql.relationships import EveryRelationship
from knockon.graphql.replaying import LetterMutations
from knockon.graphql.scalars import BUILT_IN, SCALARS, AttributeTypes, pascal_to_camel
from knockon.graphql.searching import search_field
from knockon.graphql.state_changes import service_states_field
from knockon.graphql.structure import StructureQuestions
from knockon.graphql.types import ROOT, NodeTypes
from knockon.graphql.undoing import UndoMutations
from knockon.graphql.wording import in_api

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from strawberry.types.execution import ExecutionContext
    from strawberry.types.field import StrawberryField

    from knockon.cmdb.contract.rows import Entity
    from knockon.graphql.connections import Page
    from knockon.graphql.limits import QueryLimits
    from knockon.graphql.request import Request
    from knockon.itsm.health.rules import Rule
    from knockon.schema.model import EntityClass, Model

log = logging.getLogger("knockon.graphql")

MOST_LOOKED_AT = 200_000
"""Things that a list may look at one by one, where no index answers it: some seconds' work at worst."""


class Parsed(ParserCache):
    """Remembers the last texts that could be read; of one that cannot, Strawberry itself says so, however it came."""

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        with suppress(GraphQLError):
            context.graphql_document = self.cached_parse_document(context.query, **context.parse_options)
        yield


class ApiSchema(strawberry.Schema):
    """A schema whose errors carry stable codes; what is nobody's mistake but ours is logged and not told."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Replace each error by what the caller may know."""
        del execution_context
        errors[:] = [presented(error) for error in errors]


def presented(error: GraphQLError) -> GraphQLError:
    """Give an error as callers see it: a message and ``extensions.code``."""
    message, original = error.message, error.original_error
    while isinstance(original, GraphQLError):  # one that says of a variable what another says of its value
        original = original.original_error
    if isinstance(original, InvalidOperationTypeError):
        code, message = QueryInvalid.code, "A WebSocket takes subscriptions only; send queries and mutations by POST."
    elif isinstance(original, CannotGetOperationTypeError | MissingQueryError):
        code = QueryInvalid.code
    elif isinstance(original, KnockonError):
        code, message = original.code, in_api(message)
    elif isinstance(original, RecursionError):
        code, message = QueryTooCostly.code, "The query is too costly. It is nested too deeply to be read."
    elif isinstance(error, GraphQLSyntaxError) and "more than" in message and "tokens" in message:
        code, message = QueryTooCostly.code, f"The query is too costly. {message.removeprefix('Syntax Error: ')}"
    elif original is None:
        code = str((error.extensions or {}).get("code") or QueryInvalid.code)
    else:
        log.error("A field failed in a way that knockon does not know", exc_info=original)
        code, message = InternalError.code, "Something went wrong here; the log of the server says what."
    return GraphQLError(
        message, nodes=error.nodes, source=error.source, positions=error.positions, path=error.path,
        extensions={"code": code},
    )  # fmt: skip


def build_schema(model: Model, rules: Sequence[Rule] = (), limits: QueryLimits = STANDARD) -> ApiSchema:
    """Make the schema of a model, with the compliance rules that hold; execute it with a fresh ``Request`` as context.

    Raises
    ------
    ModelInvalid
        Two names of the model would be the same name in the API.
    """
    definitions = Definitions(BUILT_IN)
    attributes = AttributeTypes(definitions)
    connections = ConnectionTypes(definitions)
    names = [(name, kind.spec.description) for name, kind in model.relationships.items()]
    names += [(kind.inverse, f"{name} read backwards.") for name, kind in model.relationships.items()]
    relationship_name = definitions.enum("RelationshipName", "A relationship type, or its inverse.", sorted(names))
    nodes = NodeTypes(definitions, model, attributes)
    filters = Filters(definitions, model, attributes, relationship_name)
    orders = Orders(definitions, model)
    answers = AnswerTypes(definitions, model, nodes, connections)
    questions = Questions(definitions, model, answers, relationship_name)
    asked = questions.query_fields()
    structure = StructureQuestions(definitions, model, answers)
    availability = AvailabilityQuestions(definitions, model)
    more = Relations(model, nodes, connections, attributes).fields()
    for each in (questions, structure, availability):
        for name, fields in each.node_fields().items():
            more[name] = [*more.get(name, []), *fields]
    identity = IdentityFields(definitions, connections)
    value = value_type(definitions)
    every = EveryRelationship(definitions, model, nodes, connections, relationship_name).field()
    own = [history_field(definitions, nodes, value), *identity.node_fields(), every]
    more[ROOT] = [*more.get(ROOT, []), *own]
    nodes.fill(more)
    lists = [_list_field(each, model, nodes, filters, orders, connections) for each in model.classes.values()]
    found = search_field(model, nodes, connections)
    asked += [
        *structure.query_fields(),
        *PlanQuestions(definitions, answers).query_fields(),
        *availability.query_fields(),
        *HealthQuestions(definitions, rules).query_fields(),
        *identity.query_fields(),
        decisions_field(definitions, connections),
        letters_field(definitions, connections),
        board_field(definitions, answers, connections),
    ]
    query = definitions.object("Query", "What can be asked.", *_node_fields(nodes, model), *lists, found, *asked)
    payloads = Payloads(definitions, nodes)
    writes = Mutations(Inputs(definitions, model, attributes), payloads, relationship_name).fields()
    writes += UndoMutations(definitions, nodes, payloads).fields()
    writes += LetterMutations(definitions, payloads).fields()
    mutation = definitions.object("Mutation", "What can be written.", *writes)
    subscription = definitions.object(
        "Subscription", "What can be followed, over a WebSocket.",
        entity_changes_field(definitions, model, nodes, filters, value), service_states_field(definitions, answers),
    )  # fmt: skip
    config = StrawberryConfig(scalar_map=SCALARS)
    made = ApiSchema(
        query=query, mutation=mutation, subscription=subscription, types=definitions.types(), config=config,
        extensions=[Parsed, Validated, lambda: Limits(limits), Named, Asking],
    )  # fmt: skip
    resolve_directly(made._schema)  # noqa: SLF001 - Strawberry has no public way to graphql-core's schema
    return made


def _node_fields(nodes: NodeTypes, model: Model) -> list[StrawberryField]:
    async def node(_root: None, request: Request, id: str) -> Entity | None:  # noqa: A002 - as it is called in GraphQL
        return (await request.store.entities([id])).get(id)

    async def many(_root: None, request: Request, ids: list[str]) -> Sequence[Any]:
        if len(ids) > MAX_PAGE:
            raise BadUsage(f"At most {MAX_PAGE} ids at once.")
        found = await request.store.entities(ids)
        return await request.pace.answer([found.get(each) for each in ids])

    async def one(_root: None, request: Request, ref: str) -> Entity:
        return await find(request.store, model, ref)

    said = "The thing that a reference means; an error where it means none, or several."
    reference = argument("ref", str, "An id, Class:name, source:key, or a name that one thing has.")
    return [
        resolved("entity", maybe(nodes.of(ROOT)), one, said, [reference, as_of_argument()]),
        resolved(
            "node", maybe(nodes.node), node, "The thing with this id, or null.",
            [argument("id", ID, "An id."), as_of_argument()],
        ),
        resolved(
            "nodes", StrawberryList(maybe(nodes.node)), many, "The things with these ids, null for unknown ones.",
            [argument("ids", listed(ID), f"At most {MAX_PAGE} ids."), as_of_argument()],
        ),
    ]  # fmt: skip


def _list_field(
    each: EntityClass, model: Model, nodes: NodeTypes, filters: Filters, orders: Orders, connections: ConnectionTypes
) -> StrawberryField:
    """Make the field that lists a class and all below it; null if it fails, so that others have their answer."""
    classes = model.concrete(each.name)
    connection = connections.make(
        each.name, nodes.of(each.name), of=f"things of class {each.name} or below",
        read_node=lambda row: row.entity, cursor=lambda row: cursor_of(row.kind, row.place),
    )  # fmt: skip

    def resolve(
        _root: None, request: Request, where: dict[str, Any] | None = None, orderBy: str | None = None,  # noqa: N803 - as it is called in GraphQL
        **pages: Any,
    ) -> Connection:  # fmt: skip
        by = orders.meant(each.name, orderBy, request.sight)
        kind = f"{each.name} {orderBy}" if by else each.name
        asked = paging(kind, **pages)
        condition = filters.condition(each.name, where, request.sight)

        async def page() -> Page:
            found = await request.store.page(classes, condition, by=by, **asked.one_more(), bound=MOST_LOOKED_AT)
            return page_of([_Row(row, kind, by.place(row) if by else row.order) for row in found], asked)

        async def count() -> int:
            return await request.store.count(classes, condition, bound=MOST_LOOKED_AT)

        return Connection(page, count)

    arguments = [
        *paging_arguments(),
        argument("where", maybe(filters.of(each.name)), "Only those that fulfil this."),
        argument("orderBy", maybe(orders.of(each.name)), "By this, then by class and name; else by class and name."),
        as_of_argument(),
    ]
    said = f"All of class {each.name} or below: {each.spec.description}"
    return resolved(pascal_to_camel(each.plural), maybe(connection), resolve, said, arguments)


@dataclass(frozen=True, slots=True)
class _Row:
    """An entity, and its place in the list that was asked for."""

    entity: Entity
    kind: str
    place: str
