"""What the download of the Neo4j server says while it works."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from tests import neo4j_server

if TYPE_CHECKING:
    import pytest

JARS_AT_ITS_END = """
import pathlib, sys, time
lib = pathlib.Path(sys.argv[sys.argv.index("-f") + 1]).parent / "lib"
time.sleep(1.2)
(lib / "one.jar").write_bytes(bytes(2_000_000))
time.sleep(1.2)
"""


def test_no_jars_are_counted_while_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven = tmp_path / "mvn"
    maven.write_text(f"#!{sys.executable}{JARS_AT_ITS_END}")
    maven.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _name: str(maven))
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    said: list[str] = []
    lib = neo4j_server.fetched_jars(Path("/usr/bin/java"), said.append)
    assert [each.name for each in lib.iterdir()] == ["one.jar"]
    start = f"fetching Neo4j {neo4j_server.VERSION} by Maven, once: "
    assert said[0] == f"{start}about 125 MB, working, 0 s"
    assert said[-1].startswith(f"{start}1 of about 215 jars, 2 of about 125 MB, ")
