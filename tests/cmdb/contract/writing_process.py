"""A writer in a process of its own: ``python -m tests.cmdb.contract.writing_process STORE NAME WRITES``."""

from __future__ import annotations

import asyncio
import os
import sys

from knockon.cmdb.stores import opened, store_at
from tests.cmdb.contract.estate import MODEL, write_pair


async def main(url: str, name: str, writes: str) -> None:
    user, password = os.environ.get("NEO4J_TEST_USER"), os.environ.get("NEO4J_TEST_PASSWORD")
    async with opened(store_at(url, MODEL, user=user, password=password)) as store:
        for turn in range(int(writes)):
            print(await write_pair(store, name, turn), flush=True)  # noqa: T201 - what the test reads


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
