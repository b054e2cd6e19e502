"""JSON read strictly: a key stands once in an object, and every value can be written out again."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import orjson

_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*"|[{}]|-?(?:NaN|Infinity|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?))(\s*:)?', re.ASCII)
_INTEGERS_UP_TO = 2**63
_DIGITS = 20  # of a 64-bit integer with its sign
_WRAPPED = 8  # levels that a value may be put into later


class JsonProblem(ValueError):
    """What is wrong with a JSON text, without a full stop, and in which line (first is 1)."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class _Refused(ValueError):
    """Well-formed, but not taken; ``_problem`` finds where it stands."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused
    return members


def _constant(name: str) -> Any:
    raise _Refused(name)


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise _Refused(digits)
    return value


def _integer(digits: str) -> int | str:
    """Give an integer of 64 bits, and the digits as text where that is too small."""
    if len(digits) <= _DIGITS and -_INTEGERS_UP_TO <= (value := int(digits)) < _INTEGERS_UP_TO:
        return value
    return digits


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_integer)


def parse(text: str) -> Any:
    """Parse one JSON text. Integers of more than 64 bits are given as text.

    Raises
    ------
    JsonProblem
        Malformed; a key twice in one object; NaN or a number too large; half a surrogate pair in a
        string, which is no text; nested too deeply.
    """
    if not text.strip():
        raise JsonProblem("there is nothing in it", 1)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise JsonProblem(f"{error.msg} (column {error.colno})", error.lineno) from error
    except RecursionError as error:
        raise JsonProblem("it is nested too deeply", 1) from error
    except _Refused as error:
        raise _problem(text) from error
    try:
        orjson.dumps(_wrapped(value))
    except (TypeError, RecursionError) as error:
        raise _problem(text) from error
    return value


def _wrapped(value: Any) -> Any:
    for _ in range(_WRAPPED):
        value = [value]
    return value


def _problem(text: str) -> JsonProblem:
    """Find what was refused, and its line; up to there the text is well-formed."""
    objects: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        word, colon = token.groups()
        found = None
        if word == "{":
            objects.append(set())
        elif word == "}":
            objects.pop()
        elif word[0] == '"':
            found = _string_problem(json.loads(word), objects[-1] if colon else None)
        elif not (word.lstrip("-").isdigit() or math.isfinite(float(word))):
            found = f"{word[:40]} is not a number that can be kept"
        if found:
            return JsonProblem(found, text.count("\n", 0, token.start()) + 1)
    return JsonProblem("it is nested too deeply", 1)


def _string_problem(value: str, keys: set[str] | None) -> str | None:
    """Judge one string; ``keys`` are those of its object so far where it is a key."""
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "a string holds half a surrogate pair (\\ud800 to \\udfff), which is no text"
    if keys is None:
        return None
    if value in keys:
        return f"the key {value!r} stands twice in one object"
    keys.add(value)
    return None
