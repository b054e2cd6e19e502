"""The sample company is of the promised size and shape, and every record of it can be loaded."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from knockon import loaders, sample
from knockon.cmdb.loading.load import load
from knockon.cmdb.stores.sqlite import SqliteStore
from knockon.impact.topology.supports import belongs
from knockon.sample.records import iso, moment_of
from knockon.schema import validate
from knockon.schema.observation import EntityObservation, Reject, RelationshipObservation
from tests.sample.conftest import AS_OF

if TYPE_CHECKING:
    from pathlib import Path

    from knockon.schema.model import Model
    from tests.sample.conftest import Drawn

SERVICES = ("BusinessService", "TechnicalService", "ServiceInstance")


def test_it_has_300_to_500_configuration_items(home: Drawn, model: Model) -> None:
    items = [each for each in home.entities.values() if model.is_a(each["class"], "ConfigurationItem")]
    assert 300 <= len(items) <= 500
    assert home.estate.ci_count() == len(items)


def test_it_fills_every_concrete_class_of_the_shipped_model(home: Drawn, model: Model) -> None:
    assert {name for name, each in model.classes.items() if not each.abstract} == {
        each["class"] for each in home.entities.values()
    }


def test_it_uses_every_relationship_type_of_the_shipped_model(home: Drawn, model: Model) -> None:
    assert {each["type"] for each in home.estate.relationships} == set(model.relationships)


def test_it_has_two_sites_and_a_cloud_region_and_some_fifteen_services(home: Drawn) -> None:
    counts = Counter(each["class"] for each in home.entities.values())
    assert (counts["Site"], counts["CloudRegion"]) == (2, 1)
    assert 13 <= counts["BusinessService"] <= 18
    assert 30 <= counts["Person"] <= 80
    assert 250 <= counts["Incident"] <= 600
    assert 150 <= counts["Change"] <= 400


def test_every_record_is_valid(tmp_path: Path, model: Model) -> None:
    sample.write(tmp_path)
    reading = loaders.read([tmp_path], model=model)
    entities = [each for each in reading.items if isinstance(each, EntityObservation)]
    relationships = [each for each in reading.items if isinstance(each, RelationshipObservation)]
    assert len(entities) + len(relationships) == len(list(reading.items))
    judged = [
        *(validate.entity(model, each) for each in entities),
        *(validate.relationship(model, each) for each in relationships),
    ]
    assert [each for each in judged if isinstance(each, Reject)] == []
    assert len(judged) > 4000


async def test_it_loads_whole_and_a_second_time_changes_nothing(tmp_path: Path, model: Model) -> None:
    sample.write(tmp_path / "files")
    store = SqliteStore(tmp_path / "estate.db", model)
    await store.open()
    try:
        items = loaders.read([tmp_path / "files"], model=model).items
        first = await load(store, model, items, source="sample", actor="test")
        second = await load(store, model, items, source="sample", actor="test")
    finally:
        await store.close()
    assert (first.findings, first.rejects) == ([], [])
    assert (first.entities.rejected, first.relationships.rejected, first.relationships.waiting) == (0, 0, 0)
    for counts in (second.entities, second.relationships):
        assert (counts.created, counts.updated, counts.retired, counts.rejected, counts.waiting) == (0, 0, 0, 0, 0)
    assert second.entities.unchanged == first.entities.created


def test_keys_are_unique_and_every_reference_is_one_of_them(home: Drawn) -> None:
    assert len(home.entities) == len(home.estate.entities)
    ends = {end for each in home.estate.relationships for end in (each["from"], each["to"])}
    assert ends - set(home.entities) == set()


def test_every_relationship_is_stated_once_and_allowed_by_the_model(home: Drawn, model: Model) -> None:
    said = Counter(
        (each["type"], each["from"], each["to"], each.get("redundancy_group")) for each in home.estate.relationships
    )
    assert [key for key, times in said.items() if times > 1] == []
    kinds = {(t, home.entities[a]["class"], home.entities[b]["class"]) for t, a, b, _ in said}
    assert [kind for kind in kinds if not model.allows(*kind)] == []


def test_a_name_alone_finds_a_configuration_item_unless_it_is_inside_another(home: Drawn, model: Model) -> None:
    items = [each for each in home.entities.values() if model.is_a(each["class"], "ConfigurationItem")]
    names = Counter(each["name"] for each in items if "/" not in each["key"] or each["name"] == each["key"])
    assert [name for name, times in names.items() if times > 1] == []


def test_addresses_are_of_example_domains(home: Drawn) -> None:
    addresses = [each["email"] for each in home.entities.values() if "email" in each]
    assert len(set(addresses)) == len(addresses) > 40
    assert [each for each in addresses if not each.endswith("@example.com")] == []


@pytest.mark.parametrize("link", ["OWNED_BY", "SUPPORTED_BY", "CONSUMED_BY", "COVERED_BY", "HAS_CALENDAR"])
def test_every_business_service_has_its_people_and_papers(home: Drawn, link: str) -> None:
    linked = {each["from"] for each in home.estate.relationships if each["type"] == link}
    assert set(home.of_class("BusinessService")) - linked == set()


def test_hosts_have_two_cords_but_for_the_planted_sins(home: Drawn) -> None:
    cords = Counter(each["from"] for each in home.estate.relationships if each["type"] == "POWERED_BY")
    single = {key for key in home.of_class("Server", "Switch", "StorageSystem") if cords[key] < 2}
    assert single == {"ham-whs-01", "ham-whs-02", "lyo-fax-01"}


def test_one_configuration_item_belongs_to_no_service(home: Drawn, model: Model) -> None:
    apart = ("Document", "BusinessProcess")  # what is written about services, and what is above them
    items = {
        key
        for key, each in home.entities.items()
        if model.is_a(each["class"], "ConfigurationItem") and each["class"] not in apart
        if model.counts(each["class"], each)
    }
    assert items - belongs(home.topology, home.of_class(*SERVICES)) == {"lyo-fax-01"}


def test_records_are_in_time(home: Drawn) -> None:
    now = iso(moment_of(AS_OF))
    for key in home.of_class("Incident"):
        record = home.entities[key]
        assert record["opened_at"] <= record.get("resolved_at", now) <= record.get("closed_at", now) <= now, record
    for key in home.of_class("Change"):
        record = home.entities[key]
        assert record["opened_at"] <= record["planned_start"] < record["planned_end"], record
        assert record["opened_at"] <= now
    days = {datetime.fromisoformat(home.entities[key]["opened_at"]).date() for key in home.of_class("Incident")}
    assert (AS_OF - min(days)).days > 300


def test_some_incidents_are_open_and_some_changes_are_ahead(home: Drawn, model: Model) -> None:
    now = iso(moment_of(AS_OF))
    open_incidents = [key for key in home.of_class("Incident") if model.state_of("Incident", home.entities[key]).open]
    assert len(open_incidents) == 4
    changes = [home.entities[key] for key in home.of_class("Change")]
    assert len([each for each in changes if each["planned_start"] > now]) == 10
    under_way = [each for each in changes if each["state"] == "implementing"]
    assert [each["planned_start"] < now < each["planned_end"] for each in under_way] == [True]
