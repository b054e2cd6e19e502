"""The reference pages of the model are those of the model as it is."""

from __future__ import annotations

from pathlib import Path

from knockon.schema.installed import installed_model, shipped_files
from knockon.schema.pages import pages
from knockon.schema.source import read_sources

FOLDER = Path(__file__).parents[2] / "docs/reference/model"


def test_the_pages_are_of_this_model() -> None:
    made = pages(installed_model(), read_sources(shipped_files()))
    kept = {each.name: each.read_text(encoding="utf-8") for each in FOLDER.glob("*.md")}
    stale = sorted(name for name in made.keys() | kept.keys() if made.get(name) != kept.get(name))
    assert not stale, (
        f"The model has changed and these pages have not: {', '.join(stale)}. "
        "Run: rm -r docs/reference/model; .venv/bin/knockon model pages --out docs/reference/model"
    )


def test_every_class_and_type_has_its_heading() -> None:
    model = installed_model()
    headings = {
        line[3:]
        for each in FOLDER.glob("*.md")
        for line in each.read_text(encoding="utf-8").splitlines()
        if line.startswith("## ")
    }
    assert {*model.classes, *model.relationships} <= headings
