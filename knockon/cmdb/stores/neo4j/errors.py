"""What the driver raises, in knockon's words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from neo4j.exceptions import (
    AuthError,
    ConfigurationError,
    ConnectionPoolError,
    DriverError,
    IncompleteCommit,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
    TransientError,
)

from knockon.errors import StoreBusy, StoreError, StoreFailed, StoreUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUSY_CODES = frozenset({
    # a node that a statement had found was deleted under it (neo4j issue 6823)
    "Neo.ClientError.Statement.EntityNotFound",
    "Neo.ClientError.Transaction.TransactionTimedOut",
    "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration",
    "Neo.ClientError.Transaction.LockClientStopped",
})  # fmt: skip


def translated(error: DriverError | Neo4jError) -> StoreError:
    """Say what a driver's error means for whoever called the store."""
    words = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, IncompleteCommit):  # a repeated write might be written twice, so it is not StoreBusy
        return StoreUnreachable(f"Neo4j went away during a commit: look whether it was written ({words}).")
    if isinstance(error, ServiceUnavailable | ConnectionPoolError | ConfigurationError):
        return StoreUnreachable(f"Neo4j could not be reached: {words}.")
    if isinstance(error, AuthError):
        return StoreUnreachable(f"Neo4j does not take this user and password: {words}.")
    if isinstance(error, TransientError | SessionExpired):
        return StoreBusy(f"Neo4j wrote nothing, try again: {words}.")
    if isinstance(error, Neo4jError) and error.code in _BUSY_CODES:
        return StoreBusy(f"Neo4j wrote nothing, try again: {words}.")
    return StoreFailed(f"Neo4j refused: {words}.")


@contextmanager
def driver_errors() -> Iterator[None]:
    """Turn what the driver raises in this block into a StoreError."""
    try:
        yield
    except (DriverError, Neo4jError) as error:
        raise translated(error) from error
