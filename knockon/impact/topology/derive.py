"""From what the store holds to who needs whom: the model's impact rules, applied."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from knockon.cmdb.contract.edges import Edges
from knockon.errors import BadUsage
from knockon.impact.topology.network import Dependency, Item, Network
from knockon.impact.topology.topology import Signature, Topology, interned
from knockon.schema.model import as_text
from knockon.schema.wording import unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from knockon.cmdb.contract.rows import Edge, Entity, Scan
    from knockon.impact.topology.network import Threshold
    from knockon.schema.model import ImpactRule, Model, RuleEnd
    from knockon.schema.spec import RedundancySpec

_THRESHOLD = re.compile(r"[1-9]\d{0,8}|([1-9]|[1-9]\d|100)%")


def network(
    model: Model, entities: Iterable[Entity], edges: Iterable[Edge], *, exclude: Collection[str] = ()
) -> Network:
    """Choose each edge's impact rule and group; give what the engine needs.

    An edge without impact, or with an end that is not among the entities, is left out; so is one of an
    entity whose state does not count, such as a server on order, which stands alone. ``exclude`` names relationship
    types, either way round, that do not count in this analysis. Linear in both.

    Raises
    ------
    BadUsage
        ``exclude`` names no relationship type.
    """
    known = {entity.id: entity for entity in entities}
    counted = {each: entity for each, entity in known.items() if model.counts(entity.class_name, entity.attributes)}
    left_out = excluded_types(model, exclude)
    rules = Rules(model)
    items = [rules.item(entity) for entity in known.values()]
    dependencies = [
        dependency
        for edge in edges
        if edge.key.type_name not in left_out
        and (source := counted.get(edge.key.source_id))
        and (target := counted.get(edge.key.target_id))
        and (dependency := rules.dependency(edge, source, target))
    ]
    return Network(items, dependencies)


def topology_of(model: Model, scan: Scan, *, exclude: Collection[str] = ()) -> Topology:
    """Give the topology of ``network``, without an object for each edge; O(m log m) for m edges.

    Edges that say the same between things that impact rules cannot tell apart have the same dependency, but for its
    ends. So each sort of edge is derived once.

    Raises
    ------
    BadUsage
        As ``network``.
    """
    left_out = excluded_types(model, exclude)
    entities = sorted(scan.entities, key=lambda each: each.order)
    edges = Edges.of(scan.edges)
    numbers = {each.id: number for number, each in enumerate(entities)}
    number = np.array([numbers.get(each, -1) for each in edges.ids], np.int64)
    kind, *ends = (np.frombuffer(each, np.int32).astype(np.int64) for each in (edges.kind, edges.source, edges.target))
    source, target = (number[each] for each in ends)
    sorts = _sorts(model, entities)
    wanted = np.array([each.type_name not in left_out for each in edges.kinds], bool)
    counted = np.flatnonzero(wanted[kind] & (source >= 0) & (target >= 0) & (sorts[source] >= 0) & (sorts[target] >= 0))
    kind, source, target = kind[counted], source[counted], target[counted]
    many = sorts.max(initial=0) + 1
    _, example, sort = np.unique(
        (kind * many + sorts[source]) * many + sorts[target], return_index=True, return_inverse=True
    )
    rules = Rules(model)
    found = [
        rules.dependency(edges[int(counted[each])], entities[source[each]], entities[target[each]]) for each in example
    ]
    signatures, code = interned([Signature.of(each) for each in found if each])
    codes = np.full(len(found), -1, np.int64)
    codes[[each is not None for each in found]] = code
    signature = codes[sort]
    felt = signature >= 0
    signature, source, target = signature[felt], source[felt], target[felt]
    reverse = np.array([each.reversed for each in signatures], bool)[signature]
    return Topology.laid_out(
        [each.id for each in entities], lambda owner: rules.item(entities[owner]), signatures, signature,
        np.where(reverse, source, target), np.where(reverse, target, source),
    )  # fmt: skip


def _sorts(model: Model, entities: Sequence[Entity]) -> Any:
    """Number the sorts of things that impact rules can tell apart; -1: it does not count."""
    names = sorted(attributes_looked_at(model))
    numbers: dict[tuple[str, ...], int] = {}
    return np.array(
        [
            numbers.setdefault((each.class_name, *[as_text(each.attributes.get(name)) for name in names]), len(numbers))
            if model.counts(each.class_name, each.attributes)
            else -1
            for each in entities
        ],
        np.int64,
    )


def attributes_looked_at(model: Model) -> frozenset[str]:
    """Name the attributes of things that conditions of impact rules look at."""
    rules = (rule for kind in model.relationships.values() for rule in kind.rules)
    return frozenset(name for rule in rules for end, name, _ in rule.conditions if end != "edge")


def excluded_types(model: Model, names: Collection[str]) -> frozenset[str]:
    """Give the stored names of relationship types that are named either way round.

    Raises
    ------
    BadUsage
        One of the names is no relationship type's.
    """
    found = {name: model.direction(name) for name in names}
    if wrong := sorted(name for name, kind in found.items() if kind is None):
        written = "; they are written like RUNS_ON."
        raise BadUsage(" ".join(unknown("relationship type", each, model.type_names, written) for each in wrong))
    return frozenset(kind[0].name for kind in found.values() if kind)


class Rules:
    """The model's choices, each made once per (type, classes, values that conditions look at)."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._looked_at: dict[tuple[str, ...], tuple[tuple[RuleEnd, str], ...]] = {}
        self._chosen: dict[tuple[str, ...], tuple[ImpactRule | None, bool]] = {}
        self._redundancy: dict[str, RedundancySpec | None] = {}

    def item(self, entity: Entity) -> Item:
        """Give the item that an entity is."""
        name = entity.class_name
        if name not in self._redundancy:
            declared = (self._model.classes[each].spec.redundancy for each in self._model.classes[name].lineage)
            self._redundancy[name] = next((each for each in declared if each), None)
        default = self._redundancy[name]
        if default is None:
            return Item(entity.id, entity.order)
        own = entity.attributes
        return Item(
            entity.id, entity.order, default.group,
            _threshold(own.get("min_up")), _threshold(own.get("full_up")), default.min_up, default.full_up,
        )  # fmt: skip

    def dependency(self, edge: Edge, source: Entity, target: Entity) -> Dependency | None:
        """Give the dependency that an edge between live entities is; None where it has no impact."""
        type_name, _, _, name = edge.key
        own = edge.attributes
        rule, by_type = self._choose(type_name, source, target, own)
        if rule is None or rule.supplier is None:
            return None
        reverse = rule.supplier == "source"
        consumer, supplier = (target, source) if reverse else (source, target)
        return Dependency(
            consumer.id, supplier.id, rule.effect, name or (type_name if by_type else None), own.get("weight") or 1,
            _threshold(own.get("min_up")), _threshold(own.get("full_up")), type_name, reverse, rule.name,
        )  # fmt: skip

    def _choose(
        self, type_name: str, source: Entity, target: Entity, own: dict[str, Any]
    ) -> tuple[ImpactRule | None, bool]:
        """Choose the rule, and whether its edges form a group without a name."""
        key: tuple[str, ...] = (type_name, source.class_name, target.class_name)
        looked_at = self._looked_at.get(key)
        if looked_at is None:
            conditions = (each for rule in self._model.rules_between(*key) for each in rule.conditions)
            looked_at = self._looked_at[key] = tuple(dict.fromkeys((end, name) for end, name, _ in conditions))
        values = {"source": source.attributes, "target": target.attributes, "edge": own}
        if looked_at:
            key += tuple([as_text(values[end].get(name)) for end, name in looked_at])
        chosen = self._chosen.get(key)
        if chosen is None:
            pair = (type_name, source.class_name, target.class_name)
            chosen = self._chosen[key] = (self._model.impact_rule(*pair, values), self._model.grouped(*pair))
        return chosen


def _threshold(written: object) -> Threshold | None:
    """Read a threshold; what is none (a class of one's own may not have the pattern) counts as not given."""
    return str(written) if written is not None and _THRESHOLD.fullmatch(str(written)) else None
