"""Kubernetes objects: manifests, ``kubectl get -o json`` and API lists (docs/reference/kubernetes.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.loaders.kubernetes.entities import entities
from knockon.loaders.kubernetes.estate import Estate
from knockon.loaders.kubernetes.objects import read_objects
from knockon.loaders.kubernetes.relations import relationships

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.loaders.inputs import Document
    from knockon.schema.observation import Item


def recognises(value: dict[str, Any]) -> bool:
    """Tell whether a document is a Kubernetes object or a list of them."""
    return "apiVersion" in value and "kind" in value


def read(documents: Iterable[Document], source: str) -> list[Item]:
    """Give what the objects say of the cluster ``source``: rejects and skipped first, entities before relationships."""
    found, others = read_objects(documents)
    estate = Estate(source, found)
    return [*others, *entities(estate), *relationships(estate)]
