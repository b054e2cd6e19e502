"""Bearer tokens: made, revoked, and recognised. Only who made one ever saw its secret."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from knockon.cmdb.access import AccessScope, Principal
from knockon.cmdb.contract.rows import RevisionHead
from knockon.cmdb.contract.tokens import Token
from knockon.cmdb.stewardship.words import person_source
from knockon.cmdb.transactions import Transactions
from knockon.errors import BadUsage, EditInvalid, ReferenceNotFound
from knockon.schema import values
from knockon.schema.observation import OWN_NAMES

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.cmdb.contract.rows import JournalEntry
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write
    from knockon.schema.model import Model

LONGEST = 100
PREFIX = "knockon_"
"""Begins every token."""
_FORM = re.compile(rf"{PREFIX}([0-9a-f]{{12}})_[A-Za-z0-9_-]{{43}}")


async def create(
    store: Store, model: Model, name: str, scopes: Collection[AccessScope], *, by: str, expires: str | None
) -> tuple[Token, str]:
    """Make a token, and give it beside its secret text, which is kept nowhere.

    ``name`` is what the journal will call whoever uses it; ``expires`` is a moment, a duration from now such as
    ``P90D``, or None for never.

    Raises
    ------
    BadUsage
        A name that nobody can write under, or that a token in use has; no scope; or an end that is none to come.
    """
    try:
        person_source(name)
    except EditInvalid as error:
        raise BadUsage(str(error)) from error
    if name in OWN_NAMES:
        raise BadUsage(f"{name} is what knockon itself writes under; choose another name.")
    if len(name) > LONGEST or name != name.strip():
        raise BadUsage(f"A token's name has 1 to {LONGEST} characters, and no space around them.")
    if not scopes:
        raise BadUsage(f"Say what the token is for, by one or more scopes of {', '.join(AccessScope)}.")
    now = values.now()
    id_ = secrets.token_hex(6)
    text = f"{PREFIX}{id_}_{secrets.token_urlsafe(32)}"
    row = Token(id_, _digest(text), name, tuple(sorted(set(scopes))), _end(expires), by, now, "")

    async def work(write: Write) -> tuple[None, list[JournalEntry], bool]:
        for each in await write.tokens():
            if each.name == name and in_use(each, now):
                raise BadUsage(f"{name} is the name of a token in use ({each.id}); revoke it, or choose another name.")
        await write.put_tokens([row])
        return None, [], True

    note = {"token": row.id, "name": name, "scopes": list(row.scopes), "expires": row.expires}
    await Transactions(store, RevisionHead(by, "token", "", now, model.version, note)).write(work)
    return row, text


async def revoke(store: Store, model: Model, reference: str, *, by: str) -> Token:
    """Make a token worthless at once, by its id, or by the name of one in use.

    Raises
    ------
    ReferenceNotFound
    """
    rows = await store.tokens()
    found = [each for each in rows if each.id == reference]
    found = found or [each for each in rows if each.name == reference and not each.revoked]
    if not found:
        raise ReferenceNotFound(f"There is no token {reference!r}; knockon token list shows all.")
    row = found[-1]  # of a name the newest: the ones before have expired
    if row.revoked:
        return row
    row = replace(row, revoked=values.now())

    async def work(write: Write) -> tuple[None, list[JournalEntry], bool]:
        await write.put_tokens([row])
        return None, [], True

    note = {"token": row.id, "name": row.name, "revoked": True}
    await Transactions(store, RevisionHead(by, "token", "", row.revoked, model.version, note)).write(work)
    return row


async def recognise(store: Store, text: str) -> Principal | None:
    """Tell whose token a text is; None for whatever is no token in use. Costs one look into an index at most."""
    form = _FORM.fullmatch(text)
    row = await store.token(form[1]) if form else None
    if row is None or not hmac.compare_digest(row.digest, _digest(text)) or not in_use(row, values.now()):
        return None
    known = frozenset(AccessScope(each) for each in row.scopes if each in set(AccessScope))
    return Principal(row.name, known, f"token {row.id}")


async def any_in_use(store: Store) -> bool:
    """Tell whether anybody has a token that is worth something."""
    now = values.now()
    return any(in_use(each, now) for each in await store.tokens())


def in_use(row: Token, now: str) -> bool:
    """Tell whether a token is worth anything at a moment."""
    return not row.revoked and (not row.expires or now < row.expires)


def _end(expires: str | None) -> str:
    if expires is None:
        return ""
    try:
        if expires.startswith("P"):
            end = values.instant((datetime.now(UTC) + timedelta(seconds=values.seconds(expires))).isoformat())
        else:
            end = values.instant(expires)
    except (ValueError, OverflowError) as error:
        raise BadUsage(
            f"{expires!r} is neither a moment such as 2027-11-01T08:00:00Z nor a duration such as P90D."
        ) from error
    if end <= values.now():
        raise BadUsage(f"{expires} is over already; a token needs an end to come.")
    return end


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
