from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knockon.errors import RejectCode
from knockon.schema import validate
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation, Reject, RelationshipObservation
from knockon.schema.validate import MAX_KEY

MODEL = installed_model()


def thing(class_name: Any, key: Any = "k", **attributes: Any) -> EntityObservation | Reject:
    record = {"class": class_name, "key": key, **attributes}
    return validate.entity(
        MODEL, EntityObservation("s", key, class_name, attributes, "2026-11-01T08:00:00Z", "line 3", record)
    )


def link(from_ref: Any, type_name: Any, to_ref: Any, **attributes: Any) -> RelationshipObservation | Reject:
    return validate.relationship(
        MODEL, RelationshipObservation("s", type_name, from_ref, to_ref, attributes, None, "/relationships/7", {"x": 1})
    )


def test_an_entity_gets_its_types_and_loses_what_is_none() -> None:
    typed = thing("Server", 7, name="esx-1", serial_number=12, rack_unit="3", ip_addresses="10.0.0.1", model=None)
    assert typed == EntityObservation(
        "s", "7", "Server",
        {"name": "esx-1", "serial_number": "12", "rack_unit": 3, "ip_addresses": ["10.0.0.1"]},
        "2026-11-01T08:00:00Z", "line 3",
    )  # fmt: skip
    assert isinstance(typed, EntityObservation)
    assert typed.record["rack_unit"] == "3"  # the record stays as it came


@pytest.mark.parametrize("blank", ["", " ", "\t \u00a0", None])
@pytest.mark.parametrize("attribute", ["name", "serial_number", "rack_unit", "description", "ip_addresses"])
def test_a_blank_says_nothing(attribute: str, blank: str | None) -> None:
    typed = thing("Server", **{attribute: blank})
    assert isinstance(typed, EntityObservation)
    assert typed.attributes == {}
    edge = link("a", "DEPENDS_ON", "b", redundancy_group=blank, weight=blank)
    assert isinstance(edge, RelationshipObservation)
    assert edge.attributes == {}


def test_a_blank_is_not_what_is_required() -> None:
    reject = thing("Calendar", duration="PT8H", rrule="FREQ=DAILY", time_zone="  ")
    assert isinstance(reject, Reject)
    assert reject.code is RejectCode.MISSING_ATTRIBUTE


def test_defaults_are_not_filled_in() -> None:
    typed = thing("Incident", name="no mail")
    assert isinstance(typed, EntityObservation)
    assert typed.attributes == {"name": "no mail"}


@pytest.mark.parametrize(
    ("observed", "code", "words"),
    [
        (thing("Sever"), "UNKNOWN_CLASS", "'Sever'; did you mean Server?"),
        (thing("Flying carpet"), "UNKNOWN_CLASS", "'Flying carpet'"),
        (thing("server"), "UNKNOWN_CLASS", "did you mean Server?"),
        (thing(None), "UNKNOWN_CLASS", "no class is given"),
        (thing(["Server"]), "UNKNOWN_CLASS", "Server"),
        (thing("PowerSource"), "ABSTRACT_CLASS", "PDU"),
        (thing("Server", ""), "MISSING_IDENTIFIER", "no key"),
        (thing("Server", "  "), "MISSING_IDENTIFIER", "no key"),
        (thing("Server", None), "MISSING_IDENTIFIER", "no key"),
        (thing("Server", {"a": 1}), "MALFORMED_REFERENCE", "key is not text"),
        (thing("Server", "a\nb"), "MALFORMED_REFERENCE", "key has a control character"),
        (thing("Server", "x" * (MAX_KEY + 1)), "MALFORMED_REFERENCE", "longer"),
        (thing("Server", serial_nr=1), "UNKNOWN_ATTRIBUTE", "'serial_nr'; did you mean serial_number?"),
        (thing("Server", serial_nr=None), "UNKNOWN_ATTRIBUTE", "'serial_nr'"),
        (thing("Server", rack_unit="1.5"), "TYPE_MISMATCH", "Server.rack_unit: '1.5' is not an integer."),
        (thing("Workload", min_up="0%"), "TYPE_MISMATCH", "Workload.min_up: '0%' does not match"),
        (thing("Workload", min_up="101%"), "TYPE_MISMATCH", "Workload.min_up"),
        (thing("BusinessService", criticality=5), "TYPE_MISMATCH", "more than 4"),
        (thing("Incident", kind="fire"), "TYPE_MISMATCH", "is not one of outage, degradation"),
        (thing("Calendar", duration="PT8H", rrule="FREQ=DAILY"), "MISSING_ATTRIBUTE", "Calendar.time_zone is required"),
        (thing("Calendar", duration=None, time_zone="UTC", rrule="FREQ=DAILY"), "MISSING_ATTRIBUTE", "duration"),
        (link("a", "DEPENDS_UP", "b"), "UNKNOWN_RELATIONSHIP_TYPE", "did you mean DEPENDS_ON?"),
        (link("a", "HAS_MEMBERS", "b"), "UNKNOWN_RELATIONSHIP_TYPE", "did you mean HAS_MEMBER?"),
        (link("a", None, "b"), "UNKNOWN_RELATIONSHIP_TYPE", "no relationship type is given"),
        (link("", "RUNS_ON", "b"), "MALFORMED_REFERENCE", "from is empty"),
        (link("a", "RUNS_ON", None), "MALFORMED_REFERENCE", "to is missing"),
        (link("a", "RUNS_ON", ["b"]), "MALFORMED_REFERENCE", "to is not text"),
        (link("a", "RUNS_ON", 1.5), "MALFORMED_REFERENCE", "to is not text"),
        (link("a", "RUNS_ON", "b\x1f"), "MALFORMED_REFERENCE", "control character"),
        (link("a", "RUNS_ON", "b" * (MAX_KEY + 1)), "MALFORMED_REFERENCE", "longer"),
        (link("a", "RUNS_ON", "a"), "SELF_LOOP", "'a' cannot be related to itself"),
        (link("a", "RUNS_ON", "b", wait=1), "UNKNOWN_ATTRIBUTE", "did you mean weight?"),
        (link("a", "DEPENDS_ON", "b", weight="0"), "TYPE_MISMATCH", "DEPENDS_ON.weight: '0' is less than 1."),
        (link("a", "DEPENDS_ON", "b", full_up="none"), "TYPE_MISMATCH", "DEPENDS_ON.full_up"),
        (link("a", "HAS_ROLE", "b"), "MISSING_ATTRIBUTE", "HAS_ROLE.role is required"),
    ],
)
def test_rejects(observed: Any, code: str, words: str) -> None:
    assert isinstance(observed, Reject)
    assert observed.code == RejectCode(code)
    assert words in observed.message
    assert observed.message.endswith((".", "?"))
    assert observed.location in {"line 3", "/relationships/7"}
    assert observed.record is not None


def test_the_first_fault_is_reported_whatever_the_order_of_the_record() -> None:
    faults: list[dict[str, Any]] = [{"zz": 1}, {"rack_unit": "x"}, {"cpu_cores": "y"}]
    both = [dict(pair for each in order for pair in each.items()) for order in (faults, faults[::-1])]
    rejects = [thing("Server", **attributes) for attributes in both]
    assert [(each.code, each.message) for each in rejects if isinstance(each, Reject)] == [
        (RejectCode.UNKNOWN_ATTRIBUTE, rejects[0].message if isinstance(rejects[0], Reject) else "")
    ] * 2
    mismatch = thing("Server", rack_unit="x", cpu_cores="y")
    assert isinstance(mismatch, Reject)
    assert mismatch.message.startswith("Server.cpu_cores")


def test_an_inverse_is_turned_round() -> None:
    assert link("farm", "HAS_MEMBER", "esx", weight="2") == link("esx", "MEMBER_OF", "farm", weight=2)
    turned = link("farm", "HAS_MEMBER", "esx")
    assert isinstance(turned, RelationshipObservation)
    assert (turned.type_name, turned.from_ref, turned.to_ref) == ("MEMBER_OF", "esx", "farm")


def test_group_settings_may_be_json_integers() -> None:
    typed = link("a", "DEPENDS_ON", "b", min_up=1, full_up="50%", redundancy_group=3, strength="soft")
    assert isinstance(typed, RelationshipObservation)
    assert typed.attributes == {"min_up": "1", "full_up": "50%", "redundancy_group": "3", "strength": "soft"}


scraps = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())
names = st.sampled_from([*MODEL.classes["Server"].attributes, "nonsense"])


@given(st.sampled_from(["Server", "Entity", ""]) | scraps, scraps, st.dictionaries(names, scraps, max_size=3))
def test_whatever_comes_is_typed_for_good_or_rejected(class_name: Any, key: Any, attributes: dict[str, Any]) -> None:
    typed = validate.entity(MODEL, EntityObservation("s", key, class_name, attributes))
    if isinstance(typed, EntityObservation):
        assert validate.entity(MODEL, typed) == typed
    else:
        assert typed.code in RejectCode
