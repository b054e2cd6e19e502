"""Before-images in the embedded store: those of one ``put_images`` are one compressed value."""

# ruff: noqa: D103 - what each promises stands in the contract

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from knockon.cmdb.contract.images import ImagePart, images_of, images_text, without_records

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Sequence

    from knockon.cmdb.contract.images import Image

TABLES = (
    """CREATE TABLE image (
        revision INTEGER NOT NULL, part INTEGER NOT NULL, said BLOB NOT NULL, PRIMARY KEY (revision, part))""",
)

PUT_IMAGES = "INSERT INTO image VALUES (?1, 1 + (SELECT count(*) FROM image WHERE revision = ?1), ?2)"

PARTS = "i.revision, i.part, i.said"

IMAGES = "SELECT said FROM image WHERE revision = ? ORDER BY part"

FORGET_IMAGES = "DELETE FROM image WHERE revision <= ?"


def put_images(connection: sqlite3.Connection, revision: int, rows: Sequence[Image]) -> None:
    if rows:
        connection.execute(PUT_IMAGES, [revision, _packed(rows)])


def images(connection: sqlite3.Connection, revision: int) -> list[Image]:
    return [each for (said,) in connection.execute(IMAGES, [revision]) for each in _unpacked(said)]


def part_of(row: tuple[int, int, bytes]) -> ImagePart:
    revision, part, said = row
    return ImagePart(revision, part, tuple(_unpacked(said)))


def part_row(part: ImagePart) -> tuple[int, int, bytes]:
    return part.revision, part.part, _packed(part.images)


def forget_images(connection: sqlite3.Connection, until: int) -> None:
    connection.execute(FORGET_IMAGES, [until])


def redact_images(connection: sqlite3.Connection, keys: Collection[tuple[str, str]]) -> None:
    """Drop the images of records; no index leads to them, so this looks at every image."""
    for revision, part in connection.execute("SELECT revision, part FROM image").fetchall():
        place = [revision, part]
        ((said,),) = connection.execute("SELECT said FROM image WHERE revision = ? AND part = ?", place)
        kept = without_records(_unpacked(said), keys)
        if kept is not None:
            connection.execute("UPDATE image SET said = ? WHERE revision = ? AND part = ?", [_packed(kept), *place])


def _packed(rows: Sequence[Image]) -> bytes:
    return zlib.compress(images_text(rows), 1)


def _unpacked(said: bytes) -> list[Image]:
    return images_of(zlib.decompress(said))
