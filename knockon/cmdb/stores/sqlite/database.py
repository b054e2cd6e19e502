"""One SQLite file and the threads that work on it: one writes, a few read.

Work is a function of a connection; it is handed to a thread, so no event loop waits for the disk,
and nothing here belongs to one event loop. Readers see the last commit as it was when their work began.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

import orjson

from knockon.errors import StoreBusy, StoreError, StoreFailed, StoreUnreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

T = TypeVar("T")
READERS = 4
PRIMARY_CODE = 0xFF  # the rest of an extended result code says more about the same error
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
UNREACHABLE = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
}


def translated(error: Exception, path: Path) -> StoreError:
    """Say in knockon's terms what SQLite, or turning a value into its terms, said."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & PRIMARY_CODE
    if code in BUSY:
        return StoreBusy(f"{path}: another process held the store for too long; try again.")
    if code in UNREACHABLE:
        return StoreUnreachable(f"{path}: the store cannot be opened or written ({error}).")
    return StoreFailed(f"{path}: the store refused ({error}).")


class Turns:
    """A turn is held by one at a time, first come, first served, whatever event loop one waits in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Future[None]] = deque()
        self._held = False

    async def take(self, timeout: float) -> None:  # noqa: ASYNC109 - passed on to wait_for
        """Wait for the turn; TimeoutError after ``timeout`` seconds."""
        with self._lock:
            if not self._held:
                self._held = True
                return
            ticket: Future[None] = Future()
            self._waiting.append(ticket)
        try:
            await asyncio.wait_for(asyncio.wrap_future(ticket), timeout)
        except BaseException:
            if not ticket.cancel():  # it was this one's turn already
                self.pass_on()
            raise

    def pass_on(self) -> None:
        """End a turn, from any thread."""
        with self._lock:
            while self._waiting:
                ticket = self._waiting.popleft()
                if ticket.set_running_or_notify_cancel():
                    ticket.set_result(None)
                    return
            self._held = False


class Database:
    """An open file; ``prepare`` is done once, on the writing connection, before anything else."""

    def __init__(self, path: Path, busy_timeout: float, prepare: Callable[[sqlite3.Connection], None]) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._turns = Turns()
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._connections: list[sqlite3.Connection] = []
        try:
            with self._errors():
                self._writing = self._connect()
                _keep_a_log(self._writing, time.monotonic() + busy_timeout)
                prepare(self._writing)
                for _ in range(READERS):
                    reading = self._connect()
                    reading.execute("PRAGMA query_only = ON")
                    self._idle.put(reading)
        except BaseException:
            self._close_connections()
            raise
        self._writer = ThreadPoolExecutor(1, "knockon-sqlite-writer")
        self._readers = ThreadPoolExecutor(READERS, "knockon-sqlite-reader")

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work that only reads, on one snapshot."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work on the writing connection; only within ``turn``."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._write, work)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold the writing connection for a block; what is not committed at its end is rolled back.

        Raises
        ------
        StoreBusy
            The turn did not come within the busy timeout.
        """
        try:
            await self._turns.take(self._busy_timeout)
        except TimeoutError as error:
            raise StoreBusy(f"{self._path}: other writers held the store for too long; try again.") from error
        try:
            yield
        finally:
            # Queued behind whatever a cancelled block left in the writer's thread, and never cancelled itself.
            self._writer.submit(self._end_turn)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Callable[[Callable[[sqlite3.Connection], T]], Awaitable[T]]]:
        """Read one snapshot in several pieces of work, on a connection and a thread of its own.

        Others read and write meanwhile; what they write stays in the log until the block ends.
        """
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "knockon-sqlite-snapshot") as thread:

            def begin() -> sqlite3.Connection:
                with self._errors():
                    connection = sqlite3.connect(
                        self._path, timeout=self._busy_timeout, isolation_level=None, check_same_thread=False
                    )
                    connection.execute("PRAGMA query_only = ON")
                    connection.execute("BEGIN")
                    return connection

            connection = await loop.run_in_executor(thread, begin)

            def doing(work: Callable[[sqlite3.Connection], T]) -> T:
                with self._errors():
                    return work(connection)

            try:
                yield lambda work: loop.run_in_executor(thread, doing, work)
            finally:
                thread.submit(connection.close)

    def close(self) -> None:
        """Wait for the work at hand, then close every connection."""
        self._readers.shutdown()
        self._writer.shutdown()
        self._close_connections()

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._idle.get()
        try:
            with self._errors():
                connection.execute("BEGIN")
                return work(connection)
        finally:
            with suppress(sqlite3.Error):
                connection.rollback()
            self._idle.put(connection)

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._errors():
            return work(self._writing)

    def _end_turn(self) -> None:
        with suppress(sqlite3.Error):  # some errors have rolled it back already
            self._writing.rollback()
        self._turns.pass_on()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._busy_timeout, isolation_level=None, check_same_thread=False
        )
        self._connections.append(connection)
        connection.execute("PRAGMA page_size = 8192")  # of a new file
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -16000")  # KiB
        # the same pages of the indexes change with batch after batch: moving them seldom is moving them once
        connection.execute("PRAGMA wal_autocheckpoint = 4000")  # pages
        return connection

    def _close_connections(self) -> None:
        for connection in self._connections:
            connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OverflowError, UnicodeEncodeError, orjson.JSONEncodeError) as error:
            raise translated(error, self._path) from error


def _keep_a_log(connection: sqlite3.Connection, deadline: float) -> None:
    """Turn on the write-ahead log; SQLite does not wait by itself when others do so at the same moment."""
    while True:
        try:
            ((mode,),) = connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & PRIMARY_CODE not in BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            if mode != "wal":
                raise StoreUnreachable("This file system cannot keep a write-ahead log; name a file on a local disk.")
            return
