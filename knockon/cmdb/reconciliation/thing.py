"""What a thing is, out of what its records say: class, attributes, name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from knockon.cmdb.contract.rows import SEPARATOR, Entity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knockon.cmdb.contract.rows import Record
    from knockon.schema.model import Attribute, Model


class Heard(NamedTuple):
    """A record, and when it was last seen."""

    record: Record
    seen: str


class Value(NamedTuple):
    """What one record says an attribute is worth."""

    record: Record
    value: Any
    seen: str


@dataclass(frozen=True, slots=True)
class Thing:
    """One part, reconciled. ``won`` gives for each attribute the word that counts.

    ``conflict``: its records' classes are on no one branch. ``disputed``: another moment at which a record was seen
    could make it something else.
    """

    class_name: str
    name: str
    smallest: str
    won: dict[str, Value]
    conflict: bool
    disputed: bool

    def entity(self, id_: str, split_from: str = "") -> Entity:
        """Give it as the stores keep it."""
        order = SEPARATOR.join((self.class_name, self.name, self.smallest))
        attributes = {name: each.value for name, each in self.won.items()}
        return Entity(id_, self.class_name, self.name, order, attributes, split_from=split_from, disputed=self.disputed)


def thing(model: Model, records: Sequence[Heard], said: str | None = None) -> Thing:
    """Reconcile the records of one part (docs/decisions/0006); there is at least one.

    ``said`` is what a person says is its class: it counts where the records' classes are on no one branch.
    """
    class_name, conflict = _class(model, records, said)
    declared = model.classes[class_name].attributes
    if len(records) == 1:
        return _alone(class_name, declared, records[0])
    candidates: dict[str, list[Value]] = {}
    for record, seen in records:
        for attribute, value in record.said.items():
            if attribute in declared and (value is not None or declared[attribute].spec.null_overwrites):
                said_at = record.registers[attribute][1] if attribute in record.registers else seen
                candidates.setdefault(attribute, []).append(Value(record, value, said_at))
    won = {attribute: _strongest(model, class_name, attribute, each) for attribute, each in candidates.items()}
    smallest = min((record.source, record.key) for record, _ in records)
    name = won["name"].value if "name" in won else None
    disputed = conflict or any(any(v.value != each[0].value for v in each) for each in candidates.values())
    return Thing(
        class_name,
        name or smallest[1],
        ":".join(smallest),
        {attribute: each for attribute, each in won.items() if each.value is not None},
        conflict,
        disputed,
    )


def _alone(class_name: str, declared: Mapping[str, Attribute], heard: Heard) -> Thing:
    """Give a thing of one record, the usual case."""
    record, seen = heard
    registers = record.registers
    won = {
        attribute: Value(record, value, registers[attribute][1] if attribute in registers else seen)
        for attribute, value in record.said.items()
        if value is not None and attribute in declared
    }
    name = won["name"].value if "name" in won else None
    return Thing(class_name, name or record.key, f"{record.source}:{record.key}", won, conflict=False, disputed=False)


def _class(model: Model, records: Sequence[Heard], said: str | None) -> tuple[str, bool]:
    """Give the class, and whether the records' classes lie on no one branch."""
    named = {record.class_name for record, _ in records}
    if deepest := model.deepest(named):
        return deepest, False
    lineage = model.classes[next(iter(named))].lineage
    common = next(each for each in lineage if all(model.is_a(one, each) for one in named))
    ordered = _by_strength(model, common, None, [Value(record, None, seen) for record, seen in records])
    class_name = said if said and said in model.classes else ordered[0].record.class_name
    for each in ordered:
        if model.is_a(each.record.class_name, class_name):
            class_name = each.record.class_name
    return class_name, True


def _strongest(model: Model, class_name: str, attribute: str, candidates: Sequence[Value]) -> Value:
    if len(candidates) == 1:
        return candidates[0]
    refresh = model.classes[class_name].refresh_seconds
    if refresh is not None:
        newest = datetime.fromisoformat(max(each.seen for each in candidates))
        candidates = [
            each for each in candidates if (newest - datetime.fromisoformat(each.seen)).total_seconds() <= refresh
        ]
    return _by_strength(model, class_name, attribute, candidates)[0]


def _by_strength(model: Model, class_name: str, attribute: str | None, candidates: Sequence[Value]) -> list[Value]:
    """Order by rank of the source, ranked ones first, then the newer one, then source and key."""

    def rank(each: Value) -> float:
        found = model.rank(each.record.source, class_name, attribute)
        return float("inf") if found is None else found

    ordered = sorted(candidates, key=lambda each: (each.record.source, each.record.key))
    ordered.sort(key=lambda each: each.seen, reverse=True)
    ordered.sort(key=rank)
    return ordered
