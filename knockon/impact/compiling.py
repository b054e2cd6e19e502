"""Plain functions over flat columns, compiled where an estate is large enough for it to pay."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMPILE_ABOVE = 100_000
"""Arcs above which compiled functions answer.

Measured with ``benchmarks/impact_engine.py --threshold``: a hub's question costs 0.6 us an arc interpreted
and 0.016 us compiled, and the process's first compiled one 0.8 s more (3.5 s with nothing in the cache). So at
this size compiling saves 60 ms on the worst question; below it nobody waits for numba.
"""


def compile_together(parts: Sequence[Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Compile functions of one module with numba; by name. They may call those before them.

    The machine code is kept beside their file, or in the user's cache where that is read-only, or
    nowhere. Each function is compiled as a twin whose globals hold the compiled ones it calls, so
    that the plain functions stay plain.
    """
    import numba  # noqa: PLC0415  (importing it takes longer than a small estate's whole answer)

    # Nothing is allocated in them, so no references need counting: doing it all the same costs three times the rest.
    jit, options = cast("Any", numba.njit), {"nogil": True, "_nrt": False}
    around: dict[str, Any] = {}
    made: dict[str, Callable[..., Any]] = {}
    for part in parts:
        assert isinstance(part, FunctionType)
        around = around or dict(part.__globals__)
        twin = FunctionType(part.__code__, around, part.__name__)
        twin.__qualname__ = part.__qualname__
        try:
            made[part.__name__] = jit(cache=True, **options)(twin)
        except RuntimeError:  # no place to keep it
            made[part.__name__] = jit(**options)(twin)
        around[part.__name__] = made[part.__name__]
    return made
