"""What a record keeps of partial reports, as one JSON text for the stores; most records have none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.cmdb.contract.rows import Record

Partial = tuple[dict[str, tuple[Any, str]], tuple[str, bool, str] | None, bool]
"""Registers, the newest report, whether there was a whole one: as in ``rows.Record``."""


def partial_text(record: Record) -> str | None:
    """Give it as text; None where all reports are whole."""
    if record.whole and not record.registers and record.latest is None:
        return None
    return orjson.dumps([record.registers, record.latest, record.whole]).decode()


def partial_of(text: str | None) -> Partial:
    """Read it back."""
    if text is None:
        return {}, None, True
    registers, latest, whole = orjson.loads(text)
    return {name: (value, seen) for name, (value, seen) in registers.items()}, tuple(latest) if latest else None, whole


def partial_without(text: str | None, attributes: Collection[str]) -> str | None:
    """Give it without these attributes."""
    if text is None:
        return None
    registers, latest, whole = orjson.loads(text)
    kept = {name: each for name, each in registers.items() if name not in attributes}
    return orjson.dumps([kept, latest, whole]).decode()
