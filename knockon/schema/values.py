"""From what stands in a file to what is stored: each attribute type has one canonical JSON form.

Parsing is idempotent: the stored form of a stored value is that value.

======== ============================================= ==================================================
type     accepted                                      stored
======== ============================================= ==================================================
string   text on one line, 4,096 characters            as it is
text     text, 1,048,576 characters                    as it is
integer  digits with a sign                            a 64-bit JSON integer
number   a decimal number, an exponent too             a finite JSON number with a fraction
boolean  true or false, in any case                    true or false
datetime ISO 8601 with an offset from UTC              ``2026-11-01T08:00:00Z``, or with ``.ffffff``
date     ISO 8601                                      ``2026-11-01``
duration ISO 8601 weeks, days, hours, minutes, seconds ``P1DT2H``: the largest units first, a day is 24 hours
enum     one of the attribute's values                 as it is
url      with scheme and host                          as it is
ip       IPv4 or IPv6, without a prefix length         the shortest form
mac      6 or 8 bytes in hexadecimal                   ``00:1a:2b:3c:4d:5e``
email    ``local@domain``                              as it is
money    ``12.50 EUR``, or its stored form             ``{"amount": "12.50", "currency": "EUR"}``
json     JSON, or text that is a JSON object or list   as it is
======== ============================================= ==================================================
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from knockon.schema.spec import AttributeSpec, AttributeType

MAX_STRING = 2_000  # fits an index entry of Neo4j (8 kB) in any script
MAX_TEXT = 1_048_576
_MAX_NESTING = 64
_INT64 = range(-(2**63), 2**63)
_SHOWN = 60

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,400}(\.[0-9]{0,400})?|\.[0-9]{1,400})([eE][+-]?[0-9]{1,4})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_STORED_DATETIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}Z")
_DURATION = re.compile(
    r"P(?=.)(?:(?P<weeks>[0-9]{1,6})W)?(?:(?P<days>[0-9]{1,7})D)?"
    r"(?:T(?=.)(?:(?P<hours>[0-9]{1,8})H)?(?:(?P<minutes>[0-9]{1,9})M)?"
    r"(?:(?P<seconds>[0-9]{1,9})(?:\.(?P<fraction>[0-9]{1,6}))?S)?)?"
)
_MAC = re.compile(
    r"[0-9a-f]{2}([:-]?[0-9a-f]{2}){5}([:-]?[0-9a-f]{2}[:-]?[0-9a-f]{2})?|[0-9a-f]{4}(\.[0-9a-f]{4}){2,3}"
)
_EMAIL = re.compile(r"[^@\s]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,10}")
_MONEY = re.compile(r"(?P<amount>[+-]?[0-9]{1,20}(\.[0-9]{1,10})?) (?P<currency>[A-Z]{3})")


def has_unprintable(text: str) -> bool:
    """Tell whether a text has a control character or half a surrogate pair in it."""
    # isprintable is ten times as fast, and calls some more unprintable, such as a space that does not break
    return not text.isprintable() and _UNPRINTABLE.search(text) is not None


def parse(spec: AttributeSpec, raw: Any) -> Any:
    """Give the stored form of a value: ``raw`` is text, or a JSON value.

    With ``many``, a list; a single value counts as a list of one, and order is kept.

    Raises
    ------
    ValueError
        With one sentence that says what the value should have been. A sensitive value is not in it.
    """
    if not spec.many:
        return _parse_one(spec, raw)
    return [_parse_one(spec, member) for member in (raw if isinstance(raw, list) else [raw])]


class _UnfitError(ValueError):
    """What is said of the value, from the verb on."""


def _parse_one(spec: AttributeSpec, raw: Any) -> Any:
    try:
        value = _enum(spec.values, raw) if spec.type == "enum" else _PARSERS[spec.type](raw)
        _check_bounds(spec, value)
    except _UnfitError as error:
        shown = "the value" if spec.sensitive or not isinstance(raw, str | int | float) else repr(raw)
        if len(shown) > _SHOWN:
            shown = f"{shown[:_SHOWN]}..."
        raise ValueError(f"{shown} {error}.") from None
    return value


def _check_bounds(spec: AttributeSpec, value: Any) -> None:
    if spec.pattern is not None and not re.fullmatch(spec.pattern, value):
        raise _UnfitError(f"does not match {spec.pattern} ({spec.description.rstrip('.')})")
    if spec.minimum is not None and value < spec.minimum:
        raise _UnfitError(f"is less than {spec.minimum:g}")
    if spec.maximum is not None and value > spec.maximum:
        raise _UnfitError(f"is more than {spec.maximum:g}")


def _is_integer(raw: Any) -> bool:
    return isinstance(raw, int) and not isinstance(raw, bool)


def _plain(raw: Any, kind: str) -> str:
    """Give the text of a scalar, without any surprises in it."""
    if _is_integer(raw) and raw in _INT64:
        return str(raw)
    if not isinstance(raw, str):
        raise _UnfitError(f"is not {kind}")
    if len(raw) > MAX_STRING:
        raise _UnfitError(f"is longer than {MAX_STRING:,} characters")
    if has_unprintable(raw):
        raise _UnfitError("has a control character or half a surrogate pair in it")
    return raw


def _matching(pattern: re.Pattern[str], raw: Any, kind: str) -> re.Match[str]:
    match = pattern.fullmatch(_plain(raw, kind))
    if match is None:
        raise _UnfitError(f"is not {kind}")
    return match


def _string(raw: Any) -> str:
    return _plain(raw, "text")


def _text(raw: Any) -> str:
    if _is_integer(raw):
        return _plain(raw, "text")
    if not isinstance(raw, str):
        raise _UnfitError("is not text")
    if len(raw) > MAX_TEXT:
        raise _UnfitError(f"is longer than {MAX_TEXT:,} characters")
    if _UNSTORABLE.search(raw):
        raise _UnfitError("has a NUL character or half a surrogate pair in it")
    return raw


def _integer(raw: Any) -> int:
    number = raw if _is_integer(raw) else int(_matching(_INTEGER, raw, "an integer")[0])
    if number not in _INT64:
        raise _UnfitError("does not fit into 64 bits")
    return int(number)


def _number(raw: Any) -> float:
    try:
        number = float(raw if isinstance(raw, float) or _is_integer(raw) else _matching(_NUMBER, raw, "a number")[0])
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _UnfitError("is not a finite number")
    return number + 0.0  # turns -0.0 into 0.0


def _boolean(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.lower() in {"true", "false"}:
        return raw.lower() == "true"
    raise _UnfitError("is neither true nor false")


def now() -> str:
    """Give this moment in the form in which moments are kept."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def instant(raw: Any) -> str:
    """Read a point in time, exactly, in a form of fixed width: as text it sorts by time.

    Raises
    ------
    ValueError
        With a sentence that goes on from the value.
    """
    kind = "a point in time such as 2026-11-01T08:00:00Z"
    match = _matching(_DATETIME, raw, kind)
    if match[3] is None:
        raise _UnfitError("has no offset from UTC, such as Z or +01:00")
    try:
        moment = datetime.fromisoformat(match[0]).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _UnfitError(f"is not {kind}") from None
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _datetime(raw: Any) -> str:
    """Keep an attribute's moment to the whole second, so that text in order is time in order."""
    if isinstance(raw, str) and _STORED_DATETIME.fullmatch(raw):  # the usual case, six times as fast
        with suppress(ValueError):  # it is told below
            datetime.fromisoformat(raw)
            return raw
    return instant(raw)[: len("2026-11-01T08:00:00")] + "Z"


def _date(raw: Any) -> str:
    kind = "a date such as 2026-11-01"
    try:
        return date.fromisoformat(_matching(_DATE, raw, kind)[0]).isoformat()
    except _UnfitError:
        raise
    except ValueError:
        raise _UnfitError(f"is not {kind}") from None


_DURATION_KIND = "a duration in days, hours, minutes and seconds such as P1DT2H30M"


def seconds(raw: str) -> float:
    """Give the length of a duration in seconds.

    Raises
    ------
    ValueError
        It is none, as ISO 8601 writes them, without months and years.
    """
    try:
        parts = _matching(_DURATION, raw, _DURATION_KIND).groupdict(default="0")
    except _UnfitError as error:
        raise ValueError(f"{raw!r} {error}.") from None
    worth = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
    return sum(int(parts[unit]) * each for unit, each in worth.items()) + float(f"0.{parts['fraction']}")


def _duration(raw: Any) -> str:
    kind = _DURATION_KIND
    parts = _matching(_DURATION, raw, kind).groupdict(default="0")
    seconds = int(parts["seconds"]) + 60 * (int(parts["minutes"]) + 60 * int(parts["hours"]))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    days += int(parts["days"]) + 7 * int(parts["weeks"])
    fraction = parts["fraction"].rstrip("0")
    second = f"{seconds}.{fraction}" if fraction else str(seconds)
    day = f"{days}D" if days else ""
    time = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (second, "S")) if n not in {0, "0"})
    return f"P{day}T{time}" if time else f"P{day or 'T0S'}"


def _enum(values: tuple[str, ...], raw: Any) -> str:
    if isinstance(raw, str) and raw in values:
        return raw
    kind = f"one of {', '.join(values)}"
    text = _plain(raw, kind)
    if text not in values:
        raise _UnfitError(f"is not {kind}")
    return text


def _url(raw: Any) -> str:
    kind = "a URL with scheme and host, such as https://example.org/"
    text = _plain(raw, kind)
    try:
        parts = urlsplit(text)
        fits = bool(parts.scheme and parts.hostname) and " " not in text and (parts.port or 0) >= 0
    except ValueError:
        fits = False
    if not fits:
        raise _UnfitError(f"is not {kind}")
    return text


def _ip(raw: Any) -> str:
    kind = "an IP address"
    try:
        return str(ipaddress.ip_address(_plain(raw, kind)))
    except _UnfitError:
        raise
    except ValueError:
        raise _UnfitError(f"is not {kind}") from None


def _mac(raw: Any) -> str:
    text = raw.lower() if isinstance(raw, str) else raw
    match = _matching(_MAC, text, "a MAC address such as 00:1a:2b:3c:4d:5e")
    digits = re.sub(r"[:.-]", "", match[0])
    return ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))


def _email(raw: Any) -> str:
    return _matching(_EMAIL, raw, "an e-mail address")[0]


def _money(raw: Any) -> dict[str, str]:
    if isinstance(raw, dict) and raw.keys() == {"amount", "currency"}:
        raw = f"{raw['amount']} {raw['currency']}"
    match = _matching(_MONEY, raw, "an amount of money such as 12.50 EUR")
    return {"amount": format(Decimal(match["amount"]), "f"), "currency": match["currency"]}


def _json(raw: Any) -> Any:
    value = raw
    if isinstance(raw, str) and raw.lstrip()[:1] in {"{", "["}:  # a cell of a table, or a quoted text in YAML
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError):
            value = raw  # text that only looks like it
    _check_json(value, 0)
    return value


def _check_json(value: Any, depth: int) -> None:
    if depth > _MAX_NESTING:
        raise _UnfitError(f"is nested more than {_MAX_NESTING} levels deep")
    if isinstance(value, dict):
        for key, member in value.items():
            _text(key)
            _check_json(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _check_json(member, depth + 1)
    elif isinstance(value, str):
        _text(value)
    elif isinstance(value, float):
        _number(value)
    elif _is_integer(value):
        _integer(value)
    elif value is not None and not isinstance(value, bool):
        raise _UnfitError("is not JSON")


_PARSERS: dict[AttributeType, Callable[[Any], Any]] = {
    "string": _string,
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "datetime": _datetime,
    "date": _date,
    "duration": _duration,
    "url": _url,
    "ip": _ip,
    "mac": _mac,
    "email": _email,
    "money": _money,
    "json": _json,
}
