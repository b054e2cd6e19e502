"""Before-images in Neo4j: those of one ``put_images`` are one ``_Image`` node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from knockon.cmdb.contract.images import ImagePart, images_of, images_text, without_records
from knockon.cmdb.stores.neo4j.cypher import run

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from knockon.cmdb.contract.images import Image
    from knockon.cmdb.stores.neo4j.cypher import Transaction

PUT_IMAGES: LiteralString = """
OPTIONAL MATCH (i:_Image {n: $revision})
WITH count(i) AS before
CREATE (:_Image {k: $revision + '/' + (before + 1), n: $revision, part: before + 1, said: $said})"""

IMAGES: LiteralString = "MATCH (i:_Image {n: $revision}) WITH i ORDER BY i.part RETURN i.said"

PLACES: LiteralString = "MATCH (i:_Image) RETURN i.n, i.part"

PART: LiteralString = "MATCH (i:_Image {n: $revision}) WHERE i.part = $part RETURN i.said"

REWRITE: LiteralString = "MATCH (i:_Image {n: $revision}) WHERE i.part = $part SET i.said = $said"

FORGET_IMAGES: LiteralString = "MATCH (i:_Image) WHERE i.n <= $until DELETE i"


async def put_images(tx: Transaction, revision: int, rows: Sequence[Image]) -> None:
    """Keep images with a revision."""
    if rows:
        await run(tx, PUT_IMAGES, {"revision": revision, "said": images_text(rows).decode()})


async def images(tx: Transaction, revision: int) -> list[Image]:
    """Read the images of a revision."""
    return [each for (said,) in await run(tx, IMAGES, {"revision": revision}) for each in images_of(said)]


def to_part(kept: dict[str, Any]) -> ImagePart:
    """Read the images of one node."""
    return ImagePart(kept["n"], kept["part"], tuple(images_of(kept["said"])))


def part_properties(part: ImagePart) -> dict[str, Any]:
    """Give the properties of the node of some images."""
    said = images_text(part.images).decode()
    return {"k": f"{part.revision}/{part.part}", "n": part.revision, "part": part.part, "said": said}


async def forget_images(tx: Transaction, until: int) -> None:
    """Drop the images of revisions up to one."""
    await run(tx, FORGET_IMAGES, {"until": until})


async def redact_images(tx: Transaction, keys: Collection[tuple[str, str]]) -> None:
    """Drop the images of records; no index leads to them, so this looks at every image."""
    for revision, part in await run(tx, PLACES, {}):
        place = {"revision": revision, "part": part}
        ((said,),) = await run(tx, PART, place)
        kept = without_records(images_of(said), keys)
        if kept is not None:
            await run(tx, REWRITE, place | {"said": images_text(kept).decode()})
