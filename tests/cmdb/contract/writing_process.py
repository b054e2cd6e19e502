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
        numbers = [await write_pair(store, name, turn) for turn in range(int(writes))]
    finally:
        await store.close()
    sys.stdout.write(" ".join(map(str, numbers)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
