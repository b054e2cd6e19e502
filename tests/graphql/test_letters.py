"""Dead letters: what no load has taken, by source and code, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.cmdb.loading.load import load
from knockon.errors import RejectCode
from knockon.schema.observation import EntityObservation, Reject, RelationshipObservation
from tests.graphql.conftest import MODEL, SEEN

if TYPE_CHECKING:
    from graphql import GraphQLSchema

    from knockon.graphql.schema import ApiSchema
    from tests.graphql.conftest import Api

LETTERS = """query($source: String, $code: RejectCode, $first: Int, $after: String) {
  deadLetters(source: $source, code: $code, first: $first, after: $after) {
    totalCount edges { cursor node { source kind about code message record revision } }
    pageInfo { hasNextPage endCursor } } }"""


async def say(api: Api, source: str, *keys: str) -> None:
    items = [EntityObservation(source, key, "Server", {"name": key, "colour": "red"}, SEEN) for key in keys]
    bad = RelationshipObservation(source, "LIKES", "a", "b", {}, SEEN)
    report = await load(api.store, MODEL, [*items, bad], source=source, actor="tester", scope="hall")
    assert len(report.rejects) == len(keys) + 1


async def test_letters_are_read_page_by_page_and_by_source_and_code(empty: Api) -> None:
    await say(empty, "t", "web", "db")
    await say(empty, "u", "mail")
    everything = (await empty.ask(LETTERS))["deadLetters"]
    nodes = [each["node"] for each in everything["edges"]]
    assert [(each["source"], each["about"]) for each in nodes] == [
        ("t", "web"), ("t", "db"), ("t", "a LIKES b"), ("u", "mail"), ("u", "a LIKES b"),
    ]  # fmt: skip
    assert (nodes[0]["code"], nodes[0]["kind"], nodes[2]["kind"]) == ("UNKNOWN_ATTRIBUTE", "entity", "relationship")
    assert "colour" in nodes[0]["message"]
    assert nodes[0]["record"].items() >= {"key": "web", "name": "web", "colour": "red"}.items()
    assert everything["totalCount"] == 5
    read: list[Any] = []
    after, going = None, True
    while going:
        page = (await empty.ask(LETTERS, first=2, after=after))["deadLetters"]
        assert (len(page["edges"]) <= 2, page["totalCount"]) == (True, 5)
        read += [each["node"] for each in page["edges"]]
        going, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
    assert read == nodes
    of_one = (await empty.ask(LETTERS, source="t"))["deadLetters"]
    assert ([each["node"] for each in of_one["edges"]], of_one["totalCount"]) == (nodes[:3], 3)
    both = (await empty.ask(LETTERS, source="u", code="UNKNOWN_RELATIONSHIP_TYPE"))["deadLetters"]
    assert ([each["node"] for each in both["edges"]], both["totalCount"]) == (nodes[4:], 1)


async def test_a_letter_tells_everything_that_the_command_line_tells(empty: Api) -> None:
    reject = Reject(RejectCode.MALFORMED_RECORD, "no JSON.", "7", "{", seen=SEEN)
    await load(empty.store, MODEL, [reject], source="t", actor="ann", scope="hall", strict=True)
    query = """{ deadLetters { edges { node { id source scope kind about code message location record cut format
      partial strict seen by at since revision } } } }"""
    ((told,),) = [[each["node"] for each in (await empty.ask(query))["deadLetters"]["edges"]]]
    (kept,) = await empty.store.letters(limit=2)
    assert told["id"] == kept.id
    assert (told["seen"][:10], told["at"], told["since"]) == (SEEN[:10], kept.at, kept.since)
    assert [told[each] for each in ("source", "scope", "by", "record", "about", "code", "location")] == [
        "t", "hall", "ann", "{", "", "MALFORMED_RECORD", kept.location,
    ]  # fmt: skip
    assert (told["cut"], told["partial"], told["strict"], told["revision"]) == (False, False, True, kept.revision)


async def test_a_cursor_of_another_list_is_refused(api: Api) -> None:
    data = await api.ask("{ servers(first: 1) { pageInfo { endCursor } } }")
    assert (await api.code(LETTERS, after=data["servers"]["pageInfo"]["endCursor"]))[0] == "BAD_CURSOR"


def test_every_code_of_a_reject_can_be_asked_for(schema: ApiSchema) -> None:
    made: GraphQLSchema = schema._schema
    codes: Any = made.type_map["RejectCode"]
    assert set(codes.values) == {each.value for each in RejectCode}
