"""What can be written: each mutation is an observation, or a decision, by whoever asks (docs/decisions/0025, 0028)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from strawberry import ID

from knockon.cmdb.identity.findings import as_seen
from knockon.cmdb.lookup import find, find_ever
from knockon.cmdb.stewardship import decisions
from knockon.cmdb.stewardship.edits import Editor
from knockon.errors import EditInvalid
from knockon.graphql.definitions import Weight, argument, maybe, writing
from knockon.graphql.payloads import OF_THE_CALLER, Outcome, edited, failed
from knockon.graphql.permissions import require_to_write

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from strawberry.types.arguments import StrawberryArgument
    from strawberry.types.field import StrawberryField

    from knockon.cmdb.contract.rows import Decision, Entity
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.identity.joining import Key
    from knockon.cmdb.reconciliation.reconciled import Reconciled
    from knockon.cmdb.stewardship.writing import Edited
    from knockon.graphql.definitions import GraphQLType
    from knockon.graphql.inputs import Inputs
    from knockon.graphql.payloads import Payloads
    from knockon.graphql.request import Request
    from knockon.schema.model import Model

    Decided = tuple[Decision, Reconciled]

_WEIGHT = Weight(cost=5_000)
"""Of one write: a query may hold a hundred of them."""


@dataclass(frozen=True, slots=True)
class _Deciding:
    """Where somebody decides; ``how`` is who, why and as of when."""

    store: Store
    model: Model
    how: dict[str, Any]

    async def record(self, reference: str) -> Key:
        return await decisions.record_named(self.store, self.model, reference)


class Mutations:
    """Makes the fields of the mutation."""

    def __init__(self, inputs: Inputs, payloads: Payloads, relationship_name: GraphQLType) -> None:
        self._inputs = inputs
        self._payloads = payloads
        self._relationship_name = relationship_name

    def fields(self) -> list[StrawberryField]:
        """Make all of them."""
        return [*self._of_things(), *self._of_relationships(), *self._of_decisions()]

    def _of_things(self) -> list[StrawberryField]:
        inputs = self._inputs

        async def create(request: Request, editor: Editor, thing: dict[str, Any], **_: Any) -> Edited:
            said = inputs.read_thing(thing)
            require_to_write(request, [said.class_name])
            return await editor.create(said.class_name, said.attributes)

        async def update(request: Request, editor: Editor, ref: str, thing: dict[str, Any], **when: Any) -> Edited:
            said, meant = inputs.read_thing(thing), await find(editor.store, editor.model, ref)
            require_to_write(request, [meant.class_name])
            if not editor.model.is_a(meant.class_name, said.class_name):
                raise EditInvalid(f"{meant.class_name}:{meant.name} is no {said.class_name}; nothing is written.")
            return await editor.change(meant.id, said.attributes, **_expected(when))

        async def move(request: Request, editor: Editor, ref: str, to: str, **when: Any) -> Edited:
            meant = await find(editor.store, editor.model, ref)
            require_to_write(request, [meant.class_name], moves=True)
            return await editor.move(meant.id, to, **_expected(when))

        async def retire(request: Request, editor: Editor, ref: str, **when: Any) -> Edited:
            meant = await find(editor.store, editor.model, ref)
            require_to_write(request, [meant.class_name])
            return await editor.retire(meant.id, **_expected(when))

        async def restore(request: Request, editor: Editor, ref: str, **when: Any) -> Edited:
            meant = await find_ever(editor.store, editor.model, ref)
            require_to_write(request, [each for each in (meant.class_name,) if each in editor.model.classes])
            return await editor.restore(meant.id, **_expected(when))

        ref = argument("ref", str, "An id, Class:name, source:key, or a name that one thing has.")
        thing = argument("thing", inputs.thing, "Its class, and its attributes.")
        to = argument("to", str, "The state.")
        said = "what it is about and was changed since then is a conflict."
        return [
            self._edit("create", create, "Say that there is a thing.", thing, expects=False),
            self._edit("update", update, f"Say what attributes of a thing are, null to take your word back; {said}",
                       ref, thing),
            self._edit("move", move, "Move a thing to another state of its lifecycle.", ref, to),
            self._edit("retire", retire, "Take back all that people say of a thing; it keeps its id.", ref),
            self._edit("restore", restore, "Say that a retired thing is there, as it was known last.", ref),
        ]  # fmt: skip

    def _of_relationships(self) -> list[StrawberryField]:
        inputs = self._inputs

        async def ends(request: Request, editor: Editor, start: str, end: str) -> tuple[Entity, Entity]:
            found = (
                await find(editor.store, editor.model, start),
                await find(editor.store, editor.model, end),
            )
            require_to_write(request, [each.class_name for each in found])
            return found

        async def relate(request: Request, editor: Editor, attributes: Any = None, **said: Any) -> Edited:
            start, end = await ends(request, editor, said["from"], said["to"])
            values = inputs.read_relationship(attributes)
            return await editor.relate(start.id, said["type"], end.id, values, **_expected(said))

        async def unrelate(request: Request, editor: Editor, group: str | None = None, **said: Any) -> Edited:
            start, end = await ends(request, editor, said["from"], said["to"])
            return await editor.unrelate(start.id, said["type"], end.id, group or "", **_expected(said))

        way = [
            argument("from", str, "Where it begins: an id, Class:name, source:key, or a name that one thing has."),
            argument("type", self._relationship_name, "Which relationship, by its name or its inverse."),
            argument("to", str, "Where it ends, likewise."),
        ]
        attributes = argument("attributes", maybe(inputs.relationship), "All of its attributes.")
        group = argument("group", maybe(str), "Its redundancy group, if it has one.")
        return [
            self._edit("relate", relate, "Say that two things are related.", *way, attributes),
            self._edit("unrelate", unrelate, "Take back what people say of a relationship.", *way, group),
        ]

    def _of_decisions(self) -> list[StrawberryField]:
        async def between(kind: Literal["link", "apart"], deciding: _Deciding, a: str, b: str) -> Decided:
            one, other = await deciding.record(a), await deciding.record(b)
            return await decisions.decide(deciding.store, deciding.model, kind, one, other, **deciding.how)

        async def link(deciding: _Deciding, a: str, b: str) -> Decided:
            return await between("link", deciding, a, b)

        async def apart(deciding: _Deciding, a: str, b: str) -> Decided:
            return await between("apart", deciding, a, b)

        async def classify(deciding: _Deciding, record: str, **said: str) -> Decided:
            one = await deciding.record(record)
            return await decisions.classify(deciding.store, deciding.model, one, said["class"], **deciding.how)

        async def accept(deciding: _Deciding, finding: str) -> Decided:
            return await decisions.accept(deciding.store, deciding.model, finding, **deciding.how)

        async def take_back(deciding: _Deciding, decision: str) -> Decided:
            return await decisions.take_back(deciding.store, deciding.model, decision, **deciding.how)

        records = [
            argument("a", str, "A record, source:key; or what has one record only."),
            argument("b", str, "Another one."),
        ]
        of_class = [
            argument("record", str, "A record, source:key; or what has one record only."),
            argument("class", str, "The class, by its name in files."),
        ]
        one, once = argument("finding", ID, "Its id."), argument("decision", ID, "Its id.")
        return [
            self._decision("link", link, "Say that two records are one thing.", *records),
            self._decision("keepApart", apart, "Say that two records are never one thing.", *records),
            self._decision("classify", classify, "Say of which class a thing is whose sources differ.", *of_class),
            self._decision("accept", accept, "Say that a finding is right as it is.", one),
            self._decision("takeBack", take_back, "Take a decision back.", once),
        ]

    def _decision(
        self, name: str, work: Callable[..., Awaitable[Decided]], said: str, *arguments: StrawberryArgument
    ) -> StrawberryField:
        async def resolve(
            _root: None, request: Request, reason: str | None = None, expectedRevision: int | None = None,  # noqa: N803 - as it is called in GraphQL
            **given: str,
        ) -> Outcome:  # fmt: skip
            require_to_write(request, [])
            how = {"by": request.principal.name, "reason": reason or "", "expected": expectedRevision}
            deciding = _Deciding(request.shared.store, request.shared.model, how)
            try:
                return await _decided(request, *await work(deciding, **given))
            except OF_THE_CALLER as error:
                return failed(request, error)

        every = [*arguments, _expected_argument(), _reason()]
        return writing(name, maybe(self._payloads.decision), resolve, said, every, _WEIGHT)

    def _edit(
        self, name: str, work: Callable[..., Awaitable[Edited]], said: str, *arguments: StrawberryArgument,
        expects: bool = True,
    ) -> StrawberryField:  # fmt: skip
        async def resolve(_root: None, request: Request, reason: str | None = None, **given: Any) -> Outcome:
            require_to_write(request)
            shared = request.shared
            editor = Editor(shared.store, shared.model, request.principal.name, reason or "")
            try:
                return edited(request, await work(request, editor, **given))
            except OF_THE_CALLER as error:
                return failed(request, error)

        every = [*arguments, *([_expected_argument()] if expects else []), _reason()]
        return writing(name, maybe(self._payloads.edit), resolve, said, every, _WEIGHT)


def _reason() -> StrawberryArgument:
    return argument("reason", maybe(str), "Why, for whoever reads it later.")


def _expected_argument() -> StrawberryArgument:
    said = "The revision at which you looked; unless given nothing is a conflict."
    return argument("expectedRevision", maybe(int), said)


def _expected(given: dict[str, Any]) -> dict[str, Any]:
    return {"expected": given.get("expectedRevision")}


async def _decided(request: Request, made: Decision, changes: Reconciled) -> Outcome:
    store = request.shared.store
    of = {each.entity_id for each in (await store.records(made.records)).values() if each.present}
    things = {each.id: each for each in (await store.entities(of)).values()}
    return Outcome(
        await store.revision(), decision=made, entities=[things[id_] for id_ in sorted(things)],
        findings=[as_seen(each, request.topologies.model, request.sight) for each in changes.findings],
    )  # fmt: skip
