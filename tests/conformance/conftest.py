"""A running service with the sample estate, and Node.js to ask it as browsers and other programs do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from knockon import sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
TOKEN = "correct horse battery staple"
PROGRAM = """
from knockon.schema.installed import installed_model
from knockon.server import create_app, run_server
from knockon.server.settings import read_settings
app = create_app(read_settings(), installed_model())
run_server(app, host="127.0.0.1", port=0, announce=lambda address: print(address, flush=True))
"""


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file that the service logs to."""
    return tmp_path_factory.mktemp("log") / "served.log"


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory, log: Path) -> Iterator[str]:
    """Give the address of a service of its own, on a socket; whoever asks may write."""
    folder = tmp_path_factory.mktemp("conformance")
    with serving(folder, log, {"KNOCKON_STORE": f"sqlite://{folder / 'estate.db'}"}) as address:
        yield address


@contextmanager
def serving(folder: Path, log: Path, store: dict[str, str]) -> Iterator[str]:
    """Serve the sample estate out of an empty store, which these settings name; give the address."""
    environment = {**os.environ, **store, "KNOCKON_TOKEN": TOKEN}
    sample.write(folder / "estate", size=None, seed=sample.SEED, as_of=sample.AS_OF)
    subprocess.run([BIN / "knockon", "load", folder / "estate"], env=environment, check=True, capture_output=True)
    with (
        log.open("w") as said,
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, stderr=said, text=True
        ) as server,
    ):
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()
            assert server.wait(timeout=60) == 0


@pytest.fixture(scope="session")
def node() -> Callable[..., Any]:
    """Give what runs a script beside this file with Node.js, and reads the JSON that it prints."""
    assert (ROOT / "web/node_modules").is_dir(), "Run make install-dev: it fetches what these tests need of npm."
    program = shutil.which("node", path=os.pathsep.join((str(BIN), os.environ["PATH"])))
    assert program, "There is no Node.js here: the development dependencies bring one."

    def run(script: str, *arguments: str) -> Any:
        command = [program, str(Path(__file__).parent / script), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
