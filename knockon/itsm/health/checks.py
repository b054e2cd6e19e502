"""The checks, each a function of the estate. To add one, write it here under ``@check``: that is all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from knockon.errors import FindingCode
from knockon.impact.topology.columns import FIRST, MIN_UP, OWNER, TOTAL
from knockon.impact.topology.supports import belongs
from knockon.itsm.health.duplicates import twins
from knockon.itsm.health.freshness import refresh_period
from knockon.itsm.health.ground import ITEM, Ground, Outcome
from knockon.itsm.health.group_settings import judged
from knockon.itsm.health.rules import sound_rules
from knockon.itsm.services.facts import SERVICE
from knockon.schema.model import holds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from knockon.cmdb.contract.rows import Entity
    from knockon.itsm.health.rules import Rule
    from knockon.schema.model import Attribute, Model

AREAS = ("completeness", "correctness", "compliance", "relationships", "coverage")
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Check:
    """One question to every CI. ``says`` is what is so where nothing is missed.

    ``weight`` is its share of the score of its area beside the others; ``needed`` is the percentage below which
    it fails. ``today``: it looks at what is known of the present only, not of the past.
    """

    name: str
    area: str
    says: str
    weight: int
    needed: int
    today: bool
    judge: Callable[[Ground], Iterable[Outcome]]


CHECKS: list[Check] = []
"""All checks but the compliance rules, which are data, in the order in which they are shown."""


def check(
    area: Literal["completeness", "correctness", "relationships", "coverage"],
    says: str,
    *,
    weight: int = 1,
    needed: int = 90,
    today: bool = False,
) -> Callable[[Callable[[Ground], Iterable[Outcome]]], Callable[[Ground], Iterable[Outcome]]]:
    """Register a check under the name of its function."""

    def register(judge: Callable[[Ground], Iterable[Outcome]]) -> Callable[[Ground], Iterable[Outcome]]:
        CHECKS.append(Check(judge.__name__.replace("_", "-"), area, says, weight, needed, today, judge))
        return judge

    return register


def rules_of(files: Sequence[Path], model: Model) -> list[Rule]:
    """Read compliance rules: those that ship and those of ``files``, none named like a check.

    Raises
    ------
    RulesInvalid, FileUnreadable, FileNotParsed
    """
    return sound_rules(files, model, {each.name for each in CHECKS})


def checks_of(rules: Iterable[Rule]) -> list[Check]:
    """Give all checks: the registered ones, and one for each compliance rule."""
    found = CHECKS + [
        Check(each.name, "compliance", each.because, 1, each.needed, False, _keeps(each))  # noqa: FBT003
        for each in rules
    ]
    return sorted(found, key=lambda each: AREAS.index(each.area))


@check("completeness", "Every required attribute is recorded.", weight=60, needed=100)
def required(ground: Ground) -> Iterator[Outcome]:
    """Count the required attributes of each CI; one that has a default is never missing."""
    wanted = _asked_attributes(ground, lambda spec: spec.required)
    return (_recorded(each, wanted[each.class_name]) for each in ground.cis if wanted[each.class_name])


@check("completeness", "Every recommended attribute is recorded.", weight=40, needed=80)
def recommended(ground: Ground) -> Iterator[Outcome]:
    """Count the recommended attributes of each CI in use; of one on order they are not known yet."""
    wanted = _asked_attributes(ground, lambda spec: spec.recommended and not spec.required)
    return (_recorded(each, wanted[each.class_name]) for each in ground.in_use if wanted[each.class_name])


def _asked_attributes(ground: Ground, asked: Callable[[Any], bool]) -> dict[str, list[str]]:
    return {
        name: [a for a, each in kind.attributes.items() if asked(each.spec) and each.spec.default is None]
        for name, kind in ground.model.classes.items()
    }


def _recorded(entity: Entity, wanted: list[str]) -> Outcome:
    missing = [name for name in wanted if entity.attributes.get(name) in (None, "", [])]
    return Outcome(entity.id, len(wanted), len(missing), f"not recorded: {', '.join(missing)}" if missing else "")


@check("correctness", "It is related to other configuration items or to a place.", needed=95)
def orphans(ground: Ground) -> Iterator[Outcome]:
    """Ask each CI in use for a relationship; a class that says why it has none is not asked."""
    model = ground.model
    excused = {name for name, kind in model.classes.items() if any(model.classes[c].spec.because for c in kind.lineage)}
    related = {name for name in model.classes if name in model.topology_classes or model.is_a(name, ITEM)}
    partners = {each.id for each in ground.scan.entities if each.class_name in related}
    touched: set[str] = set()
    for edge in ground.scan.edges:
        if edge.key.source_id in partners and edge.key.target_id in partners:
            touched |= {edge.key.source_id, edge.key.target_id}
    for each in ground.in_use:
        if each.class_name not in excused:
            lost = each.id not in touched
            yield Outcome(each.id, 1, int(lost), "nothing is related to it" if lost else "")


@check("correctness", "Some source has reported it within its refresh period.", today=True)
def stale(ground: Ground) -> Iterator[Outcome]:
    """Compare when each CI in use was last reported with the moment; see docs/decisions."""
    model, moment, seen = ground.model, datetime.fromisoformat(ground.moment), ground.seen or {}
    limit = {name: _second(moment - refresh_period(model, name)) for name in model.classes}
    for each in ground.in_use:
        if each.id in seen:
            old = seen[each.id][:19] < limit[each.class_name]
            yield Outcome(each.id, 1, int(old), f"last reported {seen[each.id][:10]}" if old else "")


def _second(moment: datetime) -> str:
    return moment.isoformat()[:19]


@check("correctness", "Nothing else has its identity.", needed=99)
def duplicates(ground: Ground) -> Iterator[Outcome]:
    """Find CIs that claim one identity and that no stronger identifier tells apart."""
    found = twins(ground)
    for each in ground.cis:
        yield Outcome(each.id, 1, int(each.id in found), found.get(each.id, ""))


@check("correctness", "What sources see of it fits its status.", needed=99, today=True)
def status(ground: Ground) -> Iterator[Outcome]:
    """Find CIs that are seen against their status, or not seen, but those which a person accepts as they are."""
    for each in ground.cis:
        yield Outcome(each.id, 1, int(each.id in ground.against), ground.against.get(each.id, ""))


@check("correctness", "The settings of its redundancy groups fit them, and each other.", needed=100)
def group_settings(ground: Ground) -> Iterator[Outcome]:
    """Find settings that the engine must settle: more than there is, at odds with each other, or without a group."""
    return judged(ground)


@check("correctness", "No member of its redundancy groups is needed by itself as well.", needed=100)
def group_members(ground: Ground) -> Iterator[Outcome]:
    """Find members of a group that the consumer also needs by themselves: then the group absorbs nothing."""
    members: dict[str, set[str]] = {}
    plain: dict[str, set[str]] = {}
    for each in ground.network.dependencies:
        (members if each.group is not None else plain).setdefault(each.consumer, set()).add(each.supplier)
    for owner, of in members.items():
        if owner in ground.number:
            both = of & plain.get(owner, set())
            names = sorted(ground.entities[each].name for each in both)
            yield Outcome(owner, len(of), len(both), f"also needed by itself: {_some(names)}" if both else "")


def _waits(code: str) -> Callable[[Ground], Iterator[Outcome]]:
    """Make the check of relationships that have no effect for one reason."""

    def judge(ground: Ground) -> Iterator[Outcome]:
        found: dict[str, list[str]] = {}
        for record in ground.scan.waiting:
            who = ground.teller(*record.known)
            if record.because == code and who is not None:
                found.setdefault(who, []).append(f"{record.key.words} (source {record.key.source})")
        for who, count in ground.relationships.items():
            words = found.get(who, [])
            yield Outcome(who, count, len(words), _some(sorted(words)))

    return judge


for _name, _code, _says in (
    ("waiting", FindingCode.WAITING_REFERENCE, "Both ends of its relationships are there."),
    ("ambiguous", FindingCode.AMBIGUOUS_REFERENCE, "Both ends of its relationships mean one thing each."),
    ("not-allowed", FindingCode.RELATIONSHIP_NOT_ALLOWED, "The model allows its relationships."),
    ("self-loops", FindingCode.SELF_LOOP, "None of its relationships leads back to itself."),
):
    CHECKS.append(Check(_name, "relationships", _says, 1, 95, today=True, judge=_waits(_code)))


@check("coverage", "It has an owner.", needed=80)
def owner(ground: Ground) -> Iterator[Outcome]:
    """Ask each CI in use for a party that it is OWNED_BY."""
    owned = {each for cis in ground.owners.values() for each in cis}
    for each in ground.in_use:
        missing = each.id not in owned
        yield Outcome(each.id, 1, int(missing), "nobody owns it" if missing else "")


@check("coverage", "A service depends on it.", needed=80)
def service(ground: Ground) -> Iterator[Outcome]:
    """Ask each CI in use, but services themselves, for a service that needs it over however many steps."""
    model = ground.model
    needed = belongs(ground.topology, [each.id for each in ground.services])
    for each in ground.in_use:
        if each.class_name in model.topology_classes and SERVICE not in model.classes[each.class_name].lineage:
            missing = each.id not in needed
            yield Outcome(each.id, 1, int(missing), "no service depends on it" if missing else "")


@check("coverage", "It stands the loss of any one member of the redundancy that its class should have.")
def redundancy(ground: Ground) -> Iterator[Outcome]:
    """Ask each CI that has a group by its class: with its heaviest member lost it must still be up."""
    topology = ground.topology
    own = {item.id: item.own_group for item in ground.network.items if item.own_group}
    for group, row in enumerate(topology.terms.tolist()):
        owner_id = topology.ids[row[OWNER]]
        if owner_id in ground.number and own.get(owner_id) == topology.group_name(group):
            heaviest = int(topology.graph.weight[topology.graph.member[row[FIRST]]])
            lacks = row[TOTAL] - heaviest < row[MIN_UP]
            left = row[TOTAL] - heaviest
            said = f"the loss of one member by {own[owner_id]} leaves {left}, and {row[MIN_UP]} must be up"
            yield Outcome(owner_id, 1, int(lacks), said if lacks else "")


def _keeps(rule: Rule) -> Callable[[Ground], Iterator[Outcome]]:
    """Make the check of one compliance rule."""

    def judge(ground: Ground) -> Iterator[Outcome]:
        model = ground.model
        related = [_related(ground, each.type_name, each.other, from_source=each.from_source) for each in rule.related]
        for each in ground.cis:
            kind = model.classes[each.class_name]
            declared, own = kind.attributes, each.attributes
            if rule.class_name not in kind.lineage:
                continue
            if not all(holds(declared, own, name, wanted) for name, wanted in rule.when.items()):
                continue
            wrong = [
                f"{name} is {_shown(declared[name], own.get(name))}"
                for name, wanted in rule.must.items()
                if not holds(declared, own, name, wanted)
            ]
            wrong += [f"{name} is not recorded" for name in rule.has if own.get(name) in (None, "", [])]
            wrong += [
                f"no {one.other} by {one.written}"
                for one, has in zip(rule.related, related, strict=True)
                if each.id not in has
            ]
            yield Outcome(each.id, 1, int(bool(wrong)), "; ".join(wrong))

    return judge


def _shown(attribute: Attribute, value: Any) -> str:
    """Say what a value is, or only that there is one."""
    if value in (None, "", []):
        return "not recorded"
    return "not what it must be" if attribute.spec.sensitive else str(value)


def _related(ground: Ground, type_name: str, other: str, *, from_source: bool) -> set[str]:
    """Name what has a relationship of this type to or from something of a class."""
    classes, entities = set(ground.model.concrete(other)), ground.entities
    found = set()
    for edge in ground.scan.edges:
        if edge.key.type_name == type_name:
            ends = edge.key.source_id, edge.key.target_id
            own, far = ends if from_source else ends[::-1]
            if entities[far].class_name in classes:
                found.add(own)
    return found


def _some(words: list[str]) -> str:
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return "; ".join(words[:_NAMED]) + more
