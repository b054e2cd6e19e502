"""What text search compares: folded words, made here and nowhere else, so that every store finds the same set.

Text is folded (case, accents and other marks fall away) and cut into words, which are runs of letters
and digits. A value is kept as its *terms*: from each of its words on to its end, the words joined by ``-``,
and once more all of them joined by nothing. So a term begins with what one looks for, in whatever punctuation:
``db-01``, ``01.example`` and ``db01`` are all in ``db-01.example.com``. A reference, ``source:key``, is one term more,
which no word begins with: it is found whole, and nobody finds all of a source by its name.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from knockon.cmdb.contract.rows import SEPARATOR, reference_of
from knockon.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.cmdb.contract.rows import Entity
    from knockon.schema.model import Attribute, Model

VERSION = 3
"""Goes up when the same text gives other words: a store that opens then makes its index anew."""
LONGEST_TERM = 64
"""Characters of a term that count."""
MOST_WORDS = 32
"""Words of one value that are found."""
LONGEST_REFERENCE = 256
"""Characters of a folded reference that count."""
MOST_PIECES = 16
"""What one can look for at once."""

_RECORD = "Record"
_ASCII_WORD = re.compile("[a-z0-9]+")
_TEXTUAL = frozenset({"string", "url", "ip", "mac", "email"})
_NOT_SOUGHT = frozenset({"state"})  # a word that thousands share; ``where`` asks for it
# Letters that Unicode does not take apart into a letter and a mark.
_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i", "ħ": "h"}
)


def words(text: str) -> list[str]:
    """Cut text into folded words."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())  # the same as below, and much faster
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(_LETTERS)
    bare = (character for character in folded if unicodedata.category(character)[0] != "M")
    return "".join(character if character.isalnum() else " " for character in bare).split()


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for: every one of ``pieces`` must begin a term, or ``reference`` be one where it is not "".

    ``whole`` is all of it, for the ranks.
    """

    pieces: tuple[str, ...]
    whole: str
    reference: str = ""


def sought(text: str) -> Query:
    """Understand what someone typed: pieces between spaces; punctuation inside a piece joins its words.

    Raises
    ------
    BadUsage
        There is no letter and no digit in it, or more than MOST_PIECES pieces.
    """
    pieces = dict.fromkeys("-".join(words(each))[:LONGEST_TERM] for each in text.split())
    pieces.pop("", None)
    if not pieces:
        raise BadUsage("There is nothing to look for; give a name, or the beginning of a word or number.")
    if len(pieces) > MOST_PIECES:
        raise BadUsage(f"These are {len(pieces)} words; look for at most {MOST_PIECES} at once.")
    return Query(tuple(pieces), " ".join(words(text)), _reference(text) if ":" in text else "")


def shown_last(model: Model) -> list[str]:
    """Name the classes of records: of what is found alike, the things that they are about come first."""
    return list(model.concrete(_RECORD)) if _RECORD in model.classes else []


def rank_of(quality: int, *, last: bool) -> int:
    """Give the rank, 0 best, of how well something fits: 0 by its name, 1 by another whole value, 2 and 3 by a part.

    What fits wholly comes before what fits in part; of each, what is shown last after the rest.
    """
    return quality + (2 if quality > 1 else 0) + (2 if last else 0)


@dataclass(frozen=True, slots=True)
class Searchable:
    """What a store keeps of an entity to find it by: ``terms``, between spaces, and the folded values."""

    terms: str
    wholes: str  # each between two U+001F, the name first


def searchable(entity: Entity, by: Iterable[str], references: Iterable[str]) -> Searchable:
    """Give what an entity is found by: name, ``source:key`` of its present records, the attributes ``by``."""
    known = sorted({reference_of(entity), *references})
    texts = [each.partition(":")[2] for each in known]
    for name in by:
        if (value := entity.attributes.get(name)) is not None:
            texts += _texts(value)
    named, *others = (words(text)[:MOST_WORDS] for text in dict.fromkeys((entity.name, *texts)))
    whole = [" ".join(each) for each in (*others, *(words(each) for each in known)) if each]
    wholes = [" ".join(named), *dict.fromkeys(whole)]
    terms = _terms([named, *others]) | {_reference(each) for each in known}
    return Searchable(" ".join(sorted(terms)), SEPARATOR.join(["", *wholes, ""]))


def sought_by(model: Model, class_name: str) -> list[str]:
    """Name the attributes that search looks at: texts that identify or are indexed, and are not sensitive."""
    each = model.classes.get(class_name)
    if each is None:  # of an older model
        return []
    identifying = {name for identifier in each.identifiers for name in identifier.by}
    return sorted(name for name, attribute in each.attributes.items() if _is_sought(attribute, identifying))


def fingerprint(model: Model) -> int:
    """Give a number that changes when entities are found by something else than before."""
    by = [(name, sought_by(model, name)) for name, each in sorted(model.classes.items()) if not each.abstract]
    return int.from_bytes(hashlib.blake2b(repr((VERSION, by)).encode(), digest_size=6).digest())


def _reference(text: str) -> str:
    return ("-" + "-".join(words(text)))[:LONGEST_REFERENCE]


def _is_sought(attribute: Attribute, identifying: set[str]) -> bool:
    spec = attribute.spec
    if spec.type not in _TEXTUAL or spec.sensitive or attribute.name in _NOT_SOUGHT:
        return False
    return spec.indexed or attribute.name in identifying


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str)]


def _terms(values: Iterable[list[str]]) -> set[str]:
    terms = set()
    for value in values:
        if not value:
            continue
        term = ""
        for word in reversed(value):
            term = f"{word}-{term}"[:LONGEST_TERM] if term else word[:LONGEST_TERM]
            terms.add(term)
        terms.add("".join(value)[:LONGEST_TERM])
    return terms
