"""Short ways to write an estate down and to examine it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.rows import SEPARATOR, Edge, EdgeKey, EdgeRecord, EdgeRecordKey, Entity, Scan
from knockon.itsm.health.ground import Ground
from knockon.itsm.health.health import Examination
from knockon.schema.installed import installed_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from knockon.itsm.health.rules import Rule

MODEL = installed_model()
MOMENT = "2026-11-26T08:00:00.000000Z"


def thing(id_: str, class_name: str, **attributes: Any) -> Entity:
    return Entity(
        id_, class_name, id_, SEPARATOR.join((class_name, id_, f"t:{id_}")), {"name": id_, **attributes}
    )  # fmt: skip


def link(source: str, type_name: str, target: str, **attributes: Any) -> Edge:
    return Edge(EdgeKey(type_name, source, target, attributes.get("redundancy_group", "")), attributes)


def waits(source: str | None, type_name: str, target: str | None, because: str) -> EdgeRecord:
    key = EdgeRecordKey("t", type_name, source or "from?", target or "to?", "")
    return EdgeRecord(key, {}, MOMENT, "d", None, because, (source, target), ())


def examined(
    *rows: Entity | Edge | EdgeRecord,
    seen: Mapping[str, str] | None = None,
    rules: Iterable[Rule] = (),
    moment: str = MOMENT,
    past: bool = False,
) -> Examination:
    scan = Scan(
        1,
        [each for each in rows if isinstance(each, Entity)],
        [each for each in rows if isinstance(each, Edge)],
        [each for each in rows if isinstance(each, EdgeRecord)],
    )
    return Examination(Ground(MODEL, scan, moment, None if past else seen or {}, list(rules)))


def missed(examination: Examination, check: str) -> dict[str, str]:
    """Give what each CI misses by its id."""
    (result,) = [each for each in examination.results if each.check.name == check]
    return {examination.ground.cis[place].id: why for place, why in result.because.items()}


def counted(examination: Examination, check: str) -> tuple[int, int]:
    """Give how much is met, and of how much."""
    (result,) = [each for each in examination.results if each.check.name == check]
    return result.tally().met, result.tally().asked
