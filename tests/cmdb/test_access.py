"""Who sees what: the policy on a small model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.access import LOCAL, AccessScope, Policy, Principal, Sight
from knockon.errors import BadUsage
from knockon.schema.build import build
from knockon.schema.spec import AttributeSpec, ClassSpec, ModelSpec, RelationshipSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

VIEWER, LOADER, OPERATOR, COORDINATOR, ADMINISTRATOR = AccessScope


def attribute(*, sensitive: bool = False) -> AttributeSpec:
    return AttributeSpec(type="string", description="x", sensitive=sensitive)


MODEL = build(
    ModelSpec(
        classes={
            "Entity": ClassSpec(description="x", abstract=True, attributes={"name": attribute(), "note": attribute()}),
            "Person": ClassSpec(
                description="x", is_a="Entity",
                attributes={"phone": attribute(sensitive=True), "email": attribute(sensitive=True)},
            ),
            "Employee": ClassSpec(description="x", is_a="Person", attributes={"desk": attribute()}),
            "Secret": ClassSpec(description="x", is_a="Entity", sensitive=True, attributes={"word": attribute()}),
            "TopSecret": ClassSpec(description="x", is_a="Secret", attributes={"more": attribute()}),
        },
        relationships={
            "KNOWS": RelationshipSpec(
                inverse="KNOWN_BY", description="x", ends=(("Entity", "Entity"),), impact="none", because="x",
                attributes={"since": attribute(), "how": attribute(sensitive=True)},
            )
        },
    )
)  # fmt: skip
ANN = {"name": "Ann", "phone": "1", "email": "2", "desk": "3", "note": None}


def sight(*scopes: AccessScope, readers: Mapping[str, list[AccessScope]] | None = None) -> Sight:
    return Policy(MODEL, readers).sight(Principal("ann", frozenset(scopes)))


def test_what_is_sensitive_is_the_administrators() -> None:
    viewer = sight(VIEWER)
    assert viewer.redacted("Employee", ANN) == ["email", "phone"]
    assert viewer.shown("Employee", ANN) == ANN | {"email": None, "phone": None}
    assert viewer.shown("Employee", {"name": "Bob", "desk": "1"}) == {"name": "Bob", "desk": "1"}
    assert (viewer.hides("KNOWS", "how"), viewer.hides("KNOWS", "since")) == (True, False)
    for everything in (sight(ADMINISTRATOR), sight(VIEWER, ADMINISTRATOR), Policy(MODEL).sight(LOCAL)):
        assert everything.shown("Employee", ANN) is ANN
        assert everything.redacted("Secret", {"word": "x"}) == []
    assert sight().redacted("Employee", ANN) == ["email", "phone"]


def test_a_class_that_is_sensitive_hides_all_but_its_name() -> None:
    values = {"name": "n", "note": "x", "word": "x", "more": "x"}
    assert sight(OPERATOR).redacted("TopSecret", values) == ["more", "note", "word"]
    assert sight(OPERATOR, readers={"Secret": [OPERATOR]}).redacted("TopSecret", values) == []
    assert sight(OPERATOR).redacted("Employee", {"note": "x"}) == []  # what the class inherits is sensitive in it only


def test_the_deepest_word_on_an_attribute_counts_then_that_on_a_class() -> None:
    readers = {"Person": [OPERATOR], "Person.phone": [COORDINATOR], "Employee.email": [VIEWER]}
    assert sight(OPERATOR, readers=readers).redacted("Person", ANN) == ["desk", "phone"]  # desk: none of a Person
    assert sight(OPERATOR, readers=readers).redacted("Employee", ANN) == ["phone"]
    assert sight(COORDINATOR, readers=readers).redacted("Employee", ANN) == []
    assert sight(VIEWER, readers=readers).redacted("Employee", ANN) == ["phone"]


def test_what_the_model_does_not_know_is_the_administrators() -> None:
    assert sight(OPERATOR).redacted("Gone", {"name": "n", "x": 1}) == ["x"]
    assert sight(OPERATOR).redacted("Employee", {"name": "n", "gone": 1}) == ["gone"]
    assert sight(OPERATOR).hides_some("Gone")
    assert not sight(ADMINISTRATOR).hides_some("Gone")


def test_nobody_asks_by_what_is_hidden_in_any_class_below() -> None:
    viewer = sight(VIEWER)
    assert viewer.hides_below("Entity", "note")  # it is hidden in Secret
    assert not viewer.hides_below("Person", "note")
    assert viewer.hides_below("Person", "phone")
    assert not viewer.hides_below("Entity", "name")
    assert viewer.hides_some("Person")
    assert not sight(OPERATOR, readers={"Person": [OPERATOR]}).hides_some("Person")


@pytest.mark.parametrize("name", ["Nobody", "Person.desk", "Person.nothing", "Employee.desk", "", "KNOWS.since", "."])
def test_readers_of_what_is_not_sensitive_are_a_mistake(name: str) -> None:
    with pytest.raises(BadUsage, match="sensitive"):
        Policy(MODEL, {name: [OPERATOR]})


@pytest.mark.parametrize("name", ["Person", "Entity", "Employee.phone", "KNOWS", "KNOWS.how", "TopSecret.note"])
def test_readers_of_what_is_sensitive_are_none(name: str) -> None:
    Policy(MODEL, {name: [OPERATOR]})
