"""Addresses in a container's environment and arguments, and the services that they mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knockon.loaders.kubernetes.estate import Estate
    from knockon.loaders.kubernetes.objects import Found
    from knockon.loaders.kubernetes.parts import Container

_HOST = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
_URL = re.compile(r"[a-z][a-z0-9+.-]{0,30}://([^/?#\s\"']+)", re.IGNORECASE)
_AUTHORITY = re.compile(rf"({_HOST})\.?(?::\d{{1,5}})?", re.IGNORECASE)
_HOST_AND_PORT = re.compile(rf"(?:^|[\s,;=@(\[\"'])({_HOST})\.?:(\d{{1,5}})(?=$|[\s,;/?)\]\"'])", re.IGNORECASE)
_QUALIFIED = re.compile(r"(?<![\w.-])([a-z0-9-]+(?:\.[a-z0-9-]+){1,2}\.svc(?:\.[a-z0-9-]+)*)(?![\w-])", re.IGNORECASE)
_ADDRESS_NAME = re.compile(r"(?:host(?:name)?|addr(?:ess)?|server|endpoint|ur[il])(?:e?s)?$", re.IGNORECASE)
_LONE_HOST = re.compile(rf"({_HOST})\.?", re.IGNORECASE)
_EXPANSION = re.compile(r"\$\(([A-Za-z0-9_.-]+)\)")


def declared_services(estate: Estate, speaker: Found) -> Iterator[Found]:
    """Yield the services at hand whose address a pod template declares, in the order of the template.

    A service may come more than once. One that leads to the template's own pods is left out: that is
    the workload's own address.
    """
    spec = speaker.shape.pod_spec
    for container in (*spec.containers, *spec.init_containers):
        for name, value in _settings(estate, speaker.namespace, container):
            for host, port in addresses(name, value):
                service = resolve(estate, host, speaker.namespace)
                if service is None or not service.shape.answers_at(port):
                    continue
                if service.namespace != speaker.namespace or not service.shape.selects(speaker.shape.labels):
                    yield service


def _settings(estate: Estate, namespace: str, container: Container) -> Iterator[tuple[str, str]]:
    """Yield a container's variables and arguments by name, with ``$(NAME)`` expanded as Kubernetes does."""
    values: dict[str, str] = {}
    for each in container.env_from:
        if each.config_map_ref and (found := estate.find("ConfigMap", namespace, each.config_map_ref.name)):
            values |= {each.prefix + name: value for name, value in found.shape.data.items()}
    for variable in container.env:
        value = variable.value
        if reference := variable.value_from.config_map_key_ref:
            found = estate.find("ConfigMap", namespace, reference.name)
            value = found.shape.data.get(reference.key, "") if found else ""
        values[variable.name] = _expanded(value, values)
    yield from values.items()
    for argument in (*container.command, *container.args):
        name, equals, value = _expanded(argument, values).partition("=")
        yield (name, value) if equals and name.startswith("-") else ("", argument)


def _expanded(text: str, values: dict[str, str]) -> str:
    return _EXPANSION.sub(lambda found: values.get(found[1], found[0]), text)


def addresses(name: str, value: str) -> Iterator[tuple[str, int | None]]:
    """Yield the hosts that a setting declares, each with a port where only the port makes it an address.

    URLs and names ending in ``.svc...`` are addresses wherever they stand. ``host:port`` could be an
    image and its tag, so the port is given for the caller to check, unless the setting's name says
    that it is an address, as REDIS_ADDR does; then a lone host counts too.
    """
    is_address = _ADDRESS_NAME.search(name) is not None
    for authority in _URL.findall(value):
        for part in authority.rpartition("@")[2].split(","):
            if found := _AUTHORITY.fullmatch(part):
                yield found[1], None
    for host in _QUALIFIED.findall(value):
        yield host, None
    for host, port in _HOST_AND_PORT.findall(value):
        yield host, None if is_address else int(port)
    if is_address:
        for part in re.split(r"[\s,;]+", value):
            if found := _LONE_HOST.fullmatch(part):
                yield found[1], None


def resolve(estate: Estate, host: str, namespace: str) -> Found | None:
    """Find the service that a host name means in a namespace, as the cluster's own name service does."""
    labels = host.lower().split(".")
    readings = [(namespace, labels[0])] if len(labels) == 1 else []
    if len(labels) == 2 or labels[2:3] == ["svc"]:  # noqa: PLR2004 - service.namespace
        readings.append((labels[1], labels[0]))
    for readable in readings:
        if found := estate.find("Service", *readable):
            return found
    if len(labels) > 1:  # pod.service: a member of a StatefulSet behind its headless service
        behind = labels[2] if len(labels) > 2 else namespace  # noqa: PLR2004 - pod.service.namespace
        found = estate.find("Service", behind, labels[1])
        if found and found.shape.spec.cluster_ip == "None":
            return found
    return None
