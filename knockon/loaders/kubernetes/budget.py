"""Disruption budgets: the one place where Kubernetes is told how many pods full service takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knockon.loaders.kubernetes.estate import Estate
    from knockon.loaders.kubernetes.objects import Found

_PERCENT = re.compile(r"(\d{1,3})%", re.ASCII)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)


def full_up(estate: Estate, workload: Found) -> str | None:
    """Give what a PodDisruptionBudget asks to stay available of a workload's pods: a count or a percentage.

    None where no budget, or no sensible one, covers them. Of several the first counts; Kubernetes
    itself refuses to evict pods that more than one covers.
    """
    for each in estate.of("PodDisruptionBudget"):
        spec = each.shape.spec
        if each.namespace == workload.namespace and spec.selector and spec.selector.matches(workload.shape.labels):
            return _threshold(spec.min_available, spec.max_unavailable, workload.shape.replicas)
    return None


def _threshold(minimum: int | str | None, spare: int | str | None, replicas: int | None) -> str | None:
    if minimum is not None:
        if percent := _PERCENT.fullmatch(str(minimum)):
            return f"{int(percent[1])}%" if 1 <= int(percent[1]) <= 100 else None  # noqa: PLR2004 - of a hundred
        count = int(minimum) if _COUNT.fullmatch(str(minimum)) else 0
        return str(count if replicas is None else min(count, replicas)) if count and replicas != 0 else None
    if spare is None or not replicas:
        return None
    if percent := _PERCENT.fullmatch(str(spare)):
        lost = -(-replicas * int(percent[1]) // 100)  # Kubernetes rounds the share that may be missing up
    elif _COUNT.fullmatch(str(spare)):
        lost = int(spare)
    else:
        return None
    return str(replicas - lost) if lost < replicas else None
