"""The law of findings: what the store lists is what the oracle finds, whatever came in which order and pieces."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knockon.cmdb.stores import opened, store_at
from tests.cmdb import oracle
from tests.cmdb.driving import digest, undo_source
from tests.cmdb.histories import SOURCES, History, crowds, histories, permuted, without
from tests.cmdb.identity import MODEL, rules
from tests.cmdb.test_estate_laws import tell

if TYPE_CHECKING:
    from random import Random

    from knockon.cmdb.contract.store import Store
    from tests.cmdb.oracle import Key

    Found = set[tuple[str, frozenset[Key]]]


async def kept(store: Store) -> Found:
    """Read the findings; those of a value that too many claim name it, and it leads to their records."""
    found: Found = set()
    for each in await store.findings(limit=10_000):
        records = each.records or (await store.claimants([each.token], 10_000)).get(each.token, [])
        found.add((each.code, frozenset(records)))
    return found


def meant(history: History) -> Found:
    with patch.object(oracle, "digest", digest):
        return set(oracle.judge(MODEL, rules(MODEL), history.loads, history.decisions).findings)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(history=histories(most=5) | crowds(), chance=st.randoms(use_true_random=False))
async def test_what_is_kept_is_what_the_oracle_finds(history: History, chance: Random) -> None:
    order = list(range(len(history.loads)))
    chance.shuffle(order)
    with TemporaryDirectory() as folder:
        async with opened(store_at(f"sqlite:///{folder}/estate.db", MODEL)) as store:
            await tell(store, MODEL, permuted(history, order))
            assert await kept(store) == meant(history)
            source = chance.choice(SOURCES)
            await undo_source(store, MODEL, source)
            assert await kept(store) == meant(without(history, source))
