"""Serves what the settings name, on a free port; while the file of the first argument is there, its topology waits.

So it lags behind on purpose, like a process that has much to catch up with. All else of it is ``knockon serve``.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from knockon.cmdb.stores import store_at
from knockon.schema.installed import installed_model
from knockon.server import create_app, run_server
from knockon.server.settings import read_settings

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store


class Held:
    """A store whose feed of revisions is not read while a file is there."""

    def __init__(self, store: Store, hold: Path) -> None:
        self._store = store
        self._hold = hold

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def feed(self, *asked: int) -> Any:
        while self._hold.exists():  # noqa: ASYNC110 - another process takes it away
            await asyncio.sleep(0.02)
        return await self._store.feed(*asked)


if __name__ == "__main__":
    model, settings = installed_model(), read_settings()
    store = cast("Store", Held(store_at(settings.store_url, model), Path(sys.argv[1])))
    app = create_app(settings, model, store)
    run_server(app, host="127.0.0.1", port=0, announce=lambda address: print(address, flush=True))  # noqa: T201 - the test reads it
