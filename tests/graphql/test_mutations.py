"""What is written through the API: by whom, what is told, and what is refused as data; on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.access import LOCAL, AccessScope, Principal
from knockon.cmdb.stores import opened, store_at
from knockon.errors import StoreBusy
from knockon.graphql.request import Request
from knockon.schema.observation import EntityObservation
from tests.graphql.conftest import MODEL, SHOP, Api, names, thing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from knockon.graphql.schema import ApiSchema

ANNA = Principal("anna", frozenset({AccessScope.OPERATOR}))
CARL = Principal("carl", frozenset({AccessScope.CHANGE_COORDINATOR}))
ERRORS = "errors { code message reject legalStates changes { attribute before after by revision } }"
EDITED = f"revision entity {{ id class name revision attributes }} outweighed {{ attribute source value }} {ERRORS}"


class Writing(Api):
    """Asks one estate as somebody."""

    who = ANNA

    async def result(self, query: str, **variables: Any) -> Any:
        request = Request(self.topologies, self.pasts, principal=self.who)
        return await self.schema.execute(query, variable_values=variables, context_value=request)

    def as_(self, who: Principal) -> Writing:
        self.who = who
        return self

    async def edit(self, call: str, **variables: Any) -> Any:
        """Make one edit; gives its payload, which has no errors."""
        done = await self.refused(call, **variables)
        assert done["errors"] == [], done
        return done

    async def refused(self, call: str, **variables: Any) -> Any:
        return (await self.ask(f"mutation {{ done: {call} {{ {EDITED} }} }}", **variables))["done"]

    async def error(self, call: str) -> Any:
        """Make one edit that is refused; gives its one error. Nothing is written."""
        before = await self.store.revision()
        done = await self.refused(call)
        assert (done["entity"], done["revision"], await self.store.revision()) == (None, None, before)
        (error,) = done["errors"]
        return error


@pytest.fixture
async def api(place: tuple[str, Any], schema: ApiSchema) -> AsyncIterator[Writing]:
    url, (user, password) = place
    async with opened(store_at(url, MODEL, user=user, password=password)) as store:
        made = Writing(store, schema)
        await made.load(*SHOP)
        yield made


async def test_a_thing_is_made_changed_retired_and_restored(api: Writing) -> None:
    made = await api.edit(
        """create(thing: {server: {name: "srv-9", serialNumber: "S9", environment: test}}, reason: "lab")"""
    )
    entity = made["entity"]
    assert (entity["class"], entity["revision"]) == ("Server", made["revision"])
    assert entity["attributes"] == {"name": "srv-9", "serial_number": "S9", "environment": "test"}
    (written,) = await api.store.feed(made["revision"] - 1)
    assert (written.head.actor, written.head.source, written.head.note["reason"]) == ("anna", "person/anna", "lab")
    told = await api.ask("""query($id: ID!) { node(id: $id) { ... on Entity { history { actor reason } } } }""",
                         id=entity["id"])  # fmt: skip
    assert told["node"]["history"] == [{"actor": "anna", "reason": "lab"}]
    changed = await api.edit(
        f"""update(ref: "{entity["id"]}", thing: {{server: {{description: "rack 7", environment: null}}}},
        expectedRevision: {entity["revision"]})"""
    )
    assert changed["entity"]["attributes"] == {"name": "srv-9", "serial_number": "S9", "description": "rack 7"}
    gone = await api.edit("""retire(ref: "Server:srv-9", reason: "sold")""")
    assert gone["entity"]["id"] == entity["id"]
    assert (await api.ask(f'{{ node(id: "{entity["id"]}") {{ id }} }}'))["node"] is None
    back = await api.edit(f"""restore(ref: "{entity["id"]}", expectedRevision: {gone["revision"]})""")
    assert back["entity"]["attributes"] == changed["entity"]["attributes"]


async def test_what_is_set_already_is_answered_at_the_revision_that_there_is(api: Writing) -> None:
    call = """update(ref: "box", thing: {server: {description: "rack 7"}})"""
    first = await api.edit(call)
    assert await api.edit(call) == first
    related = """relate(from: "box", type: DEPENDS_ON, to: "srv-1", attributes: {strength: soft})"""
    first = await api.edit(related)
    assert await api.edit(related) == first
    assert await api.store.revision() == first["revision"]


async def test_values_of_every_type_are_written_as_the_model_has_them(api: Writing) -> None:
    made = await api.edit(
        """create(thing: {requestForChange: {number: "R1", origin: incident, openedAt: "2026-11-01T09:00:00+01:00",
        wantedBy: "2026-12-24", altersFunctionality: true, estimatedCost: {amount: "12.50", currency: "EUR"},
        estimatedEffort: "PT90M"}})"""
    )
    assert made["entity"]["attributes"] == {
        "number": "R1", "origin": "incident", "opened_at": "2026-11-01T08:00:00Z", "wanted_by": "2026-12-24",
        "alters_functionality": True, "estimated_cost": {"amount": "12.50", "currency": "EUR"},
        "estimated_effort": "PT1H30M", "state": "new",
    }  # fmt: skip
    typed = """mutation($thing: ThingInput!) { create(thing: $thing) { entity { ... on Person { name skills } } } }"""
    answer = await api.ask(typed, thing={"person": {"name": "Zoë", "skills": ["linux", "db"]}})
    assert answer["create"]["entity"] == {"name": "Zoë", "skills": ["linux", "db"]}


async def test_a_relationship_is_told_and_taken_back_and_what_is_read_then_is_new(api: Writing) -> None:
    below = "entity { ... on Server { runs { edges { node { name } } } } } errors { code }"
    both = await api.ask(
        f"""mutation {{
          before: update(ref: "box", thing: {{server: {{description: "x"}}}}) {{ {below} }}
          relate(from: "web", type: RUNS_ON, to: "box", attributes: {{evidence: observed}}) {{
            errors {{ code }} entity {{ name }} }}
          after: update(ref: "box", thing: {{server: {{description: "y"}}}}) {{ {below} }} }}"""
    )
    assert [names(both[each]["entity"]["runs"]) for each in ("before", "after")] == [["wiki"], ["web", "wiki"]]
    assert both["relate"] == {"errors": [], "entity": {"name": "web"}}
    await api.edit("""unrelate(from: "box", type: RUNS, to: "web")""")
    error = await api.error("""unrelate(from: "box", type: RUNS, to: "wiki")""")
    assert error["code"] == "STILL_REPORTED"


async def test_an_answer_below_a_mutation_knows_what_it_wrote(api: Writing) -> None:
    await api.edit("""create(thing: {application: {name: "cron"}})""")
    answer = await api.ask(
        """mutation { relate(from: "cron", type: RUNS_ON, to: "srv-1") {
        entity { name } errors { code } }
        update(ref: "srv-1", thing: {server: {description: "x"}}) { entity { ... on Server {
        blastRadius { affected { edges { node { name } } } } } } } }"""
    )
    hit = answer["update"]["entity"]["blastRadius"]["affected"]["edges"]
    assert "cron" in {each["node"]["name"] for each in hit}


async def test_a_change_is_moved_by_its_coordinator(api: Writing) -> None:
    made = await api.edit("""create(thing: {change: {number: "C9", name: "C9"}})""")
    assert made["entity"]["attributes"]["state"] == "draft"
    assert (await api.code("""mutation { move(ref: "C9", to: "planned") { revision } }"""))[0] == "NOT_ALLOWED"
    api.as_(CARL)
    error = await api.error("""move(ref: "C9", to: "implementing")""")
    assert (error["code"], error["legalStates"]) == ("ILLEGAL_MOVE", ["planned", "completed", "cancelled"])
    moved = await api.edit(f"""move(ref: "C9", to: "planned", expectedRevision: {made["revision"]})""")
    assert moved["entity"]["attributes"]["state"] == "planned"
    assert (await api.error("""move(ref: "chg-1", to: "approved")"""))["code"] == "KEPT_ELSEWHERE"
    await api.edit("""relate(from: "C9", type: CHANGES, to: "srv-1", attributes: {effect: down})""")
    server = """mutation { update(ref: "srv-1", thing: {server: {description: "x"}}) { revision } }"""
    assert (await api.code(server))[0] == "NOT_ALLOWED"  # a server is no change


async def test_who_may_only_read_writes_nothing(api: Writing) -> None:
    api.as_(Principal("vera", frozenset({AccessScope.VIEWER})))
    before = await api.store.revision()
    for call in (
        """create(thing: {server: {name: "x"}})""", """update(ref: "box", thing: {server: {description: "x"}})""",
        """move(ref: "box", to: "in_use")""", """retire(ref: "box")""", """restore(ref: "box")""",
        """relate(from: "box", type: RUNS, to: "web")""", """unrelate(from: "box", type: RUNS, to: "wiki")""",
        """link(a: "t:box", b: "t:srv-1")""", """keepApart(a: "t:box", b: "t:srv-1")""", """takeBack(decision: "x")""",
    ):  # fmt: skip
        assert (await api.code(f"mutation {{ {call} {{ revision }} }}"))[0] == "NOT_ALLOWED", call
    assert await api.store.revision() == before


async def test_what_is_wrong_is_told_as_data_and_nothing_is_written(api: Writing) -> None:
    for call, code, reject in (
        ("""create(thing: {server: {name: "box", serialNumber: "T1"}})""", "EDIT_CONFLICT", None),
        ("""create(thing: {server: {name: "x", status: "sold"}})""", "ILLEGAL_MOVE", None),
        ("""create(thing: {server: {name: "x", ipAddresses: ["nowhere"]}})""", "EDIT_INVALID", "TYPE_MISMATCH"),
        ("""update(ref: "box", thing: {server: {status: "in_use"}})""", "EDIT_INVALID", None),
        ("""update(ref: "box", thing: {application: {description: "x"}})""", "EDIT_INVALID", None),
        ("""update(ref: "nobody", thing: {server: {description: "x"}})""", "REFERENCE_NOT_FOUND", None),
        ("""retire(ref: "box")""", "STILL_REPORTED", None),
        ("""restore(ref: "box")""", "EDIT_CONFLICT", None),
        ("""relate(from: "box", type: CONSUMED_BY, to: "web")""", "EDIT_INVALID", "RELATIONSHIP_NOT_ALLOWED"),
        ("""relate(from: "box", type: RUNS, to: "web", attributes: {effect: down})""", "EDIT_INVALID",
         "UNKNOWN_ATTRIBUTE"),
    ):  # fmt: skip
        error = await api.error(call)
        assert (error["code"], error["reject"]) == (code, reject), (call, error)
        assert error["message"]


async def test_what_somebody_changed_meanwhile_is_told_as_data(api: Writing) -> None:
    looked = await api.store.revision()
    await api.as_(LOCAL).edit("""update(ref: "box", thing: {server: {description: "rack 8"}})""")
    api.as_(ANNA)
    call = """update(ref: "box", thing: {server: {%s}}, expectedRevision: %d)"""
    error = await api.error(call % ('description: "rack 9"', looked))
    assert error["code"] == "EDIT_CONFLICT"
    (change,) = error["changes"]
    assert (change["attribute"], change["before"], change["after"], change["by"]) == (
        "description", None, "rack 8", "local",
    )  # fmt: skip
    await api.edit(call % ('model: "X1"', looked))  # what nobody else has changed


async def test_what_a_person_says_nothing_of_is_no_word_that_does_not_count(api: Writing) -> None:
    await api.load(thing("late", "Server", serial_number="L1", description="rack 7"))
    done = await api.edit("""update(ref: "late", thing: {server: {description: null, model: "X1"}})""")
    assert done["outweighed"] == []
    assert (await api.ask('{ servers(where: {name: {eq: "late"}}) { edges { node { description } } } }'))[
        "servers"
    ] == {"edges": [{"node": {"description": "rack 7"}}]}


DECIDED = """revision entities { name } findings { code records claim message }
    decision { id kind records by reason takenBack } errors { code message }"""


async def test_people_decide_who_is_who(api: Writing) -> None:
    async def decide(call: str) -> Any:
        return (await api.ask(f"mutation {{ done: {call} {{ {DECIDED} }} }}"))["done"]

    await api.edit("""create(thing: {server: {name: "box-too"}})""")
    (made,) = await api.store.named("box-too")
    ((key,),) = [[each.key for each in await api.store.members([made.id])]]
    linked = await decide(f"""link(a: "t:box", b: "person/anna:{key}", reason: "new label")""")
    assert (linked["errors"], len(linked["entities"])) == ([], 1)
    assert linked["decision"]["kind"] == "link"
    assert (linked["decision"]["by"], linked["decision"]["reason"]) == ("anna", "new label")
    back = await decide(f"""takeBack(decision: "{linked["decision"]["id"]}")""")
    assert (back["decision"]["takenBack"], len(back["entities"])) == ("anna", 2)
    apart = await decide("""keepApart(a: "box", b: "srv-1")""")
    assert (apart["decision"]["kind"], apart["decision"]["records"]) == ("apart", ["t:box", "t:srv-1"])
    said = await decide("""classify(record: "t:box", class: "Server", reason: "it has a rack unit")""")
    assert (said["decision"]["kind"], said["decision"]["records"]) == ("class", ["t:box"])
    for call, code in (
        ("""link(a: "box", b: "box")""", "BAD_USAGE"),
        ("""link(a: "box", b: "ann")""", "BAD_USAGE"),
        ("""link(a: "box", b: "nobody")""", "REFERENCE_NOT_FOUND"),
        ("""takeBack(decision: "nothing")""", "REFERENCE_NOT_FOUND"),
        ("""accept(finding: "nothing")""", "REFERENCE_NOT_FOUND"),
        ("""classify(record: "t:box", class: "Document")""", "BAD_USAGE"),
    ):
        done = await decide(call)
        assert ([each["code"] for each in done["errors"]], done["decision"]) == ([code], None), call


async def test_exactly_one_class_is_said(api: Writing) -> None:
    for given in ("{}", """{server: {name: "x"}, application: {name: "x"}}"""):
        code, message = await api.code(f"mutation {{ create(thing: {given}) {{ revision }} }}")
        assert code == "QUERY_INVALID"
        assert "exactly one" in message


async def test_what_is_nobodys_mistake_is_an_error_of_the_field(api: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy() -> Any:
        raise StoreBusy("Another writer holds the store; try again.")

    inner = api.store._store
    monkeypatch.setattr(type(inner), "write", lambda _self: busy())
    monkeypatch.setattr("knockon.cmdb.transactions.ATTEMPTS", 1)
    assert (await api.code("""mutation { create(thing: {server: {name: "x"}}) { revision } }"""))[0] == "STORE_BUSY"


async def test_what_stands_below_an_edit_is_read_as_below_a_query(api: Writing) -> None:
    below = (
        "entity { history { revision } records { key } provenance { attribute } ... on Server { runs { totalCount } } }"
    )
    call = 'mutation { update(ref: "box", thing: {server: {description: "%s"}}) { %s } }'
    await api.calls(call % ("once", "revision"))  # the record of the person is there now
    bare, more = await api.calls(call % ("x", "revision")), await api.calls(call % ("y", below))
    read = {name: number - bare.get(name, 0) for name, number in more.items() if number != bare.get(name, 0)}
    assert read == {"history": 1, "aliases": 1, "known": 1, "members": 1, "scopes": 1, "count_neighbours": 1}


async def test_what_is_sensitive_is_not_told_to_who_may_not_read_it(api: Writing) -> None:
    looked = await api.store.revision()
    call = """update(ref: "ann", thing: {person: {phone: "%s"}}, expectedRevision: %d)"""
    await api.as_(LOCAL).edit(call % ("+44 1", looked))
    for who, value in ((ANNA, None), (LOCAL, "+44 1")):
        error = await api.as_(who).error(call % ("+44 2", looked))
        assert (error["code"], [each["after"] for each in error["changes"]]) == ("EDIT_CONFLICT", [value])
        assert "+44" not in error["message"]
    await api.load(*(thing(f"twin-{n}", "Person", employee_number="E1") for n in range(2)))
    double = """mutation { update(ref: "t:twin-0", thing: {person: {jobTitle: "admin"}})
    { findings { code claim message } errors { code } } }"""
    for who, value in ((ANNA, "(redacted)"), (Principal("root", LOCAL.scopes), "e1")):
        (finding,) = (await api.as_(who).ask(double))["update"]["findings"]
        assert finding["claim"].endswith(f"employee_number {value}")
        assert ("e1" in finding["message"]) == (value == "e1")
    later = EntityObservation("t", "ann", "Person", {"name": "ann", "phone": "+44 3"}, "2999-01-01T08:00:00Z")
    await api.load(later)
    for who, value in ((ANNA, None), (LOCAL, "+44 3")):
        done = await api.as_(who).edit("""update(ref: "ann", thing: {person: {phone: "+44 4"}})""")
        assert [(each["source"], each["value"]) for each in done["outweighed"]] == [("t", value)]


async def test_nobody_learns_whose_a_sensitive_identifier_is(api: Writing) -> None:
    await api.load(thing("eve", "Person", name="Eve", employee_number="E-7"))
    call = """create(thing: {person: {name: "Probe", employeeNumber: "E-7"}})"""
    error = await api.error(call)
    assert error["message"] == "Something is there already that has the same identifiers, and nothing is written."
    told = await api.as_(LOCAL).error(call)
    assert told["message"].startswith("This is there already: Person:Eve (")
    assert error["code"] == told["code"] == "EDIT_CONFLICT"
