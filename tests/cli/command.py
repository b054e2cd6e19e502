"""Runs the installed command as people do: in a process of its own, with a home directory of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

KNOCKON = Path(sys.executable).with_name("knockon")
DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Read standard output as one JSON value: there is nothing else on it."""
        assert self.code == 0, self
        return json.loads(self.out)


@dataclass(frozen=True)
class Knockon:
    """The command, with ``home`` as home directory and a store in it unless a test names another."""

    home: Path
    settings: tuple[tuple[str, str], ...] = ()
    program: Path = KNOCKON

    def __call__(self, *arguments: str | Path, stdin: str = "", cwd: Path | None = None) -> Ran:
        done = subprocess.run(
            self.command(*arguments), env=self.environment, input=stdin, capture_output=True, text=True,
            cwd=cwd or self.home, timeout=120, check=False,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    def command(self, *arguments: str | Path) -> list[str]:
        return [str(self.program), *map(str, arguments)]

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of ours but what the test sets; a Python warning would be an error, as in the tests."""
        others = {name: value for name, value in os.environ.items() if not name.startswith(("KNOCKON_", "XDG_"))}
        own = {"HOME": str(self.home), "XDG_DATA_HOME": str(self.home / "data"), "COLUMNS": "80"}
        return others | own | {"PYTHONWARNINGS": "error"} | dict(self.settings)

    def knowing(self, **settings: str) -> Knockon:
        """The same, with settings in the environment."""
        return replace(self, settings=(*self.settings, *settings.items()))

    def at(self, name: str) -> Knockon:
        """The same, with a store file of this name in the home directory."""
        return self.knowing(KNOCKON_STORE=f"sqlite://{self.home / name}")


def as_table(text: str) -> str:
    """Take the line breaks and the padding out of a printed table."""
    return " ".join(text.split())
