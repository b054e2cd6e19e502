"""The model of this installation: the shipped files and an organisation's own."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from knockon.errors import ModelInvalid
from knockon.schema.build import build
from knockon.schema.lint import structure
from knockon.schema.lint_identity import circles
from knockon.schema.source import read_sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.schema.model import Model


def shipped_files() -> list[Path]:
    """List the model files that ship with knockon."""
    folder = resources.files("knockon.schema") / "shipped"
    return sorted(Path(str(each)) for each in folder.iterdir() if each.name.endswith(".yaml"))


def read_model(files: Sequence[Path] | None = None, extra: Sequence[Path] = ()) -> Model:
    """Read the model: the shipped files (or ``files``) and an organisation's ``extra`` ones.

    Raises
    ------
    ModelInvalid
        With every mistake of shape or structure, its file and line. ``knockon model lint`` checks more.
    """
    source = read_sources([*(shipped_files() if files is None else files), *extra])
    if mistakes := sorted([*source.mistakes, *structure(source)]):
        raise ModelInvalid("The model has mistakes:\n" + "\n".join(str(each) for each in mistakes))
    model = build(source.spec)
    if mistakes := list(circles(source, model)):
        raise ModelInvalid("The model has mistakes:\n" + "\n".join(str(each) for each in mistakes))
    return model


@lru_cache(maxsize=4)
def _installed(extra: tuple[str, ...]) -> Model:
    return read_model(extra=[Path(each) for each in extra])


def installed_model(extra: Sequence[str] = ()) -> Model:
    """Read the shipped model plus ``extra`` files once per process."""
    return _installed(tuple(extra))
