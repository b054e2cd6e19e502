"""``load``: what is taken, what is refused, and that a second time changes nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.command import DATA, Knockon, as_table

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
source: survey
entities:
  - {class: Server, key: srv-1, name: iron}
  - {class: Hypervisor, key: esx-1, name: ESX1}
relationships:
  - {from: esx-1, type: RUNS_ON, to: srv-1}
"""
HALF = """
source: survey
entities:
  - {class: Server, key: srv-1, name: iron}
  - {class: Nonsense, key: x, name: x}
  - {class: Server, name: keyless}
relationships:
  - {from: srv-1, type: LEANS_ON, to: srv-1}
"""
NONE = {"created": 0, "updated": 0, "unchanged": 0, "retired": 0, "rejected": 0, "waiting": 0}
REPORT = {"revision", *NONE, "relationships", "findings", "rejects", "skipped"}


def entity_counts(report: dict[str, Any]) -> dict[str, int]:
    return {name: report[name] for name in NONE if report[name]}


def relationship_counts(report: dict[str, Any]) -> dict[str, int]:
    return {name: count for name, count in report["relationships"].items() if count}


def test_a_load_is_told_as_json(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    ran = knockon("load", "good.yaml", "--json")
    report = ran.json()
    assert ran.err == ""
    assert report.keys() == REPORT
    assert report["relationships"].keys() == NONE.keys()
    assert (entity_counts(report), relationship_counts(report)) == ({"created": 2}, {"created": 1})
    again = knockon("load", "good.yaml", "--json").json()
    assert (entity_counts(again), relationship_counts(again)) == ({"unchanged": 2}, {"unchanged": 1})
    assert again["revision"] == report["revision"] + 1  # the entry of the run itself


def test_a_load_is_told_as_a_table(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    ran = knockon("load", "good.yaml")
    assert (ran.code, ran.err) == (0, "")
    assert "entities 2 0 0 0 0 0 relationships 1 0 0 0 0 0" in as_table(ran.out)
    assert max(map(len, ran.out.splitlines())) <= 80


def test_a_csv_folder_is_one_load(knockon: Knockon, tmp_path: Path) -> None:
    folder = tmp_path / "survey"
    folder.mkdir()
    (folder / "1-servers.csv").write_text("class,key,name\nServer,srv-1,iron\nHypervisor,esx-1,ESX1\n")
    (folder / "2-relations.csv").write_text("from,type,to\nesx-1,RUNS_ON,srv-1\n")
    (folder / "notes.txt").write_text("not for us")
    report = knockon("load", "survey", "--source", "survey", "--json").json()
    assert (entity_counts(report), relationship_counts(report)) == ({"created": 2}, {"created": 1})


def test_standard_input_is_read(knockon: Knockon) -> None:
    lines = ['{"source": "pipe"}', '{"class": "Server", "key": "srv-1", "name": "iron"}']
    report = knockon("load", "-", "--json", stdin="\n".join(lines)).json()
    assert entity_counts(report) == {"created": 1}
    assert knockon("supports", "pipe:srv-1", "--json").json()["name"] == "iron"


def test_a_kubernetes_folder_is_recognised(knockon: Knockon) -> None:
    boutique = DATA / "k8s-online-boutique"
    report = knockon("load", boutique, "--source", "boutique", "--json").json()
    assert report["rejects"] == []
    assert entity_counts(report).keys() == {"created"}
    again = knockon("load", boutique, "--source", "boutique", "--format", "kubernetes", "--json").json()
    assert entity_counts(again) == {"unchanged": report["created"]}
    assert relationship_counts(again).keys() <= {"unchanged", "waiting"}
    exported = knockon("export").json()
    of_class = [each["class"] for each in exported["entities"]]
    assert (of_class.count("Workload"), of_class.count("KubernetesService")) == (12, 12)
    assert sum(each["type"] == "DEPENDS_ON" for each in exported["relationships"]) == 16


def test_kubernetes_without_a_source_is_wrong_use(knockon: Knockon) -> None:
    ran = knockon("load", DATA / "k8s-online-boutique")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("knockon: SOURCE_CONFLICT: ")


def test_bad_records_are_rejected_and_the_rest_is_loaded(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "half.yaml").write_text(HALF)
    ran = knockon("load", "half.yaml", "--json")
    assert (ran.code, ran.err) == (1, "")
    report = json.loads(ran.out)
    assert (report["created"], report["rejected"], report["relationships"]["rejected"]) == (1, 2, 1)
    assert {(each["code"], each["location"]) for each in report["rejects"]} == {
        ("UNKNOWN_CLASS", "5"), ("MISSING_IDENTIFIER", "6"), ("UNKNOWN_RELATIONSHIP_TYPE", "8"),
    }  # fmt: skip
    assert {"class": "Nonsense", "key": "x", "name": "x"} in [each["record"] for each in report["rejects"]]
    table = knockon("load", "half.yaml")
    assert (table.code, table.err) == (1, "")
    assert "MISSING_IDENTIFIER" in table.out
    assert knockon("supports", "iron").code == 0


def test_keys_and_names_show_as_they_are(knockon: Knockon) -> None:
    line = '{"from": "vault:key:42", "type": "RUNS_ON", "to": "[bold]x:smile:"}\n'
    ran = knockon("load", "-", "--source", "s", stdin=line)
    assert "vault:key:42" in ran.out
    assert "[bold]x:smile:" in ran.out
    knockon("load", "-", "--source", "s", stdin='{"class": "Server", "key": "k", "name": "a:key:b"}\n')
    assert knockon("supports", "s:k").out == "a:key:b Server supports no service.\n"


def test_what_waits_is_rejected_when_strict(knockon: Knockon) -> None:
    lines = '{"class": "Hypervisor", "key": "h", "name": "h"}\n{"from": "h", "type": "RUNS_ON", "to": "later"}\n'
    waits = knockon("load", "-", "--source", "s", "--json", stdin=lines).json()
    assert relationship_counts(waits) == {"waiting": 1}
    strict = knockon("load", "-", "--source", "s", "--json", "--strict", stdin=lines)
    assert strict.code == 1
    assert [each["code"] for each in json.loads(strict.out)["rejects"]] == ["UNRESOLVED_REFERENCE"]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("bad.yaml", "source: s\nentities:\n  - {class: Server, key: x]\n", 3),
        ("twice.yaml", "source: s\nsource: t\n", 2),
        ("bad.json", '{"source": "s",\n "entities": [}', 2),
        ("bad.csv", "a,b,c\n1,2,3\n", 1),
    ],
)
def test_a_file_that_does_not_parse_is_refused_whole(
    knockon: Knockon, tmp_path: Path, name: str, content: str, line: int
) -> None:
    (tmp_path / "a-good.yaml").write_text(GOOD)
    (tmp_path / name).write_text(content)
    ran = knockon("load", "a-good.yaml", name, "--json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"knockon: FILE_NOT_PARSED: {name}:{line}: ")
    assert ran.err.count("\n") == 1
    assert knockon("export").code == 3  # no store was made


def test_a_file_that_is_not_there_is_named(knockon: Knockon) -> None:
    ran = knockon("load", "nowhere.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("knockon: FILE_UNREADABLE: nowhere.yaml: ")


@pytest.mark.parametrize("url", ["sqlite://{home}", "neo4j://127.0.0.1:9", "bolt://127.0.0.1:9"])
def test_a_store_out_of_reach_is_exit_3_and_one_line(knockon: Knockon, tmp_path: Path, url: str) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    ran = knockon("load", "good.yaml", "--store", url.format(home=tmp_path), "--json")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("knockon: STORE_UNREACHABLE: ")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_the_file_of_a_store_is_told_as_one_writes_it(knockon: Knockon, tmp_path: Path, slashes: str) -> None:
    missing = knockon("supports", "x", "--store", f"sqlite://{slashes}{tmp_path / 'no store.db'}")
    assert missing.code == 3
    assert missing.err.startswith(f"knockon: STORE_UNREACHABLE: There is no store at {tmp_path / 'no store.db'};")
    (tmp_path / "text.db").write_text("not a database, and longer than the header of one, which is read first" * 9)
    refused = knockon("export", "--store", f"sqlite://{slashes}{tmp_path / 'text.db'}")
    assert refused.code == 3
    assert refused.err.startswith(f"knockon: STORE_UNREACHABLE: {tmp_path / 'text.db'}: ")


def test_a_url_of_another_kind_is_wrong_use(knockon: Knockon) -> None:
    ran = knockon("export", "--store", "mysql://somewhere")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("knockon: BAD_USAGE: ")


def test_a_user_without_a_name_can_load(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    nobody = "import getpass, sys\ndef none(): raise KeyError('getpwuid(): uid not found: 12345')\n"
    program = f"{nobody}getpass.getuser = none\nfrom knockon.cli import main\nmain()"
    command = [knockon.command()[0].replace("/knockon", "/python"), "-c", program, "load", "good.yaml"]
    done = subprocess.run(command, env=knockon.environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_setting_the_store_is_a_file_in_the_data_directory(tmp_path: Path) -> None:
    home = tmp_path / "100 % mine? #1"  # what a URL would take apart
    home.mkdir()
    knockon = Knockon(home)
    (home / "good.yaml").write_text(GOOD)
    assert knockon("load", "good.yaml").code == 0
    assert (home / "data" / "knockon" / "estate.db").is_file()
    assert len(knockon("export").json()["entities"]) == 2


def test_ctrl_c_ends_a_load_at_once_and_what_was_loaded_is_kept_whole(knockon: Knockon, tmp_path: Path) -> None:
    lines = (json.dumps({"class": "Server", "key": f"s{n}", "name": f"server {n}"}) for n in range(60_000))
    (tmp_path / "many.ndjson").write_text("\n".join(lines))
    with subprocess.Popen(
        knockon.command("load", "many.ndjson", "--source", "s"),
        env=knockon.environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        while not (tmp_path / "estate.db").exists():  # the moment at which reading is done and loading begins
            assert running.poll() is None
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (130, "")
    assert err.startswith("knockon: stopped. What is loaded so far is kept: whole batches of records")
    assert err.endswith(" run the same load again: it leaves what is there already as it is.\n")
    kept = knockon("export").json()
    assert len(kept["entities"]) == 2_000 * kept["revision"] < 60_000
