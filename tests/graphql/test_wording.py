"""Messages in the API speak of the API."""

from __future__ import annotations

import pytest

from knockon.graphql.wording import in_api


@pytest.mark.parametrize(
    ("below", "here"),
    [
        ("give --source NAME, or source: in the file.", "give `source`, or source: in the file."),
        ("load with --allow-retire; --dry-run --json lists them.", "load with `allowRetire`; `dryRun` lists them."),
        ("'a' (--source) and 'b' (x.yaml)", "'a' (`source`) and 'b' (x.yaml)"),
        ("as of that revision: --expect 7, or", "as of that revision: `expectedRevision` 7, or"),
        ("There is no revision 9; `knockon changes` lists them.", "There is no revision 9."),
        ("Told from there on (`knockon changes --since 9`); whoever", "Told from there on; whoever"),
        ("after `knockon undo scan --load` with the revision", "after the mutation `undoLoad` with the revision"),
        ("Correct it, or `knockon keep-apart` them.", "Correct it, or use the mutation `keepApart` on them."),
        ("list them with `knockon decisions`.", "list them with `decisions`."),
        ("list them with `knockon baselines`.", "list them with `knockon baselines`."),
        ("a -- b, and a-b --", "a -- b, and a-b --"),
    ],
)  # fmt: skip
def test_options_and_commands_are_said_as_the_api_has_them(below: str, here: str) -> None:
    assert in_api(below) == here
