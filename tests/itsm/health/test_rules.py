"""Compliance rules: what they may say, what they ask, and that each mistake has its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon.errors import FileNotParsed, FileUnreadable, RulesInvalid
from knockon.itsm.health.health import About
from knockon.itsm.health.rules import read_rules, sound_rules
from tests.itsm.health.estate import MODEL, counted, examined, link, missed, thing

if TYPE_CHECKING:
    from pathlib import Path

    from knockon.cmdb.contract.rows import Edge, Entity
    from knockon.itsm.health.rules import Rule
    from knockon.schema.source import Mistake


def reading(tmp_path: Path, text: str) -> tuple[list[Rule], list[Mistake]]:
    file = tmp_path / "rules.yaml"
    file.write_text(text)
    return read_rules([file], MODEL, {"orphans"})


def test_the_rules_that_ship_fit_the_model_that_ships() -> None:
    rules, mistakes = read_rules([], MODEL)
    assert mistakes == []
    assert "service-has-criticality" in {each.name for each in rules}


GOOD = """
rules:
  - name: production-server
    class: ComputerSystem
    when: {environment: production}
    must: {status: [in_use, in_maintenance]}
    has: [serial_number]
    related: {OWNED_BY: Party, RUNS: Application}
    needed: 50
    because: They serve customers.
"""


def test_a_rule_asks_what_it_says_of_those_that_it_is_about(tmp_path: Path) -> None:
    rules, mistakes = reading(tmp_path, GOOD)
    assert mistakes == []
    rule = rules[-1]
    estate: list[Entity | Edge] = [
        thing("good", "Server", environment="production", status="in_use", serial_number="1"),
        thing("bad", "Server", environment="production", status="retired"),
        thing("blank", "Server", environment="production", status="in_use", serial_number="", ip_addresses=[]),
        thing("test", "Server", environment="test"), thing("app", "Application", environment="production"),
        thing("ann", "Person"), link("good", "OWNED_BY", "ann"), link("blank", "OWNED_BY", "ann"),
        link("app", "RUNS_ON", "good"), link("app", "RUNS_ON", "blank"),
    ]  # fmt: skip
    found = examined(*estate, rules=[rule])
    assert missed(found, "production-server") == {
        "bad": "status is retired; serial_number is not recorded; no Party by OWNED_BY; no Application by RUNS",
        "blank": "serial_number is not recorded",
    }
    assert counted(found, "production-server") == (1, 3)
    (score,) = [each for each in found.answer(About(), "").checks
                if each.check.area == "compliance"]  # fmt: skip
    assert (score.needed, score.passes, score.check.says) == (50, False, "They serve customers.")


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (1, "rules: {a: b}", "is a list"),
        (2, "rules:\n  - {name: x, class: Server, has: [name]}", "has no because"),
        (2, "rules:\n  - {name: x y, class: Server, has: [name], because: b}", "written like"),
        (2, "rules:\n  - {name: x, class: Person, has: [name], because: b}", "Person is no class of configuration"),
        (2, "rules:\n  - {name: x, class: Server, because: b}", "asks something"),
        (2, "rules:\n  - {name: x, class: Server, because: b, has: [colour]}", "no attribute colour"),
        (2, "rules:\n  - {name: x, class: Server, because: b, has: [asset_tags]}", "did you mean asset_tag?"),
        (2, "rules:\n  - {name: x, class: Servr, because: b, has: [asset_tag]}", "did you mean Server?"),
        (2, "rules:\n  - {name: x, class: Server, because: b, must: {colour: red}}", "no attribute colour"),
        (2, "rules:\n  - {name: x, class: Server, because: b, must: {environment: prod}}", "never has this value"),
        (2, "rules:\n  - {name: x, class: Server, because: b, must: {ip_addresses: 10.0.0.1}}", "one plain value"),
        (2, "rules:\n  - {name: x, class: Server, because: b, must: {environment: []}}", "allows no value"),
        (2, "rules:\n  - {name: x, class: Server, because: b, related: {OWND_BY: Party}}", "no relationship type"),
        (2, "rules:\n  - {name: x, class: Server, because: b, related: {OWNED_BY: Robot}}", "no class 'Robot'"),
        (2, "rules:\n  - {name: x, class: Server, because: b, related: {OWNED_BY: Server}}", "never leads from"),
        (2, "rules:\n  - {name: x, class: Server, because: b, has: [name], needed: lots}", "percent from 0 to 100"),
        (2, "rules:\n  - {name: orphans, class: Server, because: b, has: [name]}", "is taken"),
        (3, "rules:" + 2 * "\n  - {name: x, class: Server, because: b, has: [name]}", "is taken"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_line(tmp_path: Path, line: int, text: str, message: str) -> None:
    _, mistakes = reading(tmp_path, text)
    assert [(each.line, message in each.message) for each in mistakes] == [(line, True)], mistakes
    with pytest.raises(RulesInvalid, match=rf"rules.yaml:{line}: "):
        sound_rules([tmp_path / "rules.yaml"], MODEL, {"orphans"})


def test_a_file_that_cannot_be_read_at_all(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable):
        read_rules([tmp_path / "none.yaml"], MODEL)
    with pytest.raises(FileNotParsed, match=r"rules.yaml:2"):
        reading(tmp_path, "rules:\n  - {")
