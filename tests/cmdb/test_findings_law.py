"""The law of findings: what the store lists is what the oracle finds, whatever came in which order and pieces."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from knockon.cmdb.loading import run as load_run
from knockon.cmdb.stores import opened, store_at
from tests.cmdb import oracle
from tests.cmdb.driving import decide, digest, load_into, undo_load, undo_source
from tests.cmdb.histories import DAYS, SOURCES, History, crowds, decisions, histories, permuted, statuses, without
from tests.cmdb.identity import MODEL, discovering, rules
from tests.cmdb.oracle import EdgeReport, EntityReport, Load
from tests.cmdb.test_estate_laws import in_order, kept, tell
from tests.conftest import wipe

if TYPE_CHECKING:
    from random import Random

    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model
    from tests.cmdb.oracle import Key

    Found = set[tuple[str, frozenset[Key]]]

DISCOVERING = discovering(MODEL)


def meant(model: Model, history: History) -> Found:
    with patch.object(oracle, "digest", digest):
        return set(oracle.judge(model, rules(model), history.loads, history.decisions).findings)


async def in_any_order_and_without_a_source(store: Store, model: Model, history: History, chance: Random) -> None:
    order = list(range(len(history.loads)))
    chance.shuffle(order)
    await tell(store, model, permuted(history, order))
    assert await kept(store) == meant(model, history)
    source = chance.choice(SOURCES)
    await undo_source(store, model, source)
    assert await kept(store) == meant(model, without(history, source))


async def in_small_batches_and_said_again(store: Store, model: Model, history: History, chance: Random) -> None:
    with patch.object(load_run, "BATCH", chance.randint(1, 3)):
        await tell(store, model, history)
        assert await kept(store) == meant(model, history)
        await load_into(store, model, chance.choice(history.loads))
    assert await kept(store) == meant(model, history)


async def without_a_load(store: Store, model: Model, history: History, chance: Random) -> None:
    history = in_order(history)
    gone = chance.randrange(len(history.loads))
    written = [(await load_into(store, model, each)).revision for each in history.loads]
    for decision in history.decisions:
        await decide(store, model, decision)
    await undo_load(store, model, written[gone])
    rest = tuple(each for n, each in enumerate(history.loads) if n != gone)
    assert await kept(store) == meant(model, History(rest, history.decisions))


async def under_another_model(store: Store, model: Model, history: History, chance: Random) -> None:
    await tell(store, DISCOVERING if model is MODEL else MODEL, history)
    await load_into(store, model, chance.choice(history.loads))
    assert await kept(store) == meant(model, history)


LAWS = [in_any_order_and_without_a_source, in_small_batches_and_said_again, without_a_load, under_another_model]
on_every_law = pytest.mark.parametrize("law", LAWS, ids=[each.__name__ for each in LAWS])


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(history=histories(most=5) | crowds(), chance=st.randoms(use_true_random=False))
async def test_what_is_kept_is_what_the_oracle_finds(history: History, chance: Random) -> None:
    with TemporaryDirectory() as folder:
        async with opened(store_at(f"sqlite:///{folder}/estate.db", MODEL)) as store:
            await in_any_order_and_without_a_source(store, MODEL, history, chance)


@on_every_law
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(history=statuses(), model=st.sampled_from([MODEL, DISCOVERING]), chance=st.randoms(use_true_random=False))
async def test_status_against_presence_is_what_the_oracle_finds(
    law: Any, history: History, model: Model, chance: Random
) -> None:
    with TemporaryDirectory() as folder:
        async with opened(store_at(f"sqlite:///{folder}/estate.db", model)) as store:
            await law(store, model, history, chance)


# Not shrunk: each example costs a server many statements, and what fails here mostly fails there too.
@on_every_law
@settings(max_examples=4, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
@given(history=statuses(), model=st.sampled_from([MODEL, DISCOVERING]), chance=st.randoms(use_true_random=False))
async def test_status_against_presence_on_neo4j(
    law: Any, wiped_neo4j: str, neo4j_auth: tuple[str, str], history: History, model: Model, chance: Random
) -> None:
    await wipe(wiped_neo4j, neo4j_auth)
    user, password = neo4j_auth
    async with opened(store_at(wiped_neo4j, model, user=user, password=password)) as store:
        await law(store, model, history, chance)


@st.composite
def containing(draw: st.DrawFn) -> History:
    """Give few machines that contain each other, as several sources see it."""
    said = []
    for _ in range(draw(st.integers(2, 5))):
        source, complete = draw(st.sampled_from(SOURCES)), draw(st.booleans())
        own = draw(st.lists(st.sampled_from(["m1", "m2", "m3"]), min_size=1, unique=True))
        ends = st.sampled_from(["m1", "m2", "m3", "a:m1", "b:m2"])
        edges = [EdgeReport(a, "CONTAINS", b) for a, b in draw(st.lists(st.tuples(ends, ends), max_size=4)) if a != b]
        things = [EntityReport(key, "Server", {"serial": draw(st.sampled_from(["s", "t", key]))}) for key in own]
        said.append(Load(source, draw(st.sampled_from(DAYS)), tuple(things), tuple(edges), complete=complete))
    return History(tuple(said), tuple(draw(st.lists(decisions(), max_size=2))))


@pytest.mark.parametrize("law", LAWS[:3], ids=[each.__name__ for each in LAWS[:3]])
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(history=containing(), chance=st.randoms(use_true_random=False))
async def test_circles_of_containment_are_what_the_oracle_finds(law: Any, history: History, chance: Random) -> None:
    with TemporaryDirectory() as folder:
        async with opened(store_at(f"sqlite:///{folder}/estate.db", MODEL)) as store:
            await law(store, MODEL, history, chance)


@pytest.mark.parametrize("law", LAWS[:3], ids=[each.__name__ for each in LAWS[:3]])
@settings(max_examples=4, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
@given(history=containing(), chance=st.randoms(use_true_random=False))
async def test_circles_of_containment_on_neo4j(
    law: Any, wiped_neo4j: str, neo4j_auth: tuple[str, str], history: History, chance: Random
) -> None:
    await wipe(wiped_neo4j, neo4j_auth)
    user, password = neo4j_auth
    async with opened(store_at(wiped_neo4j, MODEL, user=user, password=password)) as store:
        await law(store, MODEL, history, chance)
