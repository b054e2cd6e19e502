"""Numbers for Prometheus: requests, operations, questions to the store, steps of the engine, and its lag."""

from __future__ import annotations

from collections import Counter as Counts
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, cast

from opentelemetry import trace
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.loading.report import LoadReport

_tracer = trace.get_tracer("knockon")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The numbers of one application. Labels are words of the program and of the schema only, never of a caller."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "knockon_requests", "Requests that were answered.", ["path", "status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "knockon_request_seconds", "How long they took.", ["path"], buckets=_SECONDS, registry=self.registry
        )
        self.running = Gauge("knockon_requests_running", "Requests that are being answered.", registry=self.registry)
        self.sockets = Gauge("knockon_sockets", "Open WebSockets.", registry=self.registry)
        self.subscriptions = Gauge(
            "knockon_subscriptions", "Subscriptions that are followed.", ["field"], registry=self.registry
        )
        self.events = Counter(
            "knockon_subscription_events", "Events that subscriptions were sent.", ["field"], registry=self.registry
        )
        self.operations = Counter(
            "knockon_operations", "Root fields of executed GraphQL operations.", ["operation", "field"],
            registry=self.registry,
        )  # fmt: skip
        self.errors = Counter(
            "knockon_errors", "Errors that callers were told, by their code.", ["code"], registry=self.registry
        )
        self.store_seconds = Histogram(
            "knockon_store_seconds", "How long questions to the store took.", ["query"], buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.engine_seconds = Histogram(
            "knockon_engine_seconds", "How long steps of the impact engine took.", ["step"], buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.loads = Counter(
            "knockon_loads", "Loads over HTTP that ended, and how.", ["outcome"], registry=self.registry
        )
        self.records = Counter(
            "knockon_load_records", "Records that loads over HTTP took, by what became of them.", ["kind", "outcome"],
            registry=self.registry,
        )  # fmt: skip
        self.verdicts = Counter(
            "knockon_verdict_callbacks", "Verdicts on changes that were sent: heard, or failed.", ["outcome"],
            registry=self.registry,
        )  # fmt: skip
        self.verdicts_waiting = Gauge(
            "knockon_verdict_callbacks_waiting", "Changes whose verdict is to be sent again, since nobody heard it.",
            registry=self.registry,
        )  # fmt: skip
        for outcome in ("heard", "failed"):
            self.verdicts.labels(outcome)
        self.store_revision = Gauge(
            "knockon_store_revision", "The newest revision of the store.", registry=self.registry
        )
        self.lag = Gauge(
            "knockon_topology_revision_lag", "Revisions by which the topology is behind the store; -1: not built yet.",
            registry=self.registry,
        )  # fmt: skip

    def engine(self, step: str, seconds: float) -> None:
        """Note a step of the engine."""
        self.engine_seconds.labels(step).observe(seconds)

    def told(self, heard: int, failed: int, waiting: int) -> None:
        """Note what became of verdicts that were to be sent."""
        self.verdicts.labels("heard").inc(heard)
        self.verdicts.labels("failed").inc(failed)
        self.verdicts_waiting.set(waiting)


class LoadCount:
    """Counts the records of one load while it goes on; from any thread."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._counted: Counts[tuple[str, str]] = Counts()

    def so_far(self, report: LoadReport) -> None:
        """Note how far it has come."""
        for kind, counts in (("entity", report.entities), ("relationship", report.relationships)):
            for became, number in asdict(counts).items():
                more = number - self._counted[kind, became]
                self._metrics.records.labels(kind, became).inc(max(more, 0))
                self._counted[kind, became] = number

    def ended(self, report: LoadReport, outcome: str) -> None:
        """Note how it ended: ``done``, or the code of what stopped it."""
        self._metrics.loads.labels(outcome).inc()
        self.so_far(report)


def measured(store: Store, metrics: Metrics) -> Store:
    """Give a store whose answers are timed, and traced where somebody collects traces, by the names of its methods."""
    return cast("Store", _MeasuredStore(store, metrics))


class _MeasuredStore:
    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not iscoroutinefunction(found):
            return found

        async def measured(*args: Any, **kwargs: Any) -> Any:
            with self._timed(name):
                return await found(*args, **kwargs)

        return measured

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Write]:
        """As ``Store.write``; what is timed is the whole transaction, waiting for its turn included."""
        with self._timed("write"):
            async with self._store.write() as write:
                yield write

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        span = _tracer.start_as_current_span(f"store {name}", attributes={"db.operation.name": name})
        with span, self._metrics.store_seconds.labels(name).time():
            yield
