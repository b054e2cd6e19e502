"""Who asks: the principal behind the headers of a request."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from knockon.cmdb.access import AccessScope, Principal
from knockon.cmdb.stewardship import tokens
from knockon.errors import BadUsage, NotAuthenticated

if TYPE_CHECKING:
    from pydantic import SecretStr
    from starlette.datastructures import Headers

    from knockon.cmdb.contract.store import Store
    from knockon.server.oidc import Verifier

OF_THE_SETTING = Principal("administrator", frozenset({AccessScope.ADMINISTRATOR}), "setting")
"""Who sends the token of the settings."""

_DOTS = 2  # of a JSON Web Token; no token of a store has any


class Authentication:
    """Knows the tokens of a store, the one of the settings, and those of an identity provider where there is one."""

    def __init__(self, store: Store, secret: SecretStr | None, verifier: Verifier | None = None) -> None:
        self._store = store
        self._verifier = verifier
        self._secret = secret.get_secret_value().strip().encode() if secret else None

    async def principal(self, headers: Headers) -> Principal | None:
        """Tell who sends these headers; None for whoever says nothing that counts.

        A token that was revoked a moment ago counts no more: nothing is remembered.

        Raises
        ------
        StoreError, IssuerUnreachable
        """
        scheme, _, given = headers.get("authorization", "").partition(" ")
        text = given.strip()
        if scheme.lower() != "bearer" or not text:
            return None
        # compared in bytes, since compare_digest takes no text beyond ASCII
        if self._secret and hmac.compare_digest(text.encode(), self._secret):
            return OF_THE_SETTING
        if self._verifier and text.count(".") == _DOTS:
            return await self._verifier.principal(text)
        return await tokens.recognise(self._store, text)

    async def require_somebody(self) -> None:
        """Refuse a service that nobody could ask, and one whose setting makes a store's token an administrator's.

        Raises
        ------
        BadUsage, NotAuthenticated
        StoreError
        """
        if self._secret and self._secret.startswith(tokens.PREFIX.encode()):
            raise BadUsage(
                "KNOCKON_TOKEN has a token that was made for a store; here it would be an administrator's. Unset it: "
                "what knockon token create makes is known without, and an administrator's is any other random text."
            )
        if self._secret or self._verifier or await tokens.any_in_use(self._store):
            return
        raise NotAuthenticated(
            "Nobody could ask: make a token (knockon token create NAME --scope viewer), set KNOCKON_TOKEN to a long "
            "random text, or name an identity provider (KNOCKON_OIDC_ISSUER). Callers send a bearer token."
        )
