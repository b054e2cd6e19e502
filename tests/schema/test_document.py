from __future__ import annotations

import pytest

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


def test_aliases_that_unfold_without_bound_are_refused() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))
    with pytest.raises(FileNotParsed, match="unfold"):
        read_documents(bomb, "t")
    with pytest.raises(FileNotParsed, match="levels deep"):
        read_documents("[" * 100 + "]" * 100, "t")
