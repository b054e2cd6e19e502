"""GraphQL over HTTP, as the audits of graphql-http have it, which other servers are held to as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.conformance.conftest import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

_NO_GET = "no GET for queries: it would stand in logs, and a page of elsewhere could make a demo work with an <img>"
NOTED = {
    "5A70": f"MAY accept GET; {_NO_GET}",
    "D6D5": f"MAY take variables of a GET; {_NO_GET}",
    "6A70": f"MAY take variables of a GET; {_NO_GET}",
}
"""What is not as an audit would like it, by the audit's id, and why. None of it is an error or a warning."""


def test_every_audit_is_passed_or_its_reason_is_known(address: str, node: Callable[..., Any]) -> None:
    results = node("audits.mjs", address, TOKEN)
    assert len(results) > 60
    told = {each["id"]: (each["status"], each["name"], each["reason"]) for each in results if each["status"] != "ok"}
    assert {id_: each for id_, each in told.items() if each[0] != "notice" or id_ not in NOTED} == {}
    assert told.keys() == NOTED.keys()
