"""The way in: typed observations out of raw items, one for each key, and what could not be taken."""

from __future__ import annotations

from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.rows import SEPARATOR, EdgeRecordKey
from knockon.cmdb.identity.findings import as_seen, worded
from knockon.cmdb.loading.spool import Spool
from knockon.cmdb.reconciliation.taken import Taken, digest, edge_record_key
from knockon.errors import FindingCode
from knockon.schema import validate
from knockon.schema.observation import EntityObservation, Reject, RelationshipObservation, Skipped
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from knockon.cmdb.access import Sight
    from knockon.cmdb.contract.rows import IdentityFinding
    from knockon.schema.model import Model
    from knockon.schema.observation import Item


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth a person's look in records that were taken."""

    code: FindingCode
    message: str
    location: str
    about: IdentityFinding | None = None
    """What it tells of who is who, where it does."""

    def as_seen(self, model: Model, sight: Sight) -> Finding:
        """Leave out of the message what somebody may not read."""
        return self if self.about is None else replace(self, message=worded(as_seen(self.about, model, sight)))


class Intake:
    """One load, sorted out; what was taken lies in ``spool``, on disk where there is much of it. To be closed."""

    def __init__(self, model: Model) -> None:
        self.spool = Spool(model.layer, self._tell)
        self.rejected_entities: list[Reject] = []
        self.rejected_relationships: list[Reject] = []
        self.rejected_keys: set[str] = set()
        self.rejected_edge_keys: set[EdgeRecordKey] = set()
        self.nameless_rejects = 0  # rejected records of which it cannot be told what they are about
        self.findings: list[Finding] = []
        self.skipped: Counter[str] = Counter()
        # by class and word: the first place, and how often
        self.unknown_states: dict[tuple[str, str], tuple[str, int]] = {}
        self.oldest = self.newest = ""  # when the records that were taken were seen, the first and the last
        self.partial = False  # whether there are partial records

    @property
    def moment(self) -> str | None:
        """The one moment at which all was seen that was taken; None if there are several or none."""
        return self.newest if self.newest and self.oldest == self.newest else None

    def saw(self, moment: str) -> None:
        """Note when a record was seen."""
        if moment == self.newest:  # the usual case
            return
        self.oldest = min(self.oldest or moment, moment)
        self.newest = max(self.newest, moment)

    def _tell(self, taken: Taken[Any], other: Taken[Any]) -> None:
        """Tell of two records that speak of one key: the newer one counts."""
        said = taken.said
        words = said.key if isinstance(said, EntityObservation) else edge_record_key(said).words
        counts = max(taken, other, key=lambda each: each.age).said.location
        which = (
            "says the same again" if taken.digest == other.digest else f"says something else; that of {counts} counts"
        )
        message = f"{words} stands twice in this load ({other.said.location} and {said.location}) and {which}."
        self.findings.append(Finding(FindingCode.DUPLICATE_RECORD, message, said.location))


@contextmanager
def take_in(model: Model, items: Iterable[Item], loaded_at: str) -> Iterator[Intake]:
    """Validate items and keep one whole observation for each key: the newer ``(seen, digest)``.

    ``loaded_at`` stands in where an observation does not say when it was seen. Memory: what was rejected, what was
    found, and one item at a time.
    """
    intake = Intake(model)
    with closing(intake.spool):
        for item in items:
            if isinstance(item, Skipped):
                intake.skipped[item.kind] += 1
            else:
                _take(model, intake, item, loaded_at)
        intake.spool.seal()
        intake.findings += [_unknown_state(model, *each) for each in sorted(intake.unknown_states.items())]
        yield intake


def _take(model: Model, intake: Intake, item: Item, loaded_at: str) -> None:
    typed: Item = item
    if isinstance(item, EntityObservation):
        typed = validate.entity(model, item)
    elif isinstance(item, RelationshipObservation):
        typed = validate.relationship(model, item)
    if isinstance(typed, EntityObservation):
        entity = Taken(typed, typed.seen or loaded_at, digest(typed.class_name, typed.attributes))
        # several partial records of one thing add up, several whole ones do not
        place = SEPARATOR.join((typed.key, entity.seen, entity.digest)) if typed.partial else typed.key
        intake.spool.keep_entity(place, entity)
        intake.partial = intake.partial or typed.partial
        if rule := model.states.get(typed.class_name):
            state = typed.attributes.get(rule[0])
            if state is not None and state not in rule[1]:
                first, often = intake.unknown_states.get((typed.class_name, str(state)), (typed.location, 0))
                intake.unknown_states[typed.class_name, str(state)] = (first, often + 1)
        intake.saw(entity.seen)
    elif isinstance(typed, RelationshipObservation):
        relationship = Taken(typed, typed.seen or loaded_at, digest(typed.attributes))
        key = edge_record_key(typed)
        ends = model.child_ends.get(key.type_name, ())
        children = [key.from_ref if child_is_source else key.to_ref for child_is_source in ends]
        intake.spool.keep_relationship(key, children, relationship)
        intake.saw(relationship.seen)
    elif isinstance(typed, Reject):
        about = _note_rejected(model, intake, item)
        record = in_words(item) if typed.record is None else typed.record
        typed = replace(typed, about=about, seen=typed.seen or loaded_at, record=record or None)
        (intake.rejected_entities if typed.kind == "entity" else intake.rejected_relationships).append(typed)


def _unknown_state(model: Model, said: tuple[str, str], where: tuple[str, int]) -> Finding:
    (class_name, word), (first, often) = said, where
    attribute, states = model.states[class_name]
    message = (
        f"{counted(often, f'{class_name} record has', f'{class_name} records have')} the {attribute} {word}, which is "
        f"none of {', '.join(sorted(states))}. It is kept, and counts as open or in operation (a change, by its "
        "plan); say one of these instead, or add it to the lifecycle."
    )
    return Finding(FindingCode.UNKNOWN_STATE, message, first)


def _note_rejected(model: Model, intake: Intake, item: Item) -> tuple[str, ...]:
    """Note what a rejected record is about, and give it: in a complete load it counts as reported."""
    if isinstance(item, EntityObservation):
        key: Any = item.key  # as it stands in the file
        if isinstance(key, str | int) and str(key).strip():
            intake.rejected_keys.add(str(key))
            return (str(key),)
    if isinstance(item, RelationshipObservation):
        name: Any = item.type_name
        found = model.direction(name) if isinstance(name, str) else None
        ends: list[Any] = [item.from_ref, item.to_ref]
        if found and all(isinstance(each, str | int) for each in ends):
            source, target = map(str, reversed(ends) if found[1] else ends)
            group = str(item.attributes.get("redundancy_group") or "")
            edge_key = EdgeRecordKey(item.source, found[0].name, source, target, group)
            intake.rejected_edge_keys.add(edge_key)
            return edge_key[1:]
    intake.nameless_rejects += 1
    return _about(item)


def _about(item: Item) -> tuple[str, ...]:
    """Tell what a record speaks of whose class or type is not known; such a one counts for no complete load."""
    said = in_words(item)
    if "from" in said or "to" in said:
        words = [said.get("type"), said.get("from"), said.get("to"), str(said.get("redundancy_group") or "")]
    else:
        words = [said.get("key")]
    named = [each for each in words if isinstance(each, str)]
    return tuple(named) if named == words and all(each.strip() for each in named[:3]) else ()


def in_words(item: Item) -> dict[str, Any]:
    """Give what a record says in the native format."""
    if isinstance(item, EntityObservation):
        return {"class": item.class_name, "key": item.key, **item.attributes}
    if isinstance(item, RelationshipObservation):
        return {"from": item.from_ref, "type": item.type_name, "to": item.to_ref, **item.attributes}
    if isinstance(item, Reject) and item.format == "native" and isinstance(item.record, dict):
        return item.record
    return {}
