"""What is wrong with model files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knockon.schema.source import Mistake, ModelSource


def structure(source: ModelSource) -> Iterator[Mistake]:
    """Find what keeps ``model.build`` from working; the files must have had the right shape."""
    assert source.spec is not None
    for name, each in source.spec.classes.items():
        if each.is_a is not None and each.is_a not in source.spec.classes:
            yield source.mistake(
                f"{name}: is_a names {each.is_a}, and there is no such class.", "classes", name, "is_a"
            )
