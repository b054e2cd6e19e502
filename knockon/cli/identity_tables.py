"""Who is who, as tables that a tired person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.cli.tables import Out, print_table
from knockon.cmdb.identity.findings import worded
from knockon.cmdb.identity.joining import JUNK, Outcome
from knockon.schema.wording import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.cmdb.contract.rows import Decision, Entity, IdentityFinding
    from knockon.cmdb.identity.joining import Key, Meeting
    from knockon.cmdb.reconciliation.explaining import Explanation
    from knockon.cmdb.reconciliation.reconciled import Reconciled

_LISTED = 20
_WIDEST = 60


def print_explanation(found: Explanation) -> None:
    """Print why something is one thing, and whose word counts for each of its attributes."""
    out = Out()
    entity = found.entity
    say(out, f"{entity.class_name}:{entity.name}  ({entity.id})")
    if entity.split_from:
        say(out, f"Its records once belonged to {entity.split_from}, and split off.")
    rows = [
        (_record((heard.record.source, heard.record.key)), heard.record.class_name, _day(heard.seen), _claims(claims))
        for heard, claims in found.records
    ]
    print_table(out, "Records", ("record", "class", "seen", "claims to be"), rows)
    own = {(heard.record.source, heard.record.key) for heard, _ in found.records}
    inside = [each for each in found.meetings if {each.first, each.second} <= own]
    joins = [each for each in inside if each.outcome in (Outcome.JOINED, Outcome.LINKED)]
    _meetings(out, "How they came together", found, joins)
    _meetings(out, "Who stayed apart", found, [each for each in found.meetings if each not in inside])
    _print_decisions(out, found.decisions)
    _print_findings(out, found.findings)
    words = [
        (name, _short(entity.attributes.get(name)), _record((each.record.source, each.record.key)), _day(each.seen))
        for name, each in sorted(found.provenance.items())
    ]
    if words:
        print_table(out, "Whose word counts", ("attribute", "value", "record", "seen"), words)


def _meetings(out: Out, title: str, found: Explanation, meetings: Sequence[Meeting]) -> None:
    rows = [(_record(each.first), _record(each.second), _outcome(found, each)) for each in meetings[:_LISTED]]
    if rows:
        print_table(out, title, ("record", "and", "because"), rows)
    if len(meetings) > _LISTED:
        say(out, f"... and {len(meetings) - _LISTED} more: --json lists all.")


def _outcome(found: Explanation, each: Meeting) -> str:
    shared = f"both have {found.words[each.claim]}" if each.claim else "a person linked them"
    match each.outcome:
        case Outcome.KEPT_APART:
            return f"{shared}; a person keeps them apart"
        case Outcome.LINK_CONFLICT:
            return f"{shared}; another decision keeps them apart, and counts"
        case Outcome.DUPLICATE_IDENTIFIER:
            return f"{shared}; one source would have two records of one thing"
        case Outcome.IDENTITY_VETO:
            return f"{shared}; they differ in {each.veto}, which is stronger"
        case _:
            return shared


def _claims(claims: Sequence[dict[str, Any]]) -> str:
    junk = f" (more than {JUNK} have it: it identifies nobody)"
    return "\n".join(f"{each['claim']}{junk if each['junk'] else ''}" for each in claims) or "nothing"


def print_findings(
    found: Sequence[tuple[IdentityFinding, Sequence[Entity], Decision | None]], *, truncated: bool, outdated: bool
) -> None:
    """Print findings, each with the things that it is about and with what to do.

    ``outdated``: the model has changed since the store was written last.
    """
    out = Out()
    if not found:
        say(out, "Nothing to look at.")
    else:
        rows = [
            (each.id, each.code, "\n".join(f"{one.class_name}:{one.name}" for one in things), _told(each, decided))
            for each, things, decided in found
        ]
        print_table(out, "Findings", ("id", "code", "about", "what"), rows)
    if truncated:
        say(out, "There are more: --limit shows more, --code those of one kind.")
    if outdated:
        say(out, "The model has changed since: these are of the one before, until something is written or loaded.")


def _told(each: IdentityFinding, decided: Decision | None) -> str:
    if decided is None:
        return worded(each)
    why = f": {decided.reason}" if decided.reason else ""
    return f"Accepted by {decided.by}, {_day(decided.at)}{why}. Take it back: knockon take-back {decided.id}"


def _print_findings(out: Out, found: Sequence[IdentityFinding]) -> None:
    if found:
        print_table(out, "Findings", ("code", "what"), [(each.code, worded(each)) for each in found])


def print_decisions(found: Sequence[Decision]) -> None:
    """Print what people have decided."""
    out = Out()
    if not found:
        say(out, "Nobody has decided anything.")
    _print_decisions(out, found)


def _print_decisions(out: Out, found: Sequence[Decision]) -> None:
    """Print a line for each, not a table: an id is there to be copied."""
    if found:
        say(out, "Decisions")
    for each in found:
        back = f"; taken back by {each.taken_back}" if each.taken_back else ""
        why = f": {each.reason}" if each.reason else ""
        say(out, f"  {each.id}  {_decided(each)}, {each.by}, {_day(each.at)}{why}{back}")


def _decided(each: Decision, between: str = " ") -> str:
    """Say what a decision says."""
    match each.kind:
        case "class":
            return f"{_record(each.a)} is of class {each.b[1]}"
        case "right":
            return f"finding {each.a[1]} ({each.b[0]}) is right as it is"
        case _:
            kind = "link" if each.kind == "link" else "keep apart"
            return f"{kind} {_record(each.a)}{between}{_record(each.b)}"


def print_decided(decision: Decision, changes: Reconciled) -> None:
    """Print what became of a decision, or of taking one back."""
    out = Out()
    if decision.taken_back:
        say(out, f"Taken back: {_decided(decision, ' and ')}.")
    else:
        done = {"link": "are linked", "apart": "are kept apart"}.get(decision.kind)
        records = f"{_record(decision.a)} and {_record(decision.b)}"
        say(
            out,
            f"{f'{records} {done}' if done else _decided(decision)}. To take it back: knockon take-back {decision.id}",
        )
    say(out, changes_words(changes))
    _print_findings(out, changes.findings)


def changes_words(changes: Reconciled) -> str:
    """Say what became of things and relationships."""
    related = changes.related
    things = f"{changes.created} created, {changes.updated} updated, {changes.retired} retired"
    return (
        f"Things: {things}; "
        f"relationships: {related.created} created, {related.updated} updated, {related.retired} retired."
    )


def _record(key: Key) -> str:
    return ":".join(key)


def _day(moment: str) -> str:
    """Write a moment to the minute, in UTC."""
    return moment[:16].replace("T", " ")


def _short(value: Any) -> str:
    text = shown(value)
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."


def say(out: Out, text: str) -> None:
    """Print a sentence as it is."""
    out.print(text, markup=False, highlight=False, soft_wrap=True)
