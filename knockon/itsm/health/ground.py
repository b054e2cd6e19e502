"""What checks look at: the estate at one revision, with what several of them need worked out once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from knockon.impact.topology.derive import network
from knockon.impact.topology.topology import Topology
from knockon.itsm.services.facts import SERVICE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from knockon.cmdb.contract.rows import Entity, Scan
    from knockon.impact.topology.network import Network
    from knockon.itsm.health.rules import Rule
    from knockon.schema.model import Model

ITEM = "ConfigurationItem"


class Outcome(NamedTuple):
    """What a check asks of one CI, how much of that it misses, and why; ``id`` is "" where no CI is known."""

    id: str
    asked: int
    missed: int = 0
    because: str = ""


@dataclass(frozen=True)
class Ground:
    """The estate that is judged. ``moment`` is text as ``schema.values.instant`` gives it.

    ``seen`` tells when each thing was last reported; None where that is not known, and then neither is what waits.
    ``apart`` are the pairs of things, by id, that a person keeps apart. ``against`` says of things, by id, what is seen
    of them against their status, and no person has accepted; it is known with ``seen`` only.
    """

    model: Model
    scan: Scan
    moment: str
    seen: Mapping[str, str] | None
    rules: Sequence[Rule] = field(default=())
    apart: AbstractSet[frozenset[str]] = frozenset()
    against: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def cis(self) -> list[Entity]:
        """Give all configuration items, in order."""
        items = set(self.model.concrete(ITEM)) if ITEM in self.model.classes else set()
        return sorted((each for each in self.scan.entities if each.class_name in items), key=lambda each: each.order)

    @cached_property
    def number(self) -> dict[str, int]:
        """Give the place of each CI in ``cis`` by its id."""
        return {each.id: place for place, each in enumerate(self.cis)}

    @cached_property
    def entities(self) -> dict[str, Entity]:
        """Give everything that was read by its id."""
        return {each.id: each for each in self.scan.entities}

    @cached_property
    def in_use(self) -> list[Entity]:
        """Give the CIs that are there to serve: neither on order nor disposed of."""
        return [each for each in self.cis if self.model.counts(each.class_name, each.attributes)]

    @cached_property
    def network(self) -> Network:
        """Give who needs whom."""
        taking = self.model.topology_classes
        return network(self.model, (each for each in self.scan.entities if each.class_name in taking), self.scan.edges)

    @cached_property
    def topology(self) -> Topology:
        """Give who needs whom, laid out."""
        return Topology.of(self.network)

    @cached_property
    def services(self) -> list[Entity]:
        """Give the services."""
        return [each for each in self.cis if SERVICE in self.model.classes[each.class_name].lineage]

    @cached_property
    def owners(self) -> dict[str, list[str]]:
        """Give the CIs of each owner by the owner's id."""
        found: dict[str, list[str]] = {}
        for edge in self.scan.edges:
            if edge.key.type_name == "OWNED_BY" and edge.key.source_id in self.number:
                found.setdefault(edge.key.target_id, []).append(edge.key.source_id)
        return found

    @cached_property
    def relationships(self) -> dict[str, int]:
        """Count the relationships of each CI, those that wait too; each counts with one CI, its source if that is one.

        Under "" are those of which neither end is known.
        """
        found: dict[str, int] = {}
        ends = [(edge.key.source_id, edge.key.target_id) for edge in self.scan.edges]
        for each in (*(self.teller(*pair) for pair in ends), *(self.teller(*one.known) for one in self.scan.waiting)):
            if each is not None:
                found[each] = found.get(each, 0) + 1
        return found

    def teller(self, source: str | None, target: str | None) -> str | None:
        """Give the CI that a relationship counts with; "" where no end is known, None where it is not about CIs."""
        if source in self.number:
            return source
        if target in self.number:
            return target
        return "" if source is None and target is None else None
