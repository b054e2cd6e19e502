"""An observation that was taken: valid, dated, and with a digest of what it says."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import orjson

from knockon.cmdb.contract.rows import EdgeRecordKey
from knockon.schema.immutable import immutable
from knockon.schema.observation import EntityObservation, RelationshipObservation

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import EdgeRecord

Said = TypeVar("Said", EntityObservation, RelationshipObservation)


@immutable
class Taken(Generic[Said]):
    """An observation that was taken: when it was seen, and the digest of what it says."""

    said: Said
    seen: str
    digest: str

    @property
    def age(self) -> tuple[str, str]:
        """Of two that speak of one key, the greater counts."""
        return self.seen, self.digest

    def is_news(self, old: EdgeRecord, seen: str, scope: str) -> bool:
        """Tell whether this beats what is known of the same relationship, last seen at ``seen``.

        Other content does if its ``(seen, digest)`` is newer; the same content if it is newer and stands in another
        scope, or had been withdrawn. Of one moment, the scope of the greater name holds it.
        """
        if self.digest != old.digest:
            return (self.seen, self.digest) > (seen, old.digest)
        return (self.seen > seen and not (old.present and old.scope == scope)) or (
            self.seen == seen and scope > old.scope
        )


def digest(*content: Any) -> str:
    """Give a short hash of JSON values that does not depend on the order of keys."""
    return _hash(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))


@lru_cache(maxsize=1_000)
def _hash(content: bytes) -> str:
    """Give the hash of what is said; of most relationships the same is said."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def edge_record_key(said: RelationshipObservation) -> EdgeRecordKey:
    """Give the identity under which what a source says of a relationship is kept."""
    group = said.attributes.get("redundancy_group") or ""
    return EdgeRecordKey(said.source, said.type_name, said.from_ref, said.to_ref, group)
