"""What the acceptance tests are about: the sample estate in files, and places to load it into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon import sample
from tests.acceptance.estates import Place

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def sample_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the files of the sample estate."""
    folder = tmp_path_factory.mktemp("sample")
    sample.write(folder)
    return folder


@pytest.fixture
def embedded(tmp_path: Path) -> Place:
    return Place(f"sqlite://{tmp_path / 'estate.db'}")


@pytest.fixture(params=["sqlite", "neo4j"])
def place(request: pytest.FixtureRequest, embedded: Place) -> Place:
    """Give an empty place of each kind."""
    if request.param == "sqlite":
        return embedded
    return Place(request.getfixturevalue("wiped_neo4j"), request.getfixturevalue("neo4j_auth"))
