"""What an installation sets by environment variables. Read by the command line and the server only."""

from __future__ import annotations

import os
import re
from pathlib import Path  # noqa: TC003 - pydantic reads the annotation at run time
from typing import Annotated, Any, Literal, Self, get_args, get_origin
from urllib.parse import quote, urlsplit

import orjson
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from knockon.cmdb.access import AccessScope
from knockon.errors import BadUsage
from knockon.server.logs import Level, Style  # noqa: TC001 - pydantic reads the annotation at run time
from knockon.server.loopback import is_loopback

_SCOPES = f"lists of scopes, of {', '.join(AccessScope)}"
_ALLOWED = {
    "readers": f"a JSON object that gives `Class` or `Class.attribute` {_SCOPES}",
    "oidc_scopes": f"a JSON object that gives values of the claim {_SCOPES}",
    "oidc_scopes_in": "the name of a claim",
    "oidc_name_in": "the name of a claim",
    "oidc_keys": "an address as https://HOST/PATH; http:// is for this machine only, since keys that come without TLS "
    "are anybody's",
    "callbacks": "addresses as https://HOST/PATH, separated by commas; http:// is for this machine only, since what is "
    "told without TLS is told to anybody",
    "origins": "origins as https://HOST or https://HOST:PORT in small letters, without a path, separated by commas",
}
"""What settings may be of which that cannot be told from their types."""
_LIMITS = (("ge", "of at least"), ("gt", "above"))
_ISSUER = 3  # settings that name one
_ORIGIN = re.compile(r"https?://[a-z0-9.\[\]:-]+")


class Settings(BaseSettings):
    """Each field is the variable ``KNOCKON_`` and its name in capitals; an empty variable counts as not set."""

    model_config = SettingsConfigDict(env_prefix="KNOCKON_", env_ignore_empty=True, extra="ignore", frozen=True)

    store: str | None = Field(None, description="Where the data is: sqlite:///PATH, neo4j://HOST, bolt://HOST.")
    store_user: str | None = Field(None, description="User name for a Neo4j store, unless the URL has one.")
    store_password: SecretStr | None = Field(None, description="Password for a Neo4j store, unless the URL has one.")
    model: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="Your own model files, separated like the entries of PATH."
    )
    rules: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="Your own compliance rules, separated like the entries of PATH."
    )
    token: SecretStr | None = Field(
        None, description="A bearer token that is an administrator's, beside those of the store."
    )

    readers: Annotated[dict[str, Annotated[tuple[AccessScope, ...], Field(min_length=1)]], NoDecode] = Field(
        default_factory=dict,
        description="Who may read what the model calls sensitive, beside administrators: a JSON object of scopes by "
        "`Class` or `Class.attribute`.",
    )
    oidc_issuer: str | None = Field(
        None, description="An OpenID Connect issuer whose tokens are accepted, as their `iss` has it."
    )
    oidc_audience: str | None = Field(None, description="Whom its tokens must be for (`aud`): this service.")
    oidc_keys: str | None = Field(None, description="Where its keys are: the `jwks_uri` of its discovery document.")
    oidc_scopes_in: str = Field(
        "scope", min_length=1, description="The claim that has a caller's scopes; dots lead into claims within claims."
    )
    oidc_scopes: Annotated[dict[str, Annotated[tuple[AccessScope, ...], Field(min_length=1)]], NoDecode] = Field(
        default_factory=dict,
        description="What its values mean: a JSON object of scopes by value. "
        "Unless set, `knockon:viewer` means viewer, and so on.",
    )
    oidc_name_in: str = Field("sub", min_length=1, description="The claim that callers are called by.")
    cache: Path | None = Field(None, description="The folder that keeps topologies for the next start.")
    origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Web pages that may ask the API from a browser, as `https://HOST`, separated by commas."
    )
    callbacks: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="What addresses may begin with that are told of verdicts on changes, as `https://HOST/PATH`, "
        "separated by commas; without any nobody is told.",
    )
    callback_secret: SecretStr | None = Field(None, description="Signs what they are told, so that they know it is we.")
    callback_seconds: float = Field(
        5, gt=0, allow_inf_nan=False, description="How often to look whether a verdict may have changed."
    )
    pages: bool = Field(
        default=True,
        description="Whether there are [pages for a browser](../how-to/browser.md), `/graphiql` and `/docs`.",
    )
    log: Style = Field("auto", description="How to log: json, text, or auto: text for a terminal, else JSON.")
    log_level: Level = Field("info", description="What to log: debug, info, warning or error; requests are info.")
    follow_seconds: float = Field(
        1, gt=0, allow_inf_nan=False, description="How often to look for what subscriptions tell of."
    )
    max_sockets: int = Field(16, ge=1, description="How many WebSockets one caller may have open.")
    max_subscriptions: int = Field(16, ge=1, description="How many subscriptions one WebSocket may have.")
    max_cost: int = Field(
        500_000, ge=1, description="What one query may cost ([how it is counted](graphql.md#limits))."
    )
    max_depth: int = Field(20, ge=1, description="How deep a query may be nested.")
    max_aliases: int = Field(100, ge=0, description="How many aliases a query may have.")
    max_query_tokens: int = Field(4_000, ge=1, description="How many words and signs the text of a query may have.")
    max_body: int = Field(1024 * 1024, ge=1, description="How many bytes a query with its variables may have.")
    max_load: int = Field(2**31, ge=1, description="How many bytes one load over HTTP may have.")
    max_seconds: float = Field(
        30, gt=0, allow_inf_nan=False,
        description="After how many seconds a query is given up, the body of a change is waited for no longer, and a "
        "load of which nothing more comes is refused.",
    )  # fmt: skip
    max_concurrent: int = Field(64, ge=1, description="How many requests are answered at once; others are refused.")
    max_concurrent_of_one: int = Field(
        16, ge=1, description="How many requests of one caller are answered at once; further ones are refused."
    )

    @field_validator("model", "rules", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(filter(None, value.split(os.pathsep))) if isinstance(value, str) else value

    @field_validator("callbacks", mode="before")
    @classmethod
    def _callbacks(cls, value: Any) -> Any:
        found = tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value
        if not all(map(_is_private, found)):
            raise ValueError("what is told without TLS is told to anybody")
        # the slash ends the host: https://cmdb.example must not let https://cmdb.example.org in
        return tuple(each if urlsplit(each).path else f"{each}/" for each in found)

    @field_validator("oidc_keys")
    @classmethod
    def _keys(cls, value: str | None) -> str | None:
        if value and not _is_private(value):
            raise ValueError("keys that come without TLS are anybody's")
        return value

    @model_validator(mode="after")
    def _whole_issuer(self) -> Self:
        given = [each for each in (self.oidc_issuer, self.oidc_audience, self.oidc_keys) if each]
        if given and len(given) < _ISSUER:
            raise ValueError("KNOCKON_OIDC_ISSUER, KNOCKON_OIDC_AUDIENCE and KNOCKON_OIDC_KEYS go together")
        return self

    @field_validator("origins", mode="before")
    @classmethod
    def _origins(cls, value: Any) -> Any:
        found = tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value
        if any(not _ORIGIN.fullmatch(each) for each in found):
            raise ValueError("an origin is scheme and host, and a port where it is another one")
        return found

    @field_validator("readers", "oidc_scopes", mode="before")
    @classmethod
    def _json(cls, value: Any) -> Any:
        return orjson.loads(value) if isinstance(value, str) else value  # its error is a ValueError

    @field_validator("token", mode="after")
    @classmethod
    def _blank_is_none(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value and value.get_secret_value().strip() else None

    @property
    def store_url(self) -> str:
        """Give the store's URL: the one that is set, else a file in the user's data directory, which is made."""
        return self.store or data_file("estate.db")

    @property
    def cache_folder(self) -> Path:
        """Give the folder for what can be made anew: the one that is set, else the user's cache directory."""
        from platformdirs import user_cache_path  # noqa: PLC0415 - rarely needed

        return self.cache or user_cache_path("knockon")


def _is_private(address: str) -> bool:
    """Tell whether what goes to an address stays between the two: by TLS, or on this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def data_file(name: str) -> str:
    """Give the URL of a store file in the user's data directory, which is made if need be.

    Raises
    ------
    BadUsage
        The directory cannot be made.
    """
    from platformdirs import user_data_path  # noqa: PLC0415 - rarely needed

    try:
        folder = user_data_path("knockon", ensure_exists=True)
    except OSError as error:
        raise BadUsage(f"The data directory cannot be made ({error}); set KNOCKON_STORE.") from error
    return f"sqlite://{quote(str(folder / name))}"


def read_settings(**given: Any) -> Settings:
    """Read the environment; what is ``given`` and not None wins.

    Raises
    ------
    BadUsage
        A variable that cannot be understood; the message says what is allowed, and not the value, which may be secret.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        if any(not each["loc"] for each in error.errors()):
            raise BadUsage("KNOCKON_OIDC_ISSUER, KNOCKON_OIDC_AUDIENCE and KNOCKON_OIDC_KEYS go together.") from None
        names = sorted({str(each["loc"][0]) for each in error.errors()})
        raise BadUsage(" ".join(f"KNOCKON_{each.upper()} {_allowed(each)}." for each in names)) from None


def _allowed(name: str) -> str:
    """Say what a setting may be, in words that go on from its name."""
    field = Settings.model_fields[name]
    if name in _ALLOWED:
        return f"must be {_ALLOWED[name]}"
    if get_origin(field.annotation) is Literal:
        return f"must be one of {', '.join(get_args(field.annotation))}"
    if field.annotation is bool:
        return "must be true or false"
    if field.annotation in (int, float):
        limits = [(word, getattr(each, kind, None)) for each in field.metadata for kind, word in _LIMITS]
        least = " and ".join(f"{word} {limit}" for word, limit in limits if limit is not None)
        return f"must be a {'whole ' if field.annotation is int else ''}number {least}"
    return "cannot be understood"
