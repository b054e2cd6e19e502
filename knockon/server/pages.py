"""The pages for a browser, and the scripts and styles that they need: files of the program, nothing of the estate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from knockon.server.problems import refused

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

STATIC = Path(__file__).parent / "static"
"""Where `make pages` puts them, and where a wheel has them."""
PAGES = ("/graphiql", "/docs")
# the dialogs of GraphiQL put style elements into the page, with contents that change from one screen to the next
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_HEADERS = {
    "Cache-Control": "no-cache",  # kept, and asked about each time: the next version has the same names
    "Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
}  # fmt: skip

_UNBUILT = "The pages were not built: run make pages where the program lies, and start the service again."


def built() -> bool:
    """Tell whether there are pages to point at."""
    return all((STATIC / f"{page[1:]}.html").is_file() for page in PAGES)


class Pages:
    """Answers for the pages and their files, and lets every other request through.

    A browser cannot send a token with the address of a page: so these need none, and ask for one themselves
    before they ask the service anything. They are read where they lie when the application starts.
    """

    def __init__(self, app: ASGIApp) -> None:
        folder = STATIC
        self._app = app
        self._folder = StaticFiles(directory=folder, check_dir=False)
        found = [each.name for each in folder.iterdir()] if folder.is_dir() else []
        self._files = {f"/{name[:-5]}" if name.endswith(".html") else f"/pages/{name}": name for name in found}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, if it is for a page."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
        elif name := self._files.get(scope["path"]):
            answer = await self._folder.get_response(name, scope)
            answer.headers.update(_HEADERS)
            await answer(scope, receive, send)
        elif scope["path"].rstrip("/") in PAGES and scope["path"].endswith("/"):
            # relative: a proxy may have taken a path off
            away = {"Location": f"..{scope['path'].rstrip('/')}"}
            await Response(status_code=308, headers={**_HEADERS, **away})(scope, receive, send)
        elif scope["path"] in PAGES:
            answer = refused(scope, 404, "NOT_FOUND", _UNBUILT)
            if "text/html" in Headers(scope=scope).get("accept", ""):
                answer = HTMLResponse(f"<!doctype html><title>knockon</title><p>{_UNBUILT}</p>", 404, _HEADERS)
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)
