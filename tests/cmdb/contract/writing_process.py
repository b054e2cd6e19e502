"""A writer in a process of its own: ``python -m tests.cmdb.contract.writing_process FILE NAME WRITES``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.cmdb.conftest import sqlite_store
from tests.cmdb.contract.test_concurrency import write_pair


async def main(path: str, name: str, writes: str) -> None:
    store = sqlite_store(Path(path))
    await store.open()
    try:
        numbers = [await write_pair(store, name, turn) for turn in range(int(writes))]
    finally:
        await store.close()
    sys.stdout.write(" ".join(map(str, numbers)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
