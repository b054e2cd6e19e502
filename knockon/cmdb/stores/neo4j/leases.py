"""What processes tell each other: a ``_Lease`` node for each name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, LiteralString

from neo4j import WRITE_ACCESS

from knockon.cmdb.stores.neo4j.cypher import run
from knockon.cmdb.stores.neo4j.errors import driver_errors

if TYPE_CHECKING:
    from neo4j import AsyncSession

# MERGE locks the node of the name until the end, so of several that ask at once one is first
LEASE: LiteralString = """
MERGE (l:_Lease {name: $name}) ON CREATE SET l.value = $value, l.until = 0
SET l._held = true
WITH l, timestamp() AS now
SET l.until = CASE WHEN l.until <= now OR l.value IN [$value, $before] THEN now + $time ELSE l.until END,
    l.value = CASE WHEN l.until <= now OR l.value IN [$value, $before] THEN $value ELSE l.value END
RETURN l.value"""
FREE: LiteralString = "MATCH (l:_Lease) WHERE l.until <= timestamp() AND l.name <> $name DELETE l"


class Neo4jLeases(ABC):
    """A ``contract.Leases`` by the clock of the server."""

    @abstractmethod
    def _session(self, access: str) -> AsyncSession:
        """Begin a session."""

    async def lease(self, name: str, value: str, *, seconds: float, instead_of: str = "") -> str:
        given = {"name": name, "value": value, "before": instead_of, "time": int(seconds * 1000)}
        with driver_errors():
            async with self._session(WRITE_ACCESS) as session:
                ((found,),) = await session.execute_write(run, LEASE, given)
                await session.execute_write(run, FREE, {"name": name})
                return str(found)
