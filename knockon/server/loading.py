"""Bulk loading over HTTP: a file in, a line of JSON for each batch out."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import unicodedata
from dataclasses import replace
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from knockon import loaders
from knockon.cmdb.access import AccessScope
from knockon.errors import BadUsage, KnockonError, TimedOut
from knockon.server.endpoint import refuse_coded
from knockon.server.loads import Job

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from knockon.cmdb.access import Policy
    from knockon.loaders import Reading
    from knockon.schema.model import Model
    from knockon.server.loads import Loads

_SUFFIX = {
    "application/x-ndjson": ".ndjson", "application/jsonl": ".ndjson", "application/json": ".json",
    "application/yaml": ".yaml", "text/csv": ".csv",
}  # fmt: skip
_OPTIONS = {"allowRetire": "allow_retire", "dryRun": "dry_run"} | {
    each: each for each in ("complete", "strict", "partial")
}
_TEXTS = ("source", "scope", "format")
_MOST_KEY = 200
_MOST_TEXT = 500


def load_endpoint(
    loads: Loads, model: Model, policy: Policy, *, most: int, patience: float
) -> Callable[[Request], Awaitable[Response]]:
    """Make the handler that loads the body of a request; ``most`` is how many bytes it may have.

    Whoever sends nothing for ``patience`` seconds is waited for no longer.

    The load goes on where the caller has gone: the same ``Idempotency-Key`` and body follow it, or give how it ended.
    """

    async def handle(http: Request) -> Response:
        http.state.principal.require(AccessScope.LOADER, to="load")
        said = Message()
        said["content-type"] = http.headers.get("content-type", "")
        suffix = _SUFFIX.get(said.get_content_type()) if http.headers.get("content-type") else None
        if suffix is None:
            raise HTTPException(415, f"Send one of the content types {', '.join(_SUFFIX)}.")
        if said.get_content_charset("utf-8") not in ("utf-8", "us-ascii"):
            raise HTTPException(415, "Send the body in UTF-8.")
        refuse_coded(http)
        how = _asked(http.query_params)
        name = _name(http)
        loads.refuse_more(name)
        path, content = await _received(http, suffix, most, patience)
        kept = False
        try:
            this, is_new = await loads.enter(name, content, dry_run=how["dry_run"] is True)
            if is_new:
                try:
                    reading = await asyncio.to_thread(_read, path, http.query_params, model)
                except BaseException as error:
                    await loads.leave(name, this, error if isinstance(error, KnockonError) else None)
                    raise
                loads.start(name, this, Job(reading, path, policy.sight(http.state.principal), how))
                kept = True
        finally:
            if not kept:
                await asyncio.to_thread(path.unlink)
        http.state.load = this.about
        await this.begun()
        return StreamingResponse(this.following(), media_type="application/x-ndjson")

    return handle


def _asked(query: Mapping[str, str]) -> dict[str, str | bool]:
    """Give the options of a load."""
    if unknown := sorted(set(query) - {*_OPTIONS, *_TEXTS}):
        known = ", ".join((*_TEXTS, *sorted(_OPTIONS)))
        raise BadUsage(f"{', '.join(unknown)}: there is no such parameter; there are {known}.")
    for name in _TEXTS:
        said = query.get(name, "")
        if len(said) > _MOST_TEXT or any(unicodedata.category(each) in ("Cc", "Cs") for each in said):
            raise BadUsage(f"{name} has at most {_MOST_TEXT} characters, and no control characters.")
    how: dict[str, str | bool] = {"scope": query.get("scope", "")}
    for name, option in _OPTIONS.items():
        if query.get(name, "false") not in ("true", "false"):
            raise BadUsage(f"{name} is true or false.")
        how[option] = query.get(name) == "true"
    return how


def _name(http: Request) -> tuple[str, str] | None:
    key = http.headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= _MOST_KEY:
        raise BadUsage(f"An Idempotency-Key has 1 to {_MOST_KEY} characters.")
    return http.state.principal.name, key


async def _received(http: Request, suffix: str, most: int, patience: float) -> tuple[Path, str]:
    """Write the body to a file, which holds the sender to the speed of the disk; give it, and a hash of the request."""
    digest = hashlib.blake2b(repr([suffix, sorted(http.query_params.items())]).encode(), digest_size=16)
    size = 0
    with tempfile.NamedTemporaryFile(prefix="knockon-load-", suffix=suffix, delete=False) as file:
        path = Path(file.name)
        try:
            parts = http.stream()
            while True:
                async with asyncio.timeout(patience):
                    part = await anext(parts, None)
                if part is None:
                    break
                size += len(part)
                if size > most:
                    raise HTTPException(413, f"A load may have {most:,} bytes; cut it into several.")
                digest.update(part)
                await asyncio.to_thread(file.write, part)
        except BaseException as error:
            path.unlink()  # noqa: ASYNC240 - where this was cancelled, nothing can be waited for
            if isinstance(error, TimeoutError):
                text = f"Nothing came for {patience:g} seconds, and nothing is loaded; send it again."
                raise TimedOut(text) from None
            raise
    return path, digest.hexdigest()


def _read(path: Path, query: Mapping[str, str], model: Model) -> Reading:
    try:
        found = loaders.read([path], source=query.get("source"), format=query.get("format", "auto"), model=model)
    except KnockonError as error:
        raise type(error)(str(error).replace(str(path), "body")) from None
    return replace(found, file="")  # what the file is called here is nothing to its sender
