"""From documents to Kubernetes objects: lists are opened, kinds told apart, malformed objects rejected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from knockon.errors import RejectCode
from knockon.loaders.kubernetes.shapes import SHAPES, Pod
from knockon.schema.observation import Reject, Skipped
from knockon.schema.wording import worded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from knockon.loaders.inputs import Document

_CLUSTER_SCOPED = frozenset({"Node", "Namespace", "PersistentVolume"})
_SAME_KINDS = {"extensions": ("apps", "networking.k8s.io")}  # where an old API group's kinds are today
_FINISHED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Found:
    """One well-formed object and where it stands. ``namespace`` is empty for what stands above namespaces."""

    kind: str
    namespace: str
    shape: Any
    location: str

    @property
    def name(self) -> str:
        return str(self.shape.metadata.name)

    @property
    def key(self) -> str:
        return key(self.kind, self.namespace, self.name)


def key(kind: str, namespace: str, name: str) -> str:
    """Give the native key: ``Kind/namespace/name``, or ``Kind/name`` for what stands above namespaces."""
    return f"{kind}/{namespace}/{name}" if namespace and kind not in _CLUSTER_SCOPED else f"{kind}/{name}"


def read_objects(documents: Iterable[Document]) -> tuple[list[Found], list[Reject | Skipped]]:
    """Read every object; what is malformed or of another kind comes second."""
    found: list[Found] = []
    others: list[Reject | Skipped] = []
    for document in documents:
        for value, version, kind, path in _opened(document.value, "", "", ()):
            item = _object(value, version, kind, document.location(*path))
            if isinstance(item, Found):
                found.append(item)
            else:
                others.append(item)
    return found, others


def _opened(
    value: Any, version: str, kind: str, path: tuple[str | int, ...]
) -> Iterator[tuple[Any, str, str, tuple[str | int, ...]]]:
    """Yield the objects of a document; items of a PodList say neither kind nor apiVersion, the list does."""
    if isinstance(value, dict):
        version = value["apiVersion"] if isinstance(value.get("apiVersion"), str) else version
        kind = value["kind"] if isinstance(value.get("kind"), str) else kind
        items = value.get("items", ())
        if kind.endswith("List") and "items" in value and (items is None or isinstance(items, list)):
            for position, item in enumerate(items or ()):
                yield from _opened(item, version, kind.removesuffix("List"), (*path, "items", position))
            return
    yield value, version, kind, path


def _object(value: Any, version: str, kind: str, location: str) -> Found | Reject | Skipped:
    if not isinstance(value, dict) or not kind:
        message = "A Kubernetes object is a mapping with apiVersion, kind and metadata."
        return Reject(RejectCode.MALFORMED_RECORD, message, location, value, format="kubernetes")
    group = version.rpartition("/")[0]
    shape = next((SHAPES[g, kind] for g in _SAME_KINDS.get(group, (group,)) if (g, kind) in SHAPES), None)
    if shape is None:
        foreign = any(kind == known for _, known in SHAPES)
        return Skipped(f"{kind}.{group}" if foreign and group else kind, location)
    try:
        read = shape.model_validate(value)
    except ValidationError as error:
        return _rejected(error, kind, value, location)
    if isinstance(read, Pod) and read.status.phase in _FINISHED:
        return Skipped("Pod (finished)", location)
    namespace = "" if kind in _CLUSTER_SCOPED else read.metadata.namespace or "default"
    return Found(kind, namespace, read, location)


def _rejected(error: ValidationError, kind: str, value: Any, location: str) -> Reject:
    first, *others = error.errors()
    place, words = first["loc"], worded(first)
    if any(other["loc"] == (*place[:-1], "str") for other in others) and place[-1] == "int":
        place, words = place[:-1], "must be text or an integer"  # pydantic's last step names a branch of a union
    nameless = place in (("metadata",), ("metadata", "name"))
    code = RejectCode.MISSING_IDENTIFIER if nameless else RejectCode.MALFORMED_RECORD
    path = ".".join(map(str, place))
    return Reject(code, f"{kind} {path} {words}.", location, value, format="kubernetes")
