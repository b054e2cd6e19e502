"""A topology as analysts' tools see it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from knockon.errors import BadUsage
from knockon.impact import to_networkx
from knockon.impact.topology.network import Dependency, Item, Network
from knockon.impact.topology.topology import Topology


def topology() -> Topology:
    two = (Dependency("app", "db", group="dbs", weight=2), Dependency("app", "db", type_name="RUNS_ON", rule="r"))
    return Topology.of(Network([Item("app", "app"), Item("db", "db")], two))


def test_edges_run_from_consumer_to_supplier_with_all_that_they_are() -> None:
    found = sorted(
        (*ends, data["type"], data["group"], data["weight"], data["rule"], data["effect"])
        for *ends, data in to_networkx(topology()).edges(data=True)
    )
    effect = "OPERATIONAL AT_RISK DEGRADED DOWN"
    assert found == [("app", "db", "DEPENDS_ON", "dbs", 2, "", effect), ("app", "db", "RUNS_ON", "", 1, "r", effect)]


def test_without_networkx_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(BadUsage, match=r"knockon\[analysis\]"):
        to_networkx(topology())


def test_the_package_is_cheap_to_import() -> None:
    check = "import sys, knockon.impact; sys.exit('numpy' in sys.modules or 'networkx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
