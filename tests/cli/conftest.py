"""A home directory for the command, and one small estate that the questions share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.command import Knockon

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ESTATE = """
source: survey
seen: 2026-11-01T08:00:00Z
entities:
  - {class: Server, key: srv-1, name: iron-1, serial_number: 00123}
  - {class: Server, key: srv-2, name: iron-2}
  - {class: Server, key: twin-a, name: twin}
  - {class: Server, key: twin-b, name: twin}
  - {class: Hypervisor, key: esx-1, name: ESX1}
  - {class: Hypervisor, key: esx-2, name: ESX2}
  - {class: Cluster, key: farm, name: Farm, min_up: 1}
  - {class: VirtualMachine, key: vm, name: vm}
  - {class: Application, key: app, name: "shop=app"}
  - {class: Application, key: mail, name: mail}
  - {class: BusinessService, key: shop, name: Shop, criticality: 1, user_count: 500}
  - {class: Incident, key: inc, name: iron-2 is dead, kind: outage, state: in_progress, opened_at: 2026-11-01T07:00:00Z}
relationships:
  - {from: esx-1, type: RUNS_ON, to: srv-1}
  - {from: esx-2, type: RUNS_ON, to: srv-2}
  - {from: farm, type: HAS_MEMBER, to: esx-1}
  - {from: esx-2, type: MEMBER_OF, to: farm}
  - {from: vm, type: HOSTED_ON, to: farm}
  - {from: app, type: RUNS_ON, to: vm}
  - {from: app, type: DEPENDS_ON, to: mail, strength: soft}
  - {from: shop, type: DEPENDS_ON, to: app}
  - {from: inc, type: AFFECTS, to: srv-2, effect: down}
  - {from: shop, type: DEPENDS_ON, to: nowhere}
"""


@pytest.fixture
def knockon(tmp_path: Path) -> Knockon:
    """Give the command, with a new home and an empty store."""
    return Knockon(tmp_path).at("estate.db")


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knockon]:
    """Give the command with ESTATE loaded; nobody writes to it, which is held when all have asked."""
    home = tmp_path_factory.mktemp("home")
    (home / "estate.yaml").write_text(ESTATE)
    knockon = Knockon(home).at("estate.db")
    report = knockon("load", "estate.yaml", "--json").json()
    assert (report["created"], report["rejected"], report["relationships"]["waiting"]) == (12, 0, 1)
    newest = knockon("changes", "--json").out
    yield knockon
    assert knockon("changes", "--json").out == newest
