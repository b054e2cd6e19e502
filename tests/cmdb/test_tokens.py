"""Tokens are made, recognised and revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.access import AccessScope, Principal
from knockon.cmdb.stewardship.tokens import create, recognise, revoke
from knockon.errors import BadUsage, NotAllowed, ReferenceNotFound
from knockon.schema import values
from tests.cmdb.contract.estate import MODEL

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store
    from tests.cmdb.conftest import Connect

VIEWER, LOADER, OPERATOR, COORDINATOR, ADMINISTRATOR = AccessScope


@pytest.fixture
async def store(sqlite_connect: Connect) -> Store:
    return await sqlite_connect()


async def test_a_token_is_recognised_and_its_secret_is_kept_nowhere(store: Store) -> None:
    row, text = await create(store, MODEL, "scanner", [LOADER, VIEWER, LOADER], by="ann", expires="P1D")
    assert await recognise(store, text) == Principal("scanner", frozenset({LOADER, VIEWER}), f"token {row.id}")
    secret = text.removeprefix(f"knockon_{row.id}_")
    assert len(secret) == 43
    kept = repr([await store.tokens(), await store.feed(0)])
    assert secret not in kept
    assert "scanner" in kept


async def test_whatever_is_not_the_token_is_nobody(store: Store) -> None:
    row, text = await create(store, MODEL, "scanner", [VIEWER], by="ann", expires=None)
    other = f"knockon_{'0' * 12}_{text[-43:]}"
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    for given in ("", "knockon_", row.id, row.digest, text[:-1], f"{text}x", wrong, other, text.upper(), f"{text}\n"):
        assert await recognise(store, given) is None, given


async def test_a_revoked_token_and_an_expired_one_are_nobody(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    row, text = await create(store, MODEL, "scanner", [VIEWER], by="ann", expires="2999-01-01T00:00:00Z")
    _, other = await create(store, MODEL, "board", [VIEWER], by="ann", expires=None)
    assert (await revoke(store, MODEL, "scanner", by="eve")).revoked
    assert await recognise(store, text) is None
    assert await recognise(store, other)
    newest = (await store.feed(0))[-1]
    assert (newest.head.actor, newest.head.kind, newest.head.note["revoked"]) == ("eve", "token", True)
    before = await store.revision()
    again = await revoke(store, MODEL, row.id, by="bob")  # changes nothing, and says when it was
    assert (again.revoked, await store.revision()) == ((await store.token(row.id) or again).revoked, before)

    _, late = await create(store, MODEL, "scanner", [VIEWER], by="ann", expires="2999-01-01T00:00:00Z")
    assert await recognise(store, late)
    monkeypatch.setattr(values, "now", lambda: "2999-01-01T00:00:00.000000Z")
    assert await recognise(store, late) is None


async def test_a_name_is_free_again_when_its_token_is_worth_nothing(store: Store) -> None:
    await create(store, MODEL, "scanner", [VIEWER], by="ann", expires=None)
    with pytest.raises(BadUsage, match="is the name of a token in use"):
        await create(store, MODEL, "scanner", [LOADER], by="ann", expires=None)
    await revoke(store, MODEL, "scanner", by="ann")
    second, _ = await create(store, MODEL, "scanner", [LOADER], by="ann", expires=None)
    assert (await revoke(store, MODEL, "scanner", by="ann")).id == second.id
    with pytest.raises(ReferenceNotFound):
        await revoke(store, MODEL, "scanner", by="ann")


@pytest.mark.parametrize("name", ["", " ", "a:b", "a\n", " a", "x" * 101, "verdicts", "knockon"])
async def test_a_name_is_one_that_a_person_can_write_under(store: Store, name: str) -> None:
    with pytest.raises(BadUsage):
        await create(store, MODEL, name, [VIEWER], by="ann", expires=None)


@pytest.mark.parametrize(
    "expires", ["", "P", "tomorrow", "2000-01-01T00:00:00Z", "2999-01-01", "PT0S", f"P{'9' * 30}D"]
)
async def test_an_end_lies_in_the_time_to_come(store: Store, expires: str) -> None:
    with pytest.raises(BadUsage):
        await create(store, MODEL, "x", [VIEWER], by="ann", expires=expires)
    assert await store.revision() == 0


@pytest.mark.parametrize(
    ("given", "implied"),
    [
        (VIEWER, {VIEWER}),
        (LOADER, {LOADER}),
        (OPERATOR, {OPERATOR, VIEWER}),
        (COORDINATOR, {COORDINATOR, VIEWER}),
        (ADMINISTRATOR, set(AccessScope)),
    ],
)
def test_what_a_scope_implies(given: AccessScope, implied: set[AccessScope]) -> None:
    principal = Principal("ann", frozenset({given}))
    assert {each for each in AccessScope if principal.may(each)} == implied
    for each in set(AccessScope) - implied:
        with pytest.raises(NotAllowed, match=f"ann may not knit: that takes the scope {each}"):
            principal.require(each, to="knit")
    assert not Principal("nobody", frozenset()).may(*AccessScope)
