"""The rules that the image and the composition of services keep; building and running them takes a daemon."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from knockon.server.settings import Settings
from tests.neo4j_server import VERSION

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
STEPS = [line.split(maxsplit=1) for line in LINES if line and not line.startswith("#")]
COMPOSED: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSED["services"]
PINNED = re.compile(r"\d+\.\d+\.\d+[a-z0-9.-]*")


def steps(name: str) -> list[str]:
    return [rest for step, rest in STEPS if step == name]


def test_the_image_has_two_stages_of_one_pinned_python_and_ships_no_tool() -> None:
    (argument,) = steps("ARG")
    name, _, version = argument.partition("=")
    assert (name, bool(PINNED.fullmatch(version))) == ("PYTHON", True)
    assert steps("FROM") == ["python:${PYTHON} AS build", "python:${PYTHON}"]
    last = STEPS[max(number for number, (step, _) in enumerate(STEPS) if step == "FROM") :]
    assert [rest for step, rest in last if step == "COPY"] == ["--from=build /opt/knockon /opt/knockon"]
    assert not any("pip" in rest for step, rest in last if step == "RUN")


def test_the_image_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    (user,) = steps("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)  # by number, so that a cluster can check that it is not root
    (health,) = steps("HEALTHCHECK")
    assert "/readyz" in health
    assert steps("ENTRYPOINT") == ['["knockon"]']


def test_no_secret_is_in_the_image() -> None:
    secret = {
        f"KNOCKON_{name.upper()}" for name, each in Settings.model_fields.items() if "Secret" in str(each.annotation)
    }
    assert {"KNOCKON_TOKEN", "KNOCKON_STORE_PASSWORD"} <= secret
    assert not any(name in rest for _, rest in STEPS for name in secret)


def test_settings_in_containers_are_settings() -> None:
    known = {f"KNOCKON_{name.upper()}" for name in Settings.model_fields}
    given = set(re.findall(r"KNOCKON_[A-Z_]+(?==)", " ".join(steps("ENV")))) | SERVICES["knockon"]["environment"].keys()
    assert {"KNOCKON_STORE", "KNOCKON_STORE_PASSWORD"} <= given <= known


def test_the_wheel_is_built_of_what_the_image_copies(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for copied in steps("COPY")[:-1]:
        *names, _ = copied.split()
        for name in names:
            assert name in allowed
            found = ROOT / name
            if found.is_dir():
                shutil.copytree(found, source / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(found, source / name)
    assert any("-m build --wheel --outdir /wheel ." in each for each in steps("RUN"))
    assert any("--constraint constraints.txt /wheel/*.whl" in each for each in steps("RUN"))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "wheel"), "."]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((tmp_path / "wheel").glob("knockon-*.whl"))) == 1


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_tells_its_health_keeps_its_data_and_ends_in_its_own_time(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {each.partition(":")[0] for each in service["volumes"]} <= COMPOSED["volumes"].keys()
    assert service["stop_grace_period"] == "2m"
    assert all(each.startswith("127.0.0.1:") for each in service.get("ports", ()))
    assert "image" not in service or PINNED.search(service["image"])


def test_there_is_no_default_password_and_nothing_starts_without_one() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    uses = re.findall(r"\$\{KNOCKON_STORE_PASSWORD([^}]*)\}", text)
    assert len(uses) == 2
    assert all(each.startswith(":?") for each in uses)
    assert SERVICES["neo4j"]["environment"]["NEO4J_AUTH"].startswith("neo4j/${KNOCKON_STORE_PASSWORD:?")
    assert SERVICES["knockon"]["environment"]["KNOCKON_TOKEN"] == "${KNOCKON_TOKEN:-}"  # an empty one is none


def test_the_database_is_the_one_that_the_tests_know_and_is_there_first() -> None:
    assert SERVICES["neo4j"]["image"] == f"neo4j:{VERSION}-community"
    assert SERVICES["knockon"]["depends_on"] == {"neo4j": {"condition": "service_healthy"}}
    assert SERVICES["knockon"]["build"] == "."
