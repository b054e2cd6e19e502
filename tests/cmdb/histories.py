"""Histories to hold loading to: few sources, keys and values, so that everything meets everything.

Made so that these happen often: collisions, vetoes, merges, splits, moved scopes, withdrawals and returns, partial
records, references that wait or mean several things, decisions made and taken back, several words of one moment.
A value that too many records claim needs more records than a history has: see ``crowds``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.cmdb.oracle import JUNK, Decision, EdgeReport, EntityReport, Load

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCES = ("a", "b", "c")
CROWD = tuple(f"s{n:02}" for n in range(JUNK + 3))
DAYS = tuple(f"2026-11-0{day}T08:00:00Z" for day in range(1, 6))
CLASSES = {
    "m": ("Computer", "Server", "Server", "Workstation"),
    "i": ("Instance", "DatabaseInstance", "DatabaseInstance"),
    "d": ("Database",),
    "p": ("Printer",),
}
"""By the letter of a key: a key changes its class within its family only."""
MACHINES = ("m1", "m2", "b:m1")
"""The last one reads like a key of another source."""
KEYS = (*MACHINES, "i1", "i2", "d1", "d2", "p1")
WORDS: dict[str, tuple[str | None, ...]] = {
    "name": ("n", "N ", "o"), "serial": ("s", " S", "t"), "tag": ("x", "y"), "host": ("h", "g"),
    "address": ("q",), "owner": ("eve", "bob", None), "note": ("1", "2", None),
    "status": ("in_use", "ordered", "disposed", "odd", None),
}  # fmt: skip
ATTRIBUTES = {
    "Computer": ("name", "serial", "tag", "owner", "note", "status"),
    "Server": ("name", "serial", "tag", "host", "owner", "note", "status"),
    "Workstation": ("name", "serial", "tag", "owner", "note", "status"),
    "Printer": ("name", "serial", "owner"),
    "Instance": ("name", "address", "note"),
    "DatabaseInstance": ("name", "address", "note"),
    "Database": ("name", "note"),
}
SELDOM = st.integers(0, 4).map(lambda n: n == 0)
LINKED = {"m": ("m1", "m2"), "i": ("i1", "i2"), "d": ("d1", "d2")}


def family(key: str) -> str:
    return key.rsplit(":", maxsplit=1)[-1][0]


@dataclass(frozen=True)
class History:
    loads: tuple[Load, ...]
    decisions: tuple[Decision, ...] = ()


@st.composite
def entities(draw: st.DrawFn, key: str, days: st.SearchStrategy[str | None]) -> EntityReport:
    class_name = draw(st.sampled_from(CLASSES[family(key)]))
    said = {each: st.sampled_from(WORDS[each]) for each in ATTRIBUTES[class_name]}
    return EntityReport(key, class_name, draw(st.fixed_dictionaries({}, optional=said)), draw(days))


def mentions(*keys: str) -> st.SearchStrategy[str]:
    """Give references to these keys, as one's own, as another source's, or by name."""
    named = {"m": ("Computer:n", "Server:n", "Computer:o"), "i": ("Instance:n",), "d": ("Database:n",), "p": ()}
    theirs = [f"{source}:{key}" for source in SOURCES for key in keys]
    return st.sampled_from(keys) | st.sampled_from(named[family(keys[0])] or keys) | st.sampled_from(theirs)


@st.composite
def edges(draw: st.DrawFn, own: Sequence[str], days: st.SearchStrategy[str | None]) -> EdgeReport:
    """Relate one of these keys as its family does, or with luck something that is not there."""
    key = draw(st.sampled_from([*own, *own, "i1", "a:i1", "Database:n", "gone"]))
    if family(key) == "i":
        start, kind, end = key, "RUNS_ON", draw(mentions(*MACHINES))
    elif family(key) == "d" or key == "Database:n":
        start, kind, end = draw(mentions("i1", "i2")), "CONTAINS", key
    elif family(key) == "m" and draw(SELDOM | SELDOM):
        start, kind, end = key, "CONTAINS", draw(mentions("m1", "m2"))
    else:
        start, kind, end = key, "DEPENDS_ON", draw(mentions("m1", "m2") | mentions("p1", "d1"))
    group = {"redundancy_group": "g"} if draw(SELDOM) else {}
    weight = draw(st.fixed_dictionaries({}, optional={"weight": st.integers(1, 2)}))
    return EdgeReport(start, kind, end, group | weight, draw(days))


@st.composite
def loads(draw: st.DrawFn, *, partial: bool = True, rejects: bool = True) -> Load:
    """Make a load; its first record was seen at its moment, others perhaps earlier if it is not complete."""
    day = draw(st.integers(0, len(DAYS) - 1))
    partly = partial and draw(SELDOM)
    complete = not partly and draw(SELDOM | SELDOM)
    earlier = st.none() if complete else st.sampled_from([None, None, *DAYS[: day + 1]])
    first, *keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=5))
    said = [draw(entities(first, st.none())), *(draw(entities(key, earlier)) for key in keys)]
    rejected = tuple(draw(st.lists(st.sampled_from(KEYS), max_size=1))) if complete and rejects else ()
    related = [] if partly else draw(st.lists(edges([first, *keys], earlier), max_size=4))
    scope = draw(st.sampled_from(["", "", "east"]))
    own = [each for each in related if each.from_ref != each.to_ref]
    return Load(draw(st.sampled_from(SOURCES)), DAYS[day], tuple(said), tuple(own), scope, complete, partly, rejected)


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    alike = LINKED[draw(st.sampled_from(["m", "m", "m", "i", "d"]))]
    ends = [(source, key) for source in SOURCES for key in alike]
    a, b = draw(st.lists(st.sampled_from(ends), min_size=2, max_size=2, unique=True))
    kind: Any = draw(st.sampled_from(["link", "link", "apart", "apart", "class"]))
    if kind == "class":
        b = ("", draw(st.sampled_from(CLASSES[family(a[1])])))
    return Decision(kind, a, b, draw(st.sampled_from(DAYS)), draw(SELDOM))


@st.composite
def histories(
    draw: st.DrawFn, *, partial: bool = True, rejects: bool = True, decided: bool = True, most: int = 7
) -> History:
    said = tuple(draw(st.lists(loads(partial=partial, rejects=rejects), min_size=1, max_size=most)))
    return History(said, tuple(draw(st.lists(decisions(), max_size=3))) if decided else ())


@st.composite
def crowds(draw: st.DrawFn) -> History:
    """Give records about as many as may claim one value; some are withdrawn or say something else later."""
    crowd = CROWD[: JUNK + draw(st.integers(-1, 3))]
    tags = st.sampled_from(["x", "y", None])
    said = [
        Load(each, DAYS[1], (EntityReport("m1", "Server", {"serial": "none", "tag": draw(tags)}),)) for each in crowd
    ]
    changed = draw(st.lists(st.sampled_from(crowd), max_size=3, unique=True))
    left = [Load(each, DAYS[2], (EntityReport("m2", "Server", {}),), complete=True) for each in changed]
    return History((*said, *left))


@st.composite
def statuses(draw: st.DrawFn) -> History:
    """Give words on the status of few machines, among those of who only sees them."""
    said: list[Load] = []
    for _ in range(draw(st.integers(2, 6))):
        status = st.sampled_from(["in_use", "ordered", "disposed", "ordered", None])
        about = st.fixed_dictionaries({"serial": st.sampled_from(["s", "s", "t"])}, optional={"status": status})
        keys = draw(st.lists(st.sampled_from(["m1", "m2"]), min_size=1, unique=True))
        reports = [EntityReport(each, draw(st.sampled_from(CLASSES["m"])), draw(about)) for each in keys]
        partial = draw(SELDOM)
        complete = not partial and draw(st.booleans())
        source, day = draw(st.sampled_from(SOURCES)), draw(st.sampled_from(DAYS))
        said.append(Load(source, day, tuple(reports), complete=complete, partial=partial))
    return History(tuple(said), tuple(draw(st.lists(decisions(), max_size=1))))


@st.composite
def sightings(draw: st.DrawFn) -> History:
    """Let two sources report all of few things and how they are related, then each lose sight of some."""
    pairs = [("m1", "m2"), ("m2", "m1"), ("m1", "p1"), ("m2", "p1")]
    weights = st.fixed_dictionaries({}, optional={"weight": st.integers(1, 2)})

    def look(source: str, day: str, keys: Sequence[str], ends: Sequence[tuple[str, str]], *, complete: bool) -> Load:
        things = [EntityReport(each, "Server" if each != "p1" else "Printer", {"serial": each}) for each in keys]
        related = [EdgeReport(start, "DEPENDS_ON", end, draw(weights)) for start, end in ends]
        return Load(source, day, tuple(things), tuple(related), complete=complete)

    said = [look(each, DAYS[0], ("m1", "m2", "p1"), pairs, complete=True) for each in ("a", "b")]
    for _ in range(draw(st.integers(1, 4))):
        keys = draw(st.lists(st.sampled_from(["m1", "m2", "p1"]), min_size=1, unique=True))
        ends = draw(st.lists(st.sampled_from(pairs), max_size=3, unique=True))
        day = draw(st.sampled_from(DAYS[1:]))
        said.append(look(draw(st.sampled_from(["a", "b"])), day, keys, ends, complete=not draw(SELDOM)))
    return History(tuple(said))


def permuted(history: History, order: Sequence[int]) -> History:
    """Take the loads in another order; ``order`` permutes their numbers."""
    return replace(history, loads=tuple(history.loads[n] for n in order))


def cut(load: Load, size: int) -> list[Load]:
    """Cut a load into pieces of this many records; the last one completes it if it was complete.

    Each piece is of the moment of the load. Only the oracle can be told so: the real face has a batch size of its own.
    """
    items = [*load.entities, *load.relationships]
    pieces = []
    for start in range(0, len(items), size):
        some = items[start : start + size]
        known = tuple(each for each in some if isinstance(each, EntityReport))
        related = tuple(each for each in some if isinstance(each, EdgeReport))
        pieces.append(replace(load, entities=known, relationships=related, complete=False, rejected=()))
    return [*pieces, replace(load, entities=(), relationships=())]


def without(history: History, source: str) -> History:
    """Take away all that one source said."""
    return replace(history, loads=tuple(each for each in history.loads if each.source != source))
