"""Names for revisions: a ``_Baseline`` node each."""

# ruff: noqa: D103 - what each promises stands in contract.py

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, LiteralString

from knockon.cmdb.contract.rows import Baseline
from knockon.cmdb.stores.neo4j.cypher import run

if TYPE_CHECKING:
    from knockon.cmdb.stores.neo4j.cypher import Transaction

BASELINES: LiteralString = "MATCH (b:_Baseline) RETURN collect(properties(b))"
PUT_BASELINE: LiteralString = "MERGE (b:_Baseline {name: $row.name}) SET b = $row"
DROP_BASELINE: LiteralString = "MATCH (b:_Baseline {name: $name}) DELETE b"


async def baselines(tx: Transaction) -> list[Baseline]:
    ((found,),) = await run(tx, BASELINES, {})
    return sorted((Baseline(**each) for each in found), key=lambda each: (each.revision, each.name))


async def put_baseline(tx: Transaction, row: Baseline) -> None:
    await run(tx, PUT_BASELINE, {"row": asdict(row)})


async def drop_baseline(tx: Transaction, name: str) -> None:
    await run(tx, DROP_BASELINE, {"name": name})
