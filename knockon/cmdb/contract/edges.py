"""Very many relationships, kept as columns: some twelve bytes each instead of an object."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import orjson

from knockon.cmdb.contract.rows import Edge, EdgeKey

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from knockon.cmdb.contract.rows import Values


class EdgeKind(NamedTuple):
    """Everything of a live relationship but its ends: a few hundred of them describe an estate."""

    type_name: str
    group: str
    attributes: Values


class Edges(Sequence[Edge]):  # noqa: PLW1641 - no list of relationships is a key
    """Live relationships. Immutable; as a sequence it makes each ``Edge`` when it is asked for.

    Of relationship n, ``kinds[kind[n]]`` is what it says, and ``ids[source[n]]`` and ``ids[target[n]]`` are its ends.
    """

    def __init__(
        self, ids: Sequence[str], kinds: Sequence[EdgeKind], kind: array[int], source: array[int], target: array[int]
    ) -> None:
        self.ids = ids
        self.kinds = kinds
        self.kind = kind
        self.source = source
        self.target = target

    @classmethod
    def of(cls, edges: Iterable[Edge]) -> Edges:
        """Give the same relationships as columns."""
        if isinstance(edges, Edges):
            return edges
        every = list(edges)
        ids = dict.fromkeys(end for edge in every for end in edge.key[1:3])
        gathering = Gathering(list(ids), lambda said: EdgeKind(said[0], said[1], orjson.loads(said[2])))
        gathering.take(
            ((type_name, group, orjson.dumps(edge.attributes)), source, target)
            for edge in every
            for type_name, source, target, group in (edge.key,)
        )
        return gathering.edges()

    def __len__(self) -> int:
        return len(self.kind)

    @overload
    def __getitem__(self, number: int) -> Edge: ...
    @overload
    def __getitem__(self, number: slice) -> list[Edge]: ...
    def __getitem__(self, number: int | slice) -> Edge | list[Edge]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        type_name, group, attributes = self.kinds[self.kind[number]]
        return Edge(
            EdgeKey(type_name, self.ids[self.source[number]], self.ids[self.target[number]], group), dict(attributes)
        )

    def __iter__(self) -> Iterator[Edge]:
        ids, kinds = self.ids, self.kinds
        for kind, source, target in zip(self.kind, self.source, self.target, strict=True):
            type_name, group, attributes = kinds[kind]
            yield Edge(EdgeKey(type_name, ids[source], ids[target], group), dict(attributes))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Edges | list) and len(self) == len(other) and all(map(Edge.__eq__, self, other))


class Gathering:
    """Relationships on their way into columns; ``kind_of`` is asked once for each thing that is said of any."""

    def __init__(self, ids: Sequence[str], kind_of: Callable[[Any], EdgeKind]) -> None:
        self._ids = ids
        self._kind_of = kind_of
        self._places = {each: place for place, each in enumerate(ids)}
        self._numbers: dict[Hashable, int] = {}
        self._kind, self._source, self._target = array("i"), array("i"), array("i")

    def take(self, rows: Iterable[tuple[Hashable, str, str]]) -> None:
        """Take relationships as (what it says, source, target), but those with an end that is not among the ids."""
        place, numbers = self._places.get, self._numbers
        for said, source_id, target_id in rows:
            if (source := place(source_id)) is None or (target := place(target_id)) is None:
                continue
            self._source.append(source)
            self._target.append(target)
            self._kind.append(numbers.setdefault(said, len(numbers)))

    def edges(self) -> Edges:
        """Give what was taken; nothing is taken after that."""
        kinds = [self._kind_of(said) for said in self._numbers]
        return Edges(self._ids, kinds, self._kind, self._source, self._target)
