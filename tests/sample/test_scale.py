"""Large estates have exactly the size asked for, hold together, and are made quickly, a part at a time."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from knockon import loaders, sample
from knockon.schema import validate
from knockon.schema.observation import EntityObservation, Reject, RelationshipObservation

if TYPE_CHECKING:
    from pathlib import Path

    from knockon.schema.model import Model

SIZE = 10_000
ONE = next(sample.generate()).ci_count()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of an estate of SIZE items."""
    folder = tmp_path_factory.mktemp("large")
    assert sample.write(folder, size=SIZE) == SIZE
    return folder


def lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file][1:]


def test_the_size_is_exact(written: Path, model: Model) -> None:
    entities = lines(written / "entities.ndjson")
    assert sum(model.is_a(each["class"], "ConfigurationItem") for each in entities) == SIZE


def test_everything_refers_to_what_is_there_about_four_times_an_item(written: Path, model: Model) -> None:
    classes = {each["key"]: each["class"] for each in lines(written / "entities.ndjson")}
    relationships = lines(written / "relationships.ndjson")
    assert len(classes) == len(lines(written / "entities.ndjson"))
    pairs = {(each["type"], classes[each["from"]], classes[each["to"]]) for each in relationships}
    assert [pair for pair in pairs if not model.allows(*pair)] == []
    items = {key for key, name in classes.items() if model.is_a(name, "ConfigurationItem")}
    between = [each for each in relationships if each["from"] in items and each["to"] in items]
    assert 2 < len(between) / SIZE < 5
    assert 3.5 < len([each for each in relationships if each["from"] in items]) / SIZE < 5.5


def test_a_few_hubs_carry_much(written: Path) -> None:
    wanted = Counter(each["to"] for each in lines(written / "relationships.ndjson") if each["type"] == "DEPENDS_ON")
    assert wanted["ts-directory"] > 100 * (wanted.total() / len(wanted))
    leaned_on = [wanted[f"app-{name}"] for name in ("payment-gateway", "product-catalogue", "mailboxes")]
    youngest = [wanted[f"app-{name}-c024"] for name in ("payment-gateway", "product-catalogue", "mailboxes")]
    assert sum(leaned_on) > 2 * sum(youngest)


def test_a_sample_of_the_lines_is_valid(written: Path, model: Model, tmp_path: Path) -> None:
    for name in ("entities.ndjson", "relationships.ndjson"):
        with (written / name).open(encoding="utf-8") as file:
            (tmp_path / name).write_text("".join(line for n, line in enumerate(file) if n % 20 == 7), encoding="utf-8")
    items = list(loaders.read([tmp_path], source="large", model=model).items)
    judged = [
        validate.entity(model, each) if isinstance(each, EntityObservation) else validate.relationship(model, each)
        for each in items
        if isinstance(each, EntityObservation | RelationshipObservation)
    ]
    assert len(judged) == len(items) > 3000
    assert [each for each in judged if isinstance(each, Reject)] == []


def test_the_truth_has_the_weaknesses_of_every_company(written: Path) -> None:
    text = (written / "truth" / "truth.yaml").read_text(encoding="utf-8")
    planted = yaml.load(text, yaml.CSafeLoader)["planted"]
    kinds = Counter(each["kind"] for each in planted)
    assert kinds["jointly broken redundancy"] == SIZE // ONE
    keys = {each["key"] for each in lines(written / "entities.ndjson")}
    assert {key for each in planted for key in each["cis"]} - keys == set()


@pytest.mark.parametrize("extra", [0, 1, ONE - 1, ONE])
def test_sizes_between_companies_are_filled_up(extra: int) -> None:
    parts = list(sample.generate(size=ONE + extra))
    assert sum(part.ci_count() for part in parts) == ONE + extra
    assert len(parts) == 1 + extra // ONE
