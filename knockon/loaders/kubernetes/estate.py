"""All objects of one load, found by kind, by key and by namespace."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from knockon.loaders.kubernetes.objects import Found, key
from knockon.loaders.kubernetes.shapes import SHAPES, WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.loaders.kubernetes.parts import Owner

_WORKLOAD_KINDS = tuple(kind for _, kind in WORKLOADS)
_NO_CONTROLLERS = {kind for _, kind in SHAPES} - set(_WORKLOAD_KINDS)


class Estate:
    """The objects of the cluster ``name``, in the order of the files; the first of two with one key counts."""

    def __init__(self, name: str, found: Iterable[Found]) -> None:
        self.name = name
        self.all = list(found)
        self._by_kind: dict[str, dict[str, Found]] = defaultdict(dict)
        for each in self.all:
            self._by_kind[each.kind].setdefault(each.key, each)

    @property
    def cluster_key(self) -> str:
        return key("KubernetesCluster", "", self.name)

    def of(self, *kinds: str) -> list[Found]:
        """Give the objects of these kinds."""
        return [each for kind in kinds for each in self._by_kind[kind].values()]

    def find(self, kind: str, namespace: str, name: str) -> Found | None:
        """Find one object."""
        return self._by_kind[kind].get(key(kind, namespace, name))

    @cached_property
    def workloads(self) -> list[Found]:
        return self.of(*_WORKLOAD_KINDS)

    @cached_property
    def namespaces(self) -> list[str]:
        """Names of all namespaces: those described, and those that something is in."""
        described = {each.name for each in self.of("Namespace")}
        return sorted(described | {each.namespace for each in self.all if each.namespace})

    @cached_property
    def spokesmen(self) -> list[Found]:
        """Those whose pod template says what is needed: workloads and pods that no workload at hand controls."""
        return [each for each in (*self.workloads, *self.of("Pod")) if self._controller(each) is None]

    def spokesman(self, each: Found) -> Found:
        """Give the topmost workload at hand that controls an object; the object itself if none does."""
        passed = {each.key}
        while (above := self._controller(each)) and above.key not in passed:  # malformed owners may form a circle
            passed.add(above.key)
            each = above
        return each

    def _controller(self, each: Found) -> Found | None:
        owner = controller(each)
        return self.find(owner.kind, each.namespace, owner.name) if owner else None


def controller(each: Found) -> Owner | None:
    """Give the owner that controls a pod or a workload: a workload, or something that is not read here.

    A node only lends static pods its name, and other kinds that are read, such as a service, run no pods.
    """
    owners = each.shape.metadata.owner_references
    controlling = [owner for owner in owners if owner.controller] or (owners if len(owners) == 1 else ())
    return next((owner for owner in controlling if owner.kind not in _NO_CONTROLLERS), None)
