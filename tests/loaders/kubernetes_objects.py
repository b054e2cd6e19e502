"""Small Kubernetes objects written for the purpose of a test, and what the loader makes of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.loaders.reading import check_against_model, edges, entities, read_all, write

if TYPE_CHECKING:
    from pathlib import Path

    from knockon.loaders import Reading
    from knockon.schema.observation import EntityObservation

Object = dict[str, Any]


def thing(kind: str, name: str, version: str = "v1", namespace: str | None = "shop", **more: Any) -> Object:
    labels, owners = more.pop("labels", None), more.pop("owners", None)
    metadata = {"name": name, "namespace": namespace, "labels": labels, "ownerReferences": owners}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def deployment(name: str, *containers: Object, kind: str = "Deployment", **more: Any) -> Object:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": list(containers), **more.pop("pod", {})}}
    return thing(kind, name, "apps/v1", spec={"template": template, **more.pop("spec", {})}, **more)


def container(*env: tuple[str, str], **more: Any) -> Object:
    return {"name": "c", "env": [{"name": name, "value": value} for name, value in env], **more}


def service(name: str, *ports: int, **more: Any) -> Object:
    spec = {"selector": {"app": name}, "ports": [{"port": port} for port in ports], **more.pop("spec", {})}
    return thing("Service", name, spec=spec, **more)


def owner(kind: str, name: str, *, controller: bool | None = True) -> list[Object]:
    return [{"apiVersion": "v1", "kind": kind, "name": name, "uid": "u", "controller": controller}]


def load(folder: Path, *objects: Any) -> Reading:
    reading = read_all(
        write(folder, "all.json", json.dumps({"kind": "List", "apiVersion": "v1", "items": objects})), source="c"
    )
    check_against_model(reading)
    return reading


def entity(reading: Reading, key: str) -> EntityObservation:
    return next(each for each in entities(reading) if each.key == key)


def targets(reading: Reading, kind: str, start: str) -> set[str]:
    return {end for begin, end in edges(reading, kind) if begin == start}
