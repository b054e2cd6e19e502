"""Who asks, and what that one may do: values only; nothing here authenticates anybody."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from knockon.errors import NotAllowed


class AccessScope(StrEnum):
    """What a caller of the API may do. A role in a process (who approves this change) is another question."""

    VIEWER = "viewer"
    """Read the estate, its past and every answer; what is sensitive is redacted."""
    LOADER = "loader"
    """Load what a source says, and nothing else: not even read the estate."""
    OPERATOR = "operator"
    """Read, and write by hand: things, relationships, decisions on who is who, incidents and problems."""
    CHANGE_COORDINATOR = "change-coordinator"
    """Read, and write changes, their approvals and their windows."""
    ADMINISTRATOR = "administrator"
    """All of it, and what is sensitive."""


_IMPLIED = {
    AccessScope.OPERATOR: frozenset({AccessScope.VIEWER}),
    AccessScope.CHANGE_COORDINATOR: frozenset({AccessScope.VIEWER}),
    AccessScope.ADMINISTRATOR: frozenset(AccessScope),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who asks: ``name`` is what the journal and the audit log call that one, ``by`` how that is known."""

    name: str
    scopes: frozenset[AccessScope]
    by: str = "local"
    """``local``, ``setting``, ``token ID`` or ``oidc``."""

    def may(self, *any_of: AccessScope) -> bool:
        """Tell whether one of these scopes is among those given, or implied by one of them."""
        return any(each in self.scopes or any(each in _IMPLIED.get(own, ()) for own in self.scopes) for each in any_of)

    def require(self, *any_of: AccessScope, to: str) -> None:
        """Refuse who has none of these scopes; ``to`` is what was about to be done, as in "read the estate".

        Raises
        ------
        NotAllowed
        """
        if not self.may(*any_of):
            wanted = " or ".join(any_of)
            raise NotAllowed(f"{self.name} may not {to}: that takes the scope {wanted}.")


LOCAL = Principal("local", frozenset({AccessScope.ADMINISTRATOR}))
"""Who asks on the machine itself: whoever can open the store needs no leave of ours."""
