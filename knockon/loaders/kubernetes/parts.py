"""What Kubernetes objects of several kinds have in common: metadata, selectors, pod templates.

Field names are the API's, in snake case; fields that are not read are ignored. YAML scalars come as
text and are given their types here.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel


class Shape(BaseModel):
    """A part of an object. Null means absent, as the API server writes it."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data


class Owner(Shape):
    api_version: str = ""
    kind: str
    name: str
    controller: bool = False


class Metadata(Shape):
    name: str = Field(min_length=1)
    namespace: str = ""
    uid: str | None = None
    labels: dict[str, str] = {}
    owner_references: tuple[Owner, ...] = ()


class Requirement(Shape):
    key: str
    operator: str
    values: tuple[str, ...] = ()


class LabelSelector(Shape):
    match_labels: dict[str, str] = {}
    match_expressions: tuple[Requirement, ...] = ()

    def matches(self, labels: dict[str, str]) -> bool:
        """Tell whether all its requirements hold; an empty selector matches everything."""
        return self.match_labels.items() <= labels.items() and all(_holds(r, labels) for r in self.match_expressions)


def _holds(requirement: Requirement, labels: dict[str, str]) -> bool:
    value = labels.get(requirement.key)
    if requirement.operator == "In":
        return value in requirement.values
    if requirement.operator == "NotIn":
        return value not in requirement.values
    return (value is not None) == (requirement.operator == "Exists")


class KeyReference(Shape):
    name: str = ""
    key: str = ""


class ValueSource(Shape):
    config_map_key_ref: KeyReference | None = None


class Variable(Shape):
    name: str
    value: str = ""
    value_from: ValueSource = ValueSource()


class VariableSource(Shape):
    prefix: str = ""
    config_map_ref: KeyReference | None = None


class Container(Shape):
    image: str | None = None
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[Variable, ...] = ()
    env_from: tuple[VariableSource, ...] = ()


class Claim(Shape):
    claim_name: str


class Volume(Shape):
    persistent_volume_claim: Claim | None = None


class PodSpec(Shape):
    node_name: str = ""
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()

    @property
    def images(self) -> list[str]:
        return sorted({each.image for each in (*self.containers, *self.init_containers) if each.image})


class Labels(Shape):
    labels: dict[str, str] = {}


class PodTemplate(Shape):
    metadata: Labels = Labels()
    spec: PodSpec = PodSpec()
