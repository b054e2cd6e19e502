"""What each of the driver's errors becomes."""

from __future__ import annotations

import inspect
import socket

import pytest
from neo4j import exceptions

from knockon.cmdb.stores.neo4j import Neo4jStore
from knockon.cmdb.stores.neo4j.errors import driver_errors, translated
from knockon.errors import StoreBusy, StoreError, StoreFailed, StoreUnreachable
from tests.cmdb.contract.estate import MODEL

EXPECTED: dict[str, type[StoreError]] = {
    "Neo4jError": StoreFailed,
    "ClientError": StoreFailed,
    "CypherSyntaxError": StoreFailed,
    "CypherTypeError": StoreFailed,
    "ConstraintError": StoreFailed,
    "DatabaseError": StoreFailed,
    "Forbidden": StoreFailed,
    "AuthError": StoreUnreachable,
    "TokenExpired": StoreUnreachable,
    "TransientError": StoreBusy,
    "DatabaseUnavailable": StoreBusy,
    "NotALeader": StoreBusy,
    "ForbiddenOnReadOnlyDatabase": StoreBusy,
    "DriverError": StoreFailed,
    "SessionError": StoreFailed,
    "TransactionError": StoreFailed,
    "TransactionNestingError": StoreFailed,
    "ResultError": StoreFailed,
    "ResultFailedError": StoreFailed,
    "ResultConsumedError": StoreFailed,
    "ResultNotSingleError": StoreFailed,
    "BrokenRecordError": StoreFailed,
    "SessionExpired": StoreBusy,
    "ServiceUnavailable": StoreUnreachable,
    "RoutingServiceUnavailable": StoreUnreachable,
    "WriteServiceUnavailable": StoreUnreachable,
    "ReadServiceUnavailable": StoreUnreachable,
    "IncompleteCommit": StoreUnreachable,
    "ConfigurationError": StoreUnreachable,
    "AuthConfigurationError": StoreUnreachable,
    "CertificateConfigurationError": StoreUnreachable,
    "UnsupportedServerProduct": StoreUnreachable,
    "ConnectionPoolError": StoreUnreachable,
    "ConnectionAcquisitionTimeoutError": StoreUnreachable,
}
RAISED = {
    name: kind
    for name, kind in vars(exceptions).items()
    if inspect.isclass(kind) and issubclass(kind, exceptions.DriverError | exceptions.Neo4jError)
}


def test_every_class_of_the_driver_is_in_the_table() -> None:
    assert RAISED.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_class_becomes_one_of_ours(name: str) -> None:
    kind = RAISED[name]
    error = kind.__new__(kind)  # the driver makes some of them in its own way only
    Exception.__init__(error, "words")
    if isinstance(error, exceptions.Neo4jError):
        error._neo4j_code, error._message = "Neo.Some.Code", "words"
    ours = translated(error)
    assert type(ours) is EXPECTED[name]
    assert "words" in str(ours)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("Neo.ClientError.Statement.EntityNotFound", StoreBusy),
        ("Neo.TransientError.Transaction.DeadlockDetected", StoreBusy),
        ("Neo.ClientError.Cluster.NotALeader", StoreBusy),
        ("Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration", StoreBusy),
        ("Neo.ClientError.Transaction.TransactionTimedOut", StoreBusy),
        ("Neo.ClientError.Security.Unauthorized", StoreUnreachable),
        ("Neo.ClientError.Schema.ConstraintValidationFailed", StoreFailed),
        ("Neo.ClientError.Database.DatabaseNotFound", StoreFailed),
        ("Neo.DatabaseError.General.UnknownError", StoreFailed),
    ],
)
def test_each_code_of_the_server_becomes_one_of_ours(code: str, expected: type[StoreError]) -> None:
    error = exceptions.Neo4jError._hydrate_neo4j(code=code, message="words")
    with pytest.raises(expected, match="words") as caught, driver_errors():
        raise error
    assert caught.value.__cause__ is error


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize(
    "uri", ["bolt://127.0.0.1:{}", "neo4j://127.0.0.1:{}", "bolt://nowhere.invalid:{}", "http//{}", "ftp://a:{}"]
)
async def test_an_address_where_nobody_answers(uri: str) -> None:
    with pytest.raises(StoreUnreachable, match="Neo4j could not be reached"):
        await Neo4jStore(uri.format(free_port()), "neo4j", "x", MODEL).open()


async def test_a_store_that_is_not_open() -> None:
    store = Neo4jStore("bolt://127.0.0.1:1", None, None, MODEL)
    with pytest.raises(StoreUnreachable, match="not open"):
        await store.revision()
    await store.close()


async def test_a_database_that_is_not_there(neo4j_uri: str, neo4j_auth: tuple[str, str]) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        await Neo4jStore(neo4j_uri, *neo4j_auth, MODEL, database="nowhere").open()
