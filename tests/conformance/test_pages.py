"""The pages for a browser: in a browser that finds nothing elsewhere, and file by file."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from knockon.server.openapi import description
from knockon.server.pages import PAGES, STATIC
from tests.conformance.conftest import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable


def test_they_work_in_a_browser_without_anything_from_elsewhere(address: str, node: Callable[..., Any]) -> None:
    seen = node("browser.mjs", address, TOKEN)
    assert (seen["elsewhere"], seen["wrong"]) == ([], [])
    asked = seen["graphiql"]
    assert "Send a token that is in use" in asked["refused"]
    assert '"DOWN": 14' in asked["result"].replace("\xa0", " ")
    assert asked["complaints"] == 0  # of the editor, which knows the schema
    assert asked["kept"] == [False, ""]  # the token is in no storage that outlives the tab, and in no cookie
    assert asked["again"] is True
    assert set(seen["docs"]["operations"]) == set(description()["paths"])
    assert seen["docs"]["status"] == "200"


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_there_for_anybody(address: str, page: str) -> None:
    with httpx2.Client(base_url=address) as client:
        answer = client.get(page)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "script-src 'self';" in answer.headers["content-security-policy"]
        named = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
        assert len(named) > 4
        assert not re.search(r"<style|<script>|style=|\bon\w+=", answer.text)
        for each in named:
            if each == "data:,":
                continue
            assert each.startswith("pages/")
            file = client.get(f"/{each}")
            assert file.status_code == 200
            assert file.content == (STATIC / each.removeprefix("pages/")).read_bytes()
            again = client.get(f"/{each}", headers={"If-None-Match": file.headers["etag"]})
            assert again.status_code == 304
            assert again.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "path", ["/pages/", "/pages", "/pages/../app.py", "/pages/%2e%2e/app.py", "/pages/nothing.js", "/graphiql/x"]
)
def test_nothing_else_is_open(address: str, path: str) -> None:
    assert httpx2.get(address + path).status_code == 401


def test_styles_name_nothing_of_elsewhere() -> None:
    named = [
        each for file in STATIC.glob("*.css") for each in re.findall(r"url\(\s*[\"']?([^)\"']{0,40})", file.read_text())
    ]
    assert [each for each in named if not each.startswith(("data:", "#"))] == []
    assert [file.name for file in STATIC.glob("*.css") if "@import" in file.read_text()] == []


def test_licences_are_beside_the_libraries() -> None:
    names = {each.name for each in STATIC.iterdir()}
    needed = json.loads((STATIC.parents[2] / "web/package.json").read_text())["dependencies"]
    assert {f"{each}.LICENSE" for each in needed} <= names
