"""What a word is, against a slow and plain reading of the same."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knockon.cmdb.words import LONGEST_WORD, Query, fold, searched, text_of, words, words_in
from knockon.errors import BadUsage
from knockon.schema.installed import installed_model
from tests.cmdb.contract.estate import entity

texts = st.text(st.sampled_from("aAbÉé1.-_ ßİ \u0301\u00a8\ufdfa\U0001f600") | st.characters(exclude_categories=["Cs"]))


def alphanumeric(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN"


def stripped(run: str) -> str:
    while run and not alphanumeric(run[-1]):
        run = run[:-1]
    return run


def found(asked: str, text: str) -> bool:
    """Say it slowly: every run of what is asked for begins some word of the text, a single character is all of it."""
    every = [
        run[at:]
        for run in map(stripped, fold(text).split())
        for at in range(len(run))
        if alphanumeric(run[at]) and not (at and alphanumeric(run[at - 1]))
    ]
    for run in map(stripped, fold(asked).split()):
        start = next((at for at in range(len(run)) if alphanumeric(run[at])), len(run))
        wanted = run[start : start + LONGEST_WORD]
        held = [word[:LONGEST_WORD] for word in every]
        if wanted and not any(word == wanted if len(wanted) == 1 else word.startswith(wanted) for word in held):
            return False
    return True


@given(texts, texts)
@example("a1-b", "x.A1-B2")
@example("b", "a-b")
@example("b", "a-bc")
@example("0:", "0, 1")
def test_what_is_asked_for_begins_words_of_what_is_found(asked: str, text: str) -> None:
    row = entity("e", name=text)
    kept = text_of(row, (), frozenset())
    if len(words_in(kept)) >= 100:
        return
    try:
        query = Query(asked)
    except BadUsage:
        assert not any(map(alphanumeric, fold(asked)))
        return
    rank = query.rank(kept)
    assert (rank is not None) == found(asked, text)
    if rank == 0:
        assert fold(asked)[:200] == fold(text)[:200]
    elif rank == 1:
        assert fold(text).startswith(fold(asked)[:200])


@given(texts)
def test_case_accents_and_width_do_not_count(text: str) -> None:
    once = fold(text)
    assert fold(once) == once
    assert fold(unicodedata.normalize("NFC", text)) == once
    assert fold(text.casefold()) == once


@given(texts)
def test_a_text_finds_itself(text: str) -> None:
    if any(map(alphanumeric, fold(text))) and len(list(words(text))) < 100:
        assert Query(text).rank(text_of(entity("e", name=text), (), frozenset())) in {0, 2}


@given(st.lists(texts, max_size=200), texts)
def test_a_text_fits_an_index(values: list[str], name: str) -> None:
    row = entity("e", name=name, tags=values)
    kept = text_of(row, values, frozenset({"tags"}))
    assert len(kept.encode()) < 32_000
    assert kept.partition("\x1e")[0] == fold(name)[:200]
    assert len(words_in(kept)) == len(set(words_in(kept))) <= 100


def test_a_word_is_cut_at_what_is_no_letter_and_no_digit() -> None:
    assert list(words("esx-host-1, db_main")) == ["esx-host-1", "host-1", "1", "db_main", "main"]
    assert list(words(" -- ")) == []


@pytest.mark.parametrize("name", ["serial_number", "hostname", "ip_addresses", "asset_tag", "number", "management_ip"])
def test_the_shipped_model_is_searched_by_what_people_know(name: str) -> None:
    assert name in searched(installed_model())


def test_states_and_what_is_sensitive_are_not_searched() -> None:
    assert {"state", "email", "employee_number", "description"}.isdisjoint(searched(installed_model()))
