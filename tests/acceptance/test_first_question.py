"""The question of the first page, as a person asks it on the command line and a program through a served API."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from knockon.sample.blueprint import README_HYPERVISOR
from tests.acceptance.estates import ROOT, Place, knockon
from tests.graphql.test_answers import WHOLE, as_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "a long random text"
QUESTION = f"Hypervisor:{README_HYPERVISOR}"


@pytest.fixture(scope="module")
def loaded(sample_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Load the sample estate as the README says."""
    place = Place(f"sqlite://{tmp_path_factory.mktemp('first') / 'estate.db'}")
    ran = place.command("load", str(sample_files), "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    report = json.loads(ran.stdout)
    assert (report["rejected"], report["waiting"], report["findings"]) == (0, 0, [])
    return place


@pytest.fixture(scope="module")
def api(loaded: Place) -> Iterator[httpx2.Client]:
    """Serve the estate in a process of its own."""
    with served(loaded) as address, httpx2.Client(base_url=address, timeout=60) as client:
        yield client


@contextmanager
def served(place: Place) -> Iterator[str]:
    environment = {**place.environment(), "KNOCKON_TOKEN": TOKEN, "KNOCKON_LOG_LEVEL": "warning"}
    with subprocess.Popen(
        knockon("serve", "--port", "0"), env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        try:
            said = server.stderr.readline()
            if not said.startswith("knockon serves http://127.0.0.1:"):
                server.kill()  # else what it says would never end
                pytest.fail(said + server.stderr.read())
            yield said.split()[2].removesuffix("/graphql")
            server.send_signal(signal.SIGINT)
            assert server.wait(timeout=30) == 0
            assert server.stderr.read() == ""
        finally:
            server.kill()


def ask(client: httpx2.Client, query: str, **variables: Any) -> dict[str, Any]:
    response = client.post(
        "/graphql", json={"query": query, "variables": variables}, headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    assert "errors" not in answer, answer["errors"]
    data: dict[str, Any] = answer["data"]
    return data


def on_the_command_line(place: Place, *arguments: str) -> dict[str, Any]:
    ran = place.command("impact", *arguments, "--format", "json")
    assert (ran.returncode, ran.stderr) == (0, "")
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def test_it_says_which_services_fail_which_survive_by_what_margin_and_why(loaded: Place) -> None:
    answer = on_the_command_line(loaded, QUESTION)
    assert [(each["class"], each["name"], each["state"]) for each in answer["seeds"]] == [
        ("Hypervisor", README_HYPERVISOR, "DOWN")
    ]
    services = {each["name"]: each["state"] for each in answer["services"] if each["class"] == "BusinessService"}
    assert services == {
        "Payroll": "DOWN",
        "Time Recording": "DEGRADED",
        "Online Shop": "AT_RISK",
        "Customer Care": "AT_RISK",
        "Contact Centre": "AT_RISK",
        "Management Reporting": "AT_RISK",
    }
    survivors = {(each["name"], each["group"]): (each["lost"], each["margin"]) for each in answer["survivors"]}
    assert survivors["ham-cluster", "MEMBER_OF"] == (1, 2)
    assert survivors["ham-vip-shop", "ROUTES_TO"] == (1, 0)
    seed = answer["seeds"][0]["id"]
    for each in answer["affected"]:
        assert each["because"]["text"]
        assert each["because"]["rule"]
        ends = {end for step in each["path"] for end in (step["from"], step["to"])}
        assert {each["id"], seed} <= ends, each
        assert len(each["path"]) == each["distance"]
    counts = answer["counts"]
    assert counts == {state: sum(each["state"] == state for each in answer["affected"]) for state in counts}
    assert not answer["truncated"]


def test_people_read_the_same_in_a_table(loaded: Place) -> None:
    ran = loaded.command("impact", QUESTION)
    assert (ran.returncode, ran.stderr) == (0, "")
    for word in ("Payroll", "Time Recording", "DOWN", "DEGRADED", "AT_RISK", "ham-cluster"):
        assert word in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        ((QUESTION,), {"of": [{"ref": QUESTION}]}),
        ((QUESTION, "--given", "open"), {"of": [{"ref": QUESTION}], "given": "open"}),
        (
            ("ham-dbs-02=degraded", "sample:lyo-dbs-02", "--state", "removed", "--assume", "ham-cluster=operational",
             "--max-distance", "3", "--exclude", "POWERED_BY", "--exclude", "ROUTES_TO"),
            {"of": [{"ref": "ham-dbs-02", "state": "degraded"}, {"ref": "sample:lyo-dbs-02", "state": "removed"}],
             "assume": ["ham-cluster"], "max": 3, "exclude": ["POWERED_BY", "ROUTES_TO"]},
        ),
    ],
    ids=["alone", "given what is open", "with every option"],
)  # fmt: skip
def test_the_api_gives_the_same_answer(
    loaded: Place, api: httpx2.Client, arguments: tuple[str, ...], variables: dict[str, Any]
) -> None:
    answer = as_json(ask(api, WHOLE, **{"given": "none", **variables})["impact"])
    assert answer["affected"]
    told = on_the_command_line(loaded, *arguments)
    for each in (answer, told):
        del each["answerId"]  # has the second at which it was asked in it
    assert answer == told


def test_without_the_token_nothing_is_told(api: httpx2.Client) -> None:
    for headers in ({}, {"Authorization": "Bearer another text"}):
        refused = api.post("/graphql", json={"query": "{ services { totalCount } }"}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "NOT_AUTHENTICATED")


def test_what_is_loaded_while_it_serves_is_in_the_next_answer(sample_files: Path, tmp_path: Path) -> None:
    """One process writes, another one answers; both on one file."""
    place = Place(f"sqlite://{tmp_path / 'estate.db'}")
    assert place.command("load", str(sample_files)).returncode == 0
    more = tmp_path / "more.yaml"
    more.write_text(
        "source: survey\n"
        "entities: [{class: BusinessService, key: new, name: Brand New, criticality: 2, user_count: 7}]\n"
        f"relationships: [{{from: new, type: DEPENDS_ON, to: 'sample:{README_HYPERVISOR}'}}]\n"
    )
    query = "query($ref: String!) { impact(of: [{ref: $ref}]) { revision services { name state } } }"
    with served(place) as address, httpx2.Client(base_url=address, timeout=60) as client:
        before = ask(client, query, ref=QUESTION)["impact"]
        assert place.command("load", str(more)).returncode == 0
        after = ask(client, query, ref=QUESTION)["impact"]
    assert {"name": "Brand New", "state": "DOWN"} in after["services"]
    assert [each for each in after["services"] if each["name"] != "Brand New"] == before["services"]
    assert after["revision"] == before["revision"] + 3
