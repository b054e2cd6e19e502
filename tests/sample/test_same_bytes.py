"""The same arguments give the same files, whatever the hash seed of the process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING

import pytest

from knockon import sample
from knockon.errors import BadUsage
from tests.sample.conftest import AS_OF

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"entities.ndjson", "relationships.ndjson", "truth/truth.yaml"}
SCRIPT = """
import sys
from datetime import date
from pathlib import Path
from knockon import sample
sample.write(Path(sys.argv[1]), size=900, seed=11, as_of=date(2026, 11, 21))
"""


def digests(folder: Path) -> dict[str, str]:
    return {
        each.relative_to(folder).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest()
        for each in sorted(folder.rglob("*"))
        if each.is_file()
    }


def test_two_processes_with_different_hash_seeds_write_the_same_bytes(tmp_path: Path) -> None:
    for hash_seed in ("0", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path / hash_seed)], check=True, env=environment)
    found = digests(tmp_path / "0")
    assert set(found) == FILES
    assert found == digests(tmp_path / "4242")


def test_writing_again_into_the_same_folder_changes_nothing(tmp_path: Path) -> None:
    sample.write(tmp_path, as_of=AS_OF)
    before = digests(tmp_path)
    sample.write(tmp_path, as_of=AS_OF)
    assert digests(tmp_path) == before


def test_another_seed_and_another_day_write_other_records(tmp_path: Path) -> None:
    sample.write(tmp_path / "a", as_of=AS_OF, seed=1)
    sample.write(tmp_path / "b", as_of=AS_OF, seed=2)
    sample.write(tmp_path / "c", as_of=date(2027, 2, 28), seed=1)
    assert len({digests(tmp_path / each)["entities.ndjson"] for each in "abc"}) == 3


@pytest.mark.parametrize("seed", [0, 1, 77])
def test_the_seed_draws_people_and_records_but_not_the_machinery(seed: int) -> None:
    (one,) = sample.generate(as_of=AS_OF, seed=seed)
    (other,) = sample.generate(as_of=AS_OF)
    drawn = {"Person", "Incident", "Change", "ChangeTask", "Approval", "Outage"}
    assert [each for each in one.entities if each["class"] not in drawn] == [
        each for each in other.entities if each["class"] not in drawn
    ]


@pytest.mark.parametrize("size", [0, -5, 1, 300])
def test_less_than_one_company_is_refused_and_nothing_is_written(tmp_path: Path, size: int) -> None:
    with pytest.raises(BadUsage, match="smallest sample estate has 4"):
        sample.write(tmp_path / "out", size=size, as_of=AS_OF)
    assert list(tmp_path.iterdir()) == []
