"""Dominators: what every way from a root to a node passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def dominators(root: int, following: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Give the immediate dominator of each node that the root reaches, in reverse postorder; the root has itself.

    ``following`` has each reachable node's successors. Quadratic at worst; on estates, which are shallow,
    about linear.

    References
    ----------
    K. D. Cooper, T. J. Harvey, K. Kennedy, "A simple, fast dominance algorithm", Rice University 2001.
    """
    order = reverse_postorder(root, following)
    place = {node: rank for rank, node in enumerate(order)}
    before: list[list[int]] = [[] for _ in order]
    for node in order:
        for other in following[node]:
            before[place[other]].append(place[node])
    found = [0] + [-1] * (len(order) - 1)
    changed = True
    while changed:
        changed = False
        for node in range(1, len(order)):
            best = -1
            for each in before[node]:
                if found[each] >= 0:
                    best = each if best < 0 else _meet(found, each, best)
            if best != found[node]:
                found[node], changed = best, True
    return {node: order[found[rank]] for rank, node in enumerate(order)}


def _meet(found: list[int], one: int, other: int) -> int:
    while one != other:
        if one > other:
            one = found[one]
        else:
            other = found[other]
    return one


def reverse_postorder(root: int, following: Mapping[int, Sequence[int]]) -> list[int]:
    """List what a root reaches, each node before those that only it leads to."""
    left, seen, stack = [], {root}, [(root, iter(following[root]))]
    while stack:
        node, rest = stack[-1]
        for other in rest:
            if other not in seen:
                seen.add(other)
                stack.append((other, iter(following[other])))
                break
        else:
            left.append(node)
            stack.pop()
    return left[::-1]
