"""The estate in Neo4j: a natural graph, with knockon's own bookkeeping under ``_`` names.

The layout and its reasons: ``docs/decisions/0003-neo4j-layout.md``.
"""

from knockon.cmdb.stores.neo4j.store import Neo4jStore

__all__ = ["Neo4jStore"]
