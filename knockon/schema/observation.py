"""What a source says: observations, and what became of those that could not be taken.

Loaders make raw observations (values as they stand in the file); ``validate`` gives them the
model's types or a reject.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from knockon.schema.immutable import immutable

if TYPE_CHECKING:
    from knockon.errors import RejectCode

PEOPLE = "person/"
"""Begins the name of every source that is a person."""

OWN_NAMES = frozenset({"knockon", "verdicts"})
"""Names under which knockon itself writes; nobody and no source is called so."""


@immutable
class EntityObservation:
    """Source ``source`` says: the thing that I call ``key`` is of this class and has these attributes.

    ``seen`` is an instant as ``values.instant`` writes it, of fixed width so that the newer one sorts
    later, or None: the time of the load stands in. ``location`` is a line or a JSON pointer in the input. With
    ``partial`` it speaks of these attributes only, and None means that the source knows of no value. It is knockon's
    ``own`` word that may have what the model keeps for it (``internal``); no loader makes such ones.
    """

    source: str
    key: str
    class_name: str
    attributes: dict[str, Any]
    seen: str | None = None
    location: str = ""
    record: Any = field(default=None, compare=False)
    partial: bool = False
    own: bool = field(default=False, compare=False)


@immutable
class RelationshipObservation:
    """Source ``source`` says: ``from_ref`` is related to ``to_ref``; references are symbolic.

    ``type_name`` may be the inverse name until ``validate`` has normalised it.
    """

    source: str
    type_name: str
    from_ref: str
    to_ref: str
    attributes: dict[str, Any]
    seen: str | None = None
    location: str = ""
    record: Any = field(default=None, compare=False)


Kind = Literal["entity", "relationship"]
"""What a record speaks of."""


@dataclass(frozen=True, slots=True)
class Reject:
    """One record that was not taken: ``code`` is stable, ``message`` says what to do.

    ``record`` is as it stands in the input, in the ``format`` of a loader. ``seen`` and ``partial`` are as of an
    observation. ``about`` is what it speaks of, as far as that can be told: (key,) or (type, from, to, group).
    """

    code: RejectCode
    message: str
    location: str
    record: Any
    kind: Kind = "entity"
    seen: str | None = field(default=None, compare=False)
    partial: bool = field(default=False, compare=False)
    format: str = field(default="native", compare=False)
    about: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something in the input that this loader does not read, such as a Kubernetes Role: counted by kind."""

    kind: str
    location: str = ""


Item = EntityObservation | RelationshipObservation | Reject | Skipped
"""What a loader yields."""
