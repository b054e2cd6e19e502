"""What if the estate were another one: changes that are applied to a scan and never written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from knockon.cmdb.contract.rows import Scan
from knockon.impact.propagation.evaluation import evaluate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from knockon.cmdb.contract.rows import Edge, EdgeKey, Entity
    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.topology.network import Network
    from knockon.impact.topology.topology import Topology
    from knockon.schema.states import State


@dataclass
class Overlay:
    """Changes to an estate, checked against it.

    What is ``put`` is new, or stands in the place of what has the same id or key. An entity that is
    ``gone`` takes its relationships with it.
    """

    put: dict[str, Entity] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    put_edges: dict[EdgeKey, Edge] = field(default_factory=dict)
    gone_edges: set[EdgeKey] = field(default_factory=set)


@dataclass(frozen=True)
class Contrast:
    """One failure in two estates. ``worse`` and ``better`` have what both have, worst state first, then by order."""

    before: Evaluation
    after: Evaluation
    worse: tuple[str, ...]
    better: tuple[str, ...]


def apply(overlay: Overlay, scan: Scan) -> Scan:
    """Give the estate as it would be; the scan stays as it is. Linear in the estate."""
    kept = [overlay.put.get(each.id, each) for each in scan.entities if each.id not in overlay.gone]
    known = {each.id for each in kept}
    edges = [
        overlay.put_edges.get(edge.key, edge)
        for edge in scan.edges
        if edge.key not in overlay.gone_edges and not overlay.gone & {edge.key.source_id, edge.key.target_id}
    ]
    keys = {edge.key for edge in edges}
    return Scan(
        scan.revision,
        [*kept, *(each for id_, each in overlay.put.items() if id_ not in known)],
        [*edges, *(edge for key, edge in overlay.put_edges.items() if key not in keys)],
        scan.waiting,
    )


def neighbourhood(before: Network, after: Network, shifted: Collection[str] = ()) -> frozenset[str]:
    """Name the items whose single failure can have another effect after than before; no other's can.

    These are the direct and indirect suppliers, on either side, of each item whose needs differ. ``shifted``
    are the items that are in another state after than before already, where something has failed on both
    sides: then the suppliers of all that hangs on these count as well. Linear.
    """
    networks = before, after
    return suppliers(networks, _changed(before, after) | set(shifted) | _reached(networks, shifted, up=False))


def suppliers(networks: Iterable[Network], items: Collection[str]) -> frozenset[str]:
    """Name what some items need, over one step or more, in any of the networks."""
    return _reached(networks, items, up=True)


def _reached(networks: Iterable[Network], items: Collection[str], *, up: bool) -> frozenset[str]:
    """Walk from consumers up to suppliers, or down to consumers, over one step or more."""
    steps: dict[str, set[str]] = {}
    for network in networks if items else ():
        for each in network.dependencies:
            start, end = (each.consumer, each.supplier) if up else (each.supplier, each.consumer)
            steps.setdefault(start, set()).add(end)
    found: set[str] = set()
    queue = set(items)
    while queue:
        new = steps.get(queue.pop(), set()) - found
        found |= new
        queue |= new
    return frozenset(found)


def _changed(before: Network, after: Network) -> set[str]:
    """Name the consumers that need something else, or need it in another way."""
    old, new = Counter(before.dependencies), Counter(after.dependencies)
    edges = {each.consumer for each in (*(old - new), *(new - old))}
    return edges | {item.id for item in set(before.items) ^ set(after.items)}


def contrast(before: Topology, after: Topology, seeds: Mapping[str, State], pins: Collection[str] = ()) -> Contrast:
    """Put one failure to both estates; a seed or a pin that an estate does not have counts as nothing there."""
    found = []
    for topology in (before, after):
        here = {seed: state for seed, state in seeds.items() if seed in topology}
        found.append(evaluate(topology, here, pins=[pin for pin in pins if pin in topology and pin not in here]))
    old, new = found
    both = [item for item in new.settled() if item in before]
    worse = [item for item in both if new.state(item) > old.state(item)]
    better = [item for item in old.settled() if item in after and new.state(item) < old.state(item)]
    return Contrast(old, new, tuple(worse), tuple(better))
