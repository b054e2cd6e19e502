"""``token``: made and shown once, listed, revoked."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tests.cli.command import as_table
from tests.cli.test_serving import graphql, running

if TYPE_CHECKING:
    from tests.cli.command import Knockon


def test_a_token_is_made_shown_once_listed_and_revoked(knockon: Knockon) -> None:
    made = knockon("token", "create", "board", "--scope", "viewer", "--scope", "loader")
    assert made.code == 0
    text = made.out.strip()
    assert re.fullmatch(r"knockon_[0-9a-f]{12}_[\w-]{43}", text)
    assert "board may ask as loader, viewer until " in made.err
    assert text not in made.err
    (row,) = knockon("token", "list", "--json").json()
    assert (row["name"], row["scopes"], row["inUse"]) == ("board", ["loader", "viewer"], True)
    assert row["id"] == text.split("_")[1]
    table = knockon("token", "list").out
    assert "board" in table
    assert "until 20" in as_table(table)
    assert text[-43:] not in table
    assert knockon("token", "revoke", "board").code == 0
    assert "revoked" in as_table(knockon("token", "list").out)
    assert knockon("token", "revoke", "board").code == 2
    kinds = [each["kind"] for each in map(json.loads, knockon("changes").out.splitlines())]
    assert kinds == ["token", "token"]


def test_what_no_token_can_be(knockon: Knockon) -> None:
    for arguments in (["x"], ["x", "--scope", "root"], ["a:b", "--scope", "viewer"],
                      ["x", "--scope", "viewer", "--expires", "2000-01-01T00:00:00Z"]):  # fmt: skip
        assert knockon("token", "create", *arguments).code == 2


def test_serve_answers_who_has_a_token_of_the_store(knockon: Knockon) -> None:
    made = knockon("token", "create", "board", "--scope", "viewer", "--expires", "never", "--json").json()
    assert made["expires"] is None
    with running(knockon, "serve", "--port", "0") as serving:
        address = serving.address()
        body = {"query": "{ servers { totalCount } }"}
        sent = {"Authorization": f"Bearer {made['token']}"}
        assert graphql(address, body).status_code == 401
        assert graphql(address, body, sent).json() == {"data": {"servers": {"totalCount": 0}}}
        assert knockon("token", "revoke", made["id"]).code == 0
        assert graphql(address, body, sent).status_code == 401
        code, said = serving.stop()
    assert code == 0
    assert made["token"] not in said
