"""What a change of records comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.rows import JournalEntry
from knockon.cmdb.reconciliation.relate import Related

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Entity, IdentityFinding, Record


@dataclass
class Reconciled:
    """Things by what became of them; ``related`` is what became of relationships by it."""

    created: int = 0
    updated: int = 0
    retired: int = 0
    unchanged: list[tuple[Record, str]] = field(default_factory=list)
    """Seen again as they are, each with when."""
    overtaken: int = 0
    """Of those, and of the ignored, the ones whose source has said something newer since, or elsewhere."""
    outdated: list[str] = field(default_factory=list)
    """Reports of another content that lost against something newer that their source has said."""
    ignored: int = 0
    """Reports that change nothing and do not say that the record was seen as it is."""
    as_they_were: set[tuple[str, str]] = field(default_factory=set)
    """Records that were written, of things that did not change."""
    entries: list[JournalEntry] = field(default_factory=list)
    stored: int = 0
    """Records written, and findings about parents."""
    findings: list[IdentityFinding] = field(default_factory=list)
    """About the things that changed, as they are now."""
    related: Related = field(default_factory=Related)

    def add(self, other: Reconciled) -> None:
        """Add what another change comes to."""
        self.created += other.created
        self.updated += other.updated
        self.retired += other.retired
        self.stored += other.stored
        self.ignored += other.ignored
        self.entries += other.entries
        self.findings += other.findings
        self.related.add(other.related)

    def forget_entries(self) -> None:
        """Leave the counts and let go of what is as large as the change: it is written."""
        self.entries.clear()
        self.related.entries.clear()
        self.related.read.clear()

    def note(self, old: Entity | None, new: Entity, merged_into: str | None) -> None:
        """Count and journal one thing."""
        lived = old is not None and not old.retired
        self.created += not lived and not new.retired
        self.updated += lived and not new.retired
        self.retired += lived and new.retired
        image = entity_image(new) | ({"merged_into": merged_into} if merged_into else {})
        self.entries.append(JournalEntry("entity", new.id, entity_image(old) if old else None, image))

    def as_written(self) -> tuple[Reconciled, list[JournalEntry], bool]:
        """Give it as a transaction takes it: the result, its journal entries, whether anything was written."""
        return self, [*self.entries, *self.related.entries], bool(self.stored or self.related.stored)


def entity_image(entity: Entity) -> dict[str, Any]:
    """Give what the journal keeps of an entity."""
    image = {
        "class": entity.class_name,
        "name": entity.name,
        "attributes": entity.attributes,
        "retired": entity.retired,
    }
    return image | ({"split_from": entity.split_from} if entity.split_from else {})
