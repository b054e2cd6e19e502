"""How long things take, told to whoever wants to know: the service does, commands do not."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

engine_recorder: ContextVar[Callable[[str, float], None] | None] = ContextVar("engine_recorder", default=None)
"""Is told the name and the seconds of each step of the engine, in the context in which it is set."""


@contextmanager
def engine_step(name: str) -> Iterator[None]:
    """Time a block; costs next to nothing where nobody listens."""
    record = engine_recorder.get()
    if record is None:
        yield
        return
    began = perf_counter()
    try:
        yield
    finally:
        record(name, perf_counter() - began)
