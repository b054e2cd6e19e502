"""Tokens are kept hashed, found by id, and no part of the estate, the same in every store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.contract.tokens import Token
from tests.cmdb.contract.estate import head

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store

ONE = Token("a1", "d" * 64, "ann", ("loader", "viewer"), "2027-01-01T00:00:00.000000Z", "root", "2026-01-02", "")
TWO = Token("b2", "e" * 64, "zoë \U0001f600", ("administrator",), "", "root", "2026-01-01", "")


async def keep(store: Store, *rows: Token) -> None:
    async with store.write() as write:
        await write.put_tokens(rows)
        await write.journal(head(), [])


async def test_tokens_are_read_back_whole_by_moment(store: Store) -> None:
    assert await store.tokens() == []
    await keep(store, ONE, TWO)
    assert await store.tokens() == [TWO, ONE]
    assert await store.token("a1") == ONE
    assert await store.token("nobody") is None


async def test_a_token_of_the_same_id_takes_its_place(store: Store) -> None:
    await keep(store, ONE, TWO)
    await keep(store, revoked := replace(ONE, revoked="2026-02-02"))
    assert await store.tokens() == [TWO, revoked]


async def test_a_write_that_fails_keeps_no_token(store: Store) -> None:
    async def fail() -> None:
        async with store.write() as write:
            await write.put_tokens([ONE])
            assert await write.token("a1") == ONE
            assert await write.tokens() == [ONE]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await store.tokens() == []


async def test_tokens_go_into_no_copy(store: Store) -> None:
    await keep(store, ONE)
    async with store.everything() as reading:
        rows = [row for kind in reading.counts async for some in reading.rows(kind) for row in some]
    assert len(rows) == 1  # the revision
    assert ONE.digest not in repr(rows)
