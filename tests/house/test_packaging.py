"""The wheel and the list of tried versions: what somebody else installs is what is tested here."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from knockon import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
REQUIRED = [Requirement(each) for each in PROJECT["project"]["dependencies"]]
GROUPS = {name: [Requirement(each) for each in group] for name, group in PROJECT["dependency-groups"].items()}
CONSTRAINTS = [
    line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")
]
TRIED = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in CONSTRAINTS)}


def test_constraints_are_names_and_numbers_only() -> None:
    assert [line for line in CONSTRAINTS if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line)] == []
    assert len(TRIED) == len(CONSTRAINTS)


def test_what_was_tried_is_what_is_allowed() -> None:
    for each in [*REQUIRED, *(each for group in GROUPS.values() for each in group)]:
        assert each.specifier.contains(TRIED[canonicalize_name(each.name)]), each


def test_each_dependency_has_a_floor_and_its_reason() -> None:
    reasons = (ROOT / "docs/dependencies.md").read_text()
    for each in [*REQUIRED, *GROUPS["dev"]]:
        assert any(part.operator == ">=" for part in each.specifier), each
        assert each.name.lower() in reasons.lower(), each


def test_constraints_hold_all_that_is_installed() -> None:
    needed = closure([*REQUIRED, *GROUPS["dev"]])
    assert len(needed) > 40
    assert needed - TRIED.keys() == set()


def closure(requirements: Iterable[Requirement]) -> set[str]:
    """Give the names of these and of all that they need here, in turn."""
    seen: set[tuple[str, str]] = set()
    waiting = [(each, extra) for each in requirements for extra in ("", *each.extras)]
    while waiting:
        each, extra = waiting.pop()
        if (key := (canonicalize_name(each.name), extra)) in seen:
            continue
        seen.add(key)
        for text in distribution(each.name).requires or ():
            found = Requirement(text)
            if found.marker is None or found.marker.evaluate({"extra": extra}):
                waiting += [(found, inner) for inner in ("", *found.extras)]
    return {name for name, _ in seen}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel."""
    out = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)], out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def place(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an environment outside the checkout with the wheel in it; the dependencies are lent by this one."""
    place = tmp_path_factory.mktemp("elsewhere")
    venv.create(place / "env", with_pip=False, symlinks=os.name != "nt")
    python = str(place / "env/bin/python")
    run([sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", str(wheel)], place)
    lent = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    own = run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], place).stdout.strip()
    (Path(own) / "lent.pth").write_text("\n".join(lent))  # a line of a .pth file is searched, its own .pth are not read
    return place


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as if knockon had never been heard of here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KNOCKON_", "PYTHON", "XDG_"))}
    environment = kept | {"HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_wheel_holds_the_package_whole_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {each.filename for each in archive.infolist() if not each.is_dir()}
        metadata = archive.read(f"knockon-{__version__}.dist-info/METADATA").decode()
    package = {str(each.relative_to(ROOT)) for each in (ROOT / "knockon").rglob("*") if each.is_file()}
    package = {each for each in package if "__pycache__" not in each}
    assert {each for each in names if not each.startswith(f"knockon-{__version__}.dist-info/")} == package
    assert {"knockon/py.typed", "knockon/itsm/decisions/risk.yaml", "knockon/schema/shipped/entity.yaml"} <= package
    assert {"knockon/server/openapi.yaml", "knockon/server/static/graphiql.html"} <= package, "make pages builds them"
    assert f"knockon-{__version__}.dist-info/licenses/LICENSE" in names
    assert "License-Expression: Apache-2.0" in metadata
    assert f"\nVersion: {__version__}\n" in metadata


def test_the_wheel_works_in_a_clean_environment(place: Path) -> None:
    command = str(place / "env/bin/knockon")
    where = run([str(place / "env/bin/python"), "-c", "import knockon; print(knockon.__file__)"], place).stdout
    assert Path(where.strip()).is_relative_to(place / "env")
    assert run([command, "--version"], place).stdout == f"knockon {__version__}\n"
    assert run([command, "model", "lint"], place).stderr == "No mistakes.\n"
    run([command, "generate", "--out", "estate"], place)
    run([command, "load", "estate"], place)
    answer = run([command, "impact", "Hypervisor:ham-esx-03", "--format", "json"], place).stdout
    assert '"name": "Payroll"' in answer
    change = (
        "import asyncio; from knockon.itsm.decisions import risk; from knockon.server import create_app; print('read')"
    )
    assert run([str(place / "env/bin/python"), "-c", change], place).stdout == "read\n"


PAGES = """
import asyncio, re
import httpx2
from knockon.schema.installed import installed_model
from knockon.server import create_app
from knockon.server.settings import read_settings

async def get():
    app = create_app(read_settings(store="sqlite:///nowhere", token="t"), installed_model())
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://knockon") as client:
        for page in ("/graphiql", "/docs"):
            text = (await client.get(page)).text
            for name in re.findall(r'"(pages/[^"]+)"', text):
                print(name, (await client.get("/" + name)).status_code)

asyncio.run(get())
"""


def test_the_wheel_has_every_file_of_its_pages(place: Path) -> None:
    told = run([str(place / "env/bin/python"), "-c", PAGES], place).stdout.splitlines()
    assert {"pages/graphiql.min.js 200", "pages/swagger-ui-bundle.js 200", "pages/react.production.min.js 200"} <= {
        *told
    }
    assert [each for each in told if not each.endswith(" 200")] == []


def test_the_service_starts_from_the_wheel_with_nothing_but_settings(place: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KNOCKON_", "PYTHON", "XDG_"))}
    own = {"KNOCKON_STORE": f"sqlite://{place}/served.db", "KNOCKON_TOKEN": "a long random text", "KNOCKON_LOG": "json"}
    with subprocess.Popen(
        [str(place / "env/bin/knockon"), "serve", "--port", "0"], cwd=place, stderr=subprocess.PIPE, text=True,
        env=kept | own | {"HOME": str(place), "KNOCKON_LOG_LEVEL": "warning"},
    ) as serving:  # fmt: skip
        try:
            assert serving.stderr
            said = serving.stderr.readline()
            address = said.removeprefix("knockon serves ").partition("/graphql")[0]
            for _ in range(30):  # the first question begins to build the topology
                ready = httpx2.get(f"{address}/readyz", timeout=60)
                if ready.status_code != httpx2.codes.SERVICE_UNAVAILABLE:
                    break
            assert (ready.status_code, ready.json()["status"]) == (200, "ready")
            serving.send_signal(signal.SIGTERM)
            assert serving.wait(timeout=30) == 0
            assert serving.stderr.read() == ""
        finally:
            serving.kill()
