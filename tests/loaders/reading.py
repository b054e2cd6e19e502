"""Reads files with the shipped model, and sorts what comes out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from knockon.loaders import read
from knockon.schema import validate
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation, Reject, RelationshipObservation, Skipped

if TYPE_CHECKING:
    from knockon.loaders import Reading

DATA = Path(__file__).parents[1] / "data"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read_all(*paths: Path | str, source: str | None = None, format: str = "auto") -> Reading:  # noqa: A002
    return read(paths, source=source, format=format, model=installed_model())


def entities(reading: Reading) -> list[EntityObservation]:
    return [each for each in reading.items if isinstance(each, EntityObservation)]


def relationships(reading: Reading) -> list[RelationshipObservation]:
    return [each for each in reading.items if isinstance(each, RelationshipObservation)]


def rejects(reading: Reading) -> list[Reject]:
    return [each for each in reading.items if isinstance(each, Reject)]


def skipped(reading: Reading) -> Counter[str]:
    return Counter(each.kind for each in reading.items if isinstance(each, Skipped))


def classes(reading: Reading) -> Counter[str]:
    return Counter(each.class_name for each in entities(reading))


def edges(reading: Reading, type_name: str) -> set[tuple[str, str]]:
    return {(each.from_ref, each.to_ref) for each in relationships(reading) if each.type_name == type_name}


def check_against_model(reading: Reading) -> None:
    """Hold every observation to the shipped model: its attributes, and which classes a type may join."""
    model = installed_model()
    known = {each.key: each.class_name for each in entities(reading)}
    assert len(known) == len(entities(reading))
    for entity in entities(reading):
        assert isinstance(validate.entity(model, entity), EntityObservation), validate.entity(model, entity)
    for edge in relationships(reading):
        typed = validate.relationship(model, edge)
        assert isinstance(typed, RelationshipObservation), typed
        if edge.from_ref in known and edge.to_ref in known:
            assert model.allows(typed.type_name, known[typed.from_ref], known[typed.to_ref]), typed
