"""Our own words for what pydantic finds wrong with a value: people need not know who checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_WORDS = (
    ("missing", "is missing"),
    ("string_too_short", "must not be empty"),
    ("string", "must be text"),
    ("int", "must be an integer"),
    ("float", "must be a number"),
    ("bool", "must be true or false"),
    ("dict", "must be a mapping"),
    ("model", "must be a mapping"),
    ("tuple", "must be a list"),
    ("list", "must be a list"),
    ("greater_than_equal", "must be at least {ge}"),
    ("less_than_equal", "must be at most {le}"),
)  # fmt: skip


def worded(error: ErrorDetails) -> str:
    """Say what a value must be, in words that go on from its name and have no full stop."""
    words = next((words for kind, words in _WORDS if error["type"].startswith(kind)), "cannot be understood")
    return words.format(**error.get("ctx", {}))
