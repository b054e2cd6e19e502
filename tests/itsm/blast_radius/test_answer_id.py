"""An answer is named by its question, and can be had again by that name."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knockon.cmdb.stewardship.compaction import compact
from knockon.errors import AnswerGone, BadUsage
from knockon.itsm.blast_radius import answer_id as module
from knockon.itsm.blast_radius.answer_id import Asked, answer_id, read_answer_id
from knockon.itsm.blast_radius.answer_json import impact_json
from knockon.itsm.blast_radius.blast_radius import answer_again, blast_radius
from knockon.itsm.blast_radius.question import Ask
from knockon.itsm.context.given import Span
from tests.itsm.conftest import MODEL, link, say, thing

if TYPE_CHECKING:
    from knockon.impact.topology.topologies import Topologies

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
WINDOW = Span(datetime(2026, 11, 3, 20, tzinfo=UTC), datetime(2026, 11, 3, 23, tzinfo=UTC))

# hypothesis takes bounds without a time zone, and adds `timezones` itself
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda each: each.replace(microsecond=0)
)
ASKED = st.builds(
    Asked,
    st.lists(st.tuples(st.uuids().map(str), st.sampled_from(["down", "degraded", "removed"]))).map(tuple),
    st.sampled_from(["none", "open", "open,window,maintenance"]),
    st.none() | st.tuples(MOMENTS, MOMENTS).map(sorted).map(lambda each: Span(*each)),
    st.lists(st.uuids().map(str)).map(tuple),
    st.none() | st.integers(1, 99),
    st.lists(st.text()).map(tuple),
    MOMENTS,
)


@given(ASKED, st.integers(0, 10**12), st.text())
def test_a_name_says_all_of_the_question(asked: Asked, revision: int, model: str) -> None:
    name = answer_id(asked, revision, model)
    found = read_answer_id(name)
    assert (found.asked, found.revision, found.model_version) == (asked, revision, model)
    assert answer_id(found.asked, found.revision, found.model_version) == name


@given(ASKED, st.data())
def test_a_name_that_was_cut_or_mistyped_is_none(asked: Asked, data: st.DataObject) -> None:
    name = answer_id(asked, 7, "m")
    place = data.draw(st.integers(0, len(name) - 2))
    other = data.draw(st.sampled_from("abcXYZ019-_").filter(lambda each: each != name[place]))
    for wrong in (name[:place], name[:place] + other + name[place + 1 :]):
        with pytest.raises(BadUsage, match="not the id of an answer"):
            read_answer_id(wrong)


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b"{}",
        b"7",
        b"[1]",
        b"[2,1,2,3]",
        b'[1,1,"m","e",9e99,[],"none",null,[],null,[]]',
        b'[1,1,"m","e",9,[["x",7]],"none",null,[],null,[]]',
        b'[1,1,"m","e",9,[["x","down"]],7,null,[],null,[]]',
        b'[1,"1","m","e",9,[["x","down"]],"none",null,[],null,[]]',
        b'[1,-1,"m","e",9,[],"none",null,[],null,[]]',
        b'[1,1,"m","e",9,[["x","down"]],"none",null,[],"2",[]]',
        b'[1,1,"m","e",9,[["x","down"]],"none",null,[],2,[{}]]',
        b'[1,1,"m","e",9,[["x","down"]],"none",[9,3],[],2,[]]',
        b'[1,1,"m","e",NaN,[["x","down"]],"none",null,[],2,[]]',
    ],
)
def test_what_somebody_else_made_is_none(text: bytes) -> None:
    packed = binascii.crc32(text).to_bytes(4, "big") + text
    with pytest.raises(BadUsage):
        read_answer_id(urlsafe_b64encode(packed).decode())


async def whole(topologies: Topologies, name: str) -> dict[str, Any]:
    return impact_json(await answer_again(topologies, name))


async def test_the_same_answer_is_had_again(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("INC1", "Incident", kind="outage", state="new"), link("INC1", "AFFECTS", "db-2"),
        thing("CHG1", "Change", state="new", planned_start="2026-11-03T19:00:00Z", planned_end="2026-11-03T21:00:00Z"),
        link("CHG1", "CHANGES", "box", effect="degraded"),
    )  # fmt: skip
    answer = impact_json(await blast_radius(
        shop, [Ask("db-1", "degraded"), Ask("wiki", "removed")], given="window,open", span=WINDOW, assume=["shop"],
        exclude=["CONNECTS_TO"], max_distance=1, now=NOW,
    ))  # fmt: skip
    assert await whole(shop, answer["answerId"]) == answer
    assert answer["given"] == "open,window"
    assert answer["window"] == "2026-11-03T20:00:00Z/2026-11-03T23:00:00Z"


async def test_the_same_question_has_the_same_name_however_it_is_put(shop: Topologies) -> None:
    one = await blast_radius(shop, [Ask("box")], now=NOW)
    other = await blast_radius(shop, [Ask("Server:box"), Ask("t:box")], now=NOW)
    assert one.id == other.id
    assert (await blast_radius(shop, [Ask("box", "degraded")], now=NOW)).id != one.id


async def test_an_answer_of_an_earlier_revision_comes_out_of_the_journal(shop: Topologies) -> None:
    first = await blast_radius(shop, [Ask("box")])
    await say(shop.store, thing("other", "Server"))
    again = await answer_again(shop, first.id)
    assert (again.id, again.revision, again.affected) == (first.id, first.revision, first.affected)
    assert again.as_of is not None
    assert again.confidence.value is None  # who said so then is not in the journal


async def test_an_answer_of_a_revision_that_is_gone_or_never_was_is_refused(shop: Topologies) -> None:
    named = read_answer_id((await blast_radius(shop, [Ask("box")])).id)
    with pytest.raises(AnswerGone, match="holds for revision 99, which this store does not have"):
        await answer_again(shop, answer_id(named.asked, 99, shop.model.version))
    await say(shop.store, thing("other", "Server"))
    await compact(shop.store, MODEL, str(await shop.store.revision()), actor="tester")
    with pytest.raises(AnswerGone, match="which cannot be had any more"):
        await answer_again(shop, answer_id(named.asked, named.revision, shop.model.version))


async def test_an_answer_of_another_program_model_or_store_is_refused(
    shop: Topologies, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = read_answer_id((await blast_radius(shop, [Ask("box")])).id)
    asked, revision = named.asked, named.revision
    with pytest.raises(AnswerGone, match="another model"):
        await answer_again(shop, answer_id(asked, revision, "another"))
    elsewhere = Asked((("00000000-0000-0000-0000-000000000000", "down"),), "none", None, (), None, (), NOW)
    with pytest.raises(AnswerGone, match="name the store"):
        await answer_again(shop, answer_id(elsewhere, revision, shop.model.version))
    monkeypatch.setattr(module, "__version__", "0.0.1")
    older = answer_id(asked, revision, shop.model.version)
    monkeypatch.undo()
    with pytest.raises(AnswerGone, match=r"knockon 0\.0\.1"):
        await answer_again(shop, older)


def test_a_name_is_of_letters_that_a_shell_leaves_alone() -> None:
    name = answer_id(Asked((("x", "down"),), "none", WINDOW, (), None, (), NOW), 1, "m")
    assert name.replace("-", "").replace("_", "").isalnum()
    assert urlsafe_b64decode(name + "=" * (-len(name) % 4))
