"""What a complete load no longer has, and the brake that stops a load that would retire too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.contract.rows import Held
from knockon.errors import SafetyBrake
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Scope
    from knockon.cmdb.loading.intake import Intake

BRAKE_PERCENT = 20
BRAKE_ENTITIES = 20
"""The brake holds above this share of a scope's entities, and from this many on (DESIGN.md section 3)."""


def missing(held: Held, intake: Intake) -> Held:
    """Give what a scope holds and a load does not report; what it reports and is rejected is reported."""
    records, edge_records = set(held.records), set(held.edge_records)
    records.difference_update(intake.spool.keys(), intake.rejected_keys)
    edge_records.difference_update(intake.spool.edge_keys(), intake.rejected_edge_keys)
    return Held(frozenset(records), frozenset(edge_records))


def refuse_nothing(held: int, scope: Scope) -> None:
    """Refuse a complete load of nothing: it is an accident more often than the end of a scope.

    Raises
    ------
    SafetyBrake
    """
    named = f" in scope {scope.name}" if scope.name else ""
    raise SafetyBrake(
        "There is nothing in this load, and it says that it is complete: all that "
        f"{scope.source} reports{named} ({counted(held, 'thing')}) would be withdrawn, so it is refused and nothing is "
        "written. If that is right, load with --allow-retire."
    )


def refuse_many(retiring: int, held: int, scope: Scope) -> None:
    """Refuse to retire a large share of a scope.

    Raises
    ------
    SafetyBrake
    """
    if retiring >= BRAKE_ENTITIES and retiring * 100 > held * BRAKE_PERCENT:
        named = f" in scope {scope.name}" if scope.name else ""
        raise SafetyBrake(
            f"{retiring} of the {held} things that {scope.source} reports{named} are missing from this load and would "
            "be retired, so it is refused and nothing is written. If that is right, load with --allow-retire; "
            "--dry-run --json lists them."
        )
