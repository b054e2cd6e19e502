"""Search by words in a past that is in memory; it finds what the stores find, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.contract.rows import SEPARATOR, Found
from knockon.cmdb.contract.words import rank_of, searchable, shown_last, sought_by

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.words import Query, Searchable
    from knockon.schema.model import Model


class Words:
    """The words of entities as they were; of their native keys the journal has one for each thing."""

    def __init__(self, model: Model, entities: Iterable[Entity]) -> None:
        """Make them, in time linear in the estate: some seconds for a hundred thousand things."""
        self._last = frozenset(shown_last(model))
        by: dict[str, list[str]] = {}
        self._kept: list[tuple[Entity, Searchable]] = []
        for each in entities:
            if each.class_name not in by:
                by[each.class_name] = sought_by(model, each.class_name)
            self._kept.append((each, searchable(each, by[each.class_name], ())))

    def found(self, sought: Query, classes: Collection[str]) -> list[Found]:
        """Give all that is found, the best first."""
        wanted = set(classes)
        rows = [
            Found(rank_of(_quality(sought.whole, words.wholes), last=each.class_name in self._last), each)
            for each, words in self._kept
            if each.class_name in wanted and _fits(sought, f" {words.terms} ")
        ]
        return sorted(rows, key=lambda row: (row.rank, row.entity.order))


def _fits(sought: Query, terms: str) -> bool:
    if sought.reference and f" {sought.reference} " in terms:
        return True
    return all(f" {piece}" in terms for piece in sought.pieces)


def _quality(whole: str, wholes: str) -> int:
    """Tell how well it fits, as the stores do: the name itself, another value, a name that begins so, the rest."""
    begins = SEPARATOR + whole
    if wholes.startswith(begins + SEPARATOR):
        return 0
    if begins + SEPARATOR in wholes:
        return 1
    return 2 if wholes.startswith(begins) else 3
