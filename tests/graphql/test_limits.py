"""Queries that ask for too much are refused before anything is read, and errors say no more than they should."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from strawberry.extensions import ValidationCache

from knockon.graphql.limits import QueryLimits
from knockon.graphql.schema import presented

if TYPE_CHECKING:
    from tests.graphql.conftest import Api

MAX_DEPTH, MAX_ALIASES = QueryLimits().depth, QueryLimits().aliases


def nested(levels: int, *, first: int = 1) -> str:
    """Ask ``levels`` times for what something depends on: three levels of fields each."""
    inner = "name"
    for _ in range(levels):
        inner = f"dependsOn(first: {first}) {{ edges {{ node {{ {inner} }} }} }}"
    return f"{{ services(first: {first}) {{ edges {{ node {{ {inner} }} }} }} }}"


async def test_depth_is_limited(api: Api) -> None:
    fitting = (MAX_DEPTH - 4) // 3
    await api.ask(nested(fitting))
    code, message = await api.code(nested(fitting + 1))
    assert code == "QUERY_TOO_COSTLY"
    assert "levels deep" in message


async def test_cost_counts_the_pages_that_are_asked_for(api: Api) -> None:
    await api.ask(nested(3, first=10))
    code, message = await api.code(nested(3, first=100))
    assert code == "QUERY_TOO_COSTLY"
    assert "smaller pages" in message


PAGES = "query($n: Int{}) {{ services(first: $n) {{ edges {{ node {{ {} {} }} }} }} }}"
TWO = "dependsOn(first: $n) { edges { node { dependsOn(first: $n) { edges { node { name } } } } } }"


@pytest.mark.parametrize(
    ("default", "variables", "served"),
    [
        ("", {"n": 5}, True),
        ("", {"n": 500}, False),
        (" = 500", {}, False),
        (" = 5", {}, True),
        (" = 500", {"n": 5}, True),
        ("", {}, True),  # a page as it is unless asked for
    ],
)
async def test_cost_knows_the_variables(api: Api, default: str, variables: dict[str, Any], served: bool) -> None:
    result = await api.result(PAGES.format(default, TWO, ""), **variables)
    codes = [error.extensions["code"] for error in result.errors or []]
    assert codes == ([] if served else ["QUERY_TOO_COSTLY"])
    assert (result.data is not None) is served


async def test_cost_counts_runs_of_the_engine(api: Api) -> None:
    await api.ask("{ servers(first: 50) { edges { node { blastRadius { counts { DOWN } } } } } }")
    code, _ = await api.code("{ servers(first: 500) { edges { node { blastRadius { services { name state } "
                             "survivors { name margin } already { name } unknown { name } affected(first: 500) "
                             "{ edges { node { name } } } } } } } }")  # fmt: skip
    assert code == "QUERY_TOO_COSTLY"


async def test_cost_counts_ids_and_fragments(api: Api) -> None:
    ids = [str(i) for i in range(500)]
    await api.ask("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
    code, _ = await api.code(
        "query($ids: [ID!]!) { nodes(ids: $ids) { ...Needs } } fragment Needs on Entity { ... on ConfigurationItem "
        "{ dependsOn { edges { node { dependsOn { edges { node { id } } } } } } } }",
        ids=ids,
    )
    assert code == "QUERY_TOO_COSTLY"
    assert await api.code("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[*ids, "one more"]) == (
        "BAD_USAGE",
        "At most 500 ids at once.",
    )


async def test_nothing_is_read_for_a_query_that_is_refused(api: Api) -> None:
    api.store.calls.clear()
    await api.code(nested(3, first=500))
    assert not api.store.calls


async def test_aliases_are_limited(api: Api) -> None:
    def asked(number: int) -> str:
        return "{ " + " ".join(f"a{i}: node(id: 1) {{ id }}" for i in range(number)) + " }"

    await api.ask(asked(MAX_ALIASES))
    assert (await api.code(asked(MAX_ALIASES + 1)))[0] == "QUERY_TOO_COSTLY"


async def test_length_is_limited(api: Api) -> None:
    code, message = await api.code("{ " + "servers { totalCount } " * 2_000 + "}")
    assert code == "QUERY_TOO_COSTLY"
    assert "tokens" in message


@pytest.mark.parametrize(
    "query",
    [
        "{ services { ...F0 } } "
        + " ".join(f"fragment F{i} on ServiceConnection {{ ...F{i + 1} ...F{i + 1} }}" for i in range(60))
        + " fragment F60 on ServiceConnection { totalCount }",
        "{ services { ...A } } fragment A on ServiceConnection { ...B } fragment B on ServiceConnection { ...A }",
        "{ " + "a { " * 1_300 + "b" + " }" * 1_300 + " }",
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
    ],
    ids=["doubling fragments", "a fragment in itself", "braces", "introspection in circles"],
)
async def test_queries_made_to_hurt_are_answered_at_once(api: Api, query: str) -> None:
    """Where one is not, its cost doubles 60 times: the limit only has to be far from both ends."""
    begun = time.process_time()
    result = await api.result(query)
    assert time.process_time() - begun < 60
    codes = {error.extensions["code"] for error in result.errors or []}
    assert codes <= {"QUERY_INVALID", "QUERY_TOO_COSTLY"}


async def test_what_is_our_own_mistake_is_logged_and_not_told(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(api.store, "page", fail, raising=False)
    code, message = await api.code("{ servers { edges { node { name } } } }")
    assert code == "INTERNAL_ERROR"
    assert "secret" not in message
    assert "the secret of the house" in caplog.text


async def test_one_field_may_fail_and_the_others_answer(api: Api) -> None:
    result = await api.result('{ servers { totalCount } node(id: 1) { id } list: servers(after: "x") { totalCount } }')
    assert result.data == {"servers": {"totalCount": 3}, "node": None, "list": None}
    (error,) = result.errors
    assert (error.path, error.extensions["code"]) == (["list"], "BAD_CURSOR")
    assert presented(error).message == error.message


async def test_syntax_and_unknown_fields_have_a_code_and_a_place(api: Api) -> None:
    for query in ("{ servers { ", "{ tractors { id } }", "mutation { load }", "subscription { revisions }"):
        result = await api.result(query)
        (error,) = result.errors
        assert error.extensions == {"code": "QUERY_INVALID"}
        assert result.data is None


@pytest.mark.parametrize(
    "query",
    [
        "{" + "servers { edges { node { name id class } } } " * 300 + "}",
        "{ servers { " + "edges { node { name } } " * 300 + "} }",
        "{" + " ".join(f"...F{n}" for n in range(190)) + "}"
        + " ".join(f"fragment F{n} on Query {{ servers {{ edges {{ node {{ name }} }} }} }}" for n in range(190)),
    ],
)  # fmt: skip
async def test_a_text_whose_validation_alone_would_take_long_is_refused_before(
    api: Api, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether fields of one name can be merged is asked of each pair of them."""
    monkeypatch.setattr(ValidationCache, "on_validate", lambda _self: pytest.fail("it is validated"))
    code, message = await api.code(query)
    assert code == "QUERY_TOO_COSTLY"
    assert "alike too often" in message


async def test_a_field_may_stand_in_a_text_as_often_as_people_write_it(api: Api) -> None:
    await api.ask("{" + "servers { edges { node { name id } } } " * 100 + "}")
