"""What follows from what: the impact engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knockon.cmdb.contract.rows import Entity
    from knockon.impact.topology.topology import Topology


def to_networkx(topology: Topology, entities: Mapping[str, Entity] | None = None) -> Any:
    """Give a topology as a networkx MultiDiGraph, edges from consumer to supplier, in O(n + m).

    Nodes are ids, with ``class`` and ``name`` of those in ``entities``. Edges have ``type``, ``group`` (empty
    for a plain dependency), ``weight``, ``rule`` and ``effect``: what the supplier's states do to the consumer,
    from OPERATIONAL to DOWN, as words with blanks between.

    Raises
    ------
    BadUsage
        networkx is not installed.
    """
    from knockon.errors import BadUsage  # noqa: PLC0415 - importing the package stays cheap

    try:
        import networkx as nx  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise BadUsage("to_networkx needs networkx: install knockon[analysis].") from error
    graph: Any = nx.MultiDiGraph()
    for id_ in topology.ids:
        known = (entities or {}).get(id_)
        graph.add_node(id_, **({"class": known.class_name, "name": known.name} if known else {}))
    for arc in range(len(topology.graph.consumer)):
        for signature in topology.dependencies(arc):
            each = topology.dependency(arc, signature)
            graph.add_edge(
                each.consumer, each.supplier, type=each.type_name, group=each.group or "", weight=each.weight,
                rule=each.rule, effect=" ".join(state.name for state in each.effect),
            )  # fmt: skip
    return graph
