"""``store copy``, ``export --full`` and ``import`` as people run them; what was cut off is refused, and is repeated."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cli.moving import _NAMES
from knockon.cmdb.contract.moving import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.command import Knockon, Ran

OWN_CLASS = """
classes:
  Turbine:
    is_a: ComputerSystem
    description: A turbine with a computer in it.
"""
KILLED = """
import os, signal
from knockon.cmdb.stores.{store} import moving
put = moving.{filling}.put

async def put_and_die(self, kind, rows):
    await put(self, kind, rows)
    if kind == "edge":
        os.kill(os.getpid(), signal.SIGKILL)

moving.{filling}.put = put_and_die
from knockon.cli import main
main()
"""
ON_SQLITE = KILLED.format(store="sqlite", filling="SqliteFilling")
ON_NEO4J = KILLED.format(store="neo4j", filling="Neo4jFilling")
COUNTS = {
    "scope": 1, "decision": 0, "entity": 12, "alias": 0, "record": 12, "edge": 9, "edge_record": 10, "finding": 1,
    "redaction": 0, "baseline": 0, "revision": 3, "image": 3, "letter": 0,
}  # fmt: skip


def killed(knockon: Knockon, program: str, *arguments: str | Path) -> None:
    """Run a command that dies, as by ``kill -9``, when it has written the relationships."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(
        command, env=knockon.environment, cwd=knockon.home, capture_output=True, check=False, timeout=120
    )
    assert done.returncode == -signal.SIGKILL


@pytest.fixture
def backup(estate: Knockon, tmp_path: Path) -> Path:
    ran = estate("export", "--full", tmp_path / "backup.gz")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        f"The estate at revision 3 is written to {tmp_path / 'backup.gz'}: 1 scope, 12 things, 12 records, "
        "9 relationships, 10 records of relationships, 1 finding, 3 revisions, 3 notes for undo.\n"
    )
    return tmp_path / "backup.gz"


def same(one: Knockon, other: Knockon) -> None:
    """Hold two estates to the same answers, whoever asks what."""
    questions: list[list[Any]] = [
        ["export"], ["changes"], ["history", "iron-1", "--json"], ["impact", "ESX1", "--json"], ["findings", "--json"],
    ]  # fmt: skip
    for question in questions:
        ours, theirs = one(*question), other(*question)
        assert (ours.code, ours.err) == (theirs.code, theirs.err) == (0, "")
        assert told(ours) == told(theirs)


def told(ran: Ran) -> list[Any]:
    """Read what a command says, line by line if it says several things, but for when and under which id it says so."""
    try:
        said = [json.loads(ran.out)]
    except json.JSONDecodeError:
        said = [json.loads(line) for line in ran.out.splitlines()]
    assert said
    return [{name: value for name, value in each.items() if name not in {"answerId", "asOf"}} for each in said]


def test_a_backup_brings_everything_back(estate: Knockon, backup: Path, knockon: Knockon) -> None:
    ran = knockon("import", backup)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"The estate at revision 3 is imported from {backup}: ")
    same(estate, knockon)
    assert knockon("load", estate.home / "estate.yaml", "--json").json()["unchanged"] == 12


def test_json_says_what_was_moved(estate: Knockon, knockon: Knockon, tmp_path: Path) -> None:
    there, here = f"sqlite://{estate.home / 'estate.db'}", f"sqlite://{tmp_path / 'estate.db'}"
    written = estate("export", "--full", tmp_path / "b.gz", "--json").json()
    assert written == {
        "from": there, "to": str(tmp_path / "b.gz"), "bytes": (tmp_path / "b.gz").stat().st_size, "revision": 3,
        "rows": COUNTS, "reckonsAgain": False,
    }  # fmt: skip
    read = knockon("import", "b.gz", "--json").json()
    assert read.pop("model").keys() == {"version", "reckoning"}
    assert read == {"from": "b.gz", "to": here, "revision": 3, "rows": COUNTS, "reckonsAgain": False}
    copied = knockon("store", "copy", there, f"sqlite://{tmp_path / 'copy.db'}", "--json").json()
    assert copied == {
        "from": there, "to": f"sqlite://{tmp_path / 'copy.db'}", "revision": 3, "rows": COUNTS, "reckonsAgain": False,
    }  # fmt: skip


def test_a_store_that_holds_an_estate_is_refused(estate: Knockon, backup: Path, knockon: Knockon) -> None:
    assert knockon("import", backup).code == 0
    there, here = (f"sqlite://{each.home / 'estate.db'}" for each in (estate, knockon))
    for arguments in (["import", backup], ["store", "copy", there, here]):
        assert refused(knockon(*arguments), "STORE_NOT_EMPTY") == 4
    same(estate, knockon)


def refused(ran: Ran, code: str) -> int:
    assert ran.out == ""
    assert ran.err.startswith(f"knockon: {code}: ")
    assert ran.err.count("\n") == 1
    return ran.code


def test_what_cannot_be_is_one_sentence(estate: Knockon, backup: Path, knockon: Knockon, tmp_path: Path) -> None:
    here, missing = f"sqlite://{tmp_path / 'estate.db'}", f"sqlite://{tmp_path / 'missing.db'}"
    there = f"sqlite://{estate.home / 'estate.db'}"
    assert refused(knockon("store", "copy", there, there.replace("://", ":///")), "BAD_USAGE") == 2
    assert refused(knockon("store", "copy", missing, here), "STORE_UNREACHABLE") == 3
    assert refused(knockon("store", "copy", there, "mysql://ann:secret@db/x"), "BAD_USAGE") == 2
    assert refused(estate("export", "--full", "x.gz", "--as-of", "1"), "BAD_USAGE") == 2
    assert refused(estate("export", "--full", tmp_path / "nowhere" / "x.gz"), "BAD_USAGE") == 2
    assert refused(knockon("import", "nothing.gz"), "FILE_UNREADABLE") == 2
    (tmp_path / "half.gz").write_bytes(backup.read_bytes()[:-100])
    assert refused(knockon("import", "half.gz"), "EXPORT_INVALID") == 2
    assert not (tmp_path / "estate.db").exists()
    assert not (tmp_path / "missing.db").exists()


def test_an_import_that_was_killed_leaves_an_empty_store(estate: Knockon, backup: Path, knockon: Knockon) -> None:
    killed(knockon, ON_SQLITE, "import", backup)
    assert knockon("export").json() == {"revision": 0, "entities": [], "relationships": []}
    assert knockon("import", backup).code == 0
    same(estate, knockon)


def test_another_model_is_told_and_what_it_lacks_is_refused(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN_CLASS)
    own = knockon.knowing(KNOCKON_MODEL=str(tmp_path / "own.yaml"))
    assert own("load", "-", "--source", "s", stdin='{"class": "Server", "key": "t", "name": "T1"}').code == 0
    assert own("export", "--full", "servers.gz").code == 0
    assert own("load", "-", "--source", "s", stdin='{"class": "Turbine", "key": "u", "name": "T2"}').code == 0
    assert own("export", "--full", "turbines.gz").code == 0
    other = knockon.at("other.db")
    assert refused(other("import", "turbines.gz"), "MODEL_INVALID") == 2
    assert other("export").json()["revision"] == 0
    ran = other("import", "servers.gz")
    assert ran.code == 0
    assert ran.out.endswith("another model than the one here: the next load or decision reckons it again.\n")
    assert other("load", "-", "--source", "s", stdin='{"class": "Server", "key": "t", "name": "T1"}').code == 0
    again = other("export", "--full", "again.gz", "--json").json()
    assert (again["reckonsAgain"], again["rows"]["entity"]) == (False, 1)


def test_to_neo4j_and_back_with_a_copy_that_was_killed(
    estate: Knockon, knockon: Knockon, tmp_path: Path, wiped_neo4j: str
) -> None:
    there = wiped_neo4j.replace("://", "://knockon:s3cret@")
    here = f"sqlite://{estate.home / 'estate.db'}"
    in_neo4j = knockon.knowing(KNOCKON_STORE=there)
    killed(knockon, ON_NEO4J, "store", "copy", here, there)
    for question in (["impact", "ESX1"], ["export"], ["load", estate.home / "estate.yaml"]):
        ran = in_neo4j(*question)
        assert refused(ran, "STORE_UNFINISHED") == 3
        assert "begins anew" in ran.err
    assert refused(knockon("store", "copy", there, f"sqlite://{tmp_path / 'b.db'}"), "STORE_UNFINISHED") == 3
    ran = knockon("store", "copy", here, there)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"The estate at revision 3 is copied to {wiped_neo4j}: ")
    same(estate, in_neo4j)
    assert refused(knockon("store", "copy", here, there), "STORE_NOT_EMPTY") == 4
    back = knockon.at("back.db")
    ran = knockon("store", "copy", there, f"sqlite://{tmp_path / 'back.db'}", "--json")
    assert ran.json()["from"] == wiped_neo4j
    assert "s3cret" not in ran.out
    same(estate, back)


def test_every_kind_of_row_has_its_words() -> None:
    assert _NAMES.keys() == KINDS.keys()
