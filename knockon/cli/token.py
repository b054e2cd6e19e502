"""``token``: who may ask the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from knockon.cli.options import Json, StoreUrl, asked, me, model_of, open_store, print_json, run, settings
from knockon.cmdb.access import AccessScope

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.tokens import Token
    from knockon.schema.model import Model

commands = typer.Typer(help="Bearer tokens: who may ask the API, and what for.", no_args_is_help=True)
_NEVER = "never"


@commands.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is: the journal calls who uses it so.")],
    scope: Annotated[
        list[AccessScope],
        typer.Option(
            metavar="viewer|loader|operator|change-coordinator|administrator",
            help="What it is for; several times for several.",
            show_default=False,
        ),
    ],
    expires: Annotated[
        str, typer.Option(metavar="T", help="Until when: a time, a duration such as P90D, or never.")
    ] = "P90D",
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Make a bearer token. It is printed once, and kept nowhere."""
    from knockon.cmdb.stewardship import tokens

    async def work() -> tuple[Token, str]:
        found = settings(store)
        model = model_of(found)
        async with open_store(found, model) as opened:  # the first thing that a new store holds may be a token
            end = None if expires == _NEVER else expires
            return await tokens.create(opened, model, name, scope, by=me(), expires=end)

    row, text = run(work())
    if as_json:
        print_json({**_as_json(row), "token": text})
        return
    typer.echo(text)
    until = f"until {row.expires[:19]}Z" if row.expires else "for ever"
    typer.echo(
        f"{row.name} may ask as {', '.join(row.scopes)} {until}. Keep the token: it is not shown again.", err=True
    )


@commands.command("list")
def list_(as_json: Json = False, store: StoreUrl = None) -> None:
    """List all tokens without their secrets: whose, what for, until when, and who made them."""
    from knockon.cli.token_tables import print_tokens

    async def read(opened: Store, _model: Model) -> list[Token]:
        return await opened.tokens()

    found = asked(store, read)
    if as_json:
        print_json([_as_json(each) for each in found])
    else:
        print_tokens(found)


@commands.command("revoke")
def revoke(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id, or the name of one that is in use.")],
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Make a token worthless, at once."""
    from knockon.cmdb.stewardship import tokens

    row = asked(store, lambda opened, model: tokens.revoke(opened, model, token, by=me()))
    if as_json:
        print_json(_as_json(row))
    else:
        typer.echo(f"{row.name} ({row.id}) was revoked at {row.revoked[:19]}Z.")


def _as_json(row: Token) -> dict[str, Any]:
    """Give what may be shown of a token."""
    from knockon.cmdb.stewardship.tokens import in_use
    from knockon.schema import values

    return {
        "id": row.id, "name": row.name, "scopes": list(row.scopes), "inUse": in_use(row, values.now()),
        "expires": row.expires or None, "by": row.by, "at": row.at, "revoked": row.revoked or None,
    }  # fmt: skip
