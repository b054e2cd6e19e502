from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from knockon.errors import FileNotParsed
from knockon.schema.document import read_documents

TEXT = """\
a:
  b: 00123
  c:
    - x
    - {d: ~, e: 'null', f: null}
"""


def test_scalars_stay_text_and_only_plain_nulls_are_none() -> None:
    assert [each.plain() for each in read_documents(TEXT, "t")] == [
        {"a": {"b": "00123", "c": ["x", {"d": None, "e": "null", "f": None}]}}
    ]


@pytest.mark.parametrize(
    ("path", "line"), [(("a",), 1), (("a", "b"), 2), (("a", "c"), 3), (("a", "c", 1, "d"), 5), (("a", "c", 9), 3)]
)
def test_a_member_of_a_mapping_stands_where_its_key_does(path: tuple[str | int, ...], line: int) -> None:
    assert read_documents(TEXT, "t")[0].at(*path).line == line


def test_a_key_that_stands_twice_is_an_error_with_its_line() -> None:
    with pytest.raises(FileNotParsed, match=r"t:3: the key 'a' stands twice"):
        read_documents("x:\n  a: 1\n  a: 2\n", "t")


@pytest.mark.parametrize("text", ["x: 1\na: [1\n", "x: 1\na: [1", "x: 1\na: 'b\n", 'x: 1\na: {b: "'])
def test_what_is_missing_at_the_end_is_missed_on_the_last_line(text: str) -> None:
    with pytest.raises(FileNotParsed, match=r"^t:2: "):
        read_documents(text, "t")


VALUES = st.recursive(
    st.none() | st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
)


@given(VALUES, st.sampled_from([True, False, None]))
def test_what_is_written_is_read(value: object, flow: bool | None) -> None:
    # the value twice in one list, so that it is written once and again as an alias
    text = yaml.safe_dump([value, {"again": value}], default_flow_style=flow)
    assert [each.plain() for each in read_documents(text, "t")] == [[value, {"again": value}]]


def test_an_alias_is_what_its_anchor_names() -> None:
    text = "a: &a [x, &b y]\nc: *a\n*b : *b\n--- &a z\n---\n"
    first, second, third = read_documents(text, "t")
    assert first.plain() == {"a": ["x", "y"], "c": ["x", "y"], "y": "y"}
    assert (first.at("c").line, first.at("c", 0).line) == (2, 1)
    assert (second.value, second.line, third.value) == ("z", 4, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: *c\n", "t:2: the alias *c names nothing above it."),
        ("a: 1\n---\nb: &b\n  - *b\n", "t:4: the alias *b stands within what it names."),
        ("a: &a 1\nb: &a 1\n", "t:2: the anchor &a stands twice in one document."),
        ("a: &a [1]\n*a : 1\n", "t:2: a key must be a single word or text."),
        ("a: 1\n? [b]\n: 1\n", "t:2: a key must be a single word or text."),
    ],
)
def test_aliases_and_keys_that_mean_nothing_are_refused(text: str, message: str) -> None:
    with pytest.raises(FileNotParsed) as told:
        read_documents(text, "t")
    assert str(told.value) == message


def test_aliases_that_unfold_without_bound_are_refused() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))
    with pytest.raises(FileNotParsed, match="unfold"):
        read_documents(bomb, "t")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x:\n  " + "[" * 100_000, 2),
        ("x:\n  " + "{a: " * 100_000, 2),
        ("x:\n" + "- " * 100_000, 2),
        ("\n".join("  " * depth + "a:" for depth in range(10_000)), 65),
        ("a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 80)), 64),
    ],
    ids=["flow lists", "flow mappings", "block lists", "block mappings", "aliases"],
)
def test_deep_nesting_is_refused_and_not_followed(text: str, line: int) -> None:
    with pytest.raises(FileNotParsed, match=f"^t:{line}: lists and mappings are nested more than 64 levels deep"):
        read_documents(text, "t")


def test_nesting_up_to_the_bound_is_read() -> None:
    (document,) = read_documents("[" * 64 + "x" + "]" * 64, "t")
    assert document.at(*[0] * 64).value == "x"
