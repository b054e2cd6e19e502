"""Writers take turns, numbers have no gaps, and nobody ever sees half a write."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.past.changes import past_scan
from knockon.cmdb.stores import opened
from knockon.cmdb.stores.neo4j import Neo4jStore
from tests.cmdb.contract.estate import CLASSES, MODEL, entity, ids, write_pair

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store
    from tests.cmdb.conftest import Connect

WRITERS, WRITES = 8, 5
ROOT = Path(__file__).parents[3]


class Poller:
    """Follows the feed as a consumer does: it accepts only contiguous runs with matching counts."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.notes: list[str] = []
        self.polls = 0

    async def poll(self) -> None:
        self.polls += 1
        for each in await self.store.feed(len(self.notes)):
            assert each.number == len(self.notes) + 1
            assert each.count == len(each.entries) == 3
            self.notes.append(str(each.head.note["note"]))

    async def follow(self, until: asyncio.Event) -> None:
        while not until.is_set():
            await self.poll()
            await look_whole(self.store)
            await look_back(self.store, self.polls)
            await asyncio.sleep(0)
        await self.poll()


async def look_whole(store: Store) -> None:
    """Scan, and find each write whole."""
    before = await store.revision()
    scan = await store.scan(CLASSES)
    after = await store.revision()
    assert before <= scan.revision <= after
    assert len(scan.entities) == 2 * scan.revision
    assert len(scan.edges) == scan.revision
    assert all(each.revision <= scan.revision for each in scan.entities)
    assert {each.rpartition("-")[0] + end for each in ids(scan.entities) for end in ("-one", "-two")} == set(
        ids(scan.entities)
    )


async def look_back(store: Store, polls: int) -> None:
    """Ask about some revision of the past, and find exactly that one."""
    wanted = await store.revision() * (polls % 7) // 7
    then = await past_scan(store, MODEL, wanted)
    assert then.revision == wanted
    assert len(then.entities) == 2 * wanted
    assert len(then.edges) == wanted


async def followed(pollers: list[Poller], writing: list[asyncio.Task[list[int]]]) -> list[int]:
    """Let the pollers run until the writers are done; give all numbers that the writers took."""
    done = asyncio.Event()
    following = [asyncio.create_task(each.follow(done)) for each in pollers]
    numbers = [number for numbers in await asyncio.gather(*writing) for number in numbers]
    done.set()
    await asyncio.gather(*following)
    return numbers


async def writer(store: Store, name: str) -> list[int]:
    return [await write_pair(store, name, turn) for turn in range(WRITES)]


@pytest.fixture(params=["one store object", "eight store objects"])
async def writers(request: pytest.FixtureRequest, connect: Connect) -> list[Store]:
    shared = request.param == "one store object"
    first = await connect()
    return [first] * WRITERS if shared else [first, *[await connect() for _ in range(WRITERS - 1)]]


async def test_eight_writers_leave_no_gap_and_show_nothing_half(writers: list[Store], connect: Connect) -> None:
    pollers = [Poller(writers[0]), Poller(await connect())]
    numbers = await followed(pollers, [asyncio.create_task(writer(store, f"w{i}")) for i, store in enumerate(writers)])
    total = WRITERS * WRITES
    assert sorted(numbers) == list(range(1, total + 1))
    for poller in pollers:
        assert len(poller.notes) == total
        for i in range(WRITERS):
            own = [note for note in poller.notes if note.startswith(f"w{i}-")]
            assert own == [f"w{i}-{turn}" for turn in range(WRITES)]
            taken = numbers[i * WRITES : (i + 1) * WRITES]
            assert [poller.notes[number - 1] for number in taken] == own
    await look_whole(writers[-1])
    assert await writers[0].revision() == total


async def processes_take_turns(url: str, store: Store, count: int) -> None:
    command = [sys.executable, "-m", "tests.cmdb.contract.writing_process", url]

    async def process(name: str) -> list[int]:
        running = await asyncio.create_subprocess_exec(
            *command, name, str(WRITES), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await running.communicate()
        assert running.returncode == 0
        return [int(number) for number in output.split()]

    poller = Poller(store)
    numbers = await followed([poller], [asyncio.create_task(process(f"p{i}")) for i in range(count)])
    assert sorted(numbers) == list(range(1, count * WRITES + 1))
    assert len(poller.notes) == count * WRITES
    await look_whole(store)


async def test_sqlite_writers_in_separate_processes_take_turns(tmp_path: Path, sqlite_connect: Connect) -> None:
    await processes_take_turns(f"sqlite:///{tmp_path / 'estate.db'}", await sqlite_connect(), WRITERS)


async def test_neo4j_writers_in_separate_processes_take_turns(wiped_neo4j: str, neo4j_auth: tuple[str, str]) -> None:
    async with opened(Neo4jStore(wiped_neo4j, *neo4j_auth, MODEL)) as store:
        await processes_take_turns(wiped_neo4j, store, 3)


async def test_sqlite_shows_a_write_whole_to_every_single_read(sqlite_connect: Connect) -> None:
    """More than the contract: Neo4j's other reads may meet a commit half way; scan and feed must not, on both."""
    store, other = await sqlite_connect(), await sqlite_connect()
    writing = asyncio.gather(*(writer(store, f"w{i}") for i in range(WRITERS)))
    while not writing.done():
        rows = await other.page(CLASSES, None, limit=1000)
        assert len(rows) % 2 == 0
        if rows:
            asked = [f"{rows[-1].id.rpartition('-')[0]}-{end}" for end in ("one", "two")]
            assert set(await other.entities(asked)) == set(asked)
            assert sum((await other.count_neighbours(asked, "DEPENDS_ON", "out")).values()) == 1
            assert [len(near) for near in (await other.neighbours(asked, "DEPENDS_ON", "in", limit=5)).values()] == [
                0,
                1,
            ]
    await writing


async def test_what_a_write_has_not_committed_does_not_show(store: Store, connect: Connect) -> None:
    await write_pair(store, "w", 1)
    other = await connect()
    async with store.write() as write:
        await write.put_entities([entity("half")])
        # A scan may wait for the write at hand, so it is not waited for here.
        scans = [asyncio.create_task(each.scan(CLASSES)) for each in (store, other)]
        for each in (store, other):
            assert await each.revision() == 1
            assert await each.entities(["half"]) == {}
            assert len(await each.page(CLASSES, None, limit=9)) == 2
            assert [revision.number for revision in await each.feed(0)] == [1]
        await asyncio.sleep(0.05)
        await write.journal((await store.feed(0))[0].head, [])
    for scan in await asyncio.gather(*scans):
        assert (scan.revision, len(scan.entities)) in {(1, 2), (2, 3)}
    assert (await other.scan(CLASSES)).revision == 2


async def test_many_reads_at_once(store: Store) -> None:
    for turn in range(5):
        await write_pair(store, "w", turn)
    scans = await asyncio.gather(*(store.scan(CLASSES) for _ in range(20)))
    assert all(each == scans[0] for each in scans)
    pages = await asyncio.gather(*(store.page(CLASSES, None, limit=n + 1) for n in range(20)))
    assert [len(each) for each in pages] == [min(n + 1, 10) for n in range(20)]


async def test_a_lost_number_is_taken_by_the_next_writer(writers: list[Store]) -> None:
    async def failing(store: Store, index: int) -> None:
        async with store.write() as write:
            await write.put_entities([entity(f"failed{index}")])
            raise ZeroDivisionError

    async def mixed(store: Store, index: int) -> list[int]:
        numbers = []
        for turn in range(3):
            with pytest.raises(ZeroDivisionError):
                await failing(store, index)
            numbers.append(await write_pair(store, f"w{index}", turn))
        return numbers

    taken = await asyncio.gather(*(mixed(store, i) for i, store in enumerate(writers[:4])))
    assert sorted(number for numbers in taken for number in numbers) == list(range(1, 13))
    await look_whole(writers[0])
