"""Who may write what through the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.access import AccessScope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.graphql.request import Request

OPERATOR, COORDINATOR = AccessScope.OPERATOR, AccessScope.CHANGE_COORDINATOR
COORDINATED = (
    "Change", "ChangeTask", "ChangeTemplate", "Approval", "RequestForChange", "MaintenanceWindow", "FreezeWindow",
)  # fmt: skip
"""Classes that change coordinators write too, and only they move from state to state."""


def require_to_write(request: Request, classes: Iterable[str] | None = None, *, moves: bool = False) -> None:
    """Refuse who may not write things of these classes, nor relate them; without classes: who may write nothing.

    Raises
    ------
    NotAllowed
    """
    lineages = [request.topologies.model.classes[each].lineage for each in classes or ()]
    coordinated = classes is None or any(each in lineage for lineage in lineages for each in COORDINATED)
    if classes is not None and moves and coordinated:
        request.principal.require(COORDINATOR, to="move changes and what goes with them")
    elif coordinated:
        request.principal.require(OPERATOR, COORDINATOR, to="write to the estate")
    else:
        request.principal.require(OPERATOR, to="write this")
