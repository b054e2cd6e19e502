"""A client for scripts: load, ask, list and follow in a few lines, with retries and paging.

>>> from knockon.client import Client
>>> with Client("https://cmdb.example.org", token) as cmdb:  # doctest: +SKIP
...     report = cmdb.load("scan.ndjson", source="scan-hamburg", scope="rack-12", complete=True)
...     for server in cmdb.pages("servers", "name cpuCores", where={"name": {"startsWith": "ham"}}):
...         print(server["name"])
...     for service in cmdb.impact("Hypervisor:ham-esx-03", given=["open"]).services:
...         print(service.name, service.state)
...     for change in cmdb.follow("entityChanges", "change name", of={"servers": {}}):
...         print(change["name"], change["change"])

What goes wrong is raised as the error that the command line would show, by its ``code``.
"""

from __future__ import annotations

import json
import logging
import random
import re
import tempfile
import time
import uuid
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

import httpx2
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from knockon.errors import BadUsage, KnockonError, StoreUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from types import TracebackType

T = TypeVar("T")
log = logging.getLogger("knockon.client")

_PASSING = frozenset({429, 502, 503, 504})
"""Statuses that may be others in a moment."""
_SPOKEN = Subprotocol("graphql-transport-ws")
_LONGEST_PAUSE = 30.0
"""Seconds between two attempts, at most."""
_REFUSED = 4400
"""From this close code on there is no use in coming again."""
_LARGEST = 64 * 1024 * 1024
"""Bytes of one event."""
_FORMS = {
    ".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson", ".json": "application/json",
    ".yaml": "application/yaml", ".yml": "application/yaml", ".csv": "text/csv",
}  # fmt: skip
_IMPACT = """query($of: [ImpactSeedInput!]!, $given: [Given!]) { impact(of: $of, given: $given) {
    revision answerId truncated counts { DOWN DEGRADED AT_RISK }
    services { id class name state criticality users } } }"""
_ARGUMENTS = """query($of: String!) { __type(name: $of) { fields { name args { name type { ...T } } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }"""


@dataclass(frozen=True, slots=True)
class Report:
    """What a load came to; ``answer`` is all of it, as ``knockon load --json`` has it."""

    revision: int
    created: int
    updated: int
    unchanged: int
    retired: int
    rejects: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AffectedService:
    """A service that an impact reaches."""

    id: str
    class_name: str
    name: str
    state: Literal["DOWN", "DEGRADED", "AT_RISK"]
    criticality: int | None
    users: int


@dataclass(frozen=True, slots=True)
class Impact:
    """What breaks: ``counts`` are the affected items by state, ``services`` the worst first."""

    revision: int
    answer_id: str
    truncated: bool
    counts: dict[str, int]
    services: list[AffectedService]


class _Passing(Exception):
    """An answer that may be another in a moment."""

    def __init__(self, error: KnockonError) -> None:
        super().__init__(str(error))
        self.error = error


class _Patience:
    """Waits between attempts, longer each time; without ``attempts`` it never gives up."""

    def __init__(self, attempts: int | None) -> None:
        self._attempts = attempts
        self._tried = 0

    def wait_after(self, error: KnockonError) -> None:
        """Wait before the next attempt; raise the error where it was the last."""
        self._tried += 1
        if self._tried == self._attempts:
            raise error
        # never quite the same, so that clients that lost the service together do not come back together
        pause = min(_LONGEST_PAUSE, 0.1 * 2 ** min(self._tried, 10)) * random.uniform(0.5, 1)  # noqa: S311 - no secret
        log.info("%s Trying again in %.1f seconds.", error, pause)
        time.sleep(pause)


class Client:
    """Speaks to one service; to be closed, or used in ``with``.

    Parameters
    ----------
    address
        Such as ``https://cmdb.example.org``, or ``https://example.org/cmdb`` behind a proxy.
    token
        A bearer token, with or without blanks and newlines around it; None for ``knockon demo``.
    timeout
        Seconds that the service may be silent.
    attempts
        How often what may be sent twice is sent before an error is raised: questions and loads, no mutations.

    Raises
    ------
    BadUsage
        The address or the token cannot be one. Neither is shown.
    """

    def __init__(self, address: str, token: str | None = None, *, timeout: float = 60.0, attempts: int = 5) -> None:
        headers = {"Authorization": f"Bearer {sent}"} if (sent := _sent(token)) else {}
        self._http = httpx2.Client(base_url=_base(address), headers=headers, timeout=timeout)
        self._attempts = attempts
        self._types: dict[str, dict[str, dict[str, str]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def query(self, text: str, /, **variables: Any) -> dict[str, Any]:
        """Ask in GraphQL, and give the data.

        Raises
        ------
        KnockonError
            The first error of the answer, by its code.
        StoreUnreachable
            The service does not answer.
        """
        body = {"query": text, "variables": variables}

        def ask() -> dict[str, Any]:
            answer = self._http.post("/graphql", json=body)
            _raise_for(answer.status_code, answer)
            said = answer.json()
            if errors := said.get("errors"):
                raise _error(errors[0].get("extensions", {}).get("code", ""), errors[0]["message"])
            found: dict[str, Any] = said["data"]
            return found

        return self._tried(ask, again=re.search(r"\bmutation\b", text) is None)

    def pages(self, field: str, selection: str, /, *, page: int = 200, **arguments: Any) -> Iterator[dict[str, Any]]:
        """Give all things of a list, page by page, such as ``pages("servers", "name", where=...)``.

        Parameters
        ----------
        field
            The list's name in ``Query``.
        selection
            What of each thing, in GraphQL.
        page
            Things in one question.
        arguments
            The list's own, such as ``where`` and ``orderBy``, as JSON values.
        """
        types = self._argument_types(field, "Query") if arguments else {}
        declared = "".join(f", ${name}: {types.get(name, 'String')}" for name in arguments)
        passed = "".join(f", {name}: ${name}" for name in arguments)
        text = f"""query($first: Int!, $after: String{declared}) {{ {field}(first: $first, after: $after{passed}) {{
            pageInfo {{ hasNextPage endCursor }} edges {{ node {{ {selection} }} }} }} }}"""
        after = None
        while True:
            found = self.query(text, first=page, after=after, **arguments)[field]
            yield from (each["node"] for each in found["edges"])
            if not found["pageInfo"]["hasNextPage"]:
                return
            after = found["pageInfo"]["endCursor"]

    def impact(self, *references: str, given: str | Iterable[str] = "none") -> Impact:
        """Ask what breaks if these things fail; ``given`` is what else is the case, one or several."""
        of = [{"ref": each} for each in references]
        found = self.query(_IMPACT, of=of, given=[given] if isinstance(given, str) else list(given))["impact"]
        services = [
            AffectedService(each["id"], each["class"], each["name"], each["state"], each["criticality"], each["users"])
            for each in found["services"]
        ]
        return Impact(found["revision"], found["answerId"], found["truncated"], found["counts"], services)

    def follow(
        self, field: str, selection: str, /, *, after: str | int | None = None, **arguments: Any
    ) -> Generator[dict[str, Any]]:
        """Give what a subscription tells as it comes, such as ``follow("entityChanges", "change name")``.

        It ends when you stop reading. A connection that is lost is made again after the last event that you took, so
        that nothing is missed and nothing comes twice; while the service is away it is tried for ever, with pauses that
        grow to half a minute. Each event has its ``place``: keep it with what you make of the event, and give it as
        ``after`` when you start anew.

        Parameters
        ----------
        field
            The subscription's name in ``Subscription``.
        selection
            What of each event, in GraphQL.
        after
            A place or a revision number; what is to come, unless given.
        arguments
            The subscription's own, such as ``of`` and ``services``, as JSON values.

        Raises
        ------
        KnockonError
            It was refused, or could not go on, by its code.
        StoreUnreachable
            The service has not answered yet, in all ``attempts``. Once it has, this is not raised any more.
        """
        types = self._argument_types(field, "Subscription")
        variables = {**arguments, "reached": True} | ({} if after is None else {"after": str(after)})
        declared = ", ".join(f"${name}: {types.get(name, 'String')}" for name in ["after", *arguments, "reached"])
        passed = ", ".join(f"{name}: ${name}" for name in ["after", *arguments, "reached"])
        text = f"subscription({declared}) {{ {field}({passed}) {{ place reached {selection} }} }}"
        patience = _Patience(self._attempts)
        while True:
            try:
                with closing(self._events(text, variables)) as events:
                    for event in (each[field] for each in events):
                        patience = _Patience(None)
                        if not event.pop("reached"):
                            yield event
                        variables["after"] = event["place"]
            except _Passing as passing:
                patience.wait_after(passing.error)

    def _events(self, text: str, variables: dict[str, Any]) -> Generator[dict[str, Any]]:
        """Give what comes over one connection; whatever may be otherwise in a moment is passing."""
        address = self._http.base_url.join("graphql")
        address = address.copy_with(scheme="wss" if address.scheme == "https" else "ws")
        token = self._http.headers.get("Authorization")
        try:
            with connect(str(address), subprotocols=[_SPOKEN], max_size=_LARGEST) as connection:
                payload = {"Authorization": token} if token else {}
                connection.send(json.dumps({"type": "connection_init", "payload": payload}))
                connection.recv(timeout=self._http.timeout.read)
                asked = {"query": text, "variables": variables}
                connection.send(json.dumps({"type": "subscribe", "id": "1", "payload": asked}))
                yield from _heard(connection)
            raise _Passing(StoreUnreachable(f"{address} has ended the connection."))
        except InvalidStatus as refused:
            status = refused.response.status_code
            error = _error("", f"{address} refuses a WebSocket with status {status}.")
            raise _Passing(error) if status in _PASSING else error from None
        except (OSError, InvalidHandshake, ConnectionClosed) as lost:
            if ended := _end_of(lost):
                raise ended from None
            raise _Passing(StoreUnreachable(f"{address} does not answer ({lost}).")) from lost

    def load(
        self,
        what: str | Path | Iterable[Mapping[str, Any]],
        *,
        source: str | None = None,
        scope: str = "",
        complete: bool = False,
        partial: bool = False,
        strict: bool = False,
        allow_retire: bool = False,
        dry_run: bool = False,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> Report:
        """Load a file, or records in the native format, as ``knockon load`` does.

        A load that was cut off is sent again under the same key, and so goes on. ``progress`` is told (records done,
        records in all).

        Raises
        ------
        KnockonError
            The load was refused, or could not go on; whole batches before that stay. Rejected records raise nothing:
            they are in the report.
        BadUsage
            Not a file, nor records: a single record has to stand in a list too.
        """
        asked = {
            "source": source, "scope": scope, "complete": complete, "partial": partial, "strict": strict,
            "allowRetire": allow_retire, "dryRun": dry_run,
        }  # fmt: skip
        parameters = {name: "true" if each is True else each for name, each in asked.items() if each}
        key = uuid.uuid4().hex
        with ExitStack() as stack:
            path = Path(what) if isinstance(what, str | Path) else _written(what, stack)
            headers = {"Content-Type": _FORMS.get(path.suffix, "application/x-ndjson"), "Idempotency-Key": key}

            def send() -> Report:
                with (
                    path.open("rb") as file,
                    self._http.stream("POST", "/load", params=parameters, content=file, headers=headers) as answer,
                ):
                    _raise_for(answer.status_code, answer)
                    return _report(answer.iter_lines(), progress)

            return self._tried(send, again=True)

    def _argument_types(self, field: str, of: str) -> dict[str, str]:
        if of not in self._types:
            fields = self.query(_ARGUMENTS, of=of)["__type"]["fields"]
            self._types[of] = {
                each["name"]: {arg["name"]: _type(arg["type"]) for arg in each["args"]} for each in fields
            }
        return self._types[of].get(field, {})

    def _tried(self, work: Callable[[], T], *, again: bool) -> T:
        patience = _Patience(self._attempts if again else 1)
        while True:
            try:
                return work()
            except _Passing as passing:
                patience.wait_after(passing.error)
            except httpx2.TransportError as error:
                patience.wait_after(StoreUnreachable(f"{self._http.base_url} does not answer ({error})."))


def _base(address: str) -> httpx2.URL:
    """Give the address; neither this nor a token is shown where it is refused, since callers confuse them."""
    try:
        url = httpx2.URL(address.strip())
    except (httpx2.InvalidURL, AttributeError):
        url = httpx2.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise BadUsage("Give the address of the service with its scheme, such as https://cmdb.example.org.")
    if url.path.rstrip("/").endswith("/graphql"):
        raise BadUsage("Give the address of the service without /graphql at its end: the client adds it.")
    return url


def _sent(token: str | None) -> str:
    stripped = (token or "").strip()
    if not re.fullmatch(r"[ -~]*", stripped):
        raise BadUsage(
            "The token has a character that no token has, such as a newline in its midst; give it as it was made."
        )
    return stripped


def _heard(connection: Iterable[str | bytes]) -> Iterator[dict[str, Any]]:
    """Give the data of the events that come over a connection, until it ends."""
    for text in connection:
        message = json.loads(text)
        if message["type"] == "next":
            errors = message["payload"].get("errors")
        elif message["type"] == "error":
            errors = message["payload"]
        else:
            continue
        if errors:
            error = _error(errors[0].get("extensions", {}).get("code", ""), errors[0]["message"])
            raise _Passing(error) if error.http_status in _PASSING else error
        yield message["payload"]["data"]


def _end_of(lost: Exception) -> KnockonError | None:
    """Give the error that a service ended a connection for; None where it may be made again."""
    closed = lost.rcvd if isinstance(lost, ConnectionClosed) else None
    if closed is None or closed.code < _REFUSED:
        return None
    code, _, text = closed.reason.partition(": ")
    return _error(code, text)


def _raise_for(status: int, answer: httpx2.Response) -> None:
    if status < 400:  # noqa: PLR2004 - HTTP's own line
        return
    answer.read()
    try:
        said = answer.json()
        error = _error(said["code"], said["detail"])
    except (ValueError, KeyError, TypeError):
        error = _error("", f"{answer.url} answers with status {status}, and not as knockon does; is the address right?")
    if status in _PASSING:
        raise _Passing(error)
    raise error


def _error(code: str, message: str) -> KnockonError:
    """Make the error that has this code."""
    waiting = [KnockonError]
    while waiting:
        kind = waiting.pop()
        if kind.code == code:
            return kind(message)
        waiting += kind.__subclasses__()
    return KnockonError(message)


def _type(of: dict[str, Any]) -> str:
    match of["kind"]:
        case "NON_NULL":
            return f"{_type(of['ofType'])}!"
        case "LIST":
            return f"[{_type(of['ofType'])}]"
        case _:
            return str(of["name"])


def _written(records: Iterable[Mapping[str, Any]], stack: ExitStack) -> Path:
    """Write records to a file, which can be sent again."""
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="knockon-"))
    path = Path(folder, "records.ndjson")
    with path.open("w", encoding="utf-8") as file:
        for each in [None] if isinstance(records, Mapping) else records:
            if not isinstance(each, Mapping):
                raise BadUsage("load takes the path of a file, or a list of dictionaries, each one record.")
            file.write(json.dumps(each) + "\n")
    return path


def _report(lines: Iterable[str], progress: Callable[[int, int], None]) -> Report:
    for line in lines:
        said = json.loads(line)
        if "error" in said:
            raise _error(said["error"]["code"], said["error"]["message"])
        if "report" in said:
            of = said["report"]
            return Report(
                of["revision"], of["created"], of["updated"], of["unchanged"], of["retired"], of["rejects"],
                of["findings"], of,
            )  # fmt: skip
        progress(said["done"], said["of"])
    raise httpx2.RemoteProtocolError("the answer to the load was cut off")
