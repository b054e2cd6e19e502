"""Taking a YAML file of ours apart: what it says, and each mistake in it with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.schema.document import Located, is_mapping, read_documents
from knockon.schema.source import Mistake

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class Reading:
    """One file being read. Whatever has not the shape it should have is noted and counts as absent."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.mistakes: list[Mistake] = []

    def wrong(self, line: int, message: str) -> None:
        """Note a mistake."""
        self.mistakes.append(Mistake(self.name, line, message))

    def document(self, text: str, what: str, keys: Collection[str]) -> dict[str, Located]:
        """Read the file's one document, a mapping.

        Raises
        ------
        FileNotParsed
            It is not YAML; with the line.
        """
        found = [each for each in read_documents(text, self.name) if each.value is not None]
        if not found:
            self.wrong(1, f"the file is empty; {what} is a mapping of {', '.join(keys)}.")
            return {}
        for other in found[1:]:
            self.wrong(other.line, f"{what} is one document; use one file for each.")
        return self.mapping(found[0], what, keys)

    def mapping(
        self, node: Located, what: str, keys: Collection[str], needed: Collection[str] = ()
    ) -> dict[str, Located]:
        """Take a mapping with these keys; others, and needed ones that are missing, are mistakes."""
        if not is_mapping(node.value):
            self.wrong(node.line, f"{what} is a mapping of {', '.join(keys)}.")
            return {}
        for key, member in node.value.items():
            if key not in keys:
                self.wrong(member.line, f"{what} has no {key!r}; it has {', '.join(keys)}.")
        for key in needed:
            if key not in node.value or node.value[key].value is None:
                self.wrong(node.line, f"{what} has no {key}.")
        return {key: member for key, member in node.value.items() if key in keys and member.value is not None}

    def members(self, node: Located | None, what: str) -> list[Located]:
        """Take a list; an absent one is empty."""
        if node is None:
            return []
        if not isinstance(node.value, list):
            self.wrong(node.line, f"{what} is a list.")
            return []
        return node.value

    def text(self, node: Located | None, what: str) -> str | None:
        """Take a text that is not empty."""
        if node is None:
            return None
        if not isinstance(node.value, str) or not node.value.strip():
            self.wrong(node.line, f"{what} must be text.")
            return None
        return node.value

    def choice(self, node: Located | None, what: str, values: Sequence[str]) -> str | None:
        """Take one of several words, in any case; gives it as it stands in ``values``."""
        written = self.text(node, what)
        if written is None or node is None:
            return None
        found = next((value for value in values if value.lower() == written.lower()), None)
        if found is None:
            self.wrong(node.line, f"{what} is {', '.join(values[:-1])} or {values[-1]}, not {written!r}.")
        return found
