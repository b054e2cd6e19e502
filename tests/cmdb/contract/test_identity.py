"""What identification keeps: claims, members, decisions and findings, the same in every store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.contract.rows import WITHDRAWN, Decision, EdgeRecordKey, Held, IdentityFinding
from tests.cmdb.contract.estate import commit, edge, entity, head, put, record, saying

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.cmdb.contract.store import Store

    Key = tuple[str, str]

CODES = ("IDENTITY_VETO", "TOO_MANY_CLAIMANTS")
A, B = entity("a"), entity("b")
ONE, TWO, THREE = ("test", "one"), ("test", "two"), ("other", "one")


def decision(number: int, a: Key = ONE, b: Key = TWO, taken_back: str = "") -> Decision:
    return Decision(f"d{number}", "link", a, b, f"2026-11-0{number}T08:00:00Z", "ann", "because: it is", taken_back)


def finding(id_: str, *records: Key, code: str = "IDENTITY_VETO", token: str = "t") -> IdentityFinding:
    return IdentityFinding(id_, code, records, "Server.name x", "Server.serial", token)


async def keep(
    store: Store,
    *rows: IdentityFinding,
    about: Collection[Key] = (),
    tokens: Collection[str] = (),
    of: Collection[str] = CODES,
) -> None:
    async with store.write() as write:
        await write.put_findings(about, tokens, rows, of=of)
        await write.journal(head(), [])


async def decide(store: Store, *rows: Decision) -> None:
    async with store.write() as write:
        for row in rows:
            await write.put_decision(row)
        await write.journal(head(), [])


async def test_the_members_of_a_thing_are_its_present_records(store: Store) -> None:
    one = replace(record("one", "a", size=1), claims={"Server.serial": "t1"}, scope="x")
    partly = replace(
        record("two", "a"), registers={"size": (2, "2026-11-02T08:00:00Z"), "text": (None, "2026-11-03T08:00:00Z")},
        latest=("2026-11-03T08:00:00Z", True, "d2"), whole=False,
    )  # fmt: skip
    gone = replace(record("gone", "a"), present=False)
    await commit(store, A, B, one, partly, gone, elsewhere := record("one", "b", "other"))
    assert sorted(await store.members(["a"]), key=lambda each: each.key) == [one, partly]
    assert sorted(await store.members(["a", "b", "a", "nobody"]), key=lambda each: (each.source, each.key)) == [
        elsewhere, one, partly,
    ]  # fmt: skip
    assert await store.members([]) == []
    assert await store.records([ONE, ("test", "gone"), ("test", "nobody")]) == {ONE: one, ("test", "gone"): gone}
    async with store.write() as write:
        await write.put_records([replace(one, entity_id="b")])
        assert await write.members(["a"]) == [partly]  # what this transaction wrote shows
        await write.journal(head(), [])


async def test_claimants_are_who_claims_now_and_no_more_than_asked_for(store: Store) -> None:
    many = [replace(record(f"r{n:02}", "a"), claims={"Server.serial": "many"}) for n in range(30)]
    one = replace(record("one", "a"), claims={"Server.serial": "t1", "Server.name": "t2"})
    await commit(store, A, *many, one)
    assert await store.claimants(["t1", "t2", "nobody's"], 5) == {"t1": [ONE], "t2": [ONE]}
    assert len((await store.claimants(["many"], 22))["many"]) == 22
    found = (await store.claimants(["many"], 100))["many"]
    assert sorted(found) == [("test", each.key) for each in many]
    assert await store.claimants([], 5) == {}

    await commit(store, replace(one, claims={"Server.serial": "t3"}), replace(many[0], claims={}, present=False))
    assert await store.claimants(["t1", "t2", "t3"], 5) == {"t3": [ONE]}
    assert len((await store.claimants(["many"], 100))["many"]) == 29


async def test_decisions_are_found_by_either_record_oldest_first(store: Store) -> None:
    second, first, third = decision(2), decision(1, TWO, THREE), decision(3, ONE, THREE)
    await decide(store, second, first, third)
    assert await store.decisions() == [first, second, third]

    async def about(*keys: Key) -> list[str]:
        return sorted(each.id for each in await store.decisions(keys))

    assert await about(ONE) == ["d2", "d3"]
    assert await about(TWO) == ["d1", "d2"]
    assert await about(ONE, TWO) == ["d1", "d2", "d3"]  # each once
    assert (await about(("test", "nobody")), await about()) == ([], [])


async def test_a_decision_is_replaced_by_its_id_and_kept_when_taken_back(store: Store) -> None:
    await decide(store, decision(1))
    back = decision(1, taken_back="bob")
    await decide(store, back)
    assert await store.decisions() == [back] == await store.decisions([ONE])


async def test_findings_are_read_by_code_and_id_from_any_place_on(store: Store) -> None:
    rows = [finding(f"f{n}", ONE, TWO, code=code) for n, code in enumerate(["CLASS_CONFLICT", *["IDENTITY_VETO"] * 3])]
    await keep(store, *reversed(rows), z := finding("a0", code="TOO_MANY_CLAIMANTS"))
    everything = [*rows, z]
    assert await store.findings() == everything
    for limit in (1, 2, 3):
        read: list[IdentityFinding] = []
        while more := await store.findings("", (read[-1].code, read[-1].id) if read else ("", ""), limit):
            assert len(more) <= limit
            read += more
        assert read == everything
    assert await store.findings("IDENTITY_VETO") == rows[1:]
    assert await store.findings("IDENTITY_VETO", ("IDENTITY_VETO", "f1"), 1) == [rows[2]]
    assert await store.findings("IDENTITY_VETO", ("IDENTITY_VETO", "f3")) == []
    assert await store.findings("LINK_CONFLICT") == []


async def test_findings_about_records_are_told_once(store: Store) -> None:
    both, one, nobody = finding("f1", ONE, TWO), finding("f2", ONE, THREE), finding("f3", code="TOO_MANY_CLAIMANTS")
    await keep(store, both, one, nobody)

    async def about(*keys: Key) -> list[str]:
        return sorted(each.id for each in await store.findings_about(keys))

    assert await about(ONE) == ["f1", "f2"]
    assert await about(ONE, TWO) == ["f1", "f2"]
    assert await about(THREE) == ["f2"]
    assert (await about(("test", "nobody")), await about()) == ([], [])


async def test_findings_of_another_code_about_the_same_records_and_tokens_stay(store: Store) -> None:
    of_token = finding("f3", code="TOO_MANY_CLAIMANTS", token="junk")
    await keep(store, finding("f1", ONE, TWO), finding("f2", ONE, code="CLASS_CONFLICT"), of_token)
    await keep(store, about=[ONE], tokens=["junk"], of=["CLASS_CONFLICT"])
    assert {each.id for each in await store.findings()} == {"f1", "f3"}
    assert {each.id for each in await store.findings_about([ONE, TWO])} == {"f1"}
    await keep(store, about=[ONE], tokens=["junk"], of=["TOO_MANY_CLAIMANTS"])
    assert (
        {each.id for each in await store.findings_about([ONE, TWO])}
        == {"f1"}
        == {each.id for each in await store.findings()}
    )


async def test_new_findings_stand_in_place_of_those_about_the_same_records_and_tokens(store: Store) -> None:
    of_token = finding("f4", code="TOO_MANY_CLAIMANTS", token="junk")
    other = finding("f3", THREE, ("other", "two"), token="junk")
    await keep(store, finding("f1", ONE, TWO), finding("f2", ONE, THREE), other, of_token)
    await keep(store, new := finding("f5", TWO, THREE), about=[TWO])
    assert {each.id for each in await store.findings()} == {"f2", "f3", "f4", "f5"}
    assert await store.findings_about([TWO]) == [new]
    await keep(store, about=[ONE], tokens=["junk"])  # of a token only what names no records
    assert {each.id for each in await store.findings()} == {"f3", "f5"}
    assert sorted(each.id for each in await store.findings_about([ONE, TWO, THREE])) == ["f3", "f5"]
    await keep(store, replace(new, what="Server.name y"), about=[TWO])  # the same id again
    assert [each.what for each in await store.findings_about([TWO])] == ["Server.name y"]


async def test_a_record_places_its_thing_only_by_its_plain_native_key(store: Store) -> None:
    joined = edge("a", "b")
    mine = saying("one", "two", joined.key)
    waits = saying("one", "nobody", watches=("k:test:nobody",))
    theirs = saying("one", "two", source="other", watches=("k:other:two",))
    long = saying("test:one", "two", watches=("k:test:two",))
    gone = replace(saying("one", "three"), because=WITHDRAWN)
    await commit(store, A, B, joined, mine, waits, theirs, long, gone)

    def by(rows: Collection[EdgeRecordKey]) -> list[tuple[str, str, str]]:
        return sorted((each.source, each.from_ref, each.to_ref) for each in rows)

    async with store.write() as write:
        at_source = await write.said_at([ONE], [("DEPENDS_ON", True)])
        assert by([each.key for each in at_source]) == [("test", "one", "nobody"), ("test", "one", "two")]
        assert mine in at_source
        assert by([each.key for each in await write.said_at([TWO], [("DEPENDS_ON", False)])]) == [
            ("test", "one", "two"), ("test", "test:one", "two"),
        ]  # fmt: skip
        ends = [("DEPENDS_ON", True), ("DEPENDS_ON", False)]
        assert len(await write.said_at([ONE, TWO], ends)) == 3  # each once
        assert await write.said_at([ONE], [("RUNS_ON", True)]) == []
        assert await write.said_at([], ends) == await write.said_at([ONE], []) == []
        await write.journal(head(), [])


async def test_disputed_things_are_found_by_their_records(store: Store) -> None:
    disputed = replace(A, disputed=True)
    retired = replace(entity("c", retired=True), disputed=True)
    rows = (record("one", "a"), record("two", "a"), record("three", "b"), record("four", "c"))
    await commit(store, disputed, B, retired, *rows)
    async with store.write() as write:
        keys = [("test", each) for each in ("one", "two", "three", "four", "nobody")]
        assert await write.disputed(keys) == {"a"}
        assert await write.disputed([("test", "three")]) == await write.disputed([]) == set()
        await put(write, A)
        assert await write.disputed(keys) == set()
        await write.journal(head(), [])


async def test_what_a_source_is_known_for_is_all_that_it_ever_said(store: Store) -> None:
    joined = edge("a", "b")
    mine = saying("one", "two", joined.key)
    gone = replace(saying("two", "one"), because=WITHDRAWN, scope="x")
    await commit(
        store, A, B, joined, mine, gone, saying("one", "two", joined.key, source="other"), record("one", "a"),
        replace(record("two", "b"), scope="x", present=False), record("theirs", "a", "other"),
    )  # fmt: skip
    assert await store.reported_by("test") == Held(frozenset({"one", "two"}), frozenset({mine.key, gone.key}))
    assert (await store.reported_by("other")).records == {"theirs"}
    assert await store.reported_by("nobody") == Held(frozenset(), frozenset())


@pytest.mark.parametrize("text", ["'", '"', "ä", "a b", "$x", "\\", "a:b"])
async def test_keys_of_any_shape_are_found_again(store: Store, text: str) -> None:
    key = ("test", text)
    await commit(store, A, replace(record(text, "a"), claims={"Server.serial": text}))
    await decide(store, decision(1, key, TWO))
    await keep(store, finding("f1", key, TWO))
    assert await store.claimants([text], 2) == {text: [key]}
    assert [each.a for each in await store.decisions([key])] == [key]
    assert [each.records for each in await store.findings_about([key])] == [(key, TWO)]
