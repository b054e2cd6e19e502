"""Each kind of bad input gets what docs/reference/bad-input.md says, and the rest of its file is loaded."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.command import Knockon

if TYPE_CHECKING:
    from tests.acceptance.estates import Place

PAGE = (Path(__file__).parents[2] / "docs/reference/bad-input.md").read_text()

GOOD = '{"class": "Server", "key": "ok", "name": "ok"}'
SERVER = {"class": "Server", "key": "b", "name": "b"}
LONG = "y" * 50_000_000
MEMORY = 250
"""Megabytes that reading a 50 MB line may take beside what a small load takes: a few copies, not dozens."""


@dataclass(frozen=True)
class Bad:
    """A file with one bad record in it, and a good one; what is wrong, where; and the record as it was meant."""

    name: str
    content: str | bytes
    code: str
    location: str
    mended: dict[str, Any] = field(default_factory=lambda: dict(SERVER))
    created: int = 1


def yaml(*records: str) -> str:
    entities = "".join(f"\n- {each}" for each in records)
    return f"source: s\nentities:\n- {GOOD}{entities}\n"


def lines(*records: str) -> str:
    return "\n".join(['{"source": "s"}', GOOD, *records])


LINK = {"from": "ok", "type": "DEPENDS_ON", "to": "other"}
REJECTS = {
    "unknown class": Bad("f.yaml", yaml("{class: Sever, key: b, name: b}"), "UNKNOWN_CLASS", "f.yaml:4"),
    "abstract class": Bad("f.yaml", yaml("{class: ConfigurationItem, key: b}"), "ABSTRACT_CLASS", "f.yaml:4"),
    "unknown attribute": Bad("f.yaml", yaml("{class: Server, key: b, nmae: b}"), "UNKNOWN_ATTRIBUTE", "f.yaml:4"),
    "unknown relationship type": Bad(
        "f.ndjson", lines('{"from": "ok", "type": "LEANS_ON", "to": "other"}'), "UNKNOWN_RELATIONSHIP_TYPE",
        "f.ndjson:3", LINK,
    ),
    "value of the wrong type": Bad(
        "f.yaml", yaml("{class: Server, key: b, cpu_cores: many}"), "TYPE_MISMATCH", "f.yaml:4"
    ),
    "missing identifier": Bad("f.json", f'{{"source": "s", "entities": [{GOOD}, {{"class": "Server"}}]}}',
                              "MISSING_IDENTIFIER", "f.json#/entities/1"),
    "malformed reference": Bad("f.ndjson", lines('{"from": "ok", "type": "DEPENDS_ON", "to": " "}'),
                               "MALFORMED_REFERENCE", "f.ndjson:3", LINK),
    "missing end": Bad("f.ndjson", lines('{"from": "ok", "type": "DEPENDS_ON"}'),
                       "MALFORMED_REFERENCE", "f.ndjson:3", LINK),
    "self-loop": Bad("f.ndjson", lines('{"from": "ok", "type": "DEPENDS_ON", "to": "ok"}'),
                     "SELF_LOOP", "f.ndjson:3", LINK),
    "invalid UTF-8 in NDJSON": Bad("f.ndjson", lines().encode() + b'\n{"class": "Server", "key": "\xff"}\n' ,
                                   "MALFORMED_RECORD", "f.ndjson:3"),
    "invalid UTF-8 in CSV": Bad("f.csv", b"class,key,name\nServer,ok,ok\nServer,b,\xff\n",
                                "MALFORMED_RECORD", "f.csv:3"),
    "duplicate key in NDJSON": Bad("f.ndjson", lines('{"class": "Server", "key": "a", "key": "b"}'),
                                   "MALFORMED_RECORD", "f.ndjson:3"),
    "cut-off NDJSON": Bad("f.ndjson", lines('{"class": "Server", "key": "b", "na'),
                          "MALFORMED_RECORD", "f.ndjson:3"),
    "cut-off CSV": Bad("f.csv", 'class,key,name\nServer,ok,ok\nServer,b,"b', "MALFORMED_RECORD", "f.csv:3"),
    "row with a cell too few": Bad("f.csv", "class,key,name\nServer,b\nServer,ok,ok\n",
                                   "MALFORMED_RECORD", "f.csv:2"),
    "NaN in NDJSON": Bad("f.ndjson", lines('{"class": "Server", "key": "b", "cpu_cores": NaN}'),
                         "MALFORMED_RECORD", "f.ndjson:3"),
    "NaN in YAML": Bad("f.yaml", yaml("{class: Server, key: b, cpu_cores: .nan}"), "TYPE_MISMATCH", "f.yaml:4"),
    "huge number in NDJSON": Bad("f.ndjson", lines('{"class": "Server", "key": "b", "cpu_cores": 1e999}'),
                                 "MALFORMED_RECORD", "f.ndjson:3"),
    "huge integer": Bad("f.ndjson", lines('{"class": "Server", "key": "b", "cpu_cores": 1' + "0" * 40 + "}"),
                        "TYPE_MISMATCH", "f.ndjson:3"),
}  # fmt: skip


@pytest.fixture
def knockon(tmp_path: Path) -> Knockon:
    return Knockon(tmp_path).at("estate.db")


def write(home: Path, name: str, content: str | bytes) -> None:
    (home / name).write_bytes(content.encode() if isinstance(content, str) else content)


def loaded(knockon: Knockon, *arguments: str, code: int) -> dict[str, Any]:
    ran = knockon("load", *arguments, "--source", "s", "--json")
    assert (ran.code, ran.err) == (code, "")
    report: dict[str, Any] = json.loads(ran.out)
    return report


def mended(knockon: Knockon, records: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Export the dead letters, put another record into each by its location, and replay them."""
    letters = [json.loads(line) for line in knockon("letters", "export").out.splitlines()]
    assert {each["location"] for each in letters} == set(records)
    changed = [{"letter": each["letter"], "record": records[each["location"]]} for each in letters]
    write(knockon.home, "mended.ndjson", "\n".join(map(json.dumps, changed)))
    replayed: dict[str, Any] = knockon("letters", "replay", "--mended", "mended.ndjson", "--json").json()
    return replayed


@pytest.mark.parametrize("kind", REJECTS)
def test_a_bad_record_is_rejected_the_rest_is_loaded_and_mended_it_is_taken(knockon: Knockon, kind: str) -> None:
    bad = REJECTS[kind]
    assert f"| {kind} |" in PAGE
    write(knockon.home, bad.name, bad.content)
    report = loaded(knockon, bad.name, code=1)
    assert [(each["code"], f"{bad.name}:{each['location']}".replace(":/", "#/")) for each in report["rejects"]] == [
        (bad.code, bad.location)
    ]
    assert (report["created"], report["rejected"] + report["relationships"]["rejected"]) == (bad.created, 1)
    (replay,) = mended(knockon, {bad.location: bad.mended})["replays"]
    assert replay["rejects"] == []
    assert replay["created"] + replay["relationships"]["waiting"] == 1
    assert knockon("letters", "--json").json()["count"] == 0


REFUSED: dict[str, tuple[str, str | bytes, str]] = {
    "invalid UTF-8 in YAML or JSON": ("f.yaml", yaml().encode() + b"- {class: Server, key: \xff}", "FILE_UNREADABLE"),
    "duplicate key in YAML or JSON": ("f.yaml", yaml("{class: Server, key: a, key: b}"), "FILE_NOT_PARSED"),
    "cut-off YAML": ("f.yaml", yaml("{class: Server, key: b, na"), "FILE_NOT_PARSED"),
    "cut-off JSON": ("f.json", '{"source": "s", "entities": [' + GOOD, "FILE_NOT_PARSED"),
    "NaN in JSON": ("f.json", '{"entities": [{"class": "Server", "cpu_cores": NaN}]}', "FILE_NOT_PARSED"),
    "huge number in JSON": ("f.json", '{"entities": [{"class": "Server", "cpu_cores": 1e999}]}', "FILE_NOT_PARSED"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_does_not_parse_is_refused_whole(knockon: Knockon, kind: str) -> None:
    name, content, code = REFUSED[kind]
    assert f"| {kind} |" in PAGE
    write(knockon.home, name, content)
    ran = knockon("load", name, "--source", "s", "--json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"knockon: {code}: {name}:")
    assert not (knockon.home / "estate.db").exists()


FOUND = {
    "unknown end": ("{from: ok, type: DEPENDS_ON, to: nobody}", "WAITING_REFERENCE", 1),
    "missing parent": ("{from: data, type: RUNS_ON, to: instance}", "WAITING_REFERENCE", 1),
    "no parent named": ("{from: ok, type: DEPENDS_ON, to: data}", "MISSING_PARENT", 0),
    "unknown state or status": ("{from: ok, type: DEPENDS_ON, to: data}", "UNKNOWN_STATE", 0),
    "end of a class that does not fit": ("{from: ok, type: POWERED_BY, to: hall}", "RELATIONSHIP_NOT_ALLOWED", 1),
    "references to one thing": ("{from: ok, type: DEPENDS_ON, to: Server:ok}", "SELF_LOOP", 1),
    "circular containment": ("{from: room, type: CONTAINS, to: hall}", "CONTAINMENT_CIRCLE", 0),
    "one key in two records": ("{from: hall, type: CONTAINS, to: room}", "DUPLICATE_RECORD", 0),
}
DATA = {
    "missing parent": "{class: Database, key: data, name: data}",
    "no parent named": "{class: Database, key: data, name: data}",
    "unknown state or status": "{class: Server, key: data, name: data, status: running}",
}
THINGS = """
- {class: Site, key: site, name: site}
- {class: Room, key: hall, name: hall}
- {class: Room, key: room, name: room}
"""
RELATED = """relationships:
- {from: hall, type: LOCATED_IN, to: site}
- {from: room, type: LOCATED_IN, to: site}
- {from: hall, type: CONTAINS, to: room}
"""


@pytest.mark.parametrize("kind", FOUND)
def test_what_depends_on_other_records_waits_or_is_found_and_is_no_reject(knockon: Knockon, kind: str) -> None:
    relationship, code, waiting = FOUND[kind]
    assert f"| {kind} |" in PAGE
    inside = f"- {DATA[kind]}\n" if kind in DATA else ""
    write(knockon.home, "f.yaml", f"{yaml().rstrip()}{THINGS}{inside}{RELATED}- {relationship}\n")
    report = loaded(knockon, "f.yaml", code=0)
    assert [each["code"] for each in report["findings"]] == [code]
    written = (knockon.home / "f.yaml").read_text(encoding="utf-8").splitlines()
    told = written[int(report["findings"][0]["location"]) - 1]
    assert told in (f"- {relationship}", "- {from: hall, type: CONTAINS, to: room}", inside.rstrip())
    assert (report["created"], report["relationships"]["waiting"]) == (4 + bool(inside), waiting)
    assert knockon("letters", "--json").json()["count"] == 0


@pytest.mark.parametrize(("name", "code", "location"), [
    ("f.ndjson", "MALFORMED_RECORD", "f.ndjson:2"),
    ("f.json", "TYPE_MISMATCH", "f.json#/entities/1"),
])  # fmt: skip
def test_a_line_of_50_mb_is_rejected_within_bounds(knockon: Knockon, name: str, code: str, location: str) -> None:
    record = json.dumps({**SERVER, "description": LONG})
    after = GOOD.replace("ok", "after")
    text = {"f.ndjson": f"{GOOD}\n{record}\n{after}\n", "f.json": f'{{"entities": [{GOOD}, {record}, {after}]}}'}
    write(knockon.home, "small.ndjson", GOOD)
    small, _ = peak(knockon, "load", "small.ndjson", "--source", "s")
    write(knockon.home, name, text[name])
    large, ran = peak(knockon, "load", name, "--source", "s", "--json")
    report = json.loads(ran)
    assert (report["created"], report["unchanged"], [each["code"] for each in report["rejects"]]) == (1, 1, [code])
    assert len(ran) < 10_000
    assert large - small < MEMORY
    assert "| 50 MB line |" in PAGE
    (letter,) = knockon("letters", "--json").json()["letters"]
    shown = knockon("letters", "show", letter["id"], "--json").json()
    assert (shown["code"], shown["location"], shown["cut"]) == (code, location, True)
    assert shown["record"].lstrip('"\\').startswith("{") or shown["record"].startswith('"{')
    assert len(shown["record"]) < 5_000
    left = knockon("letters", "replay", "--all", "--json")
    assert (left.code, [each["letter"] for each in json.loads(left.out)["left"]]) == (1, [letter["id"]])
    (replay,) = mended(knockon, {location: SERVER})["replays"]
    assert (replay["created"], replay["rejects"]) == (1, [])


def peak(knockon: Knockon, *arguments: str) -> tuple[int, str]:
    """Run a command; give the memory that it held at most, in megabytes, and what it printed."""
    program = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=False); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)"
    )
    measuring = Knockon(knockon.home, knockon.settings, Path(sys.executable))
    ran = measuring("-c", program, *knockon.command(*arguments))
    return int(ran.err.split()[-1]) // 1024, ran.out


def test_all_of_it_in_one_load(place: Place, tmp_path: Path) -> None:
    """Each bad record in a file of its own, in one folder: each is told, kept and mended, on both stores."""
    user, password = place.auth
    knockon = Knockon(tmp_path).knowing(
        KNOCKON_STORE=place.url, KNOCKON_STORE_USER=user, KNOCKON_STORE_PASSWORD=password
    )
    folder = tmp_path / "in"
    folder.mkdir()
    records: dict[str, dict[str, Any]] = {}
    for number, bad in enumerate(REJECTS.values()):
        content = bad.content if isinstance(bad.content, bytes) else bad.content.encode()
        write(folder, name := f"{number:02}{bad.name}", content)
        where = bad.location.replace(bad.name, f"in/{name}", 1)
        records[where] = {**bad.mended, **({"key": f"b{number}"} if "key" in bad.mended else {"to": f"b{number}"})}
    report = loaded(knockon, "in", code=1)
    assert {each["location"] for each in report["rejects"]} == set(records)
    assert report["created"] == 1
    assert loaded(knockon, "in", code=1)["unchanged"] == 1
    assert knockon("letters", "--json").json()["count"] == len(records)
    (replay,) = mended(knockon, records)["replays"]
    assert replay["rejects"] == []
    assert replay["created"] + replay["relationships"]["waiting"] == len(records)
    assert knockon("letters", "--json").json() == {"letters": [], "count": 0, "next": None}
