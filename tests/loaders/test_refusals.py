"""Files that cannot be read at all: the right error with the place, and never another exception."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knockon.errors import FileNotParsed, FileUnreadable, FormatUnknown, InputError, SourceConflict
from tests.loaders.reading import read_all, write

if TYPE_CHECKING:
    from pathlib import Path

NATIVE = "source: s\nentities:\n- {class: Rack, key: r}\n"
KUBERNETES = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"
NAMES = ("f.yaml", "f.json", "f.ndjson", "f.csv", "f")


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("f.yaml", "source: s\nentities:\n- {class: Rack\n\n  ] x", "f.yaml:5"),
        ("f.yaml", "source: s\nsource: t\n", "f.yaml:2"),
        ("f.yaml", "source: s\nentities:\n- class: Rack\n  key: a\n  key: b\n", "f.yaml:5"),
        ("f.yaml", "source: s\nentities:\n- [] \n\x01", "f.yaml"),
        ("f.yaml", "source: s\nscope: all\n", "f.yaml:2: unknown key 'scope'"),
        ("f.yaml", "source: s\n\nentities: {a: b}\n", "f.yaml:3"),
        ("f.yaml", "source: s\nrelationships: x\n", "f.yaml:2"),
        ("f.yaml", "source: [s]\nentities: []\n", "f.yaml"),
        ("f.yaml", NATIVE + "---\n" + NATIVE, "f.yaml:5"),
        ("f.yaml", "source: s\nseen: 2026-11-01T08:00:00\n", "f.yaml:2"),
        ("f.yaml", "source: s\nseen: yesterday\n", "f.yaml:2"),
        ("f.yaml", "source: s\nseen: 0001-01-01T00:00:00+14:00\n", "f.yaml:2"),
        ("f.yaml", "source: s\nseen: [2026-11-01T08:00:00Z]\n", "f.yaml:2"),
        ("f.json", '{\n"source": "s",\n"entities": [}', "f.json:3"),
        ("f.json", '{\n"source": "s",\n"entities": [],\n"source": "s"}', "f.json:4: the key 'source' stands twice"),
        ("f.json", '{"entities": [\n{"x": {"a": 1, "b": [{"a": 1}],\n "a": 1}}]}', "f.json:3: the key 'a'"),
        ("f.json", '{"entities": [\n{"x": "NaN", "y": NaN}]}', "f.json:2: NaN"),
        ("f.json", '{"entities": [\n\n{"x": 1e400}]}', "f.json:3: 1e400"),
        ("f.json", '{"entities": [\n\n{"x": "\\udfff"}]}', "f.json:3"),
        ("f.json", "[" * 100_000, "f.json:1"),
        ("f.json", '{"source": 5}', "f.json#/source"),
        ("f.json", '{"source": "s", "complete": true}', "f.json#/complete"),
        ("f.json", '{"source": "s", "seen": 5}', "f.json#/seen"),
        ("f.json", " ", "f.json:1: there is nothing in it"),
        ("f.ndjson", '{"source": "s", "scope": "all"}', "f.ndjson:1"),
        ("f.ndjson", '\n{"seen": "now"}', "f.ndjson:2"),
        ("f.csv", "", "f.csv:1"),
        ("f.csv", "class;key;name\nRack;r;R", "f.csv:1"),
        ("f.csv", "class,key,key\nRack,r,R", "f.csv:1"),
        ("f.csv", "class,key,\nRack,r,R", "f.csv:1"),
        ("f.csv", b"class,key,\xff\nRack,r,R", "f.csv:1"),
        ("f.csv", '"class', "f.csv:1"),
        ("f.yaml", KUBERNETES + "---\n" + KUBERNETES + "metadata: {}\n", "f.yaml:8"),
    ],
)
def test_a_file_that_does_not_parse_is_refused_with_its_place(
    tmp_path: Path, name: str, content: str | bytes, place: str
) -> None:
    with pytest.raises(FileNotParsed) as caught:
        read_all(write(tmp_path, name, content))
    assert place in str(caught.value)


def test_one_bad_file_refuses_the_whole_load(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", NATIVE)
    write(tmp_path, "b.yaml", "]")
    with pytest.raises(FileNotParsed, match=r"b\.yaml:1"):
        read_all(tmp_path)


@pytest.mark.parametrize("name", ["f.yaml", "f.json"])
def test_text_that_is_not_utf8_is_refused_with_byte_and_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileUnreadable, match=r"2: byte 13 "):
        read_all(write(tmp_path, name, b"source: s\n#  \xe9\n"))
    with pytest.raises(FileUnreadable, match="UTF-8"):
        read_all(write(tmp_path, name, NATIVE.encode("utf-16")))


def test_a_path_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.yaml", tmp_path / "nul\x00.yaml", tmp_path):
        with pytest.raises(FileUnreadable) as caught:
            read_all(path)
        assert str(path) in str(caught.value)


def test_a_file_that_may_not_be_opened_is_named(tmp_path: Path) -> None:
    if os.name == "nt":
        path = tmp_path / "folder.yaml" / "x"
    else:
        path = tmp_path / "loop.yaml"
        path.symlink_to(path)
    with pytest.raises(FileUnreadable, match=r"\.yaml"):
        read_all(path)


@pytest.mark.parametrize("content", ["a: b\n", "just words", '{"a": 1}', "5"])
def test_a_file_that_no_loader_recognises_is_refused_with_the_formats(tmp_path: Path, content: str) -> None:
    with pytest.raises(FormatUnknown, match="native, kubernetes"):
        read_all(write(tmp_path, "f", content), source="s")


@pytest.mark.parametrize("content", ["", "# nothing\n", "---\n---\n", "[]", "{}\n"])
def test_a_file_without_anything_in_it_is_called_so(tmp_path: Path, content: str) -> None:
    with pytest.raises(FormatUnknown, match=r"empty\.yaml: there is nothing in it"):
        read_all(write(tmp_path, "empty.yaml", content), source="s")


@pytest.mark.parametrize("content", ["- a\n- b\n", '[{"class": "Rack", "key": "r"}]'])
def test_a_list_of_records_is_refused_with_the_forms_that_are_taken(tmp_path: Path, content: str) -> None:
    with pytest.raises(FormatUnknown, match=r"entities: .* NDJSON"):
        read_all(write(tmp_path, "f", content), source="s")


def test_a_format_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(FormatUnknown, match="auto, native, kubernetes"):
        read_all(write(tmp_path, "f.yaml", NATIVE), format="netbox")


def test_formats_are_not_mixed_in_one_load(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", NATIVE)
    write(tmp_path, "b.yaml", KUBERNETES)
    with pytest.raises(FormatUnknown, match=r"b\.yaml looks like kubernetes"):
        read_all(tmp_path)
    with pytest.raises(FormatUnknown, match=r"f\.csv"):
        read_all(write(tmp_path, "f.csv", "class,key\nRack,r"), source="s", format="kubernetes")


def test_a_format_may_be_said_against_the_look_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotParsed, match=r"b\.yaml:1: unknown key 'apiVersion'"):
        read_all(write(tmp_path, "b.yaml", KUBERNETES), source="s", format="native")


def test_kubernetes_needs_the_name_of_its_cluster(tmp_path: Path) -> None:
    with pytest.raises(SourceConflict, match="--source"):
        read_all(write(tmp_path, "b.yaml", KUBERNETES))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["class", "key", "from", "to", "type", "source", "seen", "entities", "relationships"])
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


def read_whatever_it_is(folder: Path, name: str, content: bytes, form: str) -> None:
    try:
        read_all(write(folder, name, content), source="s", format=form)
    except InputError as error:
        assert len(str(error)) > 10  # noqa: PT017 - any error of ours is right, another exception is not


@given(content=st.binary(max_size=200), name=st.sampled_from(NAMES), form=st.sampled_from(["auto", "native"]))
@example(content=b"[" * 20_000, name="f.yaml", form="auto")
@example(content=b"{a: " * 3_000, name="f.yaml", form="auto")
@example(content=b"- " * 3_000, name="f.yaml", form="auto")
@example(content=b"\xef\xbb\xbf", name="f", form="native")
def test_bytes_never_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str, form: str
) -> None:
    read_whatever_it_is(tmp_path_factory.mktemp("fuzz"), name, content, form)


@given(
    pieces=st.lists(
        st.sampled_from(
            ["{", "}", "[", "]", ":", ": ", ",", "\n", "\n  ", "- ", "class", "key", "from", "to", "source", "entities",
             '"', "'", "a", "1", "&x ", "*x", "---\n", "|", ">", "#", "!t ", "? ", "\\ud800", "NaN", "1e999", "\t"]
        ),
        max_size=40,
    ).map("".join),
    name=st.sampled_from(NAMES),
    form=st.sampled_from(["auto", "native", "kubernetes"]),
)  # fmt: skip
def test_text_in_pieces_never_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, pieces: str, name: str, form: str
) -> None:
    read_whatever_it_is(tmp_path_factory.mktemp("fuzz"), name, pieces.encode(), form)


@given(value=JSON_VALUES, name=st.sampled_from(NAMES), form=st.sampled_from(["auto", "native", "kubernetes"]))
def test_values_of_any_shape_never_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, value: object, name: str, form: str
) -> None:
    read_whatever_it_is(tmp_path_factory.mktemp("fuzz"), name, json.dumps(value).encode(), form)
