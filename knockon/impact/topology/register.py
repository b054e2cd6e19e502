"""What the items of a topology are called, kept as one text: some 80 bytes an item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from knockon.cmdb.contract.rows import SEPARATOR, Entity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from knockon.impact.topology.ids import Ids
    from knockon.impact.topology.renumbering import Renumbering

_REMEMBERED = 20_000


class Register(Mapping[str, Entity]):
    """The entities of a topology by id, without their attributes. Immutable.

    ``text`` has their orders one after the other, from ``starts[number]``: class, name, source and key.
    """

    def __init__(self, ids: Ids, starts: Any, text: Any) -> None:
        self.ids = ids
        self.starts = starts
        self.text = text
        self._made: dict[str, Entity] = {}  # an answer asks for each of its items some ten times

    @classmethod
    def of(cls, ids: Ids, orders: Sequence[str]) -> Register:
        """Pack the orders of the items with these ids, by number."""
        packed = [each.encode() for each in orders]
        return cls(ids, _starts([len(each) for each in packed]), np.frombuffer(b"".join(packed), np.uint8))

    def order(self, number: int) -> str:
        """Give the order of the item with a number."""
        return bytes(self.text[self.starts[number] : self.starts[number + 1]]).decode()

    def called(self, number: int) -> tuple[str, str]:
        """Give the class and the name of the item with a number."""
        class_name, _, rest = self.order(number).partition(SEPARATOR)
        return class_name, rest.rpartition(SEPARATOR)[0]

    def __getitem__(self, item_id: str) -> Entity:
        made = self._made.get(item_id)
        if made is None:
            order = self.order(self.ids.number(item_id))
            class_name, _, rest = order.partition(SEPARATOR)
            if len(self._made) >= _REMEMBERED:
                self._made.clear()
            made = self._made[item_id] = Entity(item_id, class_name, rest.rpartition(SEPARATOR)[0], order, {})
        return made

    def __contains__(self, item_id: object) -> bool:
        return item_id in self.ids

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def renumbered(self, ids: Ids, change: Renumbering, orders: Sequence[str]) -> Register:
        """Give the register after some went and others came, with these orders."""
        new = Register.of(ids, orders)
        lengths = change.column(np.diff(self.starts), np.diff(new.starts))
        pieces = [
            of.text[of.starts[first] : of.starts[end]]
            for first, end, fresh in change.pieces
            for of in (new if fresh else self,)
        ]
        return Register(ids, _starts(lengths), np.concatenate(pieces) if pieces else self.text[:0])


def _starts(lengths: Any) -> Any:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
