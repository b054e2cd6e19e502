"""Tokens of the store at the door, and nobody without one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation at run time

from knockon.cmdb.access import AccessScope
from knockon.cmdb.stewardship.tokens import create, revoke
from knockon.cmdb.stores import opened, store_at
from knockon.errors import BadUsage, NotAuthenticated, StoreUnreachable
from knockon.server import create_app
from knockon.server.authentication import Authentication
from knockon.server.guard import Guard
from tests.server.conftest import MODEL, SENT, TOKEN, asking, settings

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2
    from fastapi import FastAPI

    from knockon.cmdb.contract.store import Store

VIEWER, LOADER, _, _, ADMINISTRATOR = AccessScope


def sent(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def telling(app: FastAPI) -> FastAPI:
    """Let an application tell who asks."""

    @app.get("/who")
    async def who(request: Request) -> dict[str, Any]:
        principal = request.state.principal
        return {"name": principal.name, "scopes": sorted(principal.scopes), "by": principal.by}

    return app


async def who(client: httpx2.AsyncClient, **more: Any) -> Any:
    answer = await client.get("/who", **more)
    return answer.json() if answer.status_code == 200 else answer.status_code


@pytest.fixture
def place(tmp_path: Path) -> str:
    return f"sqlite://{tmp_path / 'estate.db'}"


async def test_a_token_of_the_store_says_who_asks_until_it_is_revoked(place: str) -> None:
    store = store_at(place, MODEL)
    async with asking(telling(create_app(settings(place), MODEL, store))) as client:
        row, text = await create(store, MODEL, "scanner", [LOADER, VIEWER], by="ann", expires=None)
        expected = {"name": "scanner", "scopes": ["loader", "viewer"], "by": f"token {row.id}"}
        assert await who(client, headers=sent(text)) == expected
        assert await who(client, headers=sent(f"{text}x")) == 401
        assert await who(client, headers={"Authorization": f"Basic {text}"}) == 401
        assert await who(client) == 401
        expected = {"name": "administrator", "scopes": ["administrator"], "by": "setting"}
        assert await who(client, headers=SENT) == expected
        await revoke(store, MODEL, "scanner", by="ann")
        assert await who(client, headers=sent(text)) == 401


async def test_in_demo_mode_everybody_on_this_machine_is_the_administrator(url: str) -> None:
    app = telling(create_app(settings(url, token=None), MODEL, demo=True))
    async with asking(app, "http://localhost:8080") as client:
        assert await who(client) == {"name": "local", "scopes": ["administrator"], "by": "local"}
        assert await who(client, headers={"Host": "example.org"}) == 421


async def test_what_nobody_could_ask_is_not_served(place: str) -> None:
    app = create_app(settings(place, token=None), MODEL)
    with pytest.raises(NotAuthenticated, match="Nobody could ask"):
        async with asking(app):
            pass
    async with opened(store_at(place, MODEL)) as store:
        row, _ = await create(store, MODEL, "board", [VIEWER], by="ann", expires=None)
    async with asking(create_app(settings(place, token=None), MODEL)) as client:
        assert (await client.get("/healthz")).status_code == 200
    async with opened(store_at(place, MODEL)) as store:
        await revoke(store, MODEL, row.id, by="ann")
    with pytest.raises(NotAuthenticated):
        async with asking(create_app(settings(place, token=None), MODEL)):
            pass


async def test_a_store_that_cannot_be_asked_lets_nobody_in(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store: Store = store_at(place, MODEL)

    async def unreachable(_id: str) -> None:
        raise StoreUnreachable("no route")

    async with asking(telling(create_app(settings(place), MODEL, store))) as client:
        _, text = await create(store, MODEL, "scanner", [VIEWER], by="ann", expires=None)
        monkeypatch.setattr(store, "token", unreachable)
        answer = await client.get("/who", headers=sent(text))
        assert (answer.status_code, answer.json()["code"]) == (503, "STORE_UNREACHABLE")
        assert answer.headers["cache-control"] == "no-store"
        assert text not in answer.text
        assert "no route" not in answer.text
        assert (await client.get("/who", headers=sent("nonsense"))).status_code == 401  # and costs the store nothing


async def test_a_token_of_a_store_does_not_become_an_administrators_by_a_setting(place: str) -> None:
    async with opened(store_at(place, MODEL)) as store:
        _, text = await create(store, MODEL, "board", [VIEWER], by="ann", expires=None)
    with pytest.raises(BadUsage, match="Unset it"):
        async with asking(create_app(settings(place, token=text), MODEL)):
            pass


async def test_a_loader_reads_nothing(place: str) -> None:
    store = store_at(place, MODEL)
    async with asking(create_app(settings(place), MODEL, store)) as client:
        body = {"query": "{ servers { totalCount } }"}
        for scope in AccessScope:
            _, text = await create(store, MODEL, f"a {scope}", [scope], by="ann", expires=None)
            answer = await client.post("/graphql", json=body, headers=sent(text))
            if scope == LOADER:
                assert (answer.status_code, answer.json()["code"]) == (403, "NOT_ALLOWED")
                assert answer.json()["detail"] == "a loader may not read the estate: that takes the scope viewer."
            else:
                assert answer.json() == {"data": {"servers": {"totalCount": 0}}}


async def test_readers_of_what_is_not_sensitive_are_told_at_the_start(place: str) -> None:
    found = settings(place).model_copy(update={"readers": {"Person.colour": (VIEWER,)}})
    with pytest.raises(BadUsage, match=r"Person\.colour"):
        create_app(found, MODEL)


async def test_who_has_a_token_writes_under_its_name_what_its_scope_allows(place: str) -> None:
    store = store_at(place, MODEL)
    write = """mutation { create(thing: {server: {name: "spare"}}) { revision errors { code } } }"""
    async with asking(create_app(settings(place), MODEL, store)) as client:
        for name, scopes, code in (("anna", [AccessScope.OPERATOR], None), ("vera", [VIEWER], "NOT_ALLOWED")):
            _, text = await create(store, MODEL, name, scopes, by="ann", expires=None)
            answer = (await client.post("/graphql", json={"query": write}, headers=sent(text))).json()
            assert [each["extensions"]["code"] for each in answer.get("errors", [])] == ([code] if code else []), answer
        (thing,) = await store.named("spare")
        assert {each.source for each in await store.members([thing.id])} == {"person/anna"}


@pytest.mark.parametrize(
    ("path", "token", "heard"),
    [
        ("/graphql", TOKEN, ["administrator"]), ("/graphql", None, [None]), ("/graphql", "nonsense", ["closed"]),
        ("/graphql", "", ["closed"]), ("/healthz", TOKEN, ["closed"]), ("/healthz", None, ["closed"]),
    ],
)  # fmt: skip
async def test_a_websocket_is_for_subscriptions_of_known_callers_and_of_those_who_have_yet_to_say_who_they_are(
    path: str, token: str | None, heard: list[str | None]
) -> None:
    said: list[str | None] = []
    nobody: Any = None

    async def behind(scope: Any, _receive: Any, _send: Any) -> None:
        principal = scope.get("state", {}).get("principal")
        said.append(principal and principal.name)

    async def send(message: Any) -> None:
        assert message["type"] == "websocket.close"
        said.append("closed")

    headers = [] if token is None else [(b"authorization", f"Bearer {token}".encode())]
    guard = Guard(behind, Authentication(nobody, SecretStr(TOKEN)))
    await guard({"type": "websocket", "path": path, "headers": headers}, nobody, send)
    assert said == heard


async def test_a_dry_run_tells_a_loader_nothing_of_what_is_there(place: str) -> None:
    store = store_at(place, MODEL)
    body = {"source": "t", "entities": [{"class": "Person", "key": "a", "name": "Ann", "email": "canary@example.org"}]}
    asked: dict[str, Any] = {"content": json.dumps(body), "params": {"dryRun": "true"}}
    async with asking(create_app(settings(place), MODEL, store)) as client:

        async def plan(*scopes: AccessScope) -> Any:
            _, text = await create(store, MODEL, " ".join(scopes), scopes, by="ann", expires=None)
            answer = await client.post("/load", headers=sent(text) | {"Content-Type": "application/json"}, **asked)
            (planned,) = json.loads(answer.text.splitlines()[-1])["report"]["plan"]
            return planned

        told = await plan(LOADER)
        assert (told["change"], told["what"], told["before"], told["after"]) == ("create", "Person:Ann", None, None)
        assert (await plan(LOADER, VIEWER))["after"]["attributes"] == {"name": "Ann", "email": None}
        assert (await plan(ADMINISTRATOR))["after"]["attributes"]["email"] == "canary@example.org"
