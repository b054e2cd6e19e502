"""The sample company, and the graph that its records draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from knockon import sample
from knockon.cmdb.contract.rows import Edge, EdgeKey, Entity
from knockon.impact.topology.derive import network
from knockon.impact.topology.topology import Topology
from knockon.schema.installed import installed_model

if TYPE_CHECKING:
    from knockon.sample.estate import Estate, Record
    from knockon.schema.model import Model

AS_OF = sample.AS_OF


class Drawn(NamedTuple):
    """The records of the sample company by key, and its topology, whose ids are the keys."""

    estate: Estate
    entities: dict[str, Record]
    topology: Topology

    def of_class(self, *names: str) -> list[str]:
        return [key for key, record in self.entities.items() if record["class"] in names]


@pytest.fixture(scope="session")
def model() -> Model:
    return installed_model()


@pytest.fixture(scope="session")
def home(model: Model) -> Drawn:
    (estate,) = sample.generate()
    entities = {record["key"]: record for record in estate.entities}
    rows = [
        Entity(key, record["class"], record["name"], key, record)
        for key, record in entities.items()
        if record["class"] in model.topology_classes
    ]
    edges = [
        Edge(EdgeKey(record["type"], record["from"], record["to"], record.get("redundancy_group", "")), record)
        for record in estate.relationships
    ]
    return Drawn(estate, entities, Topology.of(network(model, rows, edges)))
