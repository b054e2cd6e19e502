"""The arithmetic against a slow program of the same meaning, in fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from knockon.itsm.health.answer import CheckScore, percent
from knockon.itsm.health.checks import CHECKS, Check
from knockon.itsm.health.ground import Outcome
from knockon.itsm.health.scoring import Result, Tally, area_scores, overall

IDS = [f"ci-{number}" for number in range(6)]
NUMBER = {id_: place for place, id_ in enumerate(IDS)}


@st.composite
def outcomes(draw: st.DrawFn) -> list[Outcome]:
    found = []
    for id_ in draw(st.lists(st.sampled_from(["", *IDS]), max_size=12)):
        asked = draw(st.integers(0, 5))
        lacking = draw(st.integers(0, asked))
        found.append(Outcome(id_, asked, lacking, f"lacks {lacking}" if lacking else ""))
    return found


PLACES = st.none() | st.lists(st.integers(0, len(IDS) - 1), unique=True).map(sorted)


@given(outcomes(), PLACES)
def test_counts_are_those_of_what_was_asked_about(found: list[Outcome], places: list[int] | None) -> None:
    result = Result.of(CHECKS[0], found, NUMBER)
    at = None if places is None else np.array(places, np.int64)
    of = {*IDS, ""} if places is None else {IDS[place] for place in places}
    mine = [each for each in found if each.id in of]
    failing = {each.id for each in mine if each.missed and each.id}
    tally = Tally(sum(each.asked for each in mine), sum(each.missed for each in mine), len(failing))
    assert result.tally(at) == tally
    assert [IDS[place] for place in result.failing(at)] == sorted(failing)
    assert all(result.because[NUMBER[id_]] for id_ in failing)


@given(outcomes())
def test_parts_add_up_to_the_whole(found: list[Outcome]) -> None:
    result = Result.of(CHECKS[0], found, NUMBER)
    halves = [result.tally(np.array(part)) for part in ([0, 1, 2], [3, 4, 5])]
    summed = [sum(each) for each in zip(*halves, strict=True)]
    whole = result.tally()
    assert whole == (summed[0] + result.loose.asked, summed[1] + result.loose.missed, summed[2])


TALLIES = st.lists(
    st.tuples(
        st.sampled_from(CHECKS), st.integers(0, 50).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
    ),
    max_size=8, unique_by=lambda each: each[0].name,
)  # fmt: skip


@given(TALLIES)
def test_scores_are_weighted_means_of_what_was_asked(drawn: list[tuple[Check, tuple[int, int]]]) -> None:
    tallies = [(check, Tally(asked, lost, 0)) for check, (asked, lost) in drawn]
    expected: dict[str, Fraction | None] = {}
    for area in {check.area for check, _ in tallies}:
        own = [(check.weight, t) for check, t in tallies if check.area == area and t.asked]
        total = sum(weight for weight, _ in own)
        summed = sum((weight * Fraction(100 * t.met, t.asked) for weight, t in own), Fraction())
        expected[area] = summed / total if total else None
    areas = area_scores(tallies)
    assert areas.keys() == expected.keys()
    for area, score in expected.items():
        got = areas[area]
        assert (got is None) == (score is None)
        assert score is None or got is None or abs(Fraction(got) - score) < Fraction(1, 10**6)
    known = [each for each in expected.values() if each is not None]
    whole = overall(areas)
    assert (whole is None) == (not known)
    assert whole is None or abs(Fraction(whole) - sum(known, Fraction()) / len(known)) < Fraction(1, 10**6)


@given(st.integers(0, 10**6).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), st.integers(0, 100))
def test_a_check_passes_exactly_at_what_is_needed(counts: tuple[int, int], needed: int) -> None:
    tally = Tally(*counts, 0)
    enough = not tally.asked or Fraction(tally.met, tally.asked) >= Fraction(needed, 100)
    assert CheckScore(CHECKS[0], tally, needed).passes == enough
    shown = percent(tally.score)
    assert shown is None or (shown == 100) == (tally.missed == 0)
