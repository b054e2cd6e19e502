"""Who and what stands around a service: values, the same for the command line and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from knockon.itsm.values import ci_json, utc_text

if TYPE_CHECKING:
    from datetime import datetime

    from knockon.cmdb.access import Sight
    from knockon.itsm.values import Ci


class Target(NamedTuple):
    """One thing that an agreement promises: the attribute that says so, and its value in words; None: redacted."""

    name: str
    value: str | None


class Agreement(NamedTuple):
    """An agreement in force on a service, and those of its targets that the service's state touches."""

    ci: Ci
    touched: tuple[Target, ...]

    def as_seen(self, sight: Sight) -> tuple[Target, ...]:
        """Give the targets as far as somebody may read how much is promised."""
        hidden = {each.name for each in self.touched if sight.hides(self.ci.class_name, each.name)}
        return tuple(each._replace(value=None) if each.name in hidden else each for each in self.touched)


class ServiceHours(NamedTuple):
    """Whether the moment is ``inside`` the service hours, and ``until`` when, in UTC; None: for more than a year.

    ``share`` is how much of the window that was asked about is inside, 0 to 1; None for a moment.
    ``inside`` is None where the calendars cannot be read; ``because`` then says why.
    """

    inside: bool | None
    until: datetime | None
    share: float | None
    calendars: tuple[Ci, ...]
    because: str | None


class Surroundings(NamedTuple):
    """Who and what stands around a service; ``hours`` is None where none are recorded."""

    customers: tuple[Ci, ...]
    agreements: tuple[Agreement, ...]
    owners: tuple[Ci, ...]
    support_groups: tuple[Ci, ...]
    hours: ServiceHours | None


class Notified(NamedTuple):
    """A person, group or organisation to tell, once, with every reason."""

    ci: Ci
    because: tuple[str, ...]


def surroundings_json(around: Surroundings, sight: Sight | None = None) -> dict[str, Any]:
    """Give the JSON form, as somebody sees it; None sees all."""
    hours = around.hours
    touched = [(each.ci, each.as_seen(sight) if sight else each.touched) for each in around.agreements]
    return {
        "serviceHours": hours
        and {
            "inside": hours.inside,
            "until": utc_text(hours.until),
            **({} if hours.share is None else {"share": hours.share}),
            "calendars": [ci_json(each) for each in hours.calendars],
            "because": hours.because,
        },
        "customers": [ci_json(each) for each in around.customers],
        "agreements": [{**ci_json(ci), "touched": [each._asdict() for each in targets]} for ci, targets in touched],
        "owners": [ci_json(each) for each in around.owners],
        "supportGroups": [ci_json(each) for each in around.support_groups],
    }
