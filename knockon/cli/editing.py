"""What people write by hand: ``create``, ``set``, ``move``, ``relate``, ``unrelate``, ``retire``, ``restore``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from knockon.cli.identity import changes_json
from knockon.cli.options import Json, StoreUrl, asked, me, print_json
from knockon.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from knockon.cmdb.stewardship.edits import Editor
    from knockon.cmdb.stewardship.writing import Edited

Ref = Annotated[str, typer.Argument(metavar="REF", help="An id, Class:name, source:key, or a name.")]
Start = Annotated[str, typer.Argument(metavar="FROM", help="Where it begins: an id, Class:name, source:key, a name.")]
Type = Annotated[str, typer.Argument(metavar="TYPE", help="The relationship type, or its inverse name.")]
End = Annotated[str, typer.Argument(metavar="TO", help="Where it ends, likewise.")]
Words = Annotated[
    list[str] | None, typer.Argument(metavar="[ATTRIBUTE=VALUE]...", help="What it is.", show_default=False)
]
Expect = Annotated[
    int | None,
    typer.Option(
        "--expect", metavar="REVISION", min=0, show_default=False,
        help="The revision at which you looked (`knockon history` shows it): what changed since then in what you "
        "write is a conflict.",
    ),
]  # fmt: skip
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for whoever reads it later.", show_default=False)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Write nothing, and say what would be done.")]


def create(
    class_name: Annotated[str, typer.Argument(metavar="CLASS", help="Its class; `knockon model show` lists them.")],
    words: Words = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Say that there is a thing, with its attributes."""
    said = _attributes(words)
    _edit(store, reason, lambda editor: editor.create(class_name, said), dry_run=dry_run, as_json=as_json)


def set_(
    ref: Ref,
    words: Words = None,
    unset: Annotated[
        list[str] | None, typer.Option("--unset", metavar="ATTRIBUTE", help="Take your word on it back. Repeatable.")
    ] = None,
    expect: Expect = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Say what attributes of a thing are; others are left as they are."""
    said = _attributes(words) | dict.fromkeys(unset or ())
    if not said:
        raise BadUsage("Say what to set: attribute=value, or --unset ATTRIBUTE.")
    _edit(
        store, reason, lambda editor: editor.change(ref, said, expected=expect), dry_run=dry_run, as_json=as_json
    )  # fmt: skip


def move(
    ref: Ref,
    state: Annotated[str, typer.Argument(metavar="STATE", help="Where to; `knockon model show CLASS` has the moves.")],
    expect: Expect = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Move a thing to another state of its lifecycle: an incident, a change, an agreement, an item.

    What its lifecycle does not allow is refused, with the moves that it does; and so is what another source keeps.
    """

    def work(editor: Editor) -> Awaitable[Edited]:
        return editor.move(ref, state, expected=expect)

    _edit(store, reason, work, dry_run=dry_run, as_json=as_json)


def relate(
    source: Start,
    type_name: Type,
    target: End,
    words: Words = None,
    expect: Expect = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Say that two things are related."""
    said = _attributes(words)

    def work(editor: Editor) -> Awaitable[Edited]:
        return editor.relate(source, type_name, target, said, expected=expect)

    _edit(store, reason, work, dry_run=dry_run, as_json=as_json)


def unrelate(
    source: Start,
    type_name: Type,
    target: End,
    group: Annotated[
        str | None, typer.Option("--group", help="Its redundancy group, if it has one.", show_default=False)
    ] = None,
    expect: Expect = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Take back what people say of a relationship; it is retired if nobody else reports it."""

    def work(editor: Editor) -> Awaitable[Edited]:
        return editor.unrelate(source, type_name, target, group or "", expected=expect)

    _edit(store, reason, work, dry_run=dry_run, as_json=as_json)


def retire(
    ref: Ref,
    expect: Expect = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Take back all that people say of a thing; it is retired, and keeps its id.

    What other sources report stays: take it out of what they load.
    """
    _edit(store, reason, lambda editor: editor.retire(ref, expected=expect), dry_run=dry_run, as_json=as_json)


def restore(
    ref: Ref,
    expect: Expect = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Say that a retired thing is there after all, as it was known last; it has its id again.

    Its relationships are not said again.
    """
    _edit(store, reason, lambda editor: editor.restore(ref, expected=expect), dry_run=dry_run, as_json=as_json)


def _attributes(words: Sequence[str] | None) -> dict[str, Any]:
    """Read ``attribute=value``; an attribute that stands several times has several values."""
    found: dict[str, Any] = {}
    for word in words or ():
        name, sign, value = word.partition("=")
        if not (sign and name):
            raise BadUsage(f"{word!r} is not of the form attribute=value.")
        if name not in found:
            found[name] = value
        else:
            found[name] = [*(found[name] if isinstance(found[name], list) else [found[name]]), value]
    return found


def _edit(
    store: str | None, reason: str | None, work: Callable[[Editor], Awaitable[Edited]], *, dry_run: bool, as_json: bool
) -> None:
    from knockon.cli.editing_tables import print_edited
    from knockon.cmdb.stewardship.edits import Editor

    done = asked(store, lambda opened, model: work(Editor(opened, model, me(), reason or "", dry_run)))
    if as_json:
        print_json(_edited_json(done))
    else:
        print_edited(done)


def _edited_json(done: Edited) -> dict[str, Any]:
    from dataclasses import asdict

    entity = done.entity
    planned = {} if done.plan is None else {"plan": [asdict(each) for each in done.plan]}
    return {
        "revision": done.revision,
        "entity": {
            "id": entity.id, "class": entity.class_name, "name": entity.name, "attributes": entity.attributes,
            "retired": entity.retired,
        },
        "outweighed": [asdict(each) for each in done.outweighed],
        **changes_json(done.changes),
        **planned,
    }  # fmt: skip
