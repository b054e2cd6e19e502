"""A writer in a process of its own: ``python -m tests.cmdb.contract.writing_process FILE NAME WRITES``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from knockon.cmdb.stores.sqlite import SqliteStore
from tests.cmdb.contract.estate import MODEL, write_pair


async def main(path: str, name: str, writes: str) -> None:
    store = SqliteStore(Path(path), MODEL)
    await store.open()
    try:
        for turn in range(int(writes)):
            print(await write_pair(store, name, turn), flush=True)  # noqa: T201 - what the test reads
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
