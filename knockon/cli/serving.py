"""Serving: ``serve`` for an organisation's estate, ``demo`` to look around."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from knockon.cli.bring import load_files
from knockon.cli.options import StoreUrl, model_of, settings

_QUESTION = '{ impact(of: [{ref: "Hypervisor:ham-esx-03"}]) { services { service { name } state } } }'

Port = Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")]


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Port = 8080,
    store: StoreUrl = None,
) -> None:
    """Serve the API. Callers need a bearer token: `knockon token create` makes one."""
    from knockon.server import create_app, run_server
    from knockon.server.logs import set_up

    found = settings(store)
    model = model_of(found)
    set_up(found.log, found.log_level)
    run_server(create_app(found, model), host=host, port=port, announce=_say_served)


def demo(port: Port = 8080) -> None:
    """Load the sample estate into a store of its own and serve it on this machine only."""
    from knockon import sample
    from knockon.server import create_app, run_server
    from knockon.server.settings import data_file

    url = data_file("demo.db")
    found = settings(url)
    model = model_of(found)
    with TemporaryDirectory() as folder:
        typer.echo("Making the sample estate ...", err=True)
        sample.write(Path(folder), size=None, seed=sample.SEED, as_of=sample.AS_OF)
        report, _ = load_files(found, [folder])
    counts = report.entities
    typer.echo(f"Sample estate: {counts.created} created, {counts.unchanged} unchanged, in {url}", err=True)
    run_server(
        create_app(found, model, demo=True),
        host="127.0.0.1",
        port=port,
        announce=lambda address: _say_demo(address, shlex.quote(url)),
    )


def _say_served(address: str) -> None:
    typer.echo(f"knockon serves {address}/graphql (Ctrl-C stops it)", err=True)


def _say_demo(address: str, url: str) -> None:
    # another terminal may stand in another folder, and without this environment's PATH
    me = Path(sys.argv[0]).absolute()
    command = shlex.quote(str(me)) if me.is_file() else "knockon"
    from knockon.server.pages import built

    browser = f"\nIn a browser: {address}/graphiql\n" if built() else ""
    typer.echo(
        f"""
knockon demo is at {address}/ on this machine only. Ctrl-C stops it. Three things to try:

  1. What breaks if this hypervisor fails? In another terminal:
     {command} impact Hypervisor:ham-esx-03 --store {url}
  2. The same, knowing which incidents are open:
     {command} impact Hypervisor:ham-esx-03 --given open --store {url}
  3. The same through GraphQL:
     curl -s {address}/graphql -H 'Content-Type: application/json' \\
       -d '{json.dumps({"query": _QUESTION})}'
{browser}""",
        err=True,
    )
