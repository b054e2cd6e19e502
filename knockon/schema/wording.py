"""Our own words for what many messages say: what is wrong with a value, how many there are, which name was meant."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def counted(number: int, one: str, several: str = "") -> str:
    """Say how many there are: ``1 record``, ``2 records``; ``several`` where an s at the end does not make it."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def shown(value: Any) -> str:
    """Write a value for people: text as it is, everything else as JSON has it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def meant(name: str, known: Iterable[str]) -> str | None:
    """Give the known name that is spelt most like one that is not known; None if none is like it."""
    folded = {each.casefold(): each for each in known}
    near = get_close_matches(name.casefold(), folded, n=1)
    return folded[near[0]] if near else None


def unknown(what: str, name: str, known: Iterable[str], otherwise: str = ".") -> str:
    """Say that there is no such thing, and which one may be meant; ``otherwise`` ends it where none is like it."""
    near = meant(name, known)
    return f"there is no {what} {name!r}{f'; did you mean {near}?' if near else otherwise}"


LISTED = "; `knockon model show Entity` lists the classes."


def indefinite(class_name: str, *, first: bool = False) -> str:
    """Name one of a class in a sentence, as in "an Incident"; ``first`` begins the sentence."""
    article = "an" if class_name.startswith(("A", "E", "I", "O", "Un")) else "a"
    return f"{article.capitalize() if first else article} {class_name}"
