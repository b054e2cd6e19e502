"""``serviceBoard``: how all services are, for the screen on the wall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from strawberry import ID

from knockon.graphql.answers import FEW, Item
from knockon.graphql.connections import cursor_of, list_of_answer
from knockon.graphql.definitions import argument, as_of_argument, listed, maybe, plain, resolved
from knockon.graphql.questions import RUN, WINDOW, given_of, lag_of, max_lag
from knockon.itsm.decisions.service_board import service_board
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from strawberry.types.field import StrawberryField

    from knockon.graphql.answers import AnswerTypes
    from knockon.graphql.connections import ConnectionTypes
    from knockon.graphql.definitions import Definitions
    from knockon.graphql.request import Request
    from knockon.itsm.decisions.service_board import ServiceBoard

_KIND = "service board"


@dataclass(frozen=True, slots=True)
class _Board:
    """A board, and a mark of its question: a cursor of another one is noticed."""

    answer: ServiceBoard
    mark: str


def board_field(definitions: Definitions, answers: AnswerTypes, connections: ConnectionTypes) -> StrawberryField:
    """Make the field."""

    async def board(_root: None, request: Request, states: list[str] | None = None, **options: Any) -> _Board:
        given, span = given_of(options)
        wanted = [State[str(each)] for each in states or State.__members__]
        found = await service_board(request.topologies, given=given, span=span, states=wanted, max_lag=lag_of(options))
        return _Board(found, f"{found.revision}:{found.given}:{span}:{'.'.join(each.name for each in wanted)}")

    return resolved(
        "serviceBoard", maybe(_board_type(definitions, answers, connections)), board,
        "How all services are, and why: their states given what is the case, from one run of the engine.",
        [
            argument("given", listed(answers.given), "What is taken to be the case.", ["open"]),
            argument("window", maybe(str), WINDOW),
            argument("states", maybe(listed(answers.state)), "Only services in one of these states; all unless given."),
            max_lag(),
            as_of_argument(),
        ],
        RUN,
    )  # fmt: skip


def _board_type(definitions: Definitions, answers: AnswerTypes, connections: ConnectionTypes) -> type:
    define = definitions.object
    service = define(
        "ServiceBoardService",
        "A service on the board.",
        *answers.service_fields(),
        plain("state", answers.state, lambda each: each.state.name, "How it serves."),
        plain("because", str, lambda each: each.because, "Why."),
        plain(
            "cause", maybe(answers.item), lambda each: each.cause and Item(each.cause),
            "What failed by itself, where the way to it ends; null where nothing did.",
        ),
        plain("records", listed(answers.item), lambda each: list(map(Item, each.records)), "What says so.", many=FEW),
        *answers.surroundings,
    )  # fmt: skip
    connection = connections.make(
        "ServiceBoard", service, of="services on the board, the worst first",
        read_node=lambda placed: placed.row, cursor=lambda placed: cursor_of(_KIND, placed.place),
    )  # fmt: skip

    counts = define(
        "ServiceBoardCounts",
        "How many services are in which state.",
        *(plain(state.name, int, _count(state), f"How many are {state.name}.") for state in reversed(State)),
    )
    unknown = define(
        "ServiceBoardUnknown",
        "Something that the board could not take into account.",
        plain("id", maybe(ID), lambda each: each.ci and each.ci.id, "The id of what it is about."),
        plain("class", maybe(str), lambda each: each.ci and each.ci.class_name, "Its class."),
        plain("name", maybe(str), lambda each: each.ci and each.ci.name, "Its name."),
        plain("because", str, lambda each: each.because, "Why not."),
    )
    return define(
        "ServiceBoard",
        "How all services are at one revision of the estate.",
        plain("revision", int, lambda board: board.answer.revision, "The revision that it holds for."),
        plain("asOf", maybe(str), lambda board: board.answer.as_of, "The moment of the past that it is of, in UTC."),
        plain("given", str, lambda board: board.answer.given, "What was taken to be the case; with commas."),
        plain(
            "window", maybe(str), lambda board: board.answer.span and str(board.answer.span),
            "The time that was asked about; null: now.",
        ),
        plain("counts", counts, lambda board: board.answer.counts, "How many of all services are in which state."),
        list_of_answer(
            "services", connection, _KIND, lambda board: (board.answer.services, board.mark),
            "Worst state first, then the most critical, then those with most users.",
        ),
        plain("unknown", listed(unknown), lambda board: board.answer.unknown, "What was not counted.", many=FEW),
    )  # fmt: skip


def _count(state: State) -> Callable[[Mapping[State, int]], int]:
    return lambda counts: counts.get(state, 0)
