"""What a person should look at in how records came together, and the form of all findings that are kept."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from knockon.cmdb.access import AccessScope
from knockon.cmdb.contract.rows import IdentityFinding
from knockon.cmdb.identity.apart import class_said
from knockon.cmdb.identity.claims import claimed
from knockon.cmdb.identity.joining import JUNK, Outcome
from knockon.errors import FindingCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.cmdb.access import Sight
    from knockon.cmdb.contract.rows import Record
    from knockon.cmdb.identity.joining import Joined, Key, Part
    from knockon.cmdb.identity.touched import Touched
    from knockon.schema.model import Model

_CODES = {
    Outcome.DUPLICATE_IDENTIFIER: FindingCode.DUPLICATE_IDENTIFIER,
    Outcome.IDENTITY_VETO: FindingCode.IDENTITY_VETO,
    Outcome.LINK_CONFLICT: FindingCode.LINK_CONFLICT,
}

ABOUT_IDENTITY = frozenset({*_CODES.values(), FindingCode.CLASS_CONFLICT, FindingCode.TOO_MANY_CLAIMANTS})
ABOUT_PARENTS = frozenset({FindingCode.MISSING_PARENT})
ABOUT_PRESENCE = frozenset({FindingCode.PRESENT_AGAINST_STATUS, FindingCode.ABSENT_AGAINST_STATUS})


def findings(model: Model, how: Joined, touched: Touched) -> list[IdentityFinding]:
    """Give what is to be found about whole components: one finding for each code, claim and set of records."""
    part_of = {key: part for part in how.parts for key in part}
    found: dict[str, IdentityFinding] = {}
    for each in how.meetings:
        code = _CODES.get(each.outcome)
        if code is None or part_of[each.first] == part_of[each.second]:
            continue
        records: Part = (each.first, each.second)
        what = ""
        if each.claim:
            name, token = each.claim
            either = {*part_of[each.first], *part_of[each.second]}
            records = tuple(sorted(k for k in either if touched.records[k].claims.get(name) == token))
            what = said(model, name, touched.records[each.first])
        _keep(found, code, records, what, each.veto or "", each.claim[1] if each.claim else "")
    for part in how.parts:
        one_branch = model.deepest(touched.records[key].class_name for key in part)
        if not one_branch and not class_said(part, touched.classes):
            _keep(found, FindingCode.CLASS_CONFLICT, part, "", "", "")
    for token in touched.newly_junk:
        holder = next(each for each in touched.records.values() if token in each.claims.values())
        name = next(name for name, each in holder.claims.items() if each == token)
        _keep(found, FindingCode.TOO_MANY_CLAIMANTS, (), said(model, name, holder), "", token)
    return list(found.values())


def parentless(model: Model, records: Iterable[Record]) -> list[IdentityFinding]:
    """Give the finding about each of these records, which name no parent and need one."""
    return [
        made(FindingCode.MISSING_PARENT, [(each.source, each.key)], _named_within(model, each.class_name))
        for each in records
    ]


def _named_within(model: Model, class_name: str) -> str:
    ways = []
    for each in model.classes[class_name].identifiers:
        if each.within:
            kind = model.relationships[each.within.type_name]
            ways.append(f"{kind.name if each.within.child_is_source else kind.inverse} {each.within.parent}")
    return f"{class_name} ({' or '.join(dict.fromkeys(ways))})"


def worded(finding: IdentityFinding) -> str:
    """Say a finding in a sentence that tells what to do."""
    records = ", ".join(":".join(each) for each in finding.records)
    match finding.code:
        case FindingCode.DUPLICATE_IDENTIFIER:
            why = "but a source would have two records of one thing, so they stay apart"
            told = f"{records} share {finding.what}, {why}. Correct the value, or `knockon keep-apart` them."
        case FindingCode.IDENTITY_VETO:
            why = f"but differ in {finding.veto}, which is stronger, so they stay apart"
            told = f"{records} share {finding.what}, {why}. If they are one thing, `knockon link` them."
        case FindingCode.CLASS_CONFLICT:
            why = "their sources see different classes in it; the strongest source counts"
            told = f"{records} are one thing, and {why}. Say which it is (`knockon classify`), "
            told += "correct a class, or `knockon keep-apart` what is not one."
        case FindingCode.LINK_CONFLICT:
            told = f"{records} are linked by one decision and kept apart by another; the latter counts. Take one back."
        case FindingCode.CONTAINMENT_CIRCLE:
            told = f"{finding.what} contain each other in a circle; take one CONTAINS of it away."
        case FindingCode.MISSING_PARENT:
            told = f"{records} is a {finding.what}, which only its parent tells from others, and names none. "
            told += "Load that relationship too, with the record's own key at its end."
        case FindingCode.PRESENT_AGAINST_STATUS | FindingCode.ABSENT_AGAINST_STATUS:
            told = f"{records}: {_difference(finding)}"
        case _:
            told = f"More than {JUNK} records have {finding.what}: it identifies nobody. Leave out what is no value."
    return told


def _difference(finding: IdentityFinding) -> str:
    if finding.code == FindingCode.PRESENT_AGAINST_STATUS:
        why = f"it is there, but its status is {finding.what}. Was it put into operation without a change?"
        return f"{why} Correct the status, or what is reported."
    why = f"it is {finding.what}, but no source that discovers such things sees it."
    return f"{why} Was it taken away without a change? Correct the status, or have it discovered."


def claim_of(finding: IdentityFinding) -> str | None:
    """Give the claim that a finding is about, in words."""
    return finding.what or None if finding.code in ABOUT_IDENTITY else None


def status_of(finding: IdentityFinding) -> str | None:
    """Give the status that a finding is about."""
    return finding.what if finding.code in ABOUT_PRESENCE else None


def as_seen(finding: IdentityFinding, model: Model, sight: Sight) -> IdentityFinding:
    """Leave the values out of a claim, or the status, where somebody may not read them, or may not read at all."""
    blind = not sight.principal.may(AccessScope.VIEWER)
    if status_of(finding):
        hidden = any(sight.hides(name, attribute) for name, (attribute, _) in model.statuses.items())
        return replace(finding, what="(redacted)") if blind or hidden else finding
    claim = claim_of(finding)
    if claim is None:
        return finding
    name = claim.partition(" ")[0]
    identifier = model.identifiers.get(name)
    if identifier is None:  # of an older model: nobody can say what its values are
        hidden = sight.hides("", name)
    else:
        hidden = any(sight.hides_below(identifier.declared_by, each) for each in identifier.by)
    return replace(finding, what=f"{name} (redacted)") if blind or hidden else finding


def said(model: Model, name: str, record: Record) -> str:
    """Say a claim in words: the identifier set and the values, without case as they are compared."""
    values = claimed(record.said, model.identifiers[name].by) or []
    return f"{name} {', '.join(map(str, values))}"


def made(code: FindingCode, records: Iterable[Key], what: str, veto: str = "", token: str = "") -> IdentityFinding:
    """Make a finding, named by its code, its records and its token."""
    about = tuple(records)
    content = orjson.dumps([code, token, [list(each) for each in about]])
    return IdentityFinding(hashlib.blake2b(content, digest_size=8).hexdigest(), code, about, what, veto, token)


def _keep(
    found: dict[str, IdentityFinding], code: FindingCode, records: Iterable[Key], what: str, veto: str, token: str
) -> None:
    finding = made(code, records, what, veto, token)
    found[finding.id] = finding
