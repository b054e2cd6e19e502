"""JSON Web Tokens of an OpenID Connect issuer: who it says that asks, and what for."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import jwt

from knockon.cmdb.access import AccessScope, Principal
from knockon.errors import IssuerUnreachable
from knockon.schema.observation import OWN_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knockon.server.settings import Settings

log = logging.getLogger("knockon.oidc")

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""None with a shared secret: a public key must not be taken for one."""
PREFIX = "knockon:"
"""Begins a scope of ours among all that an issuer gives, unless a mapping says which mean what."""
_TYPES = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
_LEEWAY = 30  # seconds between the clocks
_FETCH_WITHIN = 5.0  # seconds
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Issuer:
    """Whom to believe: the issuer, whom its tokens must be for, and where its keys are.

    ``scopes_in`` names the claim that has a caller's scopes, with dots into claims within claims; ``scopes`` says what
    its values mean here. ``name_in`` names the claim that a caller is called by.
    """

    issuer: str
    audience: str
    keys: str
    scopes_in: str = "scope"
    scopes: Mapping[str, tuple[AccessScope, ...]] = field(default_factory=dict)
    name_in: str = "sub"


class Verifier:
    """Recognises the tokens of one issuer. Its keys are fetched when they are needed, and kept for five minutes.

    A key that is not known has them fetched once more, at most every ``cooldown`` seconds: a new key counts soon, and
    nobody can make this service ask the issuer all the time. While the issuer cannot be reached, nobody is let in by a
    key that is no longer kept.
    """

    def __init__(self, issuer: Issuer, *, cooldown: float = 30.0) -> None:
        self._issuer = issuer
        self._keys = jwt.PyJWKClient(issuer.keys, lifespan=300, timeout=_FETCH_WITHIN, cooldown_duration=cooldown)
        # fetching blocks: a thread of its own, so that a slow issuer holds up nothing but its own callers
        self._thread = ThreadPoolExecutor(1, "knockon-oidc")

    async def principal(self, text: str) -> Principal | None:
        """Tell who a token says that asks; None for whatever is not a valid token of the issuer for us.

        Raises
        ------
        IssuerUnreachable
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(2 * _FETCH_WITHIN):
                claims = await loop.run_in_executor(self._thread, self._claims, text)
        except (jwt.exceptions.PyJWKClientConnectionError, TimeoutError) as error:
            log.warning("The keys of the issuer cannot be fetched: %s", error)
            raise IssuerUnreachable("The identity provider cannot be reached; try again in a moment.") from None
        except (jwt.exceptions.PyJWTError, ValueError) as error:
            log.info("A token of the issuer was refused: %s", error)
            return None
        name = claims.get(self._issuer.name_in)
        wrong = not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME
        if not isinstance(name, str) or wrong or name in OWN_NAMES:
            log.info("A token of the issuer was refused: it has no usable %s", self._issuer.name_in)
            return None
        return Principal(name, self._scopes(claims), "oidc")

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _claims(self, text: str) -> dict[str, Any]:
        if str(jwt.get_unverified_header(text).get("typ") or "").lower() not in _TYPES:
            raise jwt.InvalidTokenError("it is for another purpose")
        return jwt.decode(
            text, self._keys.get_signing_key_from_jwt(text), algorithms=ALGORITHMS, audience=self._issuer.audience,
            issuer=self._issuer.issuer, leeway=_LEEWAY, options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )  # fmt: skip

    def _scopes(self, claims: Mapping[str, Any]) -> frozenset[AccessScope]:
        found: Any = claims
        for each in self._issuer.scopes_in.split("."):
            found = found.get(each) if isinstance(found, dict) else None
        said = found.split() if isinstance(found, str) else found if isinstance(found, list) else []
        known = self._issuer.scopes or {PREFIX + each: (each,) for each in AccessScope}
        return frozenset(scope for each in said if isinstance(each, str) for scope in known.get(each, ()))


def verifier_of(settings: Settings) -> Verifier | None:
    """Make the verifier of the issuer that the settings name; None where they name none."""
    if not (settings.oidc_issuer and settings.oidc_audience and settings.oidc_keys):
        return None
    return Verifier(
        Issuer(
            settings.oidc_issuer, settings.oidc_audience, settings.oidc_keys, settings.oidc_scopes_in,
            settings.oidc_scopes, settings.oidc_name_in,
        )
    )  # fmt: skip
