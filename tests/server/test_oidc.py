"""Tokens of an issuer that runs in this process, with keys that change."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from starlette.datastructures import Headers

from knockon.cmdb.access import AccessScope, Principal
from knockon.errors import BadUsage, IssuerUnreachable
from knockon.server import create_app
from knockon.server.authentication import Authentication
from knockon.server.oidc import Issuer, Verifier
from knockon.server.settings import Settings, read_settings
from tests.server.conftest import MODEL, asking

if TYPE_CHECKING:
    from collections.abc import Iterator

VIEWER, LOADER, OPERATOR, _, ADMINISTRATOR = AccessScope
NAME, AUDIENCE = "https://login.example.org/it", "knockon"


class Login:
    """An issuer: gives out tokens, and serves the keys to check them by."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}
        self.asked = 0
        self.redirect = ""
        login = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                login.asked += 1
                self.send_response(302 if login.redirect else 200)
                if login.redirect:
                    self.send_header("Location", login.redirect)
                self.end_headers()
                self.wfile.write(json.dumps({"keys": login.published()}).encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/keys"
        self.rotate("first")

    def rotate(self, name: str, key: Any = None) -> None:
        """Begin to sign with a new key; the ones before are gone."""
        self.keys = {name: key or ec.generate_private_key(ec.SECP256R1())}

    def published(self) -> list[dict[str, Any]]:
        found = []
        for name, key in self.keys.items():
            kind: Any = (
                jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
            )
            found.append({**kind.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig"})
        return found

    def token(self, *, kid: str = "", key: Any = None, headers: dict[str, str] | None = None, **claims: Any) -> str:
        """Give a token for Ann, or one with other claims; a claim of None is left out."""
        now = int(time.time())
        every = {
            "iss": NAME, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 600, "scope": "openid knockon:viewer",
        } | claims  # fmt: skip
        kid = kid or next(iter(self.keys))
        key = key or self.keys[kid]
        algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        kept = {name: value for name, value in every.items() if value is not None}
        return jwt.encode(kept, key, algorithm, {"kid": kid, **(headers or {})})


@pytest.fixture
def login() -> Iterator[Login]:
    login = Login()
    thread = threading.Thread(target=login.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield login
    login.server.shutdown()
    thread.join()
    login.server.server_close()


@pytest.fixture
def verifier(login: Login) -> Iterator[Verifier]:
    verifier = Verifier(Issuer(NAME, AUDIENCE, login.address), cooldown=0)
    yield verifier
    verifier.close()


async def test_a_token_says_who_and_what_for(login: Login, verifier: Verifier) -> None:
    assert await verifier.principal(login.token()) == Principal("ann", frozenset({VIEWER}), "oidc")
    assert await verifier.principal(
        login.token(aud=["other", AUDIENCE], scope=["knockon:operator", "knockon:loader"])
    ) == (Principal("ann", frozenset({OPERATOR, LOADER}), "oidc"))
    for scope in (None, "", "viewer administrator", ["admin"], 5, {"knockon:viewer": True}, [["knockon:viewer"], 1]):
        assert await verifier.principal(login.token(scope=scope)) == Principal("ann", frozenset(), "oidc")
    assert login.asked == 1


NOW = int(time.time())


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example.org"}, {"iss": f"{NAME}/"}, {"iss": None}, {"aud": "other"}, {"aud": None},
        {"aud": []}, {"exp": NOW - 60}, {"exp": None}, {"exp": "never"}, {"iat": None}, {"iat": NOW + 6_000},
        {"nbf": NOW + 6_000}, {"sub": None}, {"sub": ""}, {"sub": " "}, {"sub": "a\nb"}, {"sub": "x" * 201},
        {"headers": {"typ": "logout+jwt"}},
    ],
)  # fmt: skip
async def test_a_token_that_is_not_for_us_is_nobodys(login: Login, verifier: Verifier, claims: dict[str, Any]) -> None:
    assert await verifier.principal(login.token(**claims)) is None


async def test_a_token_that_the_issuer_did_not_sign_is_nobodys(login: Login, verifier: Verifier) -> None:
    good = login.token()
    head, body, signature = good.split(".")
    forger = ec.generate_private_key(ec.SECP256R1())
    public = (
        login.keys["first"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    claims = jwt.decode(good, options={"verify_signature": False})
    none = jwt.encode(claims, "", "none", {"kid": "first"})
    # what a library that confuses keys and secrets would take: signed with the public key as the secret
    hmac = jwt.PyJWS().encode(json.dumps(claims).encode(), public.hex(), "HS256", {"kid": "first"})
    other = login.token(sub="eve").split(".")[1]
    for text in (
        login.token(key=forger), none, hmac, f"{head}.{other}.{signature}", f"{head}.{body}.", f"{head}..{signature}",
        f"{good}x", "a.b.c", "..", f"{head}.{body}",
    ):  # fmt: skip
        assert await verifier.principal(text) is None, text


async def test_keys_may_change_at_any_time(login: Login, verifier: Verifier) -> None:
    old = login.token()
    assert await verifier.principal(old)
    login.rotate("second", rsa.generate_private_key(65_537, 2_048))
    assert await verifier.principal(login.token())
    assert login.asked == 2
    assert await verifier.principal(old) is None  # its key is gone


async def test_unknown_keys_do_not_make_us_ask_all_the_time(login: Login) -> None:
    verifier = Verifier(Issuer(NAME, AUDIENCE, login.address))
    assert await verifier.principal(login.token())
    forger = ec.generate_private_key(ec.SECP256R1())
    for name in "abcdef":
        assert await verifier.principal(login.token(kid=name, key=forger)) is None
    assert login.asked == 1
    verifier.close()


async def test_while_the_issuer_is_away_known_keys_count_and_others_are_told_so(login: Login) -> None:
    verifier = Verifier(Issuer(NAME, AUDIENCE, login.address), cooldown=0)
    assert await verifier.principal(login.token())
    login.redirect = f"{login.address}/elsewhere"
    assert await verifier.principal(login.token())
    with pytest.raises(IssuerUnreachable):
        await verifier.principal(login.token(kid="new", key=ec.generate_private_key(ec.SECP256R1())))
    verifier.close()


async def test_scopes_and_names_are_where_the_settings_say(login: Login) -> None:
    issuer = Issuer(
        NAME, AUDIENCE, login.address, "realm.roles", {"readers": (VIEWER,), "duty": (OPERATOR, LOADER)}, "email"
    )
    verifier = Verifier(issuer)
    token = login.token(realm={"roles": ["readers", "duty", "knockon:administrator"]}, email="ann@example.org")
    assert await verifier.principal(token) == Principal(
        "ann@example.org", frozenset({VIEWER, OPERATOR, LOADER}), "oidc"
    )
    assert (await verifier.principal(login.token(realm="x", email="a")) or Principal("", frozenset())).name == "a"
    assert await verifier.principal(login.token(realm={"roles": ["duty"]})) is None  # it has no such name
    verifier.close()


async def test_the_application_takes_tokens_of_the_issuer(url: str, login: Login) -> None:
    given: dict[str, Any] = {
        "store": url, "oidc_issuer": NAME, "oidc_audience": AUDIENCE, "oidc_keys": login.address,
    }  # fmt: skip
    body = {"query": "{ servers { totalCount } }"}
    async with asking(create_app(Settings(**given), MODEL)) as client:
        for scope, status in (("knockon:viewer", 200), ("knockon:loader", 403), ("", 403)):
            headers = {"Authorization": f"Bearer {login.token(scope=scope)}"}
            assert (await client.post("/graphql", json=body, headers=headers)).status_code == status
        for text in (login.token(aud="other"), "a.b.c", "nonsense"):
            assert (
                await client.post("/graphql", json=body, headers={"Authorization": f"Bearer {text}"})
            ).status_code == 401


async def test_without_an_issuer_no_token_of_one_counts(login: Login) -> None:
    nobody: Any = None
    known = await Authentication(nobody, None, None).principal(Headers({"Authorization": f"Bearer {login.token()}"}))
    assert known is None


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"OIDC_ISSUER": NAME}, "go together"),
        ({"OIDC_ISSUER": NAME, "OIDC_AUDIENCE": "x"}, "go together"),
        ({"OIDC_ISSUER": NAME, "OIDC_AUDIENCE": "x", "OIDC_KEYS": "http://example.org/keys"}, "KNOCKON_OIDC_KEYS"),
        ({"OIDC_ISSUER": NAME, "OIDC_AUDIENCE": "x", "OIDC_KEYS": "file:///keys"}, "KNOCKON_OIDC_KEYS"),
        ({"OIDC_SCOPES": '{"x": ["root"]}'}, "KNOCKON_OIDC_SCOPES"),
    ],
)
def test_an_issuer_that_is_half_named_is_told(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], named: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"KNOCKON_{name}", value)
    with pytest.raises(BadUsage, match=named):
        read_settings()
