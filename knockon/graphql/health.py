"""``health``: how good what is recorded is, and the CIs behind each number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from strawberry import ID

from knockon.graphql.answers import FEW
from knockon.graphql.definitions import Weight, argument, as_of_argument, listed, maybe, plain, resolved
from knockon.graphql.questions import ANALYSIS
from knockon.itsm.health.answer import percent
from knockon.itsm.health.health import BY, About, Examinations
from knockon.itsm.health.health import resolved as understood

if TYPE_CHECKING:
    from collections.abc import Sequence

    from strawberry.types.field import StrawberryField

    from knockon.graphql.definitions import Definitions
    from knockon.graphql.request import Request
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.health.answer import CheckScore, Failing, HealthAnswer
    from knockon.itsm.health.health import Examination
    from knockon.itsm.health.rules import Rule

MOST_ITEMS = 100
_REFERENCE = "An id, Class:name, source:key, or a name that only one entity has."
_SAID = {"class": "Each class.", "service": "What each service needs.", "owner": "What each owner owns."}


class _Asked(NamedTuple):
    """What was asked about, and all that was found out: what the fields of one answer share."""

    examination: Examination
    about: About
    answer: HealthAnswer


class _Checked(NamedTuple):
    asked: _Asked
    score: CheckScore


class HealthQuestions:
    """Makes the field; an answer says the same as on the command line."""

    def __init__(self, definitions: Definitions, rules: Sequence[Rule]) -> None:
        self._definitions = definitions
        self._rules = rules
        self._kept: WeakKeyDictionary[Topologies, Examinations] = WeakKeyDictionary()

    def query_fields(self) -> list[StrawberryField]:
        """Make the question."""

        async def health(_root: None, request: Request, by: str, **options: Any) -> _Asked:
            about = About(options.get("class"), options.get("service"), options.get("owner"))
            meant, said = await understood(request.store, request.shared.model, about)
            made, moment = self._examinations(request.today), request.shared.moment
            found = await (made.past(moment, request.shared.store) if moment else made.current())
            return _Asked(found, meant, found.answer(meant, said, by=str(by)))

        divided = self._definitions.enum("HealthBy", "Whose scores are given apart.", [(by, _SAID[by]) for by in BY])
        arguments = [
            argument("class", maybe(str), "Only CIs of this class or below."),
            argument("service", maybe(str), f"Only what this service needs, and itself. {_REFERENCE}"),
            argument("owner", maybe(str), f"Only what this party owns. {_REFERENCE}"),
            argument("by", divided, "Whose scores are given apart.", "class"),
            as_of_argument(),
        ]
        said = (
            "How good what is recorded of the configuration items is. Made anew when something changed, or in a minute."
        )
        return [resolved("health", maybe(self._answer_type()), health, said, arguments, Weight(10 * ANALYSIS))]

    def _examinations(self, shared: Topologies) -> Examinations:
        if shared not in self._kept:
            self._kept[shared] = Examinations(shared.store, shared.model, self._rules)
        return self._kept[shared]

    def _answer_type(self) -> type:
        define = self._definitions
        area = define.object(
            "HealthArea",
            "Checks of one kind, and what they come to.",
            plain("name", str, lambda each: each[1].name, "Its name."),
            plain("score", maybe(float), lambda each: percent(each[1].score), "In percent; null if nothing was asked."),
            plain(
                "checks", listed(self._check_type()), lambda each: [_Checked(each[0], one) for one in each[1].checks],
                "What was asked.", many=FEW,
            ),
        )  # fmt: skip
        score = define.object(
            "HealthScore",
            "The score of one area.",
            plain("name", str, lambda each: each[0], "The area."),
            plain("score", maybe(float), lambda each: percent(each[1]), "In percent; null if nothing was asked."),
        )
        part = define.object(
            "HealthPart",
            "One class, or the CIs of one service or owner.",
            plain("id", maybe(ID), lambda each: each.ci and each.ci.id, "The id of the service or owner."),
            plain("class", maybe(str), lambda each: each.ci and each.ci.class_name, "The class of that."),
            plain("name", str, lambda each: each.name, "Its name."),
            plain("cis", int, lambda each: each.cis, "How many CIs it has."),
            plain("score", maybe(float), lambda each: percent(each.score), "In percent; null if nothing was asked."),
            plain("areas", listed(score), lambda each: list(each.areas.items()), "By area.", many=FEW),
        )
        left_out = define.object(
            "HealthLeftOut",
            "A check that could not be made.",
            plain("name", str, lambda each: each.name, "Its name."),
            plain("because", str, lambda each: each.because, "Why, in words."),
        )
        return define.object(
            "Health",
            "How good what is recorded of the estate, or of a part of it, is.",
            plain("revision", int, lambda each: each.answer.revision, "The revision that it holds for."),
            plain("asOf", str, lambda each: each.answer.as_of, "The moment as of which things are stale."),
            plain("about", str, lambda each: each.answer.about, "What was asked about, in words."),
            plain("cis", int, lambda each: each.answer.cis, "How many CIs that are."),
            plain("score", maybe(float), lambda each: percent(each.answer.score), "The mean of the areas, in percent."),
            plain("passes", bool, lambda each: each.answer.passes, "Every check reaches what it must."),
            plain(
                "areas", listed(area), lambda each: [(each, one) for one in each.answer.areas], "By kind.", many=FEW
            ),
            plain("by", str, lambda each: each.answer.by, "Whose scores the parts are."),
            plain("parts", listed(part), lambda each: each.answer.parts, "By class, service or owner.", many=FEW),
            plain("truncated", bool, lambda each: each.answer.truncated, "There are more parts than are given."),
            plain("leftOut", listed(left_out), lambda each: each.answer.left_out, "What could not be told.", many=FEW),
        )  # fmt: skip

    def _check_type(self) -> type:
        define = self._definitions
        item = define.object(
            "HealthItem",
            "A CI that misses something; without id, class and name what is known of no CI.",
            plain("id", maybe(ID), lambda each: each.ci and each.ci.id, "Its id."),
            plain("class", maybe(str), lambda each: each.ci and each.ci.class_name, "Its class."),
            plain("name", maybe(str), lambda each: each.ci and each.ci.name, "Its name."),
            plain("asked", int, lambda each: each.asked, "How much was asked of it."),
            plain("missed", int, lambda each: each.missed, "How much of that it misses."),
            plain("because", str, lambda each: each.because, "What it misses, in words."),
        )

        def items(checked: _Checked, _request: Request, first: int) -> Sequence[Failing]:
            asked, limit = checked.asked, max(0, min(first, MOST_ITEMS))
            found = asked.examination.failing(checked.score.check.name, asked.about, "", limit=limit)
            return found.failing

        return define.object(
            "HealthCheck",
            "One question to every CI.",
            plain("name", str, lambda each: each.score.check.name, "Its name."),
            plain("says", str, lambda each: each.score.check.says, "What is so where nothing is missed."),
            plain("score", maybe(float), lambda each: percent(each.score.tally.score), "Met of asked, in percent."),
            plain("met", int, lambda each: each.score.tally.met, "How much is so."),
            plain("asked", int, lambda each: each.score.tally.asked, "How much was asked."),
            plain("failing", int, lambda each: each.score.tally.failing, "How many CIs miss something."),
            plain("needed", float, lambda each: each.score.needed, "The percentage that it must reach."),
            plain("passes", bool, lambda each: each.score.passes, "It does."),
            resolved(
                "items", listed(item), items, "The CIs that miss something, in order.",
                [argument("first", int, f"How many at most; never more than {MOST_ITEMS}.", 10)], Weight(many=FEW),
            ),
        )  # fmt: skip
