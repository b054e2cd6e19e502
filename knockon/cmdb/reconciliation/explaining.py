"""Why a thing is what it is: its records, how they came together, what kept others away, whose word counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.rows import THING, last_seen
from knockon.cmdb.identity.findings import claim_of, said, status_of, worded
from knockon.cmdb.identity.joining import joined
from knockon.cmdb.identity.touched import touched_by
from knockon.cmdb.reconciliation.thing import Heard, thing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from knockon.cmdb.contract.rows import Decision, Entity, IdentityFinding, Record
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.identity.joining import Meeting
    from knockon.schema.model import Model


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that made one entity what it is."""

    entity: Entity
    records: list[tuple[Heard, list[dict[str, Any]]]]
    """In order of (source, key), each with its claims."""
    meetings: list[Meeting]
    """Of its records, with each other and with those of other things."""
    words: Mapping[tuple[str, str], str]
    """The claims of the meetings in words."""
    decisions: list[Decision]
    findings: list[IdentityFinding]
    provenance: dict[str, Heard] = field(default_factory=dict)
    """By attribute: the record whose word counts, and when it was said."""

    def as_json(self) -> dict[str, Any]:
        """Give the ``--json`` form."""
        return {
            "id": self.entity.id,
            "class": self.entity.class_name,
            "name": self.entity.name,
            "splitFrom": self.entity.split_from or None,
            "records": [
                {
                    "record": words(heard.record), "source": heard.record.source, "key": heard.record.key,
                    "class": heard.record.class_name, "seen": heard.seen, "scope": heard.record.scope, "claims": claims,
                }
                for heard, claims in self.records
            ],
            "meetings": [
                {
                    "records": [":".join(each.first), ":".join(each.second)], "outcome": each.outcome,
                    "claim": self.words.get(each.claim) if each.claim else None, "veto": each.veto,
                }
                for each in self.meetings
            ],
            "decisions": [decision_json(each) for each in self.decisions],
            "findings": [finding_json(each) for each in self.findings],
            "provenance": {
                name: {"value": self.entity.attributes.get(name), "record": words(heard.record), "seen": heard.seen}
                for name, heard in sorted(self.provenance.items())
            },
        }  # fmt: skip


def words(record: Record) -> str:
    """Name a record as a reference does."""
    return f"{record.source}:{record.key}"


def decision_json(each: Decision) -> dict[str, Any]:
    """Give the ``--json`` form of a decision."""
    return {
        "id": each.id, "kind": each.kind, "records": [":".join(key) for key in each.records],
        "class": each.b[1] if each.kind == "class" else None, "finding": each.a[1] if each.kind == "right" else None,
        "at": each.at, "by": each.by, "reason": each.reason, "takenBack": each.taken_back or None,
    }  # fmt: skip


def finding_json(
    each: IdentityFinding, things: Iterable[Entity] = (), accepted: Decision | None = None
) -> dict[str, Any]:
    """Give the ``--json`` form of a finding; ``accepted`` is the decision that it is right as it is."""
    records = [":".join(record) for record in each.records if record[0] != THING]
    return {
        "id": each.id, "code": each.code, "records": records, "claim": claim_of(each), "veto": each.veto or None,
        "status": status_of(each), "message": worded(each),
        "things": [{"id": one.id, "class": one.class_name, "name": one.name} for one in things],
        "accepted": decision_json(accepted) if accepted else None,
    }  # fmt: skip


async def explain(store: Store, model: Model, entity: Entity) -> Explanation:
    """Explain one live entity; costs a few round trips for each step from record to record."""
    own = {(each.source, each.key): each for each in await store.members([entity.id])}
    touched = await touched_by(store, model, own, own)
    how = joined(model, touched.records, touched.junk, touched.links, touched.apart)
    scopes = await store.scopes({source for source, _ in own})
    heard = [Heard(own[key], last_seen(own[key], scopes)) for key in sorted(own)]
    meetings = [each for each in how.meetings if each.first in own or each.second in own]
    return Explanation(
        entity,
        [(each, _claims(model, each.record, touched.junk)) for each in heard],
        meetings,
        {each.claim: said(model, each.claim[0], touched.records[each.first]) for each in meetings if each.claim},
        await store.decisions(own),
        await store.findings_about({*own, (THING, entity.id)}),
        _provenance(model, entity, heard),
    )


def _provenance(model: Model, entity: Entity, heard: list[Heard]) -> dict[str, Heard]:
    won = thing(model, heard, entity.class_name).won if heard else {}
    return {name: Heard(each.record, each.seen) for name, each in won.items()}


async def things_of(store: Store, findings: Iterable[IdentityFinding]) -> dict[str, list[Entity]]:
    """Give the things that each finding is about, by its id, in order; costs two round trips."""
    keys = {each.id: each.records for each in findings}
    asked = {key for each in keys.values() for key in each if key[0] != THING}
    records = await store.records(asked) if asked else {}
    ids = {key: records[key].entity_id if key in records else key[1] for each in keys.values() for key in each}
    entities = await store.entities(set(ids.values())) if ids else {}
    return {
        id_: sorted({e.id: e for key in each if (e := entities.get(ids[key]))}.values(), key=lambda e: e.order)
        for id_, each in keys.items()
    }


def _claims(model: Model, record: Record, junk: set[str]) -> list[dict[str, Any]]:
    return [
        {"set": name, "claim": said(model, name, record), "junk": token in junk}
        for name, token in record.claims.items()
        if name in model.identifiers
    ]
