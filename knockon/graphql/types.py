"""The model's classes as GraphQL types.

Every class is a type of its own name: an interface if it is abstract, else an object type. A concrete
class that others inherit from (Cluster, of which KubernetesCluster is one) has the interface
``AnyCluster`` beside it, for where either may stand.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from strawberry import ID
from strawberry.scalars import JSON

from knockon.errors import ModelInvalid
from knockon.graphql.definitions import listed, maybe, plain, sighted
from knockon.graphql.scalars import described, snake_to_camel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from strawberry.types.field import StrawberryField

    from knockon.cmdb.access import Sight
    from knockon.cmdb.contract.rows import Entity
    from knockon.graphql.definitions import Definitions, GraphQLType, Plain, Sighted
    from knockon.graphql.scalars import AttributeTypes
    from knockon.schema.model import Attribute, Model

ROOT = "Entity"
"""The class that every other inherits from."""


class NodeTypes:
    """The types of all classes, without their fields at first."""

    def __init__(self, definitions: Definitions, model: Model, attributes: AttributeTypes) -> None:
        self._definitions = definitions
        self._model = model
        self._attributes = attributes
        self._interfaces: dict[str, type] = {}
        self._objects: dict[str, type] = {}
        self._own = _own_fields()
        self._shared: dict[tuple[str, str], Plain | Sighted] = {}
        self.node = definitions.interface(
            "Node", "What has an id, as Relay has it.", implements=(), resolve_type=_class_of
        )
        definitions.fill(self.node, [each for each in self._own if each.python_name == "id"])
        for name in sorted(model.classes, key=lambda each: model.classes[each].depth):
            self._declare(name)

    def of(self, class_name: str) -> type:
        """Give the type that stands for a class and everything below it."""
        return self._interfaces.get(class_name) or self._objects[class_name]

    def nearest_common(self, class_names: Collection[str]) -> type:
        """Give the type of the deepest class that all of these are or inherit from."""
        lineages = [self._model.classes[name].lineage for name in class_names]
        shared = reduce(lambda one, other: one & other, (set(lineage) for lineage in lineages))
        if not shared:
            raise ModelInvalid(f"{', '.join(sorted(class_names))} have no class in common; let them inherit from one.")
        return self.of(max(shared, key=lambda name: self._model.classes[name].depth))

    def fill(self, more: dict[str, list[StrawberryField]]) -> None:
        """Give all types their fields: the attributes, and by class ``more`` ones, which subclasses inherit."""
        for name, each in self._model.classes.items():
            fields: list[StrawberryField] = [*self._own, *self._attribute_fields(name)]
            fields += [field for ancestor in each.lineage for field in more.get(ancestor, ())]
            for type_ in self._both(name):
                self._definitions.fill(type_, fields)

    def _both(self, name: str) -> Iterable[GraphQLType]:
        return [found[name] for found in (self._interfaces, self._objects) if name in found]

    def _declare(self, name: str) -> None:
        each = self._model.classes[name]
        above = [*(self._interfaces[ancestor] for ancestor in each.lineage[1:]), self.node]
        below = len(self._model.concrete(name)) > (not each.abstract)
        if each.abstract or below:
            shown = name if each.abstract else f"Any{name}"
            description = each.spec.description if each.abstract else f"{name}, or a class below it."
            self._interfaces[name] = self._definitions.interface(
                shown, description, implements=above, resolve_type=_class_of
            )
            above = [self._interfaces[name], *above]
        if not each.abstract:
            self._objects[name] = self._definitions.object(
                name, each.spec.description, implements=above, is_type_of=lambda entity, _: entity.class_name == name
            )

    def _attribute_fields(self, class_name: str) -> list[Plain | Sighted]:
        """Make fields of attributes; one object serves all classes that inherit it."""
        fields = []
        for name in self._model.classes[class_name].attributes:
            if name == "name":
                continue  # the entity's own name is this attribute, or stands in for it
            attribute = first_declared(self._model, class_name, name)
            key = (attribute.declared_by, name)
            if key not in self._shared:
                type_ = self._attributes.of(attribute, attribute.declared_by)
                below = (self._model.classes[each].attributes for each in self._model.concrete(attribute.declared_by))
                hideable = any(each[name].spec.sensitive for each in below)
                self._shared[key] = attribute_field(attribute, type_, hideable=hideable)
            fields.append(self._shared[key])
        return fields


def first_declared(model: Model, class_name: str, attribute: str) -> Attribute:
    """Give an attribute as the highest class declares it: what it is to an interface it is to all below."""
    lineage = (model.classes[name].attributes for name in reversed(model.classes[class_name].lineage))
    return next(each[attribute] for each in lineage if attribute in each)


def _own_fields() -> list[StrawberryField]:
    """Make the fields that every entity has."""
    return [
        plain("id", ID, lambda entity: entity.id, "The same on the command line, in files and here."),
        plain("class", str, lambda entity: entity.class_name, "Its class in the model."),
        plain("name", str, lambda entity: entity.name, "What people call it; its key where it has no name."),
        plain(
            "revision",
            int,
            lambda entity: entity.revision,
            "The revision that last changed it, or in the past a later one; mutations take it as expectedRevision.",
        ),
        sighted(
            "attributes",
            JSON,
            lambda entity, sight: sight.shown(entity.class_name, entity.attributes),
            "All attributes, by their names in files; null where redacted.",
        ),
        sighted(
            "redacted",
            listed(str),
            lambda entity, sight: sight.redacted(entity.class_name, entity.attributes),
            "The attributes that have a value which you may not read, by their names in files.",
        ),
    ]


def attribute_field(attribute: Attribute, type_: GraphQLType, *, hideable: bool) -> Plain | Sighted:
    """Make the field of an attribute of an entity; ``hideable`` is one that is sensitive in a class that has it."""
    name = attribute.name
    if not hideable:
        return plain(
            snake_to_camel(name), maybe(type_), lambda entity: entity.attributes.get(name), described(attribute.spec)
        )

    def see(entity: Entity, sight: Sight) -> Any:
        return None if sight.hides(entity.class_name, name) else entity.attributes.get(name)

    return sighted(snake_to_camel(name), maybe(type_), see, described(attribute.spec))


def _class_of(entity: Entity, _info: Any, _abstract: Any) -> str:
    return entity.class_name
