"""A what-if file in an estate: its changes typed by the model, and what they speak of found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from knockon.cmdb.contract.rows import SEPARATOR, Edge, EdgeKey, Entity
from knockon.cmdb.lookup import find_all
from knockon.errors import FindingCode, ReferenceAmbiguous, ReferenceNotFound, RejectCode, UsageError
from knockon.impact.planning.overlay import Overlay
from knockon.itsm.formats.written import Reading
from knockon.itsm.planning.asking import look_up
from knockon.itsm.planning.overlay_file import refuse
from knockon.schema import validate
from knockon.schema.observation import EntityObservation, Reject, RelationshipObservation
from knockon.schema.wording import indefinite

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from knockon.cmdb.contract.rows import Scan
    from knockon.cmdb.contract.store import Store
    from knockon.itsm.planning.overlay_file import Line, OverlayFile
    from knockon.schema.model import Attribute, Model

SOURCE = "what-if"

_NAMELESS = ReferenceNotFound("An empty text names nothing; give an id, Class:name, source:key, or a name.")
"""Whom the added things come from, in their place among equals."""

Known = dict[str, "Entity | UsageError"]
"""What references mean, or why they mean nothing."""


@dataclass(frozen=True, slots=True)
class Settled:
    """An overlay and the estate it was checked against.

    ``words`` says each change in a sentence; ``meant`` are the things that the references of the question mean.
    """

    scan: Scan
    overlay: Overlay
    words: tuple[str, ...]
    meant: tuple[Entity, ...]


async def settle(store: Store, model: Model, file: OverlayFile, references: Collection[str] = ()) -> Settled:
    """Type the changes by the model and find what they refer to; ``references`` may name what they add.

    Raises
    ------
    OverlayInvalid
        The model does not take a change, or something that it speaks of is not there: all such
        mistakes, each with its line and code.
    ReferenceNotFound, ReferenceAmbiguous
        For one of ``references``.
    """
    reading = Reading(file.name)
    own = _Additions(reading, model)
    for line in file.lines:
        if line.section == "add" and not line.relates:
            own.take(line)
    asked_for = {ref for line in file.lines for ref in line.references if own.meant_by(line, ref) is None}
    known: Known = await look_up(store, model, asked_for)
    asked = iter(await find_all(store, model, [each for each in references if own.named(each) is None]))
    meant = tuple(own.named(each) or next(asked) for each in references)
    scan = await store.scan(model.topology_classes)
    checking = _Checking(reading, model, scan, known, own)
    for line in file.lines:
        checking.take(line)
    refuse(reading)
    return Settled(scan, checking.overlay, tuple(checking.words), meant)


class _Additions:
    """The things that a file adds, by the names that it may call them by: key, and Class:name."""

    def __init__(self, reading: Reading, model: Model) -> None:
        self._reading = reading
        self._model = model
        self._by_key: dict[str, Entity] = {}
        self._by_name: dict[str, list[Entity]] = {}

    def take(self, line: Line) -> None:
        """Type one thing."""
        attributes = {key: value for key, value in line.said.items() if key not in ("class", "key")}
        said = EntityObservation(SOURCE, line.said.get("key") or "", line.said.get("class") or "", attributes)
        typed = validate.entity(self._model, said)
        if isinstance(typed, Reject):
            self._reading.wrong(line.number, f"{typed.code}: {typed.message}")
            return
        if typed.key in self._by_key:
            self._reading.wrong(line.number, f"{FindingCode.DUPLICATE_RECORD}: {typed.key!r} is added twice.")
            return
        name = typed.attributes.get("name") or typed.key
        order = SEPARATOR.join((typed.class_name, name, f"{SOURCE}:{typed.key}"))
        id_ = str(uuid5(NAMESPACE_URL, f"knockon:{SOURCE}:{typed.key}"))
        entity = Entity(id_, typed.class_name, name, order, typed.attributes)
        self._by_key[typed.key] = entity
        for class_name in self._model.classes[typed.class_name].lineage:
            self._by_name.setdefault(f"{class_name}:{name}", []).append(entity)

    @property
    def all(self) -> Collection[Entity]:
        """Give all that could be typed."""
        return self._by_key.values()

    def said_by(self, line: Line) -> Entity | None:
        """Give what a line adds, where it could be typed."""
        key = line.said.get("key")
        return self._by_key.get(key) if isinstance(key, str) else None

    def named(self, reference: str) -> Entity | None:
        """Give the one thing that the file means by this, if it is one of its own."""
        named = self._by_name.get(reference, [])
        return self._by_key.get(reference) or (named[0] if len(named) == 1 else None)

    def meant_by(self, line: Line, reference: str) -> Entity | None:
        """Give the one of its own that a line means; what is removed was there before anything was added."""
        return None if line.section == "remove" else self.named(reference)


class _Checking:
    """The estate while the lines of a file are applied to it, one after the other."""

    def __init__(self, reading: Reading, model: Model, scan: Scan, known: Known, own: _Additions) -> None:
        self.overlay = Overlay()
        self.words: list[str] = []
        self._reading = reading
        self._model = model
        self._known = known
        self._own = own
        self._entities = {each.id: each for each in scan.entities}
        self._edges: dict[tuple[str, str, str], dict[str, Edge]] = {}
        for edge in scan.edges:
            self._edges.setdefault(edge.key[:3], {})[edge.key.group] = edge

    def take(self, line: Line) -> None:
        """Apply one line, or note what is wrong with it."""
        {
            ("remove", False): self._remove,
            ("remove", True): self._unrelate,
            ("add", False): self._add,
            ("add", True): self._relate,
            ("change", False): self._change,
            ("change", True): self._rerelate,
        }[line.section, line.relates](line)

    def _remove(self, line: Line) -> None:
        if entity := self._find(line, line.said["ref"]):
            self.overlay.gone.add(entity.id)
            self.words.append(f"takes away {_named(entity)}")

    def _unrelate(self, line: Line) -> None:
        if edge := self._addressed(line):
            self._drop(edge.key)
            self.words.append(f"takes away {self._relation(edge)}")

    def _add(self, line: Line) -> None:
        if entity := self._own.said_by(line):
            self.overlay.put[entity.id] = entity
            self.words.append(f"adds {_named(entity)}")

    def _relate(self, line: Line) -> None:
        attributes = {key: value for key, value in line.said.items() if key not in ("from", "type", "to")}
        if edge := self._typed(line, line.said.get("from"), line.said.get("to"), attributes):
            self._put(line, edge, f"adds {self._relation(edge)}")

    def _change(self, line: Line) -> None:
        entity = self._find(line, line.said["ref"])
        if entity is None:
            return
        if entity.id in self.overlay.put:
            entity = self.overlay.put[entity.id]
        declared = self._model.classes[entity.class_name].attributes
        *_, last = entity.order.split(SEPARATOR)
        said = EntityObservation(SOURCE, SOURCE, entity.class_name, _merged(entity.attributes, declared, line.to_set))
        typed = validate.entity(self._model, said)
        if isinstance(typed, Reject):
            self._wrong(line, typed.code, typed.message)
            return
        name = typed.attributes.get("name") or entity.name
        order = SEPARATOR.join((entity.class_name, name, last))
        self.overlay.put[entity.id] = Entity(entity.id, entity.class_name, name, order, typed.attributes)
        self.words += _differences(_named(entity), entity.attributes, typed.attributes)

    def _rerelate(self, line: Line) -> None:
        old = self._addressed(line)
        if old is None:
            return
        declared = self._model.relationships[old.key.type_name].attributes
        to_set = {key: value for key, value in line.to_set.items() if key not in ("from", "to")}
        start, end = (line.to_set.get(key, line.said[key]) for key in ("from", "to"))
        new = self._typed(line, start, end, _merged(old.attributes, declared, to_set))
        if new is None:
            return
        was = self._relation(old)
        self._drop(old.key)
        moved = [f"turns {was} into {self._relation(new)}"] if new.key[:3] != old.key[:3] else []
        self._put(line, new, *moved, *_differences(was, old.attributes, new.attributes))

    def _typed(self, line: Line, start: Any, end: Any, attributes: dict[str, Any]) -> Edge | None:
        said = RelationshipObservation(SOURCE, line.said.get("type") or "", start, end, attributes)
        typed = validate.relationship(self._model, said)
        if isinstance(typed, Reject):
            self._wrong(line, typed.code, typed.message)
            return None
        ends = self._find(line, typed.from_ref), self._find(line, typed.to_ref)
        if ends[0] is None or ends[1] is None:
            return None
        source, target = ends[0], ends[1]
        key = EdgeKey(typed.type_name, source.id, target.id, typed.attributes.get("redundancy_group") or "")
        if source.id == target.id:
            self._wrong(line, RejectCode.SELF_LOOP, f"{_named(source)} cannot be related to itself.")
        elif not self._model.allows(typed.type_name, source.class_name, target.class_name):
            named = indefinite(source.class_name), indefinite(target.class_name)
            message = f"the model does not allow that {named[0]} {typed.type_name} {named[1]}."
            self._wrong(line, FindingCode.RELATIONSHIP_NOT_ALLOWED, message)
        else:
            return Edge(key, typed.attributes)
        return None

    def _addressed(self, line: Line) -> Edge | None:
        """Find the relationship that a line speaks of."""
        found = self._model.direction(line.said["type"])
        if found is None:
            self._typed(line, line.said["from"], line.said["to"], {})
            return None
        ends = self._find(line, line.said["from"]), self._find(line, line.said["to"])
        if ends[0] is None or ends[1] is None:
            return None
        source, target = reversed(ends) if found[1] else ends
        groups = self._edges.get((found[0].name, source.id, target.id), {})  # type: ignore[union-attr]
        wanted = line.said.get("redundancy_group")
        fitting = [edge for group, edge in groups.items() if wanted is None or group == wanted]
        if len(fitting) == 1:
            return fitting[0]
        words = f"{line.said['from']} {line.said['type']} {line.said['to']}"
        if fitting:
            several = ", ".join(group or "null" for group in sorted(groups))
            message = f"{words} stands there several times; give the redundancy_group of one: {several}."
            self._wrong(line, FindingCode.AMBIGUOUS_REFERENCE, message)
        else:
            self._wrong(line, RejectCode.UNRESOLVED_REFERENCE, f"there is no relationship {words}.")
        return None

    def _find(self, line: Line, reference: str) -> Entity | None:
        entity = self._own.meant_by(line, reference) or self._known.get(reference, _NAMELESS)
        if isinstance(entity, UsageError):
            ambiguous = isinstance(entity, ReferenceAmbiguous)
            code = FindingCode.AMBIGUOUS_REFERENCE if ambiguous else RejectCode.UNRESOLVED_REFERENCE
            self._wrong(line, code, str(entity))
            return None
        if entity.id in self.overlay.gone:
            self._wrong(line, RejectCode.UNRESOLVED_REFERENCE, f"{_named(entity)} is taken away by this file.")
            return None
        return entity

    def _put(self, line: Line, edge: Edge, *words: str) -> None:
        groups = self._edges.setdefault(edge.key[:3], {})
        if edge.key.group in groups:
            message = f"{self._relation(edge)} already; to change it, name it under change."
            self._wrong(line, FindingCode.DUPLICATE_RECORD, message)
            return
        groups[edge.key.group] = self.overlay.put_edges[edge.key] = edge
        self.words += words

    def _drop(self, key: EdgeKey) -> None:
        del self._edges[key[:3]][key.group]
        self.overlay.put_edges.pop(key, None)
        self.overlay.gone_edges.add(key)

    def _relation(self, edge: Edge) -> str:
        names = {each.id: each.name for each in self._known.values() if isinstance(each, Entity)}
        names |= {each.id: each.name for each in self._own.all}
        group = f" in its group {edge.key.group}" if edge.key.group else ""
        return f"{names[edge.key.source_id]} {edge.key.type_name} {names[edge.key.target_id]}{group}"

    def _wrong(self, line: Line, code: str, message: str) -> None:
        self._reading.wrong(line.number, f"{code}: {message}")


def _merged(old: dict[str, Any], declared: Mapping[str, Attribute], to_set: dict[str, Any]) -> dict[str, Any]:
    """Give the attributes after the change; what the model no longer knows is left behind."""
    return {key: value for key, value in old.items() if key in declared} | to_set


def _differences(subject: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            was = "not set" if old.get(key) is None else old[key]
            now = "no longer set" if new.get(key) is None else new[key]
            yield f"changes {subject}: {key} is {now} (was {was})"


def _named(entity: Entity) -> str:
    return f"{entity.class_name} {entity.name}"
