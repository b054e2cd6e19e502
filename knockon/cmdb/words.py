"""Full text: which words a thing is found by, and what finds it. The same for every store, since stores only look up.

Text is folded: case, accents and width do not count. A word begins at every letter or digit that has none before it
and goes on to the last one before the next space, so that ``esx-host-1`` has the words ``esx-host-1``, ``host-1`` and
``1``, and any beginning of one of them finds it. A store keeps for each live entity one text, made here: the folded
name, then the words, between marks that no folded text has in it.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import chain, islice
from typing import TYPE_CHECKING

from knockon.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from knockon.cmdb.rows import Entity
    from knockon.schema.model import Model
    from knockon.schema.spec import AttributeType

LONGEST_WORD = 64
"""Characters of a word that count, of what is searched and of what is asked for."""

_LONGEST_NAME = 200
_MOST_WORDS = 100  # with the bounds above, less than 32 kB, which is all that an index of Neo4j takes
_END = "\x1e"
_BETWEEN = "\x1f"
_NAMING: frozenset[AttributeType] = frozenset({"string", "ip", "mac", "email", "url"})
_ADDRESSES: frozenset[AttributeType] = frozenset({"ip", "mac"})
_ALPHANUMERIC = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Fold case, accents and width, and make every run of white space one space."""
    if text.isascii():  # most of an estate
        return " ".join(text.lower().split())
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = "".join(each for each in plain if not unicodedata.combining(each))
    return " ".join(kept.split())


def words(text: str) -> Iterator[str]:
    """Give the words of a text, the longer before the shorter that it ends with."""
    for run in fold(text).split(" "):
        pieces = list(_ALPHANUMERIC.finditer(run))
        for piece in pieces:
            start = piece.start()
            yield run[start : min(pieces[-1].end(), start + LONGEST_WORD)]


def searched(model: Model) -> frozenset[str]:
    """Name the attributes by which people find things: identifiers, addresses, and what is ``indexed``; no states.

    What one class calls sensitive is left out for all.
    """
    every = [a for each in model.classes.values() for a in each.attributes.values()]
    states = {each.attribute for each in model.spec.lifecycles.values()}
    identifying = {name for each in model.classes.values() for known in each.identifiers for name in known.by}
    found = {
        a.name
        for a in every
        if a.spec.type in _NAMING and (a.name in identifying or a.spec.indexed or a.spec.type in _ADDRESSES)
    }
    return frozenset(found - states - {a.name for a in every if a.spec.sensitive} - {"name"})


def text_of(entity: Entity, keys: Iterable[str], attributes: frozenset[str]) -> str:
    """Make the text by which an entity is found: its name, its native keys, and these attributes.

    The first 100 words of them count.
    """
    parts = [entity.name, *sorted(keys)]
    for name in sorted(entity.attributes.keys() & attributes):
        value = entity.attributes[name]
        parts += [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
    every = chain.from_iterable(map(words, parts))
    found = list(islice(dict.fromkeys(every), _MOST_WORDS))
    name = fold(entity.name)[:_LONGEST_NAME]
    return f"{name}{_END}{_BETWEEN}{_BETWEEN.join(found)}{_BETWEEN}" if found else f"{name}{_END}{_BETWEEN}"


def words_in(text: str) -> list[str]:
    """Give the words of an entity's text."""
    return text.partition(_END)[2].split(_BETWEEN)[1:-1]


class Query:
    """What someone looks for: things that have, for each word asked for, one that begins with it.

    A word of a single character has to be there as a whole.

    Raises
    ------
    BadUsage
        There is no letter and no digit in it.
    """

    def __init__(self, text: str) -> None:
        runs = (next(words(run), "") for run in fold(text).split(" "))
        self.words = sorted({run for run in runs if run}, key=lambda run: (-len(run), run))
        """The beginnings of words that are looked for, the longest first."""
        if not self.words:
            raise BadUsage("There is no letter and no digit in what is searched for; write at least one.")
        self.name = fold(text)[:_LONGEST_NAME]

    @property
    def parts(self) -> list[str]:
        """Give what is in the text of everything that is found; the first part is in the fewest, most likely."""
        return [_BETWEEN + each + (_BETWEEN if len(each) == 1 else "") for each in self.words]

    @property
    def exact(self) -> str:
        """Give what the text begins with of that whose name is just this."""
        return self.name + _END

    def rank(self, text: str) -> int | None:
        """Tell how well an entity's text fits: 0 by its name, 1 by the beginning of it, 2 by words; None: not."""
        if not all(part in text for part in self.parts):
            return None
        return 0 if text.startswith(self.exact) else 1 if text.startswith(self.name) else 2
