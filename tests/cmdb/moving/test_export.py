"""A full export is read whole or refused whole, with what is wrong and where, and nothing of it is written."""

from __future__ import annotations

import gzip
import hashlib
import stat
import zlib
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knockon.cmdb.contract.rows import JournalEntry
from knockon.cmdb.moving import restoring
from knockon.cmdb.moving.export import export
from knockon.cmdb.moving.form import FORMAT
from knockon.cmdb.moving.restoring import look_at, restore
from knockon.cmdb.stores import opened
from knockon.errors import BadUsage, ExportInvalid, ExportTooNew, FileUnreadable, StoreFailed
from tests.cmdb.conftest import sqlite_store
from tests.cmdb.contract.estate import MODEL, commit, edge, entity, record, saying, write_pair
from tests.cmdb.moving.streams import stream_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a full export of a small estate."""
    folder = tmp_path_factory.mktemp("made")
    async with opened(sqlite_store(folder / "estate.db")) as store:
        things = [entity("a", "Server", "web", size=1), entity("b", "Application", "shop")]
        link = edge("b", "a", "g")
        said = saying("b", "a", link.key, watches=("k:test:a",))
        records = [record("a", "a", size=1), record("b", "b")]
        await commit(store, *things, link, *records, said, entries=[JournalEntry("entity", "a", None, {"name": "web"})])
        await write_pair(store, "w", 1)
        await export(store, MODEL, folder / "estate.gz")
    return folder / "estate.gz"


def lines_of(file: Path) -> list[bytes]:
    return gzip.decompress(file.read_bytes()).splitlines(keepends=True)


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def names_in(folder: Path, pattern: str) -> list[str]:
    return sorted(each.name for each in folder.glob(pattern))


def changed_name(content: Path) -> bytes:
    """Give a file in which a thing has another name, and the end of the one before."""
    return gzip.compress(gzip.decompress(content.read_bytes()).replace(b'"web"', b'"new"'))


def sealed(lines: list[bytes]) -> bytes:
    """Pack lines with an end that fits them, as somebody would who means harm."""
    end = {"rows": len(lines) - 1, "sha256": hashlib.sha256(b"".join(lines)).hexdigest()}
    return gzip.compress(b"".join([*lines, b'{"end":%b}\n' % orjson.dumps(end)]))


async def test_equal_estates_give_equal_rows_and_the_file_is_its_owners(made: Path, tmp_path: Path) -> None:
    async with opened(sqlite_store(tmp_path / "estate.db")) as store:
        await restore(look_at(made), store)
        await export(store, MODEL, tmp_path / "again.gz")
    assert lines_of(tmp_path / "again.gz")[1:-1] == lines_of(made)[1:-1]
    assert mode_of(tmp_path / "again.gz") == 0o600
    assert look_at(made).header.model.version == MODEL.version
    assert names_in(tmp_path, "*.gz*") == ["again.gz"]


async def test_an_export_that_fails_leaves_the_older_one(made: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup.gz"
    file.write_bytes(b"the older one")

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    async with opened(sqlite_store(tmp_path / "estate.db")) as store:
        await write_pair(store, "w", 1)
        with pytest.raises(KeyboardInterrupt):
            await export(store, MODEL, file, stop)
        with pytest.raises(BadUsage, match="cannot be written"):
            await export(store, MODEL, tmp_path / "nowhere" / "backup.gz")
    assert file.read_bytes() == b"the older one"
    assert names_in(tmp_path, "*partial*") == []


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_file_that_was_cut_off_or_changed_is_refused(made: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = made.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        broken = content[:at]
    else:
        broken = content[:at] + bytes([content[at] ^ (1 << data.draw(st.integers(0, 7)))]) + content[at + 1 :]
    file = tmp_path / "broken.gz"
    file.write_bytes(broken)
    if gunzipped(broken) == gunzipped(content):
        return  # a bit of gzip's own that says nothing, such as when it was packed
    with pytest.raises(ExportInvalid):
        look_at(file)


def gunzipped(content: bytes) -> bytes | None:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return None


@settings(max_examples=50, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_lines_that_are_missing_twice_or_in_another_order_are_refused(
    made: Path, tmp_path: Path, data: st.DataObject
) -> None:
    lines = lines_of(made)[:-1]
    one, other = (data.draw(st.integers(1, len(lines) - 1)) for _ in range(2))
    changed = data.draw(
        st.sampled_from([
            lines[:one] + lines[one + 1 :], [*lines[:one], lines[one], *lines[one:]], lines[:one],
            [lines[other] if n == one else line for n, line in enumerate(lines)],
        ])
    )  # fmt: skip
    if changed == lines:
        return
    file = tmp_path / "changed.gz"
    file.write_bytes(gzip.compress(b"".join([*changed, lines_of(made)[-1]])))
    with pytest.raises(ExportInvalid):
        look_at(file)


def altered(name: str, value: Any) -> Callable[[Any], None]:
    def change(row: Any) -> None:
        *path, last = name.split(".")
        for each in path:
            row = row[int(each) if each.isdigit() else each]
        row[int(last) if last.isdigit() else last] = value

    return change


MALFORMED: dict[str, tuple[str, Callable[[Any], None], str]] = {
    "text for a number": ("entity", altered("entity.revision", "1"), "entity.revision must be an integer"),
    "a number for text": ("record", altered("key", 5), "key must be text"),
    "truth for a number": ("revision", altered("number", value=True), "number must be an integer"),
    "a list for a mapping": ("record", altered("attributes", []), "attributes must be a mapping"),
    "a field that no row has": ("record", altered("more", 1), "more cannot be understood"),
    "a kind of change that there is not": ("revision", altered("entries.0.kind", "x"), "kind cannot be understood"),
    "a number that is too large": ("record", altered("attributes.size", 1 << 63), "a number in it"),
    "a bookkeeping name": ("entity", altered("entity.attributes", {"_id": "x"}), "'_id' is no name"),
    "a name that ends a statement": ("edge", altered("key.0", "X`]->() DELETE r //"), "is no name"),
    "a class that is none": ("entity", altered("entity.class_name", "A:B"), "'A:B' is no name"),
    "a thing without a name": ("entity", altered("entity.name", ""), "an id and a name"),
    "an edge record that means another edge": ("edge_record", altered("edge.1", "x"), "between its known ends"),
    "an edge record without an end": ("edge_record", altered("known", [None, "a"]), "between its known ends"),
    "a revision that counts wrongly": ("revision", altered("count", 7), "says that it has 7 entries"),
    "a revision out of turn": ("revision", altered("number", 9), "revision 1 is missing"),
    "a revision that lost its entries": ("revision", altered("entries", []), "was not compacted"),
}  # fmt: skip


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_row_is_refused_with_its_line(made: Path, tmp_path: Path, case: str) -> None:
    kind, change, said = MALFORMED[case]
    lines = lines_of(made)[:-1]
    number = next(n for n, line in enumerate(lines) if line.startswith(b'{"%b":' % kind.encode()))
    whole = orjson.loads(lines[number])
    change(whole[kind])
    lines[number] = orjson.dumps(whole) + b"\n"
    (tmp_path / "bad.gz").write_bytes(sealed(lines))
    with pytest.raises(ExportInvalid) as refused:
        look_at(tmp_path / "bad.gz")
    assert f"bad.gz, line {number + 1}: " in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"nonsense\n", "not of the form"),
        (b'{"potato":{}}\n', "no row of the kind potato here"),
        (b'{"alias":{"alias":"a","entity_id":"b\\u0000"}}\n', "U+0000"),
        (b'{"alias":{"alias":NaN,"entity_id":"b"}}\n', "must be text"),
        (b'{"baseline":{"name":"a","revision":NaN,"at":"","by":"","reason":""}}\n', "must be an integer"),
        (b'{"alias":{"alias":"a","entity_id":"\xff"}}\n', "cannot be understood"),
        (b'{"alias":' + b"[" * 100_000 + b"}\n", "cannot be understood"),
    ],
)
def test_a_line_that_is_none_is_refused(made: Path, tmp_path: Path, line: bytes, said: str) -> None:
    lines = lines_of(made)[:-1]
    (tmp_path / "bad.gz").write_bytes(sealed([lines[0], line, *lines[1:]]))
    with pytest.raises(ExportInvalid) as refused:
        look_at(tmp_path / "bad.gz")
    assert ", line 2: " in str(refused.value)
    assert said in str(refused.value)


def test_a_backslash_before_u0000_is_text(made: Path, tmp_path: Path) -> None:
    lines = [line.replace(b'"web"', b'"\\\\u0000"') for line in lines_of(made)[:-1]]
    (tmp_path / "fine.gz").write_bytes(sealed(lines))
    assert look_at(tmp_path / "fine.gz").counts == look_at(made).counts


@pytest.mark.parametrize(
    "content",
    [
        b"", b"no gzip at all", b"\x1f\x8b\x08",
        *(gzip.compress(each, mtime=0) for each in (
            b"", b"{}\n", b'{"entities": []}\n', b'{"knockon":{"format":1}}\n', b'{"knockon":[]}\n',
        )),
    ],
)  # fmt: skip
def test_another_file_is_no_full_export(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(ExportInvalid):
        look_at(tmp_path / "other")


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.gz", tmp_path):
        with pytest.raises(FileUnreadable, match="cannot be read"):
            look_at(path)


def test_a_newer_format_is_refused_whatever_else_it_says(made: Path, tmp_path: Path) -> None:
    header = {"knockon": {"format": FORMAT + 1, "colour": "green"}}
    (tmp_path / "newer.gz").write_bytes(gzip.compress(orjson.dumps(header) + b"\n"))
    with pytest.raises(ExportTooNew, match="use a newer knockon"):
        look_at(tmp_path / "newer.gz")


def test_more_after_the_end_is_refused(made: Path, tmp_path: Path) -> None:
    for more in (b"x", gzip.compress(b"x"), made.read_bytes()):
        (tmp_path / "more.gz").write_bytes(made.read_bytes() + more)
        with pytest.raises(ExportInvalid):
            look_at(tmp_path / "more.gz")


@pytest.mark.parametrize("content", [b" " * (100 << 20), b'{"alias":{"alias":"a","entity_id":"b"}}\n' * (2 << 20)])
def test_a_bomb_is_noticed_before_it_goes_off(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(restoring, "SMALL", 1 << 20)
    monkeypatch.setattr(restoring, "MOST_TIMES", 5)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(lines_of(made)[0] + content))
    with pytest.raises(ExportInvalid, match="unpacks to more than an estate has"):
        look_at(tmp_path / "bomb.gz")


async def test_what_only_a_store_can_see_is_refused_with_its_lines(made: Path, tmp_path: Path) -> None:
    lines = lines_of(made)[:-1]
    number = next(n for n, line in enumerate(lines) if line.startswith(b'{"entity":'))
    twice = [*lines[: number + 1], *lines[number:]]
    header = orjson.loads(twice[0])
    header["knockon"]["counts"]["entity"] += 1
    twice[0] = orjson.dumps(header) + b"\n"
    (tmp_path / "twice.gz").write_bytes(sealed(twice))
    looked_at = look_at(tmp_path / "twice.gz")
    async with opened(sqlite_store(tmp_path / "estate.db")) as store:
        with pytest.raises(StoreFailed, match=rf"Lines {number + 1} to {number + 5} of "):
            await restore(looked_at, store)
        assert await store.revision() == 0
        await restore(look_at(made), store)


async def test_a_file_that_becomes_another_one_is_noticed(made: Path, tmp_path: Path) -> None:
    file = tmp_path / "estate.gz"
    lines = lines_of(made)[:-1]
    file.write_bytes(sealed(lines))
    looked_at = look_at(file)
    cases = [sealed([lines[0].replace(b'"made":"2', b'"made":"3'), *lines[1:]]), changed_name(made)]
    async with opened(sqlite_store(tmp_path / "estate.db")) as store:
        for content in cases:
            file.write_bytes(content)
            with pytest.raises(ExportInvalid):
                await restore(looked_at, store)
            assert (await stream_of(store))[0].revision == 0
