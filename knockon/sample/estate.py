"""The sheet that the sample is drawn on: native-format records, and who fails with whom.

Keys are unique in an estate and so are the names of its configuration items, so that
``knockon impact NAME`` needs no class.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from knockon.schema.installed import installed_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Record = dict[str, Any]
"""One entity, relationship or truth, as it stands in a file."""

TABLE_CODES = ("ham", "lyo")
"""The site codes that keys in the tables begin with."""
HARD = "hard"
SOFT = "soft"


def slug(name: str) -> str:
    """Give the form of a name that keys are made of."""
    return name.lower().replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Site:
    """A data centre: ``code`` begins the names of all that stands in it."""

    code: str
    city: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Company:
    """Whose estate it is: two data centres, and what tells its names from another company's.

    ``mark`` is empty for the default estate; a large estate has many companies.
    """

    first: Site
    second: Site
    mark: str = ""

    @property
    def sites(self) -> tuple[Site, Site]:
        return (self.first, self.second)

    def here(self, key: str) -> str:
        """Turn a key of the tables into this company's: its sites, or its mark at the end."""
        for site, code in zip(self.sites, TABLE_CODES, strict=True):
            if key.startswith(f"{code}-"):
                return site.code + key[len(code) :]
        return f"{key}-{self.mark}" if self.mark else key

    def name(self, name: str) -> str:
        """Make a name that has no site code in it unique among companies."""
        return f"{name} {self.mark}" if self.mark else name


@dataclass
class Estate:
    """All records of one company, in the order in which they were laid out."""

    company: Company
    entities: list[Record] = field(default_factory=list)
    relationships: list[Record] = field(default_factory=list)
    truth: list[Record] = field(default_factory=list)
    classes: dict[str, str] = field(default_factory=dict)
    """The class of every key."""
    groups: dict[str, str] = field(default_factory=dict)
    """The support group of every key that has one."""
    heads: dict[str, str] = field(default_factory=dict)
    """Who leads each department, by its name in the tables."""
    _followers: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, class_name: str, key: str, name: str | None = None, /, **attributes: Any) -> str:
        """Write an entity down and give its key; the key is its name unless it has another."""
        assert key not in self.classes, key
        self.classes[key] = class_name
        known = {attribute: value for attribute, value in attributes.items() if value is not None}
        self.entities.append({"class": class_name, "key": key, "name": name or key, **known})
        return key

    def relate(self, source: str, type_name: str, target: str, /, **attributes: Any) -> None:
        """Write a relationship down, read from source to target."""
        known = {attribute: value for attribute, value in attributes.items() if value is not None}
        self.relationships.append({"from": source, "type": type_name, "to": target, **known})
        if "redundancy_group" not in known:
            self._note_follower(source, type_name, target, known.get("strength", HARD))

    def relate_all(self, source: str, type_name: str, targets: Iterable[str], /, **attributes: Any) -> None:
        """Relate one source to several targets with the same attributes."""
        for target in targets:
            self.relate(source, type_name, target, **attributes)

    def plant(self, kind: str, cis: Iterable[str], expectation: str, /, **details: Any) -> None:
        """Write a planted thing into the truth; ``details`` can be checked by a program."""
        number = self.company.here(f"planted-{len(self.truth) + 1:03}")
        self.truth.append({"id": number, "kind": kind, "cis": list(cis), "expectation": expectation, **details})

    def supported(self, group: str, keys: Iterable[str]) -> None:
        """Say which group supports these things."""
        for key in keys:
            self.groups[key] = group
            self.relate(key, "SUPPORTED_BY", group)

    def falls_with(self, key: str, strength: str = HARD) -> Iterator[str]:
        """Give what is DOWN when ``key`` is, nearest first: no redundancy stands between.

        With ``strength`` soft: what is DEGRADED by it directly.
        """
        if strength == SOFT:
            yield from self._followers.get((key, SOFT), ())
            return
        seen, waiting = {key}, [key]
        for each in waiting:
            for follower in self._followers.get((each, HARD), ()):
                if follower not in seen:
                    seen.add(follower)
                    waiting.append(follower)
                    yield follower

    def keys(self, *class_names: str) -> list[str]:
        """List the keys of these classes in the order in which they were added."""
        return [key for key, class_name in self.classes.items() if class_name in class_names]

    def ci_count(self) -> int:
        """Count the configuration items."""
        model = installed_model()
        return sum(model.is_a(each, "ConfigurationItem") for each in self.classes.values())

    def _note_follower(self, source: str, type_name: str, target: str, strength: str) -> None:
        ends = (self.classes.get(source), self.classes.get(target))
        if ends[0] is None or ends[1] is None:  # an end in another company
            return
        model = installed_model()
        rules = model.rules_between(type_name, ends[0], ends[1])
        if not rules or rules[0].supplier is None or model.grouped(type_name, ends[0], ends[1]):
            return
        consumer, supplier = (source, target) if rules[0].supplier == "target" else (target, source)
        self._followers.setdefault((supplier, strength), []).append(consumer)
