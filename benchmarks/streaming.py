"""How much memory a load takes, by the size of its file.

python benchmarks/streaming.py [--megabytes 32 128 512] [--record 4000]: writes NDJSON files of servers, each with a
long text, loads each into a new SQLite store by the installed command, and prints the peak of its process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[32, 128, 512])
    parser.add_argument("--record", type=int, default=4_000, help="bytes of one record, about")
    asked = parser.parse_args()
    first: float | None = None
    with tempfile.TemporaryDirectory() as folder:
        for megabytes in asked.megabytes:
            file = Path(folder, f"{megabytes}.ndjson")
            records = write(file, megabytes, asked.record)
            began = time.perf_counter()
            peak = load(file, f"sqlite:///{folder}/{megabytes}.db")
            first = first or peak
            rate = records / (time.perf_counter() - began)
            print(
                f"{file.stat().st_size / 1e6:>8,.0f} MB, {records:>9,} records: peak {peak:>6,.0f} MiB, "
                f"{peak / first:.2f} of the first; {rate:,.0f} records/s"
            )
            file.unlink()


def load(file: Path, store: str) -> float:
    """Load a file by the installed command; give the peak of its process in MiB."""
    command: list[str | Path] = [Path(sys.executable).with_name("knockon"), "load", file, "--store", store, "--json"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the load ended with exit code {process.returncode}")
    return usage.ru_maxrss / 1024


def write(file: Path, megabytes: int, size: int) -> int:
    count = megabytes * 1_000_000 // size
    text = "x" * max(size - 150, 1)
    with file.open("w") as out:
        out.write(json.dumps({"source": "big", "seen": "2026-11-01T08:00:00Z"}) + "\n")
        for n in range(count):
            record = {"class": "Server", "key": f"s{n}", "name": f"server-{n}", "description": f"{n} {text}"}
            out.write(json.dumps(record) + "\n")
    return count


if __name__ == "__main__":
    main()
