"""What all tests share: hypothesis profiles, and a real Neo4j server for the tests that ask for one.

Profiles: ``ci`` unless told, ``--hypothesis-profile=thorough`` for a long search (``make laws``).
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import neo4j
import pytest
from hypothesis import HealthCheck, settings

from tests.neo4j_server import ServerNotStarted, running_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

USUAL = 300
settings.register_profile("ci", max_examples=USUAL, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("ci"), max_examples=5_000)
settings.load_profile("ci")


def scaled(usual: int) -> int:
    """Give how many examples a slow law has: so many in a usual run, as many times more in a long search as others."""
    return usual * settings().max_examples // USUAL


@pytest.fixture(scope="session")
def neo4j_uri(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of NEO4J_TEST_URI, else of a server of our own that lives as long as the test run.

    Nothing that needs it is ever skipped: without a server it fails and says why.
    """
    if given := os.environ.get("NEO4J_TEST_URI"):
        yield given
        return
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        if capture:
            with capture.global_and_fixture_disabled():
                sys.stderr.write(f"\r{line} ")
                sys.stderr.flush()

    try:
        with running_server(say) as uri:
            yield uri
    except (ServerNotStarted, OSError) as error:
        pytest.fail(f"The Neo4j server for the tests could not be started. {error}", pytrace=False)


@pytest.fixture(scope="session")
def neo4j_auth() -> tuple[str, str]:
    """Give user and password; a server of our own asks for none."""
    return os.environ.get("NEO4J_TEST_USER", "neo4j"), os.environ.get("NEO4J_TEST_PASSWORD", "")


@pytest.fixture
async def wiped_neo4j(neo4j_uri: str, neo4j_auth: tuple[str, str]) -> AsyncIterator[str]:
    """Give the address of the server, emptied; what the server warns about meanwhile fails the test."""
    await wipe(neo4j_uri, neo4j_auth)
    with no_notifications():
        yield neo4j_uri


@pytest.fixture(params=["sqlite", "neo4j"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Any]:
    """Give the URL of an empty store, and how to log in."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/estate.db", (None, None)
    return request.getfixturevalue("wiped_neo4j"), request.getfixturevalue("neo4j_auth")


async def wipe(uri: str, auth: tuple[str, str]) -> None:
    """Take everything out of the server's database."""
    async with (
        neo4j.AsyncGraphDatabase.driver(uri, auth=auth, telemetry_disabled=True) as driver,
        driver.session(database="neo4j") as session,
    ):
        statement = "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS"
        await (await session.run(statement)).consume()


@contextmanager
def no_notifications() -> Iterator[None]:
    """Fail if the server warns about a statement: a cartesian product, a deprecated or unbounded form."""
    heard: list[str] = []
    listener = logging.Handler(logging.WARNING)
    listener.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]  # a list is enough
    logger = logging.getLogger("neo4j.notifications")
    logger.addHandler(listener)
    try:
        yield
    finally:
        logger.removeHandler(listener)
    assert heard == []
