"""What a command says when it is used wrongly, when there is one of something, and of values that are no text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.command import Knockon, as_table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--fast",), "No such option: --fast. `knockon --help` says"),
        (("lod", "x"), "No such command 'lod'. Did you mean 'load'? `knockon --help` says"),
        (("load", "f.yaml", "--sorce", "s"), "Possible options: --scope, --source, --store"),
        (("load",), "Missing argument 'FILE...'. `knockon load --help` says"),
        (("load", "f.yaml", "--format", "xml"), "'xml' is not one of 'auto', 'native', 'kubernetes'."),
        (("search", "x", "--limit", "many"), "Invalid value for '--limit': it must be an integer, not 'many'."),
        (("model", "lnt"), "Did you mean 'lint'? `knockon model --help` says"),
        (("health", "show"), "`knockon health show --help` says"),
    ],
)
def test_wrong_options_have_a_code_like_all_errors(knockon: Knockon, arguments: tuple[str, ...], said: str) -> None:
    ran = knockon(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("knockon: BAD_USAGE: ")
    assert ran.err.count("\n") == 1
    assert said in ran.err


def test_a_group_of_commands_shows_them(knockon: Knockon) -> None:
    for group in ((), ("model",)):
        ran = knockon(*group)
        assert "BAD_USAGE" not in ran.out + ran.err
        assert "Commands" in ran.out + ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("search", "x", "--class", "Servr"), "there is no class 'Servr'; did you mean Server?"),
        (("search", "x", "--class", "Qqqq"), "`knockon model show Entity` lists the classes."),
        (("health", "--class", "servr"), "did you mean Server?"),
        (("drift", "1", "--class", "Aplication"), "did you mean Application?"),
        (
            ("impact", "iron-1", "--exclude", "RUNS_IN"),
            "there is no relationship type 'RUNS_IN'; did you mean RUNS_ON?",
        ),
        (("relate", "survey:app", "DEPENDS_OM", "mail"), "relationship type 'DEPENDS_OM'; did you mean DEPENDS_ON?"),
        (("unrelate", "shop=app", "DEPENDS_OM", "mail"), "did you mean DEPENDS_ON?"),
        (("create", "Servr", "name=new"), "there is no class 'Servr'; did you mean Server?"),
        (("set", "mail", "nmae=Mail"), "there is no attribute 'nmae'; did you mean name?"),
    ],
)
def test_a_name_that_the_model_lacks_is_answered_with_the_one_that_is_meant(
    estate: Knockon, arguments: tuple[str, ...], said: str
) -> None:
    ran = estate(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


BAD = [
    {"class": "Servr", "key": "a"},
    {"class": "Server", "key": "b", "nmae": "b"},
    {"from": "a", "type": "RUN_ON", "to": "b"},
    {"class": "Server", "key": ["x", "y"]},
    {"class": "Server", "key": {"id": 1}},
    {"class": "Server", "key": 5},
    {"from": "a", "type": "RUNS_ON", "to": ["b"]},
    *({"class": "Balloon", "key": f"k{n}"} for n in range(4)),
]


def test_rejects_are_listed_in_the_order_of_the_file_and_say_what_is_meant(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "bad.ndjson").write_text("\n".join(map(json.dumps, BAD)))
    ran = knockon("load", "bad.ndjson", "--source", "s", "--json")
    rejects = json.loads(ran.out)["rejects"]
    assert [each["location"] for each in rejects] == [str(n) for n in range(1, len(BAD) + 1)]
    assert [each["message"] for each in rejects[:7]] == [
        "there is no class 'Servr'; did you mean Server?",
        "Server: there is no attribute 'nmae'; did you mean name?",
        "there is no relationship type 'RUN_ON'; did you mean RUNS_ON?",
        "key is a list; it must be one text.",
        "key is a mapping; it must be one text.",
        "key must be text; put it in quotes.",
        "to is a list; it must be one text.",
    ]
    letters = knockon("letters", "--json").json()["letters"]
    assert [each["location"].rpartition(":")[2] for each in letters] == [each["location"] for each in rejects]


def test_one_of_something_is_said_as_one(knockon: Knockon, tmp_path: Path) -> None:
    said = "{class: Server, key: a, name: web}, {class: Servr, key: b}"
    (tmp_path / "one.yaml").write_text(f"source: s\nseen: 2026-11-01T08:00:00Z\nentities: [{said}]\n")
    assert knockon("load", "one.yaml").code == 1
    assert "1 dead letter." in knockon("letters", "export").err
    assert "s has reported 1 record and 0 relationships." in knockon("undo", "s").out
    assert "over 1 CI " in knockon("health").out
    (tmp_path / "old.yaml").write_text(
        "source: s\nseen: 2026-10-01T08:00:00Z\nentities: [{class: Server, key: a, name: old}]\n"
    )
    assert "1 record does not count" in as_table(knockon("load", "old.yaml").out)
    assert "1 journal entry up to" in knockon("store", "compact", "--before", "1").out


def test_values_are_written_as_json_has_them(knockon: Knockon, tmp_path: Path) -> None:
    for name, durable in (("one", "true"), ("two", "false")):
        said = f"{{class: MessageQueue, key: a, name: web, durable: {durable}}}"
        (tmp_path / f"{name}.yaml").write_text(f"source: s\nentities: [{said}]\n")
    assert knockon("load", "one.yaml").code == 0
    for out in (knockon("load", "two.yaml", "--dry-run").out, knockon("history", "web").out):
        assert "True" not in out
        assert "None" not in out
        assert "true" in out


def test_an_empty_file_is_called_empty(knockon: Knockon, tmp_path: Path) -> None:
    for text in ("", "# nothing yet\n", "---\n"):
        (tmp_path / "empty.yaml").write_text(text)
        ran = knockon("load", "empty.yaml", "--source", "s")
        assert (ran.code, ran.out) == (2, "")
        assert "empty.yaml: there is nothing in it" in ran.err


def test_things_of_one_name_are_told_apart_in_a_plan(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text("""
source: s
entities:
  - {class: Server, key: a, name: web}
  - {class: Server, key: b, name: web}
  - {class: Server, key: c, name: db}
relationships:
  - {from: a, type: DEPENDS_ON, to: c}
""")
    planned = knockon("load", "two.yaml", "--dry-run", "--json").json()["plan"]
    assert [each["what"] for each in planned] == [
        "Server:db", "Server:web (s:a)", "Server:web (s:b)", "Server:web (s:a) DEPENDS_ON Server:db",
    ]  # fmt: skip


def test_what_many_retirements_hit_begins_with_how_many_they_are(knockon: Knockon, tmp_path: Path) -> None:
    rows = [{"class": "Server", "key": f"s{n}", "name": f"server-{n}"} for n in range(9)]
    (tmp_path / "all.ndjson").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "some.ndjson").write_text(json.dumps(rows[0]))
    assert knockon("load", "all.ndjson", "--source", "s", "--complete").code == 0
    told = as_table(knockon("load", "some.ndjson", "--source", "s", "--complete", "--dry-run").out)
    assert "If 8 things are removed (server-1 Server, " in told
    assert "server-5 Server and 3 more)" in told


def test_changes_are_one_json_list(estate: Knockon) -> None:
    lines = [json.loads(line) for line in estate("changes").out.splitlines()]
    assert estate("changes", "--json").json() == lines != []
    assert estate("changes", "--json", "--since", str(lines[-1]["revision"])).json() == []
    assert estate("changes", "--json", "--limit", "1").json() == lines[:1]
    ran = estate("changes", "--json", "--follow")
    assert (ran.code, ran.out) == (2, "")
    assert "--follow" in ran.err


def test_a_redaction_says_which_relationships_it_counts(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text("""
source: hr
entities:
  - {class: Person, key: p1, name: Ann Example}
  - {class: Application, key: a1, name: payroll}
  - {class: Application, key: a2, name: wiki}
relationships:
  - {from: a1, type: OWNED_BY, to: "Person:Ann Example"}
  - {from: a2, type: OWNED_BY, to: p1}
""")
    assert knockon("load", "people.yaml").code == 0
    said = as_table(knockon("redact", "hr:p1", "--reason", "asked for it").out)
    assert "1 relationship is retired, because every source that reports it named the person by name" in said
