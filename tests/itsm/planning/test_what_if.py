"""What-if files: typed and found as a load would, and answered as the changed estate would be."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.stores.sqlite import SqliteStore
from knockon.errors import BadUsage, FileNotParsed, OverlayInvalid, ReferenceNotFound
from knockon.impact.topology.topologies import Topologies
from knockon.itsm.blast_radius.blast_radius import blast_radius
from knockon.itsm.blast_radius.question import Ask
from knockon.itsm.planning.overlay_file import read_overlay
from knockon.itsm.planning.what_if import what_if, what_if_json
from knockon.schema.states import State
from tests.itsm.conftest import MODEL, link, say, thing

if TYPE_CHECKING:
    from knockon.itsm.planning.what_if import Case, WhatIfAnswer
    from knockon.schema.observation import Item

WITHOUT_DB_2 = "remove: [Server:db-2]"


async def ask(shop: Topologies, text: str, *asks: str, **options: Any) -> WhatIfAnswer:
    return await what_if(shop, read_overlay(text, "f.yaml"), [Ask(each) for each in asks], **options)


async def mistakes(shop: Topologies, text: str) -> list[str]:
    with pytest.raises(OverlayInvalid) as refused:
        await ask(shop, text)
    return str(refused.value).splitlines()[1:]


def told(case: Case) -> dict[str, str]:
    shifts = (*case.worse, *case.better)
    return {each.ci.name: f"{each.before.name} {each.after.name}" for each in shifts}


def by_seed(answer: WhatIfAnswer) -> dict[str, dict[str, str]]:
    return {" ".join(ci.name for ci, _ in case.seeds): told(case) for case in answer.cases}


async def test_a_member_less_makes_a_failure_an_outage(shop: Topologies) -> None:
    answer = await ask(shop, WITHOUT_DB_2, "db-1")
    (case,) = answer.cases
    assert told(case) == {"shop": "AT_RISK DOWN", "web-a": "AT_RISK DOWN"}
    assert [each.service for each in case.worse] == [True, False]
    assert case.better == ()
    assert case.worse[0].because == "web-a is down, which takes this down."
    assert [(step.source.name, step.type_name, step.target.name) for step in case.worse[0].path] == [
        ("shop", "DEPENDS_ON", "web-a"),
        ("web-a", "DEPENDS_ON", "db-1"),
    ]
    assert (answer.asked, answer.revision) == (1, await shop.store.revision())


async def test_without_failures_each_single_one_that_may_matter_is_tried(shop: Topologies) -> None:
    answer = await ask(shop, WITHOUT_DB_2)
    assert answer.asked == 2
    assert by_seed(answer) == {
        "db-1": {"shop": "AT_RISK DOWN", "web-a": "AT_RISK DOWN"},
        "db-2": {"shop": "AT_RISK OPERATIONAL", "web-a": "AT_RISK OPERATIONAL"},
    }
    assert [bool(case.worse) for case in answer.cases] == [True, False]


async def test_what_is_added_may_fail_and_may_be_named_by_key_or_class_and_name(shop: Topologies) -> None:
    text = """
    add:
      - {class: Server, key: db-3, name: third}
      - {from: web-a, type: DEPENDS_ON, to: "Server:third", redundancy_group: db}
      - {from: db-3, type: DEPENDENCY_OF, to: wiki}
    """
    answer = await ask(shop, text, "db-3")
    (case,) = answer.cases
    assert told(case) == {"intranet": "OPERATIONAL DOWN", "wiki": "OPERATIONAL DOWN"}
    assert answer.changes == (
        "adds Server third",
        "adds web-a DEPENDS_ON third in its group db",
        "adds wiki DEPENDS_ON third",
    )
    assert (await ask(shop, text, "ConfigurationItem:third")).cases == answer.cases


async def test_a_successor_may_have_the_name_of_what_it_replaces(shop: Topologies) -> None:
    answer = await ask(shop, f"{WITHOUT_DB_2}\nadd: [{{class: Server, key: db-2}}]", "db-1")
    assert answer.changes == ("takes away Server db-2", "adds Server db-2")
    (case,) = answer.cases
    assert told(case) == {"shop": "AT_RISK DOWN", "web-a": "AT_RISK DOWN"}
    follows = "{from: web-a, type: DEPENDS_ON, to: db-2, redundancy_group: db}"
    replaced = await ask(shop, f"{WITHOUT_DB_2}\nadd: [{{class: Server, key: db-2}}, {follows}]", "db-1")
    assert not any(by_seed(replaced).values())


async def test_several_may_stand_on_one_line(shop: Topologies) -> None:
    answer = await ask(shop, "add: [{class: Server, key: x}, {class: Server, key: y}, {from: x, type: RUNS_ON, to: y}]")
    assert answer.changes == ("adds Server x", "adds Server y", "adds x RUNS_ON y")


async def test_an_end_is_rewired_and_settings_change(shop: Topologies) -> None:
    rewired = await ask(shop, "change: [{from: wiki, type: RUNS_ON, to: box, set: {to: db-1}}]")
    assert by_seed(rewired) == {
        "box": {"intranet": "DOWN OPERATIONAL", "wiki": "DOWN OPERATIONAL"},
        "db-1": {"intranet": "OPERATIONAL DOWN", "wiki": "OPERATIONAL DOWN"},
    }
    assert rewired.changes == ("turns wiki RUNS_ON box into wiki RUNS_ON db-1",)
    by_inverse = await ask(shop, "change: [{from: box, type: RUNS, to: wiki, set: {from: Server:db-1}}]")
    assert by_inverse.cases == rewired.cases
    stricter = await ask(shop, "change: [{from: web-a, type: DEPENDS_ON, to: db-1, set: {min_up: 2}}]", "db-2")
    assert by_seed(stricter) == {"db-2": {"shop": "AT_RISK DOWN", "web-a": "AT_RISK DOWN"}}
    ungrouped = await ask(
        shop, "change: [{from: web-a, type: DEPENDS_ON, to: db-1, set: {redundancy_group: null}}]", "db-1"
    )
    assert by_seed(ungrouped) == {"db-1": {"shop": "AT_RISK DOWN", "web-a": "AT_RISK DOWN"}}
    assert "redundancy_group is no longer set (was db)" in ungrouped.changes[0]


async def test_a_cluster_may_be_told_to_need_more(shop: Topologies) -> None:
    await say(
        shop.store,
        thing("farm", "Cluster"),
        *(link(f"db-{number}", "MEMBER_OF", "farm") for number in (1, 2)),
        link("wiki", "HOSTED_ON", "farm"),
    )
    answer = await ask(shop, "change: [{ref: farm, set: {min_up: 2, name: Farm}}]", "db-1")
    assert told(answer.cases[0])["intranet"] == "AT_RISK DOWN"
    assert answer.changes == (
        "changes Cluster farm: min_up is 2 (was not set)",
        "changes Cluster farm: name is Farm (was farm)",
    )


async def test_a_service_asks_for_its_own_single_failures(shop: Topologies) -> None:
    text = "remove: [db-2, {from: wiki, type: RUNS_ON, to: box}]"
    assert by_seed(await ask(shop, text, service="BusinessService:intranet")).keys() == {"box"}
    assert by_seed(await ask(shop, text, service="shop")).keys() == {"db-1", "db-2"}
    assert by_seed(await ask(shop, text)).keys() == {"box", "db-1", "db-2"}
    with pytest.raises(BadUsage, match="--service takes a service"):
        await ask(shop, text, service="wiki")
    with pytest.raises(BadUsage, match="not both"):
        await ask(shop, text, "box", service="shop")


async def test_what_differs_by_open_records_alone_is_told_once(shop: Topologies) -> None:
    await say(shop.store, thing("INC1", "Incident", kind="outage", state="new"), link("INC1", "AFFECTS", "db-2"))
    # db-2 is down today, which is why the shop is at risk; without it there is nothing that could be lost
    standing = {"shop": "AT_RISK OPERATIONAL", "web-a": "AT_RISK OPERATIONAL"}
    assert by_seed(await ask(shop, WITHOUT_DB_2, "box", given="open")) == {"": standing}
    assert by_seed(await ask(shop, WITHOUT_DB_2, given="open")) == {"": standing}
    assert by_seed(await ask(shop, WITHOUT_DB_2, service="intranet", given="open")) == {}
    both = "change: [{from: wiki, type: RUNS_ON, to: box, set: {to: db-1}}]"
    assert by_seed(await ask(shop, both, "db-1", given="open")) == {
        "db-1": {"intranet": "OPERATIONAL DOWN", "wiki": "OPERATIONAL DOWN"}
    }


async def test_a_failure_that_meets_what_is_shifted_already_is_found(shop: Topologies) -> None:
    """The portal can use the wiki or a mirror: the mirror alone is nothing that the change speaks of."""
    await say(
        shop.store,
        thing("portal", "BusinessService"),
        thing("mirror", "Server"),
        *(link("portal", "DEPENDS_ON", each, redundancy_group="pages") for each in ("wiki", "mirror")),
        thing("INC1", "Incident", kind="outage", state="new"),
        link("INC1", "AFFECTS", "box"),
    )
    text = "change: [{from: wiki, type: RUNS_ON, to: box, set: {to: db-1}}]"
    found = by_seed(await ask(shop, text, service="portal", given="open"))
    assert found["mirror"]["portal"] == "DOWN AT_RISK"
    assert found[""]["portal"] == "AT_RISK OPERATIONAL"
    assert "mirror" not in by_seed(await ask(shop, text))


async def test_nothing_is_written_and_the_answer_is_plain_json(shop: Topologies) -> None:
    before = await shop.store.revision(), await shop.store.scan(MODEL.concrete("Entity"))
    answer = what_if_json(await ask(shop, WITHOUT_DB_2))
    assert (await shop.store.revision(), await shop.store.scan(MODEL.concrete("Entity"))) == before
    assert answer.keys() == {"revision", "given", "changes", "asked", "cases", "unknown"}
    assert [each.keys() for each in answer["cases"]] == [{"seeds", "worse", "better"}] * 2
    assert answer["cases"][0]["worse"][0].keys() == {
        "id", "class", "name", "service", "before", "after", "because", "path",
    }  # fmt: skip


async def test_what_waits_at_what_is_spoken_of_is_said(shop: Topologies) -> None:
    await say(shop.store, link("web-a", "DEPENDS_ON", "nowhere"))
    (unknown,) = (await ask(shop, WITHOUT_DB_2)).unknown
    assert unknown.ci
    assert unknown.ci.name == "web-a"
    assert "web-a DEPENDS_ON nowhere" in unknown.because


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("add: [{class: Servr, key: a}]", "UNKNOWN_CLASS"),
        ("add: [{class: ConfigurationItem, key: a}]", "ABSTRACT_CLASS"),
        ("add: [{class: Server}]", "MISSING_IDENTIFIER"),
        ("add: [{class: Server, key: a, colour: red}]", "UNKNOWN_ATTRIBUTE"),
        ("add: [{class: Cluster, key: a, min_up: lots}]", "TYPE_MISMATCH"),
        ("add: [{class: Server, key: a}, {class: Server, key: a}]", "DUPLICATE_RECORD"),
        ("add: [{from: shop, type: LEANS_ON, to: box}]", "UNKNOWN_RELATIONSHIP_TYPE"),
        ("add: [{from: shop, to: box}]", "UNKNOWN_RELATIONSHIP_TYPE"),
        ("add: [{from: shop, type: DEPENDS_ON}]", "MALFORMED_REFERENCE"),
        ("add: [{from: shop, type: DEPENDS_ON, to: shop}]", "SELF_LOOP"),
        ("add: [{from: shop, type: DEPENDS_ON, to: t:shop}]", "SELF_LOOP"),
        ("add: [{from: shop, type: DEPENDS_ON, to: nowhere}]", "UNRESOLVED_REFERENCE"),
        ("add: [{from: shop, type: MEMBER_OF, to: box}]", "RELATIONSHIP_NOT_ALLOWED"),
        ("add: [{from: shop, type: DEPENDS_ON, to: web-a}]", "DUPLICATE_RECORD"),
        ("add: [{from: shop, type: DEPENDS_ON, to: box, weight: heavy}]", "TYPE_MISMATCH"),
        ("add: [{class: [Server], key: a}]", "UNKNOWN_CLASS"),
        ("add: [{class: Server, key: {a: b}}]", "MALFORMED_REFERENCE"),
        ("add: [{from: [shop], type: DEPENDS_ON, to: box}]", "MALFORMED_REFERENCE"),
        ("change: [{from: wiki, type: RUNS_ON, to: box, set: {to: null}}]", "MALFORMED_REFERENCE"),
        ("remove: [nowhere]", "UNRESOLVED_REFERENCE"),
        ("remove: [box, box]", "UNRESOLVED_REFERENCE"),
        ("remove: [{from: shop, type: DEPENDS_ON, to: box}]", "UNRESOLVED_REFERENCE"),
        ("remove: [{from: shop, type: LEANS_ON, to: box}]", "UNKNOWN_RELATIONSHIP_TYPE"),
        ("change: [{ref: box, set: {colour: red}}]", "UNKNOWN_ATTRIBUTE"),
        ("change: [{ref: nowhere, set: {name: x}}]", "UNRESOLVED_REFERENCE"),
        ("change: [{from: wiki, type: RUNS_ON, to: box, set: {weight: 0}}]", "TYPE_MISMATCH"),
        ("change: [{from: wiki, type: RUNS_ON, to: box, set: {to: nowhere}}]", "UNRESOLVED_REFERENCE"),
        ("change: [{from: wiki, type: RUNS_ON, to: box, set: {to: wiki}}]", "SELF_LOOP"),
        ("change: [{from: web-a, type: DEPENDS_ON, to: db-1, set: {to: db-2}}]", "DUPLICATE_RECORD"),
    ],
)
async def test_the_model_refuses_what_it_would_refuse_in_a_load(shop: Topologies, line: str, code: str) -> None:
    found = await mistakes(shop, f"# a comment\n{line}")
    assert [each.partition(f"f.yaml:2: {code}: ")[:2] for each in found] == [("", f"f.yaml:2: {code}: ")]


async def test_one_of_several_groups_is_to_be_named(shop: Topologies) -> None:
    await say(shop.store, link("web-a", "DEPENDS_ON", "db-1", redundancy_group="cache"))
    address = "from: web-a, type: DEPENDS_ON, to: db-1"
    (ambiguous,) = await mistakes(shop, f"remove: [{{{address}}}]")
    assert "AMBIGUOUS_REFERENCE: web-a DEPENDS_ON db-1 stands there several times" in ambiguous
    answer = await ask(shop, f"remove: [{{{address}, redundancy_group: cache}}]", "db-1")
    assert by_seed(answer) == {"db-1": {"web-a": "DOWN AT_RISK", "shop": "DOWN AT_RISK"}}
    await say(shop.store, link("web-a", "DEPENDS_ON", "db-1"))
    (ambiguous,) = await mistakes(shop, f"remove: [{{{address}}}]")
    assert ambiguous.endswith("give the redundancy_group of one: null, cache, db.")
    plain = await ask(shop, f"remove: [{{{address}, redundancy_group: null}}]")
    assert plain.changes == ("takes away web-a DEPENDS_ON db-1",)


async def test_a_name_that_several_have_is_told_with_its_line(shop: Topologies) -> None:
    await say(shop.store, thing("twin", "Server"), thing("twin-2", "Server", name="twin"))
    (found,) = await mistakes(shop, "add:\n  - {from: shop, type: DEPENDS_ON, to: Server:twin}")
    assert found.startswith("f.yaml:2: AMBIGUOUS_REFERENCE: 'Server:twin' means several things")


async def test_all_mistakes_are_told_at_once_in_order_of_lines(shop: Topologies) -> None:
    found = await mistakes(
        shop, "change:\n  - {ref: nowhere, set: {name: x}}\nadd:\n  - {class: Servr, key: a}\nremove:\n  - gone\n"
    )
    assert [each.split(": ")[:2] for each in found] == [
        ["f.yaml:2", "UNRESOLVED_REFERENCE"],
        ["f.yaml:4", "UNKNOWN_CLASS"],
        ["f.yaml:6", "UNRESOLVED_REFERENCE"],
    ]


async def test_the_example_of_the_documentation_is_a_what_if_file() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/what-if.md").read_text()
    file = read_overlay(page.split("```yaml\n")[1].split("```")[0], "what-if.md")
    assert [line.section for line in file.lines] == ["remove"] * 2 + ["add"] * 5 + ["change"] * 4


async def test_one_thing_fails_in_one_state(shop: Topologies) -> None:
    (case,) = (await ask(shop, WITHOUT_DB_2, "db-1", "Server:db-1")).cases
    assert [ci.name for ci, _ in case.seeds] == ["db-1"]
    with pytest.raises(BadUsage, match="two states"):
        await what_if(shop, read_overlay(WITHOUT_DB_2, "f"), [Ask("db-1"), Ask("t:db-1", "degraded")])
    with pytest.raises(BadUsage, match="no state"):
        await what_if(shop, read_overlay(WITHOUT_DB_2, "f"), [Ask("db-1", "broken")])


async def test_an_unknown_failure_is_the_questions_mistake(shop: Topologies) -> None:
    with pytest.raises(ReferenceNotFound):
        await ask(shop, WITHOUT_DB_2, "nowhere")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "f.yaml:1: the file is empty"),
        ("[]", "f.yaml:1: a what-if file is a mapping"),
        ("{}", "f.yaml:1: the file changes nothing"),
        ("add: []\nbuild: []", "f.yaml:2: a what-if file has no 'build'"),
        ("add: x", "f.yaml:1: add is a list"),
        ("add:\n  - x", "f.yaml:2: what stands under add is a mapping"),
        ("remove:\n  - [x]", "f.yaml:2: what stands under remove is a reference"),
        ("remove:\n  - {from: a, to: b}", "f.yaml:2: a relationship has no type"),
        ("remove:\n  - {from: a, type: T, to: b, set: {x: 1}}", "f.yaml:2: a relationship has no 'set'"),
        ("change:\n  - {ref: a}", "f.yaml:2: a change has no set"),
        ("change:\n  - {set: {a: 1}}", "f.yaml:2: a change has no ref"),
        ("change:\n  - {ref: a, set: 1}", "f.yaml:2: set is a mapping"),
        ("change:\n  - {ref: [a], set: {x: 1}}", "f.yaml:2: ref must be text"),
        ("add: [{class: Server, key: a}]\n---\nadd: []", "f.yaml:3: a what-if file is one document"),
    ],
)
def test_a_file_of_another_shape_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(OverlayInvalid) as refused:
        read_overlay(text, "f.yaml")
    assert str(refused.value).splitlines()[1].startswith(said)


def test_what_is_no_yaml_is_refused() -> None:
    with pytest.raises(FileNotParsed, match=r"f\.yaml:1"):
        read_overlay("add: [", "f.yaml")


Need = tuple[str, str, str]  # consumer, supplier, group


def random_needs(random: Random, keys: list[str], count: int) -> dict[Need, dict[str, str]]:
    found = {}
    for _ in range(count):
        one, other = random.sample(keys, 2)
        group = random.choice(["", "g", "g"])
        own = random.choice([{}, {"strength": "soft"}, {"min_up": "2"}, {"weight": "3"}])
        found[one, other, group] = {**own, **({"redundancy_group": group} if group else {})}
    return found


def items(things: dict[str, str], needs: dict[Need, dict[str, str]]) -> list[Item]:
    links = [link(one, "DEPENDS_ON", other, **own) for (one, other, _), own in needs.items()]
    return [*(thing(key, kind) for key, kind in things.items()), *links]


def flow(value: dict[str, Any]) -> str:
    return json.dumps(value)  # JSON is YAML too


async def opened(path: Path, loaded: list[Item]) -> Topologies:
    store = SqliteStore(path, MODEL)
    await store.open()
    await say(store, *loaded)
    return Topologies(store, MODEL)


@pytest.mark.parametrize("seed", range(12))
async def test_the_answer_is_the_difference_to_the_estate_that_was_really_changed(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    keys = [f"n{number}" for number in range(7)]
    things = {key: random.choice(["Server", "Application", "BusinessService"]) for key in keys}
    needs = random_needs(random, keys, 12)
    gone = random.choice(keys)
    left = {key: kind for key, kind in things.items() if key != gone} | {"new": "Server"}
    staying = {each: own for each, own in needs.items() if gone not in each[:2]}
    dropped, changed = random.sample(sorted(staying), 2)
    wanted = {each: own for each, own in staying.items() if each != dropped}
    wanted[changed] = {**wanted[changed], "weight": "2", "min_up": "2"}
    more = {each: own for each, own in random_needs(random, list(left), 4).items() if each not in wanted | needs}
    wanted |= more

    def address(each: Need) -> dict[str, str | None]:
        return {"from": each[0], "type": "DEPENDS_ON", "to": each[1], "redundancy_group": each[2] or None}

    lines = [
        "add:",
        "  - {class: Server, key: new}",
        *(f"  - {flow({'from': each[0], 'type': 'DEPENDS_ON', 'to': each[1], **own})}" for each, own in more.items()),
        "remove:",
        f"  - {gone}",
        f"  - {flow(address(dropped))}",
        "change:",
        f"  - {flow({**address(changed), 'set': {'weight': 2, 'min_up': '2'}})}",
    ]
    today = await opened(tmp_path / "today.db", items(things, needs))
    then = await opened(tmp_path / "then.db", items(left, wanted))
    try:
        asked = await what_if(today, read_overlay("\n".join(lines), "f.yaml"))
        found = by_seed(asked)
        for key in left.keys() & things.keys():
            old, new = [
                {each.ci.name: each.state for each in (await blast_radius(side, [Ask(key)])).affected}
                for side in (today, then)
            ]
            both = left.keys() & things.keys()
            shifts = {
                name: f"{old.get(name, State.OPERATIONAL).name} {new.get(name, State.OPERATIONAL).name}"
                for name in both
                if old.get(name) != new.get(name)
            }
            assert found.get(key, {}) == shifts
    finally:
        await today.store.close()
        await then.store.close()
