"""Before-images: what one write changed of what sources say, kept beside the journal so that it can be taken back.

The journal tells what became of the estate; images tell what was said. Both are needed: the same estate can follow from
different words, and only the words can be taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import orjson

from knockon.cmdb.contract.rows import EdgeRecordKey, Record

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from knockon.cmdb.contract.rows import EdgeRecord, Scope


class Image(NamedTuple):
    """What something was before a write, and what tells whether it is still what that write made of it.

    ``seen``: it was only seen again. ``before`` is None where there was nothing. Both are plain JSON values, in
    the order in which the functions below give them; ``after`` leaves out class and attributes: the digest stands for
    them.
    """

    kind: Literal["record", "edge", "scope", "seen", "edge_seen"]
    key: tuple[str, ...]
    before: list[Any] | None
    after: list[Any]


@dataclass(frozen=True, slots=True)
class ImagePart:
    """The images of one ``put_images``. Identity: (revision, part), counted from 1 in each revision."""

    revision: int
    part: int
    images: tuple[Image, ...]


_LENGTHS = {"record": (9, 7), "edge": (5, 4), "scope": (3, 3), "seen": (1, 2), "edge_seen": (1, 2)}


def is_sound(image: Image) -> bool:
    """Tell whether an image out of a foreign file has the parts that its kind has."""
    before, after = _LENGTHS[image.kind]
    key = 5 if "edge" in image.kind else 2
    return len(image.key) == key and len(image.after) == after and len(image.before or range(before)) == before


def record_image(old: Record | None, seen: str, new: Record) -> Image:
    """Give the image of a record that changes; ``seen`` is when the old one was last seen, with its scope."""
    before = [old.class_name, old.attributes, *_record_state(old, seen)] if old and old.digest else None
    return Image("record", (new.source, new.key), before, _record_state(new, new.seen))


def _record_state(record: Record, seen: str) -> list[Any]:
    registers = {name: list(each) for name, each in record.registers.items()}
    latest = list(record.latest) if record.latest else None
    return [seen, record.digest, record.whole, record.scope, record.present, registers, latest]


def edge_record_image(old: EdgeRecord | None, seen: str, new: EdgeRecord) -> Image:
    """Give the image of an edge record that changes; ``seen`` as above."""
    before = [old.attributes, seen, old.digest, old.scope, old.present] if old and old.digest else None
    return Image("edge", new.key, before, [new.seen, new.digest, new.scope, new.present])


def seen_image(key: tuple[str, ...], digest: str, before: str, seen: str) -> Image:
    """Give the image of an unchanged record, by (source, key), or edge record, by its key, that was seen again."""
    return Image("seen" if len(key) == 2 else "edge_seen", key, [before], [seen, digest])  # noqa: PLR2004 - said above


def scope_image(old: Scope, new: Scope) -> Image:
    """Give the image of what is known of a scope."""
    return Image("scope", (new.source, new.name), scope_state(old), scope_state(new))


def scope_state(scope: Scope) -> list[Any]:
    """Give what is known of a scope as JSON values; keys of records are texts, those of edge records lists."""
    keys = sorted(scope.rejected, key=lambda each: (isinstance(each, tuple), each))
    return [scope.seen, scope.complete, [list(each) if isinstance(each, tuple) else each for each in keys]]


def rejected_of(keys: list[Any]) -> frozenset[str | EdgeRecordKey]:
    """Read back the keys of ``scope_state``."""
    return frozenset(each if isinstance(each, str) else EdgeRecordKey(*each) for each in keys)


def images_text(images: Sequence[Image]) -> bytes:
    """Give images as JSON text."""
    return orjson.dumps(images, default=tuple)


def images_of(text: bytes | str) -> list[Image]:
    """Read them back."""
    return [Image(kind, tuple(key), before, after) for kind, key, before, after in orjson.loads(text)]


def without_records(images: Sequence[Image], keys: Collection[tuple[str, str]]) -> list[Image] | None:
    """Give images without those of these records; None where there are none of them."""
    kept = [each for each in images if each.kind != "record" or each.key not in keys]
    return kept if len(kept) < len(images) else None
