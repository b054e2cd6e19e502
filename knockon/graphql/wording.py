"""What messages advise, in the words of the API: below, they speak of options and commands."""

from __future__ import annotations

import re

_COMMANDS = (
    (r"`?knockon undo \S+ --load`?", "the mutation `undoLoad`"),
    (r"`knockon (link|keep-apart)` ", r"use the mutation --\1 on "),
    (r"`knockon (decisions|findings)`", r"`\1`"),
    (r"`knockon letters`", "`deadLetters`"),
    (r"(; | \()`knockon changes[^`]*`( lists \w+|\))", ""),
)
_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)(?: --json| NAME)?")
_NAMES = {"expect": "expectedRevision"}


def in_api(message: str) -> str:
    """Put a message into the words of the API: options by the names of parameters, commands by what stands for them.

    A command that nothing stands for stays: then it is the way.
    """
    for command, words in _COMMANDS:
        message = re.sub(command, words, message)
    return _OPTION.sub(_parameter, message)


def _parameter(option: re.Match[str]) -> str:
    name = option[1]
    first, *others = name.split("-")
    return f"`{_NAMES.get(name) or first + ''.join(each.title() for each in others)}`"
