"""The name of an answer: the question, and of which estate, model and program it was asked.

An answer is a function of these, so nothing is kept of it: the name is all that it takes to work it out again.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime

from knockon import __version__
from knockon.errors import AnswerGone, BadUsage
from knockon.itsm.context.given import Span

_FORM = 1
_CHECK = 4  # bytes
_MOST = 1 << 63


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of impact in ids: what it means does not hang on what things are called.

    ``seeds`` are (id, state) as they were asked for; ``now`` is when service hours and agreements are judged.
    """

    seeds: tuple[tuple[str, str], ...]
    given: str
    span: Span | None
    assume: tuple[str, ...]
    max_distance: int | None
    exclude: tuple[str, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Named:
    """What the name of an answer says."""

    asked: Asked
    revision: int
    model_version: str
    engine_version: str

    def refuse_other(self, model_version: str) -> None:
        """Refuse to answer with another model or another program.

        Raises
        ------
        AnswerGone
        """
        if self.engine_version != __version__:
            raise AnswerGone(
                f"This answer is knockon {self.engine_version}'s, and this is {__version__}; ask that one, or ask anew."
            )
        if self.model_version != model_version:
            raise AnswerGone("This answer was given by another model; use its model files, or ask anew.")


def answer_id(asked: Asked, revision: int, model_version: str) -> str:
    """Name the answer that this program gives to a question; the same question and estate have the same name."""
    said = [
        _FORM, revision, model_version, __version__, asked.now.timestamp(), asked.seeds, asked.given,
        asked.span and (asked.span.start.timestamp(), asked.span.end.timestamp()), asked.assume, asked.max_distance,
        asked.exclude,
    ]  # fmt: skip
    text = json.dumps(said, separators=(",", ":")).encode()
    return urlsafe_b64encode(_check(text) + text).decode().rstrip("=")


def read_answer_id(name: str) -> Named:
    """Read the name of an answer.

    Raises
    ------
    BadUsage
        It is none, or not whole.
    """
    try:
        packed = urlsafe_b64decode(name + "=" * (-len(name) % 4))
        if packed[:_CHECK] != _check(packed[_CHECK:]):
            raise ValueError(name)
        form, *said = json.loads(packed[_CHECK:])
        if form != _FORM:
            raise ValueError(form)
        return _named(*said)
    except (
        ValueError,
        TypeError,
        OverflowError,
        OSError,
    ) as error:  # of base64, UTF-8, JSON or what was made by somebody else
        raise BadUsage("This is not the id of an answer, or not all of it; copy the whole of answerId.") from error


def _named(
    revision: int, model: str, engine: str, now: float, seeds: list[list[str]], given: str,
    span: list[float] | None, assume: list[str], max_distance: int | None, exclude: list[str],
) -> Named:  # fmt: skip
    # anybody may make a name, and send it
    pairs = tuple((id_, state) for id_, state in seeds)
    texts = (model, engine, given, *assume, *exclude, *(each for pair in pairs for each in pair))
    counts = (revision, 1 if max_distance is None else max_distance)
    window = Span(*map(_moment, span)) if span else None
    if (
        not all(isinstance(each, str) for each in texts)
        or not all(type(each) is int and 0 <= each < _MOST for each in counts)
        or (window and window.end < window.start)
    ):
        raise ValueError(pairs)
    asked = Asked(pairs, given, window, tuple(assume), max_distance, tuple(exclude), _moment(now))
    return Named(asked, revision, model, engine)


def _check(text: bytes) -> bytes:
    return binascii.crc32(text).to_bytes(_CHECK, "big")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
