"""What the stores keep: plain values, the same for every store.

*Records* are what a source says; *entities* and *edges* are what the estate therefore is. An edge
stays symbolic in its *edge records*: each end is the reference as written, and the tokens that it
waits for or that could change what it means are its *watches*.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - fields are read at run time, where rows come out of a file
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from knockon.schema.immutable import immutable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from collections.abc import Set as AbstractSet

SEPARATOR = "\x1f"
"""Joins the fields of an order; it sorts before every character of a name, so joined fields sort like tuples."""

THING = ""
"""Stands in place of a source where a finding is about a whole thing, named by its id, and not about a record."""

Values = dict[str, Any]
"""Attribute values: JSON values (str, int, float, bool, None, list, dict)."""


@immutable
class Record:
    """What one source says of one thing. Identity: (source, key).

    ``present`` is False once a complete load of its scope no longer had it: it is kept, and counts for nothing.
    ``claims`` gives the token of each of its claims by the key of the identifier set; who is not present has none.
    """

    source: str
    key: str
    entity_id: str
    class_name: str
    attributes: Values
    seen: str  # ISO 8601 instant, UTC, as in EntityObservation
    digest: str  # of class and attributes
    scope: str = ""
    present: bool = True
    claims: Mapping[str, str] = field(default_factory=dict)
    registers: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    """Values out of partial reports, each with when it was seen; they count before ``attributes``."""
    latest: tuple[str, bool, str] | None = None
    """(seen, whether partial, digest) of the newest report, where that is not the one that gave class and ``seen``."""
    whole: bool = True
    """Whether there was a whole report; else ``attributes`` is empty, and class and ``seen`` are of the newest one."""

    @property
    def said(self) -> Values:
        """Give all values that count."""
        if not self.registers:
            return self.attributes
        return {**self.attributes, **{name: value for name, (value, _) in self.registers.items()}}

    def known_as(self, entity_id: str, claims: Mapping[str, str]) -> Record:
        """Give it as a record of this entity with these claims; far faster than ``dataclasses.replace``."""
        return Record(
            self.source, self.key, entity_id, self.class_name, self.attributes, self.seen, self.digest, self.scope,
            self.present, claims, self.registers, self.latest, self.whole,
        )  # fmt: skip


@immutable
class Entity:
    """One thing of the estate. ``order`` is class, name and smallest ``source:key``, joined by U+001F.

    ``order`` is unique and is the order of every list; ``name`` is never empty. ``split_from`` is the id of the thing
    that its records once belonged to. ``disputed``: its records differ so that it matters which was seen last.
    """

    id: str
    class_name: str
    name: str
    order: str
    attributes: Values
    retired: bool = False
    revision: int = 0  # that last changed it; set by the store from its transaction
    split_from: str = ""
    disputed: bool = False


def reference_of(entity: Entity) -> str:
    """Give the smallest ``source:key`` of an entity's records."""
    return entity.order.rpartition(SEPARATOR)[2]


@dataclass(frozen=True, slots=True)
class Found:
    """An entity that a search found; ``rank`` says how well, 0 best."""

    rank: int
    entity: Entity

    @property
    def place(self) -> str:
        """Give its place among all that is found, which sorts as they do."""
        return f"{self.rank}{SEPARATOR}{self.entity.order}"


@dataclass(frozen=True, slots=True)
class Alias:
    """An id that stands for another thing, until its records part from that and take it up again. Identity: ``alias``.

    ``records`` are those, (source, key), that had the id when it became an alias, in revision ``since``.
    """

    alias: str
    entity_id: str
    records: tuple[tuple[str, str], ...] = ()
    since: int = 0


class EdgeKey(NamedTuple):
    """The identity of a relationship; ``group`` is its redundancy_group or ``""``."""

    type_name: str
    source_id: str
    target_id: str
    group: str


@immutable
class Edge:
    """One relationship of the estate; attributes include ``redundancy_group`` where it has one."""

    key: EdgeKey
    attributes: Values
    retired: bool = False


class EdgeRecordKey(NamedTuple):
    """The identity of an edge record: who says so, and in which words."""

    source: str
    type_name: str
    from_ref: str
    to_ref: str
    group: str

    @property
    def words(self) -> str:
        """Say it as the source does."""
        return f"{self.from_ref} {self.type_name} {self.to_ref}"


@immutable
class EdgeRecord:
    """What one source says of one relationship.

    ``edge`` is what it resolves to now, or None while it waits; then ``because`` says why:
    a code (WAITING_REFERENCE, AMBIGUOUS_REFERENCE, RELATIONSHIP_NOT_ALLOWED), or WITHDRAWN once a complete load of
    its scope no longer had it: such a one has no known ends and no watches. ``known`` are the ends that do
    resolve. ``watches`` are the tokens that could change what it resolves to.
    """

    key: EdgeRecordKey
    attributes: Values
    seen: str
    digest: str
    edge: EdgeKey | None
    because: str | None
    known: tuple[str | None, str | None]
    watches: tuple[str, ...]
    scope: str = ""

    @property
    def present(self) -> bool:
        return self.because != WITHDRAWN


WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of what a source reports that it can report completely. Identity: (source, name).

    Every present record of it was seen at ``seen`` or later; ``complete`` is when its newest complete load was seen.
    Both are ``""`` where there was none. ``rejected`` are the keys of records that this load had and that were
    rejected: they count as reported at its moment.
    """

    source: str
    name: str
    seen: str = ""
    complete: str = ""
    rejected: frozenset[str | EdgeRecordKey] = frozenset()

    def later(self, other: Scope) -> Scope:
        """Give the later moments of both."""
        newer = max(self, other, key=lambda each: each.complete)
        rejected = newer.rejected if self.complete != other.complete else self.rejected | other.rejected
        return Scope(self.source, self.name, max(self.seen, other.seen), newer.complete, rejected)

    def holds(self, seen: str, key: str | EdgeRecordKey) -> bool:
        """Tell whether a record that was reported in it at this moment is present."""
        return seen >= self.complete or key in self.rejected

    def reported_since(self, at: str) -> frozenset[str | EdgeRecordKey]:
        """Give what counts as reported at this moment or later by having been rejected."""
        return self.rejected if at <= self.complete else frozenset()


def last_seen(record: Record | EdgeRecord, scopes: Mapping[tuple[str, str], Scope]) -> str:
    """Tell when a record was last seen: by itself, or with all of its scope."""
    source = record.source if isinstance(record, Record) else record.key.source
    scope = scopes.get((source, record.scope))
    return max(record.seen, scope.seen) if scope and record.present else record.seen


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word on who is who. Identity: ``id``.

    "link" and "apart": whether two records, ``a`` and ``b``, each (source, key), are one thing. "class": what ``a`` is,
    where sources differ; ``b`` is (THING, class). "right": a finding is right as it is; ``a`` is (THING, its id), ``b``
    (its code, ""). ``taken_back`` is who took it back, or "".
    """

    id: str
    kind: Literal["link", "apart", "class", "right"]
    a: tuple[str, str]
    b: tuple[str, str]
    at: str
    by: str
    reason: str = ""
    taken_back: str = ""

    @property
    def records(self) -> list[tuple[str, str]]:
        """The records that it is about, by (source, key)."""
        if self.kind == "right":
            return []
        return [self.a] if self.kind == "class" else [self.a, self.b]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A name for a revision: ``at`` is when it was given, ``by`` whom. Identity: ``name``."""

    name: str
    revision: int
    at: str
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record of a load that was not taken, kept until its source says it again, or a person settles it.

    Identity: ``id``, out of the source and what the record says, so that the same again is the same letter. ``about``
    is (native key,) or (type, from, to, group), as far as that can be told; else ().
    """

    id: str
    source: str
    scope: str
    kind: Literal["entity", "relationship"]
    about: tuple[str, ...]
    code: str
    message: str
    location: str  # file, and line or JSON pointer
    record: Any  # JSON value; the beginning of its text where it is cut
    cut: bool  # too long to be kept whole
    format: str  # of the loader that can read the record
    seen: str
    partial: bool
    strict: bool  # whether the load took no relationship whose ends were not there
    by: str
    at: str  # when it was rejected last
    since: str  # when it was rejected first
    revision: int  # of the load that rejected it last
    number: int  # its place among the rejects of that load

    @property
    def place(self) -> str:
        """Give its place in every list: by load, oldest first, and in a load as its report lists them."""
        return SEPARATOR.join((self.at, f"{self.number:09}", self.id))

    @property
    def words(self) -> str:
        """Say what it is about, as its source does; "" where that cannot be told."""
        if len(self.about) < len(EdgeRecordKey._fields) - 1:
            return "".join(self.about)
        kind, source, target, group = self.about
        return f"{source} {kind} {target}" + (f" ({group})" if group else "")


class Open(NamedTuple):
    """What settles a dead letter: a later word about the same."""

    id: str
    kind: str
    about: tuple[str, ...]
    scope: str
    seen: str
    partial: bool


@dataclass(frozen=True, slots=True)
class IdentityFinding:
    """Something worth a person's look in what records come to. Identity: ``id``.

    ``records`` are (source, key), in order, or (THING, id); of a value that too many records claim there are none, and
    ``token`` finds them. ``what`` is the claim in words, the status, or what a circle is of; ``veto`` the stronger
    identifier set that kept them apart.
    """

    id: str
    code: str
    records: tuple[tuple[str, str], ...]
    what: str
    veto: str
    token: str


def last_reported(record: Record, scopes: Mapping[tuple[str, str], Scope]) -> str:
    """Tell when a record was last reported, wholly or partly."""
    return max(last_seen(record, scopes), record.latest[0] if record.latest else "")


class Held(NamedTuple):
    """The present records of one source in one scope."""

    records: frozenset[str]  # native keys
    edge_records: frozenset[EdgeRecordKey]


@immutable
class JournalEntry:
    """One change of the estate: before and after are None where there was or is nothing."""

    kind: Literal["entity", "edge"]
    id: str  # entity id, or EdgeKey joined by spaces
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def things(self) -> tuple[str, ...]:
        """The ids of the entities that it is about: of an edge, those at its ends."""
        return (self.id,) if self.kind == "entity" else tuple(self.id.split(" ", 3)[1:3])


def things_of(entries: Iterable[JournalEntry]) -> set[str]:
    """Give the ids of all entities that entries are about."""
    return {thing for entry in entries for thing in entry.things}


def without(entry: JournalEntry, things: Collection[str], attributes: Collection[str], name: str) -> JournalEntry:
    """Give an entry without these attributes of these entities, which are called ``name`` in it."""
    if entry.kind != "entity" or entry.id not in things:
        return entry

    def image(of: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if of is None:
            return None
        kept = {each: value for each, value in of["attributes"].items() if each not in attributes}
        return {**of, "attributes": kept, "name": name}

    return replace(entry, before=image(entry.before), after=image(entry.after))


@dataclass(frozen=True, slots=True)
class RevisionHead:
    """Who wrote a revision, and why: status accounting."""

    actor: str
    kind: str  # load, run
    source: str
    at: str
    model_version: str
    note: Values


@dataclass(frozen=True, slots=True)
class Revision:
    """One committed write; ``count`` is the number of its entries, so that a torn read shows.

    ``written`` is when it was written, by the writer's clock, and never earlier than the one before; ``head.at``
    is when the work began that it is part of.
    """

    number: int
    head: RevisionHead
    count: int
    entries: tuple[JournalEntry, ...]
    written: str = ""


def touching(revision: Revision, things: AbstractSet[str]) -> Revision:
    """Cut a revision's entries down to those that are about any of these entities."""
    own = tuple(entry for entry in revision.entries if not things.isdisjoint(entry.things))
    return replace(revision, entries=own)


@dataclass(frozen=True, slots=True)
class Scan:
    """The whole live estate at one revision: what a topology is built from."""

    revision: int
    entities: list[Entity]
    edges: Sequence[Edge]  # of a store: ``Edges``
    waiting: list[EdgeRecord]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One related entity and the edge that leads to it."""

    edge: Edge
    entity: Entity


def neighbour_order(neighbour: Neighbour) -> str:
    """Give the place of a neighbour in a list: the entity's order, then the edge's group."""
    return f"{neighbour.entity.order}{SEPARATOR}{neighbour.edge.key.group}"
