"""Changes that are kept elsewhere: one request says what is planned, and is told what it would do."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime  # noqa: TC003 - pydantic reads the annotation at run time
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import orjson
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from starlette.responses import Response

from knockon.cmdb.access import AccessScope
from knockon.cmdb.identity.claims import claims
from knockon.cmdb.identity.joining import JUNK
from knockon.cmdb.loading.load import load
from knockon.cmdb.lookup import find
from knockon.errors import BadUsage, ChangeInvalid, TimedOut
from knockon.graphql.wording import in_api
from knockon.impact.topology.aside import aside
from knockon.itsm.blast_radius.answer_json import impact_json
from knockon.itsm.decisions.verdict import CHANGE, judged
from knockon.loaders import check_source
from knockon.schema.observation import OWN_NAMES, PEOPLE, EntityObservation, RelationshipObservation
from knockon.schema.reference import tokens
from knockon.server.endpoint import body_of, require_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from knockon.cmdb.access import Policy, Sight
    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.loading.report import LoadReport
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.decisions.verdict import Judged
    from knockon.schema.model import Model
    from knockon.schema.observation import Item
    from knockon.server.callbacks import Callbacks

_SCOPE = "change "
"""How the scope of each change that was sent here begins."""
Text = Field(min_length=1, max_length=500)


def _spelled(value: Any) -> Any:
    """Refuse numbers, which would be taken for seconds since 1970."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("a moment is spelled like 2026-12-05T20:00:00+01:00")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_spelled)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ItemChanged(_Strict):
    """One thing that the work is about: ``ref`` is ``source:key``, ``Class:name`` or an id."""

    ref: str = Text
    effect: Literal["none", "degraded", "down"]


class ChangeSent(_Strict):
    """A change as its tool sends it: ``source`` names the tool, ``id`` the change; what is left out is unknown."""

    source: str = Text
    id: str = Text
    name: str | None = None
    kind: Literal["standard", "normal", "emergency"] | None = None
    state: str | None = None
    start: Moment | None = None
    end: Moment | None = None
    items: list[ItemChanged] = Field(max_length=10_000)
    callback: str | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start and self.end and self.end < self.start:
            raise ValueError("the work ends before it begins")
        return self

    def observations(self, model: Model) -> list[Item]:
        """Give what the tool says, as observations; without a state a change is where changes begin."""
        lifecycle = model.lifecycle(CHANGE)
        initial = lifecycle.initial[0] if lifecycle and len(lifecycle.initial) == 1 else None
        said: dict[str, Any] = {
            "number": self.id, "name": self.name, "kind": self.kind,
            "state": initial if self.state is None else self.state,
            "planned_start": _moment(self.start), "planned_end": _moment(self.end), "verdict_to": self.callback,
        }  # fmt: skip
        given = {name: value for name, value in said.items() if value is not None}
        return [
            EntityObservation(self.source, self.id, CHANGE, given, own=True),
            *(
                RelationshipObservation(self.source, "CHANGES", self.id, each.ref, {"effect": each.effect})
                for each in self.items
            ),
        ]


def changes_endpoint(
    topologies: Topologies, callbacks: Callbacks, policy: Policy, *, max_body: int, max_seconds: float
) -> Callable[[Request], Awaitable[Response]]:
    """Make the handler that takes a change, as all that its tool says of it, and answers what it would do.

    The same again changes nothing, and within a day writes nothing; other items replace those of before.
    """

    async def handle(http: Request) -> Response:
        principal = http.state.principal
        principal.require(AccessScope.CHANGE_COORDINATOR, to="send changes")
        require_json(http)
        try:
            async with asyncio.timeout(max_seconds):
                body = await body_of(http, max_body)
        except TimeoutError:
            raise TimedOut(f"The body was not there after {max_seconds:g} seconds; nothing is written.") from None
        sent = _read(body)
        if sent.source in OWN_NAMES:
            raise BadUsage(f"{sent.source} is what knockon itself writes under; name the tool.")
        if sent.source.startswith(PEOPLE):
            raise BadUsage(f"{sent.source} is a person, who writes by mutations; name the tool.")
        check_source(sent.source, topologies.model)
        callbacks.check(sent.callback)
        sight = policy.sight(principal)

        async def work(there: Topologies) -> tuple[Entity, dict[str, Any], bytes]:
            change, found, report = await _taken(there, sent, principal.name)
            return change, found.verdict, orjson.dumps(_answer(there.model, sent, change, found, report, sight))

        try:
            async with asyncio.timeout(max_seconds):
                change, verdict, answer = await aside(topologies, work)  # a change may have thousands of items
        except TimeoutError:
            raise TimedOut(
                f"The answer was not there after {max_seconds:g} seconds. What is written stays, and is not written "
                "twice: send the same again."
            ) from None
        await callbacks.told(change, verdict)
        return Response(answer, media_type="application/json")

    return handle


async def _taken(topologies: Topologies, sent: ChangeSent, actor: str) -> tuple[Entity, Judged, LoadReport]:
    """Write a change, and judge it.

    Raises
    ------
    ChangeInvalid
    """
    store, model, scope = topologies.store, topologies.model, f"{_SCOPE}{sent.id}"
    await _refuse_other(topologies, sent, scope)
    report = await load(
        store, model, sent.observations(model), source=sent.source, scope=scope, actor=actor, complete=True,
        allow_retire=True, skip_unchanged=True,
    )  # fmt: skip
    if report.rejects:
        raise ChangeInvalid("; ".join(each.message for each in report.rejects))
    change = await find(store, model, f"{sent.source}:{sent.id}")
    return change, await judged(topologies, change), report


def _answer(
    model: Model, sent: ChangeSent, change: Entity, found: Judged, report: LoadReport, sight: Sight
) -> dict[str, Any]:
    return {
        "change": {"id": change.id, "name": change.name, "source": sent.source, "key": sent.id},
        "revision": found.impact.revision if found.impact else report.revision,
        "risk": found.as_json(),
        "blastRadius": impact_json(found.impact, sight) if found.impact else None,
        "findings": [
            {"code": each.code, "message": in_api(each.as_seen(model, sight).message)} for each in report.findings
        ],
    }


async def _refuse_other(topologies: Topologies, sent: ChangeSent, scope: str) -> None:
    """Refuse what would overwrite something else that this source has said, or says two things of one item.

    Raises
    ------
    ChangeInvalid
    """
    store, model = topologies.store, topologies.model
    record = (await store.records([(sent.source, sent.id)])).get((sent.source, sent.id))
    if record and record.present and (record.class_name, record.scope) != (CHANGE, scope):
        raise ChangeInvalid(
            f"id: {sent.source} reports {sent.id} already, as a {record.class_name}, and not as a change that was sent "
            "here; nothing is written. Give the change its own id, or the tool another source."
        )
    tokens_of_number = claims(model, CHANGE, {"number": sent.id}, {}).values()
    alike = [key for keys in (await store.claimants(tokens_of_number, JUNK)).values() for key in keys]
    for each in (await store.records(alike)).values():
        if each.present and each.class_name == CHANGE and each.source != sent.source and each.scope.startswith(_SCOPE):
            raise ChangeInvalid(
                f"id: {each.source} has sent a change {each.key} here, and a number is one change's; nothing is "
                f"written. Send it as what makes it one of a kind, as {sent.source}-{sent.id}."
            )
    readings = {each.ref: tokens(model, each.ref, sent.source) for each in sent.items}
    answers = await store.resolve({token for each in readings.values() for token in each})
    effects: dict[str, ItemChanged] = {}
    for item in sent.items:
        meant = next((answers[token] for token in readings[item.ref] if answers.get(token)), [item.ref])
        other = effects.setdefault(" ".join(meant), item)
        if other.effect != item.effect:
            raise ChangeInvalid(
                f"items: {other.ref} and {item.ref} are one thing, and its effect is said to be {other.effect} and "
                f"{item.effect}; say it once."
            )


def _read(body: bytes) -> ChangeSent:
    try:
        return ChangeSent.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise ChangeInvalid(f"{where}: {first['msg']}.") from None


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
