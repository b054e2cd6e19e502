"""Settings from the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from knockon.cmdb.access import AccessScope
from knockon.errors import BadUsage
from knockon.server.settings import Settings, _allowed, read_settings


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"KNOCKON_{name.upper()}", raising=False)


def test_what_is_given_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNOCKON_STORE", "sqlite:///env.db")
    assert read_settings().store_url == read_settings(store=None).store_url == "sqlite:///env.db"
    assert read_settings(store="sqlite:///given.db").store_url == "sqlite:///given.db"


def test_nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KNOCKON_TOKEN", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    found = read_settings()
    assert (found.store, found.token, found.model) == (None, None, ())
    assert found.store_url.startswith("sqlite:///")
    assert found.store_url.endswith("estate.db")


def test_model_files_are_separated_like_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNOCKON_MODEL", os.pathsep.join(["one.yaml", "two.yaml"]))
    assert read_settings().model == (Path("one.yaml"), Path("two.yaml"))


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNOCKON_TOKEN", "hush")
    monkeypatch.setenv("KNOCKON_STORE_PASSWORD", "hush")
    found = read_settings()
    assert found.token is not None
    assert found.token.get_secret_value() == "hush"
    assert "hush" not in repr(found)
    assert "hush" not in str(found)


def test_what_cannot_be_understood_is_named_and_not_shown() -> None:
    with pytest.raises(BadUsage, match="KNOCKON_TOKEN") as told:
        read_settings(token=["hush"])
    assert "hush" not in str(told.value)


WRONG = {
    "max_cost": ("0", "must be a whole number of at least 1"),
    "max_aliases": ("-1", "must be a whole number of at least 0"),
    "max_depth": ("hush", "must be a whole number of at least 1"),
    "max_seconds": ("nan", "must be a number above 0"),
    "callback_seconds": ("0", "must be a number above 0"),
    "pages": ("hush", "must be true or false"),
    "log": ("hush", "must be one of auto, json, text"),
    "log_level": ("hush", "must be one of debug, info, warning, error"),
    "origins": ("hush.example/", "https://HOST:PORT"),
    "callbacks": ("http://hush.example", "https://HOST/PATH"),
    "oidc_keys": ("ftp://hush.example", "https://HOST/PATH"),
    "oidc_scopes": ('{"a": ["hush"]}', "viewer, loader, operator, change-coordinator, administrator"),
    "readers": ("hush", "JSON object"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_refused_says_what_is_allowed_and_never_what_it_was(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value, allowed = WRONG[name]
    monkeypatch.setenv(f"KNOCKON_{name.upper()}", value)
    with pytest.raises(BadUsage) as told:
        read_settings()
    assert allowed in str(told.value)
    assert str(told.value).startswith(f"KNOCKON_{name.upper()} must be ")
    assert "hush" not in str(told.value)


def test_every_setting_that_can_be_wrong_says_what_it_may_be() -> None:
    free = {  # text and paths: anything will do here
        "store", "store_user", "store_password", "model", "rules", "token", "oidc_issuer", "oidc_audience", "cache",
        "callback_secret",
    }  # fmt: skip
    assert {name for name in Settings.model_fields if "must be" not in _allowed(name)} == free


def test_readers_are_scopes_by_class_and_attribute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNOCKON_READERS", '{"Person.phone": ["operator", "change-coordinator"]}')
    assert read_settings().readers == {"Person.phone": (AccessScope.OPERATOR, AccessScope.CHANGE_COORDINATOR)}
    for wrong in ("{", "[]", '{"Person": []}', '{"Person": ["root"]}', '{"Person": "operator"}'):
        monkeypatch.setenv("KNOCKON_READERS", wrong)
        with pytest.raises(BadUsage, match="KNOCKON_READERS"):
            read_settings()
