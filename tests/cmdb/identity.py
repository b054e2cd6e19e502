"""The model that histories are about, and what it says of identity and sources as the oracle takes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from knockon.schema.build import build
from knockon.schema.source import read_sources
from knockon.schema.values import seconds
from tests.cmdb.oracle import Rules

if TYPE_CHECKING:
    from knockon.schema.model import Model


def identity_model() -> Model:
    source = read_sources([Path(__file__).with_name("identity_model.yaml")])
    assert source.spec is not None, source.mistakes
    return build(source.spec)


def rules(model: Model) -> Rules:
    """Read the rules as they are written: what a class inherits is worked out by the oracle, not by the model."""
    classes, sources = model.spec.classes, model.spec.sources
    ranks = {("", ""): sources.ranking or ()}
    ranks |= {(name, ""): ranking for name, ranking in sources.classes.items()}
    ranks |= {(name, each): ranking for name, own in sources.attributes.items() for each, ranking in own.items()}
    return Rules(
        priorities={(name, each.name): each.priority for name, spec in classes.items() for each in spec.identifiers},
        ranks=ranks,
        refresh={name: seconds(spec.refresh) for name, spec in classes.items() if spec.refresh},
        null_overwrites=frozenset(
            (name, each) for name, spec in classes.items() for each, a in spec.attributes.items() if a.null_overwrites
        ),
        statuses={
            name: (lifecycle.attribute, {state: each.counts for state, each in lifecycle.states.items()})
            for name, spec in classes.items()
            for lifecycle in [model.spec.lifecycles[each] for each in [spec.lifecycle] if each]
        },
        discovers=sources.discovers,
    )


def without_identity(model: Model) -> Model:
    """Give the model without identifier sets: every record is a thing of its own."""
    bare = {name: spec.model_copy(update={"identifiers": ()}) for name, spec in model.spec.classes.items()}
    return build(model.spec.model_copy(update={"classes": bare}))


def discovering(model: Model) -> Model:
    """Give the model with sources that look: one that sees every Server there is, and one that sees what it sees."""
    sources = model.spec.sources.model_copy(update={"discovers": {"b": ("Server",), "c": ()}})
    return build(model.spec.model_copy(update={"sources": sources}))


MODEL = identity_model()
