from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knockon.schema.spec import AttributeSpec, AttributeType
from knockon.schema.values import MAX_STRING, MAX_TEXT, instant, parse


def spec(kind: AttributeType, **more: Any) -> AttributeSpec:
    return AttributeSpec(type=kind, description="A thing.", **more)


def seconds(duration: str) -> float:
    """Read a stored duration by another way than the one under test."""
    total, number, in_time = 0.0, "", False
    for letter in duration[1:]:
        if letter == "T":
            in_time = True
        elif letter in "DHMS":
            total += float(number) * {"D": 86_400, "H": 3_600, "M": 60, "S": 1}[letter]
            number = ""
        else:
            number += letter
    assert in_time or "S" not in duration
    return total


@pytest.mark.parametrize(
    ("kind", "raw", "stored"),
    [
        ("string", "00123", "00123"),
        ("string", 123, "123"),
        ("string", "", ""),
        ("string", "Zürich ☃", "Zürich ☃"),
        ("text", "a\n\tb", "a\n\tb"),
        ("integer", "-7", -7),
        ("integer", "+007", 7),
        ("integer", 7, 7),
        ("integer", "9223372036854775807", 2**63 - 1),
        ("integer", "-9223372036854775808", -(2**63)),
        ("number", "1.5", 1.5),
        ("number", "-2e3", -2000.0),
        ("number", ".5", 0.5),
        ("number", 3, 3.0),
        ("number", "-0", 0.0),
        ("boolean", "TRUE", True),
        ("boolean", "false", False),
        ("boolean", True, True),
        ("datetime", "2026-11-01T08:00:00Z", "2026-11-01T08:00:00Z"),
        ("datetime", "2026-11-01T08:00:00+01:00", "2026-11-01T07:00:00Z"),
        ("datetime", "2026-11-01 00:30-0500", "2026-11-01T05:30:00Z"),
        ("datetime", "2026-11-01T08:00:00.9Z", "2026-11-01T08:00:00Z"),
        ("datetime", "2026-11-01T08:00:00.123456789Z", "2026-11-01T08:00:00Z"),
        ("datetime", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("date", "2024-02-29", "2024-02-29"),
        ("duration", "PT90M", "PT1H30M"),
        ("duration", "PT24H", "P1D"),
        ("duration", "P1W2D", "P9D"),
        ("duration", "PT0.500S", "PT0.5S"),
        ("duration", "PT0S", "PT0S"),
        ("duration", "P0D", "PT0S"),
        ("duration", "P1DT2H3M4S", "P1DT2H3M4S"),
        ("url", "https://example.org:8443/a?b#c", "https://example.org:8443/a?b#c"),
        ("url", "postgresql://[::1]/db", "postgresql://[::1]/db"),
        ("ip", "10.0.0.1", "10.0.0.1"),
        ("ip", "2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("mac", "00-1A-2B-3C-4D-5E", "00:1a:2b:3c:4d:5e"),
        ("mac", "001a.2b3c.4d5e", "00:1a:2b:3c:4d:5e"),
        ("mac", "001A2B3C4D5E", "00:1a:2b:3c:4d:5e"),
        ("mac", "00:1a:2b:ff:fe:3c:4d:5e", "00:1a:2b:ff:fe:3c:4d:5e"),
        ("email", "a.b+c@example.org", "a.b+c@example.org"),
        ("email", "root@localhost", "root@localhost"),
        ("money", "12.50 EUR", {"amount": "12.50", "currency": "EUR"}),
        ("money", "+007 USD", {"amount": "7", "currency": "USD"}),
        ("money", {"amount": 5, "currency": "CHF"}, {"amount": "5", "currency": "CHF"}),
        ("json", {"a": [1, None, {"b": "x"}]}, {"a": [1, None, {"b": "x"}]}),
        ("json", '{"a": 1.5}', {"a": 1.5}),
        ("json", "plain", "plain"),
        ("json", "{not json", "{not json"),
        ("json", False, False),
    ],
)
def test_stored_form(kind: AttributeType, raw: Any, stored: Any) -> None:
    value = parse(spec(kind), raw)
    assert (value, type(value)) == (stored, type(stored))
    assert parse(spec(kind), value) == value


@pytest.mark.parametrize(
    ("kind", "raw", "words"),
    [
        ("string", "a\nb", "control character"),
        ("string", "a\x00b", "control character"),
        ("string", "\ud800", "surrogate"),
        ("string", 1.5, "not text"),
        ("string", True, "not text"),
        ("string", {}, "not text"),
        ("string", "x" * (MAX_STRING + 1), "longer than 2,000"),
        ("text", "a\x00b", "NUL"),
        ("text", "\udfff", "surrogate"),
        ("text", "x" * (MAX_TEXT + 1), "longer than 1,048,576"),
        ("text", ["x"], "not text"),
        ("integer", "1.0", "not an integer"),
        ("integer", 1.0, "not an integer"),
        ("integer", True, "not an integer"),
        ("integer", "1_000", "not an integer"),
        ("integer", "٣", "not an integer"),
        ("integer", " 1", "not an integer"),
        ("integer", "", "not an integer"),
        ("integer", "9223372036854775808", "64 bits"),
        ("integer", -(2**63) - 1, "64 bits"),
        ("integer", "9" * 5_000, "longer than"),
        ("number", "nan", "not a number"),
        ("number", "inf", "not a number"),
        ("number", math.inf, "finite"),
        ("number", math.nan, "finite"),
        ("number", "1e999", "finite"),
        ("number", 10**400, "finite"),
        ("number", True, "not a number"),
        ("number", "1,5", "not a number"),
        ("boolean", "yes", "neither true nor false"),
        ("boolean", 1, "neither true nor false"),
        ("datetime", "2026-11-01T08:00:00", "no offset"),
        ("datetime", "2026-11-01", "not a point in time"),
        ("datetime", "2026-02-30T08:00:00Z", "not a point in time"),
        ("datetime", "0001-01-01T00:00:00+01:00", "not a point in time"),
        ("datetime", "9999-12-31T23:59:59-01:00", "not a point in time"),
        ("datetime", "2026-11-01T08:00:60Z", "not a point in time"),
        ("datetime", 1_700_000_000, "not a point in time"),
        ("date", "2026-02-29", "not a date"),
        ("date", "01.11.2026", "not a date"),
        ("date", "2026-11-01T00:00:00Z", "not a date"),
        ("duration", "P1M", "not a duration"),
        ("duration", "P1Y", "not a duration"),
        ("duration", "P", "not a duration"),
        ("duration", "PT", "not a duration"),
        ("duration", "P1DT", "not a duration"),
        ("duration", "-PT1H", "not a duration"),
        ("duration", "1h", "not a duration"),
        ("url", "example.org", "not a URL"),
        ("url", "https:///path", "not a URL"),
        ("url", "https://[::1", "not a URL"),
        ("url", "https://a b/", "not a URL"),
        ("url", "https://a:99999/", "not a URL"),
        ("ip", "10.0.0.256", "not an IP"),
        ("ip", "10.0.0.0/24", "not an IP"),
        ("ip", 5, "not an IP"),
        ("mac", "00:1a:2b:3c:4d", "not a MAC"),
        ("mac", "00:1a:2b:3c:4d:5g", "not a MAC"),
        ("mac", "00:1a:2b:3c:4d:5e:6f", "not a MAC"),
        ("email", "a@b@c", "not an e-mail"),
        ("email", "nobody", "not an e-mail"),
        ("email", "a b@c.org", "not an e-mail"),
        ("money", "12.50", "not an amount"),
        ("money", "12,50 EUR", "not an amount"),
        ("money", "1e3 EUR", "not an amount"),
        ("money", {"amount": "1"}, "not an amount"),
        ("money", {"amount": "1", "currency": "eur"}, "not an amount"),
        ("json", math.nan, "finite"),
        ("json", {"a": [math.inf]}, "finite"),
        ("json", '{"a": NaN}', "finite"),
        ("json", {"a": "\ud800"}, "surrogate"),
        ("json", {"\ud800": 1}, "surrogate"),
        ("json", [2**64], "64 bits"),
        ("json", {1, 2}, "not JSON"),
    ],
)
def test_refused(kind: AttributeType, raw: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        parse(spec(kind), raw)
    said = str(refused.value)
    assert said.endswith(".")
    assert len(said) < 250


def test_json_that_is_nested_without_end_is_refused() -> None:
    nested: list[Any] = []
    for _ in range(100):
        nested = [nested]
    with pytest.raises(ValueError, match="nested"):
        parse(spec("json"), nested)
    with pytest.raises(ValueError, match="nested"):
        parse(spec("json"), "[" * 100 + "]" * 100)


def test_an_enum_takes_its_values_only() -> None:
    size = spec("enum", values=("1", "big"))
    assert parse(size, "big") == "big"
    assert parse(size, 1) == "1"
    for raw in ("Big", "", None, True):
        with pytest.raises(ValueError, match="is not one of 1, big"):
            parse(size, raw)


def test_patterns_and_bounds() -> None:
    threshold = spec("string", pattern="[1-9][0-9]*|[1-9][0-9]?%")
    assert parse(threshold, "50%") == "50%"
    assert parse(threshold, 2) == "2"
    for raw in ("0", "2x", "x2", "2\n"):
        with pytest.raises(ValueError, match=r"match|control"):
            parse(threshold, raw)
    port = spec("integer", minimum=1, maximum=65_535)
    assert [parse(port, raw) for raw in ("1", "65535")] == [1, 65_535]
    with pytest.raises(ValueError, match="less than 1"):
        parse(port, "0")
    with pytest.raises(ValueError, match="more than 65535"):
        parse(port, "65536")


def test_lists_keep_order_and_a_single_value_is_a_list_of_one() -> None:
    addresses = spec("ip", many=True)
    assert parse(addresses, ["10.0.0.2", "10.0.0.1"]) == ["10.0.0.2", "10.0.0.1"]
    assert parse(addresses, "::1") == ["::1"]
    assert parse(addresses, []) == []
    for raw in (["10.0.0.1", None], [["10.0.0.1"]], ["10.0.0.1", "x"]):
        with pytest.raises(ValueError, match="not an IP"):
            parse(addresses, raw)


def test_a_sensitive_value_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="the value is not an e-mail") as refused:
        parse(spec("email", sensitive=True), "hunter2")
    assert "hunter2" not in str(refused.value)


moments = st.datetimes(
    timezones=st.integers(-1_439, 1_439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
).filter(lambda moment: 2 <= moment.year <= 9_998)


@given(moments)
def test_a_moment_stays_the_moment_and_an_attribute_keeps_its_second(moment: datetime) -> None:
    exact, stored = instant(moment.isoformat()), parse(spec("datetime"), moment.isoformat())
    assert exact.endswith("Z")
    assert stored.endswith("Z")
    assert datetime.fromisoformat(exact) == moment
    assert datetime.fromisoformat(stored) == moment.astimezone(UTC).replace(microsecond=0)
    assert datetime.fromisoformat(stored).tzinfo == UTC
    assert parse(spec("datetime"), stored) == stored


@given(moments, moments)
def test_moments_as_text_are_in_order_of_time(one: datetime, other: datetime) -> None:
    assert (instant(one.isoformat()) < instant(other.isoformat())) == (one < other)
    if parse(spec("datetime"), one.isoformat()) < parse(spec("datetime"), other.isoformat()):
        assert one < other


@given(
    *(st.integers(0, 10_000) for _ in range(5)),
    st.integers(0, 999_999),
)
def test_a_duration_keeps_its_length(weeks: int, days: int, hours: int, minutes: int, secs: int, micros: int) -> None:
    stored = parse(spec("duration"), f"P{weeks}W{days}DT{hours}H{minutes}M{secs}.{micros:06}S")
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=secs, microseconds=micros)
    assert math.isclose(seconds(stored), length.total_seconds(), abs_tol=1e-6, rel_tol=1e-12)
    assert parse(spec("duration"), stored) == stored


@given(st.ip_addresses())
def test_an_address_has_one_form(address: Any) -> None:
    assert parse(spec("ip"), address.exploded) == parse(spec("ip"), address.compressed) == str(address)


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_come_back(number: int) -> None:
    assert parse(spec("integer"), str(number)) == parse(spec("integer"), number) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back(number: float) -> None:
    assert parse(spec("number"), repr(number)) == parse(spec("number"), number) == number


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**15), max_value=10**15))
def test_money_keeps_its_digits(amount: Any) -> None:
    stored = parse(spec("money"), f"{amount} EUR")
    assert type(amount)(stored["amount"]) == amount
    assert parse(spec("money"), stored) == stored


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(st.lists(json_values) | st.dictionaries(st.sampled_from("abc"), json_values))
def test_json_comes_back_as_value_and_as_text(value: Any) -> None:
    assert parse(spec("json"), value) == value
    assert parse(spec("json"), json.dumps(value)) == value


raw_values = json_values | st.text() | st.floats() | st.integers()
KINDS: list[AttributeType] = [
    "string", "text", "integer", "number", "boolean", "datetime", "date", "duration",
    "url", "ip", "mac", "email", "money", "json",
]  # fmt: skip


@given(st.sampled_from(KINDS), raw_values, st.booleans())
def test_whatever_comes_is_stored_for_good_or_refused_in_one_sentence(
    kind: AttributeType, raw: Any, many: bool
) -> None:
    attribute = spec(kind, many=many)
    try:
        stored = parse(attribute, raw)
    except ValueError as refused:
        assert str(refused).endswith(".")  # noqa: PT017 - either outcome is right, each has its law
    else:
        assert parse(attribute, stored) == stored
        assert json.loads(json.dumps(stored, allow_nan=False)) == stored
        json.dumps(stored, ensure_ascii=False).encode()
