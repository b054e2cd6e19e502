from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from knockon.errors import FileNotParsed, RejectCode, SourceConflict
from knockon.loaders import native
from knockon.schema import validate
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation, RelationshipObservation
from tests.loaders.reading import check_against_model, entities, read_all, rejects, relationships, write

if TYPE_CHECKING:
    from pathlib import Path

    from knockon.loaders import Reading

YAML = """\
source: data-centre-survey
seen: 2026-11-01T09:00:00+01:00
entities:
  - {class: Server, key: srv-1, name: esx-host-1, serial_number: 00123}
  - {class: Hypervisor, key: esx-1, name: ESX1, description: null}
  - {class: Cluster, key: farm-1, name: Cluster1, min_up: 1}
relationships:
  - {from: esx-1, type: RUNS_ON, to: srv-1}
  - {from: farm-1, type: HAS_MEMBER, to: esx-1, weight: 2}
"""
JSON = {
    "source": "data-centre-survey",
    "seen": "2026-11-01T08:00:00Z",
    "entities": [
        {"class": "Server", "key": "srv-1", "name": "esx-host-1", "serial_number": "00123"},
        {"class": "Hypervisor", "key": "esx-1", "name": "ESX1", "description": None},
        {"class": "Cluster", "key": "farm-1", "name": "Cluster1", "min_up": "1"},
    ],
    "relationships": [
        {"from": "esx-1", "type": "RUNS_ON", "to": "srv-1"},
        {"from": "farm-1", "type": "HAS_MEMBER", "to": "esx-1", "weight": "2"},
    ],
}
HEADER = {key: JSON[key] for key in ("source", "seen")}
RECORDS = [*JSON["entities"], *JSON["relationships"]]
LINES = "\n".join(json.dumps(each) for each in (HEADER, *RECORDS))
ENTITY_TABLE = """\
class,key,name,serial_number,min_up
Server,srv-1,esx-host-1,00123,
Hypervisor,esx-1,ESX1,,
Cluster,farm-1,Cluster1,,1
"""
RELATIONSHIP_TABLE = "from,type,to,weight\nesx-1,RUNS_ON,srv-1,\nfarm-1,HAS_MEMBER,esx-1,2\n"


def said(reading: Reading) -> tuple[list[EntityObservation], list[RelationshipObservation]]:
    """Give what was said without where, and without attributes that are null."""

    def stated(attributes: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in attributes.items() if value is not None}

    return (
        [EntityObservation(e.source, e.key, e.class_name, stated(e.attributes), e.seen) for e in entities(reading)],
        [
            RelationshipObservation(r.source, r.type_name, r.from_ref, r.to_ref, stated(r.attributes), r.seen)
            for r in relationships(reading)
        ],
    )


def test_yaml_keeps_what_is_written(tmp_path: Path) -> None:
    reading = read_all(write(tmp_path, "estate.yaml", YAML))
    assert (reading.source, reading.format) == ("data-centre-survey", "native")
    server = entities(reading)[0]
    assert server == EntityObservation(
        "data-centre-survey",
        "srv-1",
        "Server",
        {"name": "esx-host-1", "serial_number": "00123"},
        "2026-11-01T08:00:00.000000Z",
        "4",
    )
    assert server.record == {"class": "Server", "key": "srv-1", "name": "esx-host-1", "serial_number": "00123"}
    assert [each.location for each in relationships(reading)] == ["8", "9"]
    check_against_model(reading)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("estate.json", json.dumps(JSON)),
        ("estate.json", json.dumps(JSON, indent=2)),
        ("estate.json", "\ufeff" + json.dumps(JSON)),
        ("estate.yml", "\ufeff" + YAML),
        ("estate.ndjson", LINES),
        ("estate.jsonl", "\ufeff\r\n" + LINES.replace("\n", "\r\n\r\n")),
        ("estate", YAML),
        ("estate", json.dumps(JSON)),
        ("estate", json.dumps(JSON, indent=2)),
        ("estate.txt", LINES),
    ],
)
def test_every_syntax_says_the_same(tmp_path: Path, name: str, content: str) -> None:
    expected = said(read_all(write(tmp_path, "expected.yaml", YAML)))
    assert said(read_all(write(tmp_path, name, content))) == expected


@pytest.mark.parametrize(
    ("name", "header", "record", "partial"),
    [
        ("a.yaml", "partial: true\nentities:\n  - ", "{class: Server, key: x, name: null}", True),
        ("a.yaml", "partial: false\nentities:\n  - ", "{class: Server, key: x, name: null}", False),
        ("a.json", '{"partial": true, "entities": [', '{"class": "Server", "key": "x", "name": null}]}', True),
        ("a.json", '{"partial": null, "entities": [', '{"class": "Server", "key": "x", "name": null}]}', False),
        ("a.ndjson", '{"partial": true}\n', '{"class": "Server", "key": "x", "name": null}', True),
    ],
)
def test_a_header_may_say_that_its_records_are_partial(
    tmp_path: Path, name: str, header: str, record: str, partial: bool
) -> None:
    (read,) = entities(read_all(write(tmp_path, name, header + record), source="survey"))
    assert (read.partial, read.attributes) == (partial, {"name": None})


@pytest.mark.parametrize("said", ["1", '"yes"', "[]", "{}", '""'])
def test_partial_is_yes_or_no(tmp_path: Path, said: str) -> None:
    content = f'{{"partial": {said}, "entities": []}}'
    with pytest.raises(FileNotParsed, match=r"a\.json.*: partial must be true or false"):
        read_all(write(tmp_path, "a.json", content), source="survey")


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_name_is_none_in_every_syntax(tmp_path: Path, blank: str) -> None:
    record = {"class": "Server", "key": "srv-1", "name": blank}
    contents = {
        "a.yaml": f'entities: [{{class: Server, key: srv-1, name: "{blank}"}}]',
        "a.json": json.dumps({"entities": [record]}),
        "a.ndjson": json.dumps(record),
        "a.csv": f"class,key,name\nServer,srv-1,{blank}\n",
    }
    for name, content in contents.items():
        (server,) = entities(read_all(write(tmp_path, name, content), source="s"))
        typed = validate.entity(installed_model(), server)
        assert isinstance(typed, EntityObservation)
        assert typed.attributes == {}


@pytest.mark.parametrize("ending", [".csv", ""])
def test_a_pair_of_tables_says_the_same_but_for_the_header(tmp_path: Path, ending: str) -> None:
    expected = said(read_all(write(tmp_path, "expected.yaml", YAML.replace("seen:", "#"))))
    things = write(tmp_path, "things" + ending, "\ufeff" + ENTITY_TABLE.replace("\n", "\r\n"))
    edges = write(tmp_path, "edges" + ending, RELATIONSHIP_TABLE)
    assert said(read_all(edges, things, source="data-centre-survey")) == expected


def test_json_locations_are_pointers(tmp_path: Path) -> None:
    reading = read_all(write(tmp_path, "estate.json", json.dumps(JSON)))
    assert [each.location for each in entities(reading)] == ["/entities/0", "/entities/1", "/entities/2"]
    assert [each.location for each in relationships(reading)] == ["/relationships/0", "/relationships/1"]


def test_locations_name_the_file_where_there_are_several(tmp_path: Path) -> None:
    table = write(tmp_path, "b.csv", ENTITY_TABLE)
    document = write(tmp_path, "a.json", json.dumps(JSON))
    reading = read_all(tmp_path)
    assert [each.location for each in entities(reading)] == [
        *(f"{document}#/entities/{n}" for n in range(3)),
        *(f"{table}:{n}" for n in (2, 3, 4)),
    ]
    assert {each.source for each in entities(reading)} == {"data-centre-survey"}


def test_a_folder_is_the_files_in_it_that_can_be_read(tmp_path: Path) -> None:
    write(tmp_path, "README.md", "not ours")
    (tmp_path / "deeper").mkdir()
    write(tmp_path / "deeper", "not-read.yaml", "]")
    for name in ("d.yaml", "b.yml", "c.json", "a.ndjson"):
        write(tmp_path, name, json.dumps({"entities": []} if name != "a.ndjson" else {"class": "Rack", "key": "r"}))
    write(tmp_path, "e.csv", "class,key\nRack,s\n")
    assert [each.key for each in entities(read_all(tmp_path, source="s"))] == ["r", "s"]


@pytest.mark.parametrize("content", [YAML, LINES, json.dumps(JSON, indent=1)])
def test_standard_input_is_recognised_by_its_content(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content.encode())))
    reading = read_all("-")
    assert (len(entities(reading)), len(relationships(reading))) == (3, 2)


def test_a_broken_first_line_of_standard_input_is_a_reject(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = b'{"class": "Rack", "key": "b\n{"class": "Rack", "key": "r"}\n'
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(lines)))
    reading = read_all("-", source="s")
    assert [(each.code, each.location) for each in rejects(reading)] == [(RejectCode.MALFORMED_RECORD, "1")]
    assert [each.key for each in entities(reading)] == ["r"]


def test_a_document_with_one_record_a_line_is_one_document(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b'{"entities": [\n{"class": "Rack", "key": "r"}\n]}'
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    assert [each.key for each in entities(read_all("-", source="s"))] == ["r"]


def test_one_line_of_standard_input_is_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b'{"class": "Rack", "key": "r"}')))
    assert entities(read_all("-", source="s")) == [EntityObservation("s", "r", "Rack", {}, None, "1")]


def test_json_numbers_keep_their_kind_and_their_digits(tmp_path: Path) -> None:
    line = '{"class":"Rack","key":"r","a":9223372036854775807,"b":-9223372036854775809,"c":1.5,"d":true,"e":[1]}'
    (entity,) = entities(read_all(write(tmp_path, "estate.ndjson", line), source="s"))
    assert entity.attributes == {"a": 2**63 - 1, "b": "-9223372036854775809", "c": 1.5, "d": True, "e": [1]}


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ('"srv-1"', RejectCode.MALFORMED_RECORD),
        ("[Server, srv-1]", RejectCode.MALFORMED_RECORD),
        ("null", RejectCode.MALFORMED_RECORD),
        ("{key: srv-1}", RejectCode.UNKNOWN_CLASS),
        ('{class: "", key: srv-1}', RejectCode.UNKNOWN_CLASS),
        ("{class: [Server], key: srv-1}", RejectCode.UNKNOWN_CLASS),
        ("{class: Server}", RejectCode.MISSING_IDENTIFIER),
        ("{class: Server, key: ~}", RejectCode.MISSING_IDENTIFIER),
        ("{class: Server, key: {a: b}}", RejectCode.MISSING_IDENTIFIER),
    ],
)
def test_a_bad_entity_is_a_reject_and_the_rest_is_read(tmp_path: Path, record: str, code: RejectCode) -> None:
    text = f"source: s\nentities:\n- {{class: Rack, key: a}}\n- {record}\n- {{class: Rack, key: b}}\n"
    reading = read_all(write(tmp_path, "estate.yaml", text))
    assert [each.key for each in entities(reading)] == ["a", "b"]
    assert [(each.code, each.location) for each in rejects(reading)] == [(code, "4")]


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ("[a, RUNS_ON, b]", RejectCode.MALFORMED_RECORD),
        ("{type: RUNS_ON, to: b}", RejectCode.MALFORMED_REFERENCE),
        ("{from: a, type: RUNS_ON}", RejectCode.MALFORMED_REFERENCE),
        ("{from: a, type: RUNS_ON, to: [b]}", RejectCode.MALFORMED_REFERENCE),
        ("{from: a, to: b}", RejectCode.UNKNOWN_RELATIONSHIP_TYPE),
    ],
)
def test_a_bad_relationship_is_a_reject_and_the_rest_is_read(tmp_path: Path, record: str, code: RejectCode) -> None:
    text = f"source: s\nrelationships:\n- {record}\n- {{from: a, type: RUNS_ON, to: b}}\n"
    reading = read_all(write(tmp_path, "estate.yaml", text))
    assert [each.location for each in relationships(reading)] == ["4"]
    assert [(each.code, each.location) for each in rejects(reading)] == [(code, "3")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "not JSON"),
        (b'{"class": "Rack", "key": "r"} x', "not JSON"),
        (b'{"class": "Rack", "class": "Room", "key": "r"}', "'class' stands twice"),
        (b'{"class": "Rack", "key": "r", "x": {"y": 1, "z": "{y", "y": 2}}', "'y' stands twice"),
        (b'{"class": "Rack", "key": "r", "x": NaN}', "NaN"),
        (b'{"class": "Rack", "key": "r", "x": -Infinity}', "-Infinity"),
        (b'{"class": "Rack", "key": "r", "x": 1e999}', "1e999"),
        (b'{"class": "Rack", "key": "\\ud800"}', "surrogate"),
        (b'{"class": "Rack", "key": "\xff"}', "Byte 26"),
        (b'{"class": "Rack", "key": "\x00"}', "not JSON"),
        (b"[" * 100_000, "deeply"),
        (b"[" * 250 + b"]" * 250, "deeply"),
        (b"17", "mapping"),
    ],
)
def test_a_bad_line_is_a_reject_and_the_rest_is_read(tmp_path: Path, line: bytes, words: str) -> None:
    good = b'{"class": "Rack", "key": "%s"}'
    reading = read_all(write(tmp_path, "e.ndjson", b"\n".join([good % b"a", line, good % b"b"])), source="s")
    assert [(each.key, each.location) for each in entities(reading)] == [("a", "1"), ("b", "3")]
    ((code, location, message),) = [(each.code, each.location, each.message) for each in rejects(reading)]
    assert (code, location) == (RejectCode.MALFORMED_RECORD, "2")
    assert words in message


def test_bad_rows_are_rejects_and_the_rest_is_read(tmp_path: Path) -> None:
    table = (
        b'key,class,name\r\na,Rack,"two\r\nlines"\r\nb,Rack\r\n\r\nc,Rack,x,y\r\n'
        b'd,Rack,\xff\r\n,Rack,z\r\ne,"Rack"x,z\r\nf,Rack,\r\ng,Rack,"open\r\n'
    )
    reading = read_all(write(tmp_path, "e.csv", table), source="s")
    assert [(each.key, each.attributes, each.location) for each in entities(reading)] == [
        ("a", {"name": "two\r\nlines"}, "2"),
        ("f", {}, "10"),
    ]
    assert {(each.code.value, each.location) for each in rejects(reading)} == {
        ("MALFORMED_RECORD", "4"),
        ("MALFORMED_RECORD", "6"),
        ("MALFORMED_RECORD", "7"),
        ("MISSING_IDENTIFIER", "8"),
        ("MALFORMED_RECORD", "9"),
        ("MALFORMED_RECORD", "11"),
    }


def test_the_source_may_stand_in_the_file_or_in_the_option_or_in_both(tmp_path: Path) -> None:
    named, unnamed = write(tmp_path, "a.yaml", YAML), write(tmp_path, "b.yaml", "entities: []")
    assert read_all(named).source == "data-centre-survey"
    assert read_all(named, source="data-centre-survey").source == "data-centre-survey"
    assert read_all(unnamed, source="x").source == "x"
    assert read_all(unnamed, named).source == "data-centre-survey"


@pytest.mark.parametrize(
    "source",
    [
        "other",
        "Server",
        "ConfigurationItem",
        "person/ann",
        "verdicts",
        "knockon",
        "a:b",
        "",
        "  ",
        "a\nb",
        "a\x00",
        "\udcff",
    ],
)
def test_a_source_that_cannot_be_is_refused(tmp_path: Path, source: str) -> None:
    with pytest.raises(SourceConflict):
        read_all(write(tmp_path, "a.yaml", YAML), source=source)
    if source != "other":
        with pytest.raises(SourceConflict):
            read_all(write(tmp_path, "b.yaml", "entities: []"), source=source)


def test_a_load_without_a_source_or_with_two_is_refused(tmp_path: Path) -> None:
    unnamed = write(tmp_path, "b.yaml", "source:\nentities: []")
    with pytest.raises(SourceConflict, match="--source NAME"):
        read_all(unnamed)
    other = write(tmp_path, "c.ndjson", '{"source": "other"}')
    with pytest.raises(SourceConflict, match="other"):
        read_all(write(tmp_path, "a.yaml", YAML), other)


def test_the_newest_moments_keep_their_fraction(tmp_path: Path) -> None:
    text = '{"seen": "2026-11-01T10:00:00.25+02:00"}\n{"class": "Rack", "key": "r"}'
    (rack,) = entities(read_all(write(tmp_path, "e.ndjson", text), source="s"))
    assert rack.seen == "2026-11-01T08:00:00.250000Z"


def test_a_record_whose_first_line_is_too_long_is_told_by_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    long = b'{"class": "Rack", "key": "r", "name": "' + b"x" * (native.LONGEST_LINE + 1) + b'"}\n'
    for rest in (b"", b'{"class": "Rack", "key": "s"}\n'):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(long + rest)))
        reading = read_all("-", source="s")
        assert [(each.code, each.location) for each in rejects(reading)] == [(RejectCode.MALFORMED_RECORD, "1")]
        assert len(entities(reading)) == bool(rest)
