"""The meaning of identification and reconciliation, as a slow and obvious program.

Written from docs/decisions/0006 and 0027 alone, apart from ``knockon.cmdb``, which is held against it. The whole
estate is worked out anew from all loads and decisions, with sets and loops. Ids are no part of it: records name a
thing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from knockon.schema.model import Model
    from knockon.schema.spec import IdentifierSpec

JUNK = 20
Key = tuple[str, str]
"""(source, key)"""
Part = frozenset[Key]


class EdgeKey(NamedTuple):
    source: str
    type_name: str
    from_ref: str
    to_ref: str
    group: str


@dataclass(frozen=True)
class EntityReport:
    key: str
    class_name: str
    attributes: dict[str, Any] = field(default_factory=dict)
    seen: str | None = None


@dataclass(frozen=True)
class EdgeReport:
    """``type_name`` is the stored name, ends in its direction."""

    from_ref: str
    type_name: str
    to_ref: str
    attributes: dict[str, Any] = field(default_factory=dict)
    seen: str | None = None

    def identity(self, source: str) -> EdgeKey:
        group = self.attributes.get("redundancy_group") or ""
        return EdgeKey(source, self.type_name, self.from_ref, self.to_ref, group)


@dataclass(frozen=True)
class Load:
    """``rejected`` are the keys of rejected records: a complete load counts as reporting them, and that is all."""

    source: str
    seen: str
    entities: tuple[EntityReport, ...] = ()
    relationships: tuple[EdgeReport, ...] = ()
    scope: str = ""
    complete: bool = False
    partial: bool = False
    rejected: tuple[str | EdgeKey, ...] = ()


@dataclass(frozen=True)
class Decision:
    """ "class": a person says that ``a`` is of the class ``b[1]``."""

    kind: Literal["link", "apart", "class"]
    a: Key
    b: Key
    at: str
    taken_back: bool = False


@dataclass(frozen=True)
class Rules:
    """What the model says of identity and sources, written by hand.

    ``priorities``: (declaring class, set) to priority, else 100. ``ranks``: (class or "", attribute or "") to sources,
    strongest first. ``refresh``: class to seconds. ``null_overwrites``: (class, attribute). ``statuses``: class to the
    attribute and whether each state counts. A class's hold below it. ``discovers``: source to classes that it sees.
    """

    priorities: dict[tuple[str, str], int] = field(default_factory=dict)
    ranks: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    refresh: dict[str, float] = field(default_factory=dict)
    null_overwrites: frozenset[tuple[str, str]] = frozenset()
    statuses: dict[str, tuple[str, dict[str, bool]]] = field(default_factory=dict)
    discovers: dict[str, tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Estate:
    things: frozenset[tuple[Part, str, str, str]]  # records, class, name, attributes as canonical JSON
    edges: frozenset[tuple[str, Part, Part, str, str]]
    waiting: frozenset[tuple[EdgeKey, str]]
    findings: frozenset[tuple[str, Part]]


@dataclass(frozen=True)
class Said:
    """A present entity record. ``values`` are (value, seen); ``seen`` is that of the report that gave the class."""

    key: Key
    class_name: str
    values: dict[str, tuple[Any, str]]
    seen: str


@dataclass(frozen=True)
class Thing:
    records: Part
    class_name: str
    name: str
    attributes: dict[str, Any]


Parents = dict[tuple[Key, str, str], Part]
"""By record, relationship, and class of the parent."""


class Claim(NamedTuple):
    declared_by: str
    set_name: str
    parent: Part
    values: str


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def digest(*content: Any) -> str:
    return hashlib.sha256(canonical(content).encode()).hexdigest()


# What is said


def present_entities(loads: Sequence[Load]) -> dict[Key, Said]:
    keys = {(load.source, report.key) for load in loads for report in load.entities}
    found = {}
    for source, key in keys:
        reports = [(load, r) for load in loads if load.source == source for r in load.entities if r.key == key]
        newest, _ = max(reports, key=lambda pair: (*entity_age(*pair), pair[0].scope))
        if is_present(loads, source, key, newest.scope):
            found[source, key] = said((source, key), reports)
    return found


def entity_age(load: Load, report: EntityReport) -> tuple[str, bool, str]:
    """At one time, a register is newer than a whole record."""
    content = digest(report.class_name, report.attributes, *(["partial"] if load.partial else []))
    return (report.seen or load.seen, load.partial, content)


def is_present(loads: Sequence[Load], source: str, key: str | EdgeKey, scope: str) -> bool:
    of_scope = [load for load in loads if (load.source, load.scope) == (source, scope)]
    completed = max((load.seen for load in of_scope if load.complete), default="")
    return any(moment >= completed for load in of_scope for moment in reported_at(load, key))


def reported_at(load: Load, key: str | EdgeKey) -> set[str]:
    """Give when a load reports a record; a complete one is of one moment, and reports what it rejects."""
    moments = {r.seen or load.seen for r in load.entities if r.key == key}
    moments |= {r.seen or load.seen for r in load.relationships if r.identity(load.source) == key}
    if load.complete and (moments or key in load.rejected):
        moments.add(load.seen)
    return moments


def said(key: Key, reports: list[tuple[Load, EntityReport]]) -> Said:
    whole = [pair for pair in reports if not pair[0].partial]
    base = max(whole or reports, key=lambda pair: entity_age(*pair))
    values: dict[str, tuple[Any, str]] = {}
    base_seen = entity_age(*base)[0]
    if whole:
        values = {name: (value, base_seen) for name, value in given(base[1]).items()}
    registers = [pair for pair in reports if pair[0].partial and (not whole or entity_age(*pair)[0] >= base_seen)]
    for name in {name for _, report in registers for name in given(report)}:
        load, report = max(
            (pair for pair in registers if name in given(pair[1])),
            key=lambda pair: (pair[1].seen or pair[0].seen, digest(pair[1].attributes[name])),
        )
        values[name] = (report.attributes[name], report.seen or load.seen)
    return Said(key, base[1].class_name, values, base_seen)


def given(report: EntityReport) -> dict[str, Any]:
    """Blank text is not given."""
    return {n: value for n, value in report.attributes.items() if not (isinstance(value, str) and not value.strip())}


def present_edges(loads: Sequence[Load]) -> dict[EdgeKey, tuple[dict[str, Any], str]]:
    """Give attributes and ``seen`` of each; an edge record is always whole."""
    keys = {r.identity(load.source) for load in loads for r in load.relationships}
    found = {}
    for key in keys:
        reports = [(ld, r) for ld in loads for r in ld.relationships if r.identity(ld.source) == key]
        load, report = max(reports, key=lambda p: (p[1].seen or p[0].seen, digest(p[1].attributes), p[0].scope))
        if is_present(loads, key.source, key, load.scope):
            found[key] = (report.attributes, report.seen or load.seen)
    return found


# Identification


def identifier_sets(model: Model, class_name: str) -> list[tuple[str, IdentifierSpec]]:
    lineage = model.classes[class_name].lineage
    return [(each, spec) for each in lineage for spec in model.spec.classes[each].identifiers]


def folded(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip().casefold()
    return [folded(each) for each in value] if isinstance(value, list) else value


def claims_of(model: Model, record: Said, parents: Parents) -> set[Claim]:
    found = set()
    for declared_by, spec in identifier_sets(model, record.class_name):
        values = [folded(record.values[name][0]) if name in record.values else None for name in spec.by]
        parent = parents.get((record.key, spec.within, spec.parent)) if spec.within and spec.parent else frozenset()
        if parent is not None and all(value is not None and value != "" for value in values):
            found.add(Claim(declared_by, spec.name, parent, canonical(values)))
    return found


def family(model: Model, class_name: str) -> frozenset[str]:
    """Give the classes that share an identifier set with this one, directly or through others."""
    found = {class_name}
    while True:
        owners = {owner for each in found for owner, _ in identifier_sets(model, each)}
        more = {each for each in model.classes if any(owner in owners for owner, _ in identifier_sets(model, each))}
        if more <= found:
            return frozenset(found)
        found |= more


def standing(
    model: Model, decisions: Iterable[Decision], records: dict[Key, Said]
) -> tuple[set[tuple[Key, Key]], set[Part]]:
    """Give the links in order of their ends, and the pairs kept apart, of present records of one family."""
    newest: dict[Part, Decision] = {}
    for each in sorted(decisions, key=lambda d: (d.at, d.kind == "apart")):
        if (
            each.kind != "class"
            and not each.taken_back
            and each.a in records
            and each.b in records
            and each.a != each.b
        ):
            newest[frozenset((each.a, each.b))] = each
    links = {
        (min(pair), max(pair))
        for pair, each in newest.items()
        if each.kind == "link" and records[each.b].class_name in family(model, records[each.a].class_name)
    }
    return links, {pair for pair, each in newest.items() if each.kind == "apart"}


def identify(  # noqa: C901, PLR0912 - one page of the decision, read from top to bottom
    model: Model,
    rules: Rules,
    records: dict[Key, Said],
    decisions: Iterable[Decision],
    parents: Parents,
) -> tuple[set[Part], set[tuple[str, Part]]]:
    links, apart = standing(model, decisions, records)
    claims = {key: claims_of(model, record, parents) for key, record in records.items()}
    findings: set[tuple[str, Part]] = set()
    claimants = {claim: sorted(k for k in records if claim in claims[k]) for each in claims.values() for claim in each}
    for claim, keys in list(claimants.items()):
        if len(keys) > JUNK:
            findings.add(("TOO_MANY_CLAIMANTS", frozenset(keys)))
            del claimants[claim]
            for key in keys:
                claims[key].discard(claim)
    part: dict[Key, Part] = {key: frozenset((key,)) for key in records}

    def kept_apart(p: Part, q: Part) -> bool:
        return any(frozenset((a, b)) in apart for a in p for b in q)

    def join(p: Part, q: Part) -> None:
        for key in p | q:
            part[key] = p | q

    for a, b in sorted(links):
        if kept_apart(part[a], part[b]):
            findings.add(("LINK_CONFLICT", frozenset((a, b))))
        else:
            join(part[a], part[b])

    def priority(claim: Claim) -> int:
        return rules.priorities.get((claim.declared_by, claim.set_name), 100)

    def disagrees(p: Part, q: Part, below: int) -> bool:
        ours, theirs = ({c for key in each for c in claims[key] if priority(c) < below} for each in (p, q))
        both = {c[:2] for c in ours} & {c[:2] for c in theirs}
        return any(not {c for c in ours & theirs if c[:2] == each} for each in both)

    def order(claim: Claim) -> tuple[Any, ...]:
        depth = model.classes[claim.declared_by].depth
        return (priority(claim), -depth, claim.declared_by, claim.set_name, claimants[claim][0])

    vetoes: list[tuple[str, Claim, Key, Key]] = []
    for claim in sorted(claimants, key=order):
        for upto, second in enumerate(claimants[claim]):
            for first in claimants[claim][:upto]:
                p, q = part[first], part[second]
                if p == q or kept_apart(p, q):
                    continue
                if {source for source, _ in p} & {source for source, _ in q}:
                    vetoes.append(("DUPLICATE_IDENTIFIER", claim, first, second))
                elif disagrees(p, q, priority(claim)):
                    vetoes.append(("IDENTITY_VETO", claim, first, second))
                else:
                    join(p, q)
    for code, claim, first, second in vetoes:
        if part[first] != part[second]:
            findings.add((code, frozenset(claimants[claim]) & (part[first] | part[second])))
    return set(part.values()), findings


# Reconciliation


def rank(model: Model, rules: Rules, source: str, class_name: str, attribute: str) -> float:
    lineage = model.classes[class_name].lineage
    asked = [(each, attribute) for each in lineage] if attribute else []
    for place in [*asked, *((each, "") for each in lineage), ("", "")]:
        if place in rules.ranks:
            ranking = rules.ranks[place]
            return ranking.index(source) if source in ranking else float("inf")
    return float("inf")


def moment(seen: str) -> float:
    return datetime.fromisoformat(seen).timestamp()


def strength(model: Model, rules: Rules, key: Key, seen: str, class_name: str, attribute: str) -> tuple[Any, ...]:
    """The strongest is the smallest."""
    return (rank(model, rules, key[0], class_name, attribute), -moment(seen), *key)


def reconcile(
    model: Model, rules: Rules, records: list[Said], decisions: Iterable[Decision] = ()
) -> tuple[Thing, bool]:
    """Make the thing of one part; True where its classes conflict."""
    common = next(
        c for c in model.classes[records[0].class_name].lineage if all(model.is_a(r.class_name, c) for r in records)
    )
    ordered = sorted(records, key=lambda r: strength(model, rules, r.key, r.seen, common, ""))
    class_name = ordered[0].class_name
    for record in ordered:
        if model.is_a(record.class_name, class_name):
            class_name = record.class_name
    conflict = any(not model.is_a(class_name, record.class_name) for record in records)
    keys = {record.key for record in records}
    by_persons = [(d.at, d.b[1]) for d in decisions if d.kind == "class" and not d.taken_back and d.a in keys]
    if conflict and by_persons:
        conflict, class_name = False, max(by_persons)[1]
        for record in ordered:
            if model.is_a(record.class_name, class_name):
                class_name = record.class_name
    attributes = {}
    for name in model.classes[class_name].attributes:
        value = choose(model, rules, records, class_name, name)
        if value is not None:
            attributes[name] = value
    name = attributes.get("name") or min(record.key for record in records)[1]
    return Thing(frozenset(r.key for r in records), class_name, name, attributes), conflict


def choose(model: Model, rules: Rules, records: list[Said], class_name: str, name: str) -> Any:
    lineage = model.classes[class_name].lineage
    null_counts = any((each, name) in rules.null_overwrites for each in lineage)
    candidates = [(r.key, *r.values[name]) for r in records if name in r.values]
    candidates = [each for each in candidates if null_counts or each[1] is not None]
    if not candidates:
        return None
    newest = max(moment(seen) for _, _, seen in candidates)
    period = next((rules.refresh[each] for each in lineage if each in rules.refresh), float("inf"))
    fresh = [each for each in candidates if newest - moment(each[2]) <= period]
    return min(fresh, key=lambda each: strength(model, rules, each[0], each[2], class_name, name))[1]


# Status against presence


def against(model: Model, rules: Rules, thing: Thing, records: list[Said]) -> set[tuple[str, Part]]:
    lineage = model.classes[thing.class_name].lineage
    attribute, states = next((rules.statuses[each] for each in lineage if each in rules.statuses), ("", {}))
    status = {r.key: r.values[attribute][0] if attribute in r.values else None for r in records}
    word = thing.attributes.get(attribute)
    if word not in states:
        return set()
    if rules.discovers is None:
        seeing = {key for key, own in status.items() if own is None and not key[0].startswith("person/")}
        looked_for = False
    else:
        absent = {state for state, counts in states.items() if not counts}
        seeing = {key for key, own in status.items() if key[0] in rules.discovers and own not in absent}
        looked_for = any(each in classes for classes in rules.discovers.values() for each in lineage)
    if not states[word] and seeing:
        return {("PRESENT_AGAINST_STATUS", frozenset(seeing))}
    if states[word] and looked_for and not seeing:
        return {("ABSENT_AGAINST_STATUS", frozenset(key for key, own in status.items() if own == word))}
    return set()


# References and edges


def resolve(model: Model, things: Iterable[Thing], source: str, reference: str) -> list[Thing]:
    """Give what the first reading means that means anything."""
    before, _, after = reference.partition(":")
    readings = [[t for t in things if (source, reference) in t.records]]
    if before in model.classes:
        readings.append([t for t in things if model.is_a(t.class_name, before) and t.name == after])
    else:
        readings.append([t for t in things if (before, after) in t.records])
    return next((each for each in readings if each), [])


def parents_in(model: Model, records: dict[Key, Said], edges: Iterable[EdgeKey], things: list[Thing]) -> Parents:
    found = {}
    for key, record in records.items():
        ways = {(s.within, s.parent) for _, s in identifier_sets(model, record.class_name) if s.within and s.parent}
        for within, parent in ways:
            direction = model.direction(within)
            assert direction is not None
            kind, swapped = direction
            leads = set()
            for edge in edges:
                child, other = (edge.to_ref, edge.from_ref) if swapped else (edge.from_ref, edge.to_ref)
                if (edge.source, edge.type_name, child) != (key[0], kind.name, key[1]):
                    continue
                named = other.partition(":")[0]
                if named in model.classes and not model.is_a(named, parent):
                    continue
                meant = resolve(model, things, edge.source, other)
                if len(meant) == 1 and model.is_a(meant[0].class_name, parent):
                    leads.add(meant[0].records)
            if len(leads) == 1:
                found[key, within, parent] = leads.pop()
    return found


def parentless(model: Model, records: dict[Key, Said], edges: Iterable[EdgeKey]) -> set[tuple[str, Part]]:
    """Give who is identified within a parent only, and has no word of its source on one."""
    found = set()
    for key, record in records.items():
        sets = [spec for _, spec in identifier_sets(model, record.class_name)]
        if not sets or any(spec.within is None for spec in sets) or key[0].startswith("person/"):
            continue
        named = set()
        for spec in sets:
            direction = model.direction(str(spec.within))
            assert direction is not None
            kind, swapped = direction
            for edge in edges:
                child, other = (edge.to_ref, edge.from_ref) if swapped else (edge.from_ref, edge.to_ref)
                before = other.partition(":")[0]
                if (edge.source, edge.type_name, child) == (key[0], kind.name, key[1]) and (
                    before not in model.classes or model.is_a(before, str(spec.parent))
                ):
                    named.add(edge)
        if not named:
            found.add(("MISSING_PARENT", frozenset((key,))))
    return found


def settle(
    model: Model, rules: Rules, records: dict[Key, Said], edges: Iterable[EdgeKey], decisions: Sequence[Decision]
) -> tuple[list[Thing], set[tuple[str, Part]]]:
    """Parents and parts depend on each other: rounds, the first without parents, until nothing changes."""
    parents: Parents = {}
    while True:
        parts, findings = identify(model, rules, records, decisions, parents)
        things = []
        for each in parts:
            thing, conflict = reconcile(model, rules, [records[key] for key in sorted(each)], decisions)
            things.append(thing)
            if conflict:
                findings.add(("CLASS_CONFLICT", each))
            findings |= against(model, rules, thing, [records[key] for key in each])
        after = parents_in(model, records, edges, things)
        if after == parents:
            return things, findings
        parents = after


def circles(contains: set[tuple[Part, Part]]) -> set[tuple[str, Part]]:
    """Give what contains each other, by whatever way."""
    reached = set(contains)
    while more := {(a, d) for a, b in reached for c, d in contains if b == c} - reached:
        reached |= more
    rings = {frozenset(b for a, b in reached if a == each and (b, each) in reached) for each, _ in reached}
    return {("CONTAINMENT_CIRCLE", frozenset(key for part in ring for key in part)) for ring in rings if ring}


def judge(model: Model, rules: Rules, loads: Sequence[Load], decisions: Sequence[Decision] = ()) -> Estate:
    """Work out the estate of all these loads and decisions."""
    records, edge_records = present_entities(loads), present_edges(loads)
    things, findings = settle(model, rules, records, edge_records, decisions)
    waiting: set[tuple[EdgeKey, str]] = set()
    said_of: dict[tuple[str, Part, Part, str], list[tuple[float, str, str, dict[str, Any]]]] = {}
    for key, (attributes, seen) in edge_records.items():
        ends = [resolve(model, things, key.source, reference) for reference in (key.from_ref, key.to_ref)]
        if any(len(meant) > 1 for meant in ends):
            waiting.add((key, "AMBIGUOUS_REFERENCE"))
        elif not all(ends):
            waiting.add((key, "WAITING_REFERENCE"))
        elif ends[0] == ends[1]:
            waiting.add((key, "SELF_LOOP"))
        elif not model.allows(key.type_name, ends[0][0].class_name, ends[1][0].class_name):
            waiting.add((key, "RELATIONSHIP_NOT_ALLOWED"))
        else:
            edge = (key.type_name, ends[0][0].records, ends[1][0].records, key.group)
            said_of.setdefault(edge, []).append((-moment(seen), key.source, digest(attributes), attributes))
    findings = (
        findings
        | parentless(model, records, edge_records)
        | circles({edge[1:3] for edge in said_of if edge[0] == "CONTAINS"})
    )
    edges = {(*edge, canonical(min(said, key=lambda each: each[:3])[3])) for edge, said in said_of.items()}
    return Estate(
        frozenset((t.records, t.class_name, t.name, canonical(t.attributes)) for t in things),
        frozenset(edges),
        frozenset(waiting),
        frozenset(findings),
    )
