"""Every command, option, setting and code is documented, in the words that the program itself uses."""

from __future__ import annotations

import re
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from graphql import build_schema, parse, validate

from knockon import __version__, errors
from knockon.cli.main import app
from knockon.errors import FindingCode, KnockonError, RejectCode
from knockon.server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
CLI_PAGE = (ROOT / "docs/reference/cli.md").read_text()
ERROR_PAGES = ROOT / "docs/errors"


def commands(group: Any, prefix: str = "knockon") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if getattr(command, "invoke_without_command", False):
            yield f"{prefix} {name}", command
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


COMMANDS = dict(commands(typer.main.get_command(app)))


def row(parameter: Any) -> str:
    """Give the line that documents one argument or option."""
    annotation = parameter.type_descriptor.annotation
    choices = "|".join(typing.get_args(annotation)) if typing.get_origin(annotation) is typing.Literal else ""
    name = parameter.opts[0] if parameter.param_type_name == "option" else ""
    shown = " ".join(filter(None, (name, parameter.metavar or choices))).replace("|", "\\|")
    default = f" Default: `{parameter.default}`." if parameter.default not in (None, False) else ""
    return f"| `{shown}` | {parameter.help}{default} |"


def section(heading: str) -> str:
    """Give what stands under a heading of the page."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", CLI_PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/reference/cli.md has no section {heading!r}"
    return found[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_its_section_with_every_option(name: str) -> None:
    text, command = section(name), COMMANDS[name]
    assert command.help.split("\n")[0] in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows == [row(each) for each in command.params]
    assert all(each.help for each in command.params)


def test_no_section_speaks_of_a_command_that_is_not_there() -> None:
    assert set(re.findall(r"^## (knockon .*)$", CLI_PAGE, re.MULTILINE)) == set(COMMANDS)


def test_every_setting_is_documented_in_its_own_words() -> None:
    rows = [line for line in (ROOT / "docs/reference/settings.md").read_text().splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `KNOCKON_{name.upper()}` | {field.description} | {unless_set(field)} |"
        for name, field in Settings.model_fields.items()
    ]


def unless_set(field: Any) -> str:
    default = field.get_default(call_default_factory=True)
    return "" if default in (None, (), {}) else f"`{default}`"


def leaves(root: type[KnockonError]) -> Iterator[type[KnockonError]]:
    for each in root.__subclasses__():
        yield from leaves(each) if each.__subclasses__() else [each]


LEAVES = {each.code: each for each in leaves(KnockonError)}
OVER_HTTP = ["CONTENT_TOO_LARGE", "METHOD_NOT_ALLOWED", "MISDIRECTED_REQUEST", "NOT_FOUND", "UNSUPPORTED_MEDIA_TYPE"]
CODES = sorted({*LEAVES, *RejectCode, *FindingCode}) + OVER_HTTP


def test_every_error_has_a_code_of_its_own() -> None:
    assert len(LEAVES) == len(list(leaves(KnockonError)))
    assert all("code" in vars(each) for each in LEAVES.values())
    assert LEAVES.keys().isdisjoint({*RejectCode, *FindingCode})


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_its_page_and_a_line_in_the_list(code: str) -> None:
    page = (ERROR_PAGES / f"{code}.md").read_text()
    assert page.startswith(f"# {code}\n")
    assert "**What to do.**" in page
    assert re.search(rf"^\| \[{code}\]\({code}\.md\) \| .+ \|$", (ERROR_PAGES / "README.md").read_text(), re.MULTILINE)
    (shows,) = re.findall(r"^\*How it shows: (.*)$", page, re.MULTILINE)
    exits = re.findall(r"exit (\d)", shows)
    assert exits == [str(LEAVES[code].exit_code)] if code in LEAVES and "GraphQL" not in shows else not exits


def test_no_page_is_left_of_a_code_that_is_gone() -> None:
    assert {each.stem for each in ERROR_PAGES.glob("*.md")} == {*CODES, "README"}


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    drawn = re.findall(r"\+-- (\w+) +(?:exit (\d) +.*?)?([A-Z_]{4,})?$", errors.__doc__ or "", re.MULTILINE)
    tree = {(name, code) for name, _, code in drawn}
    branches = {each.__name__ for each in KnockonError.__subclasses__() if each.__subclasses__()}
    assert tree == {(each.__name__, code) for code, each in LEAVES.items()} | {(each, "") for each in branches}
    exits = {name: int(code) for name, code, _ in drawn if code}
    assert exits == {name: getattr(errors, name).exit_code for name in branches}


def test_the_errors_module_offers_all_of_it() -> None:
    public = {
        name for name, value in vars(errors).items() if isinstance(value, type) and value.__module__ == errors.__name__
    }
    assert set(errors.__all__) == public


def test_links_between_the_pages_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert len(pages) > 40
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())]
    broken = [(str(page), link) for page, link in links if "://" not in link and not (page.parent / link).exists()]
    assert broken == []


def test_the_changelog_knows_this_version() -> None:
    headings = re.findall(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased" or headings[0] == __version__


def test_the_threat_model_names_tests_that_are_there() -> None:
    page = (ROOT / "docs/explanation/threat-model.md").read_text()
    named = set(re.findall(r"`((?:tests/)?[\w/]*test_\w+\.py|tests/[\w/]+)`", page))
    assert len(named) > 10
    there = {str(each.relative_to(ROOT)) for each in (ROOT / "tests").rglob("*")}
    lost = {each for each in named if each not in there and not any(one.endswith(f"/{each}") for one in there)}
    assert lost == set()


def test_the_queries_of_the_reference_fit_the_schema() -> None:
    reference = ROOT / "docs/reference"
    schema = build_schema((reference / "schema.graphql").read_text(encoding="utf-8"))
    text = (reference / "graphql.md").read_text(encoding="utf-8")
    queries = re.findall(r"```graphql\n(.*?)```", text, re.DOTALL)
    assert len(queries) >= 5
    assert [each.message for query in queries for each in validate(schema, parse(query))] == []
