"""Who asks, and what that one may do: values only; nothing here authenticates anybody."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from knockon.errors import BadUsage, NotAllowed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from knockon.schema.model import Attribute, Model


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


NAME = "name"
"""The attribute that is in every list, path and text, and so never hidden."""

LOCAL = Principal("local", frozenset({AccessScope.ADMINISTRATOR}))
"""Who asks on the machine itself: whoever can open the store needs no leave of ours."""


class Policy:
    """Who may read what the model calls sensitive: administrators, and who is named here.

    ``readers`` names scopes for ``Class.attribute``, or for all that is sensitive of a ``Class`` and those below it;
    relationship types likewise. The deepest word on an attribute counts, then the deepest on a class.

    Raises
    ------
    BadUsage
        Something that the model does not have, or that is not sensitive in it, and so read by everybody.
    """

    def __init__(self, model: Model, readers: Mapping[str, Collection[AccessScope]] | None = None) -> None:
        self._model = model
        self._readers = readers or {}
        self._known: dict[tuple[frozenset[AccessScope], str], frozenset[str] | None] = {}
        for each in self._readers:
            owner, _, attribute = each.partition(".")
            found = {name for one in self._below(owner) for name in self._sensitive(one)}
            if not (attribute in found if attribute else found):
                raise BadUsage(f"{each} is nothing that the model calls sensitive, so all who read at all read it.")

    def sight(self, principal: Principal) -> Sight:
        """Give what somebody sees."""
        return Sight(self, principal)

    def visible(self, principal: Principal, owner: str) -> frozenset[str] | None:
        """Name the attributes of a class or a relationship type that somebody may read; None is all that there are.

        Of what the model does not know nobody can say whether it is sensitive: that is the administrators'.
        """
        if principal.may(AccessScope.ADMINISTRATOR):
            return None
        key = (principal.scopes, owner)
        if key not in self._known:
            hidden = {name for name in self._sensitive(owner) if not principal.may(*self._scopes(owner, name))}
            self._known[key] = frozenset(self._declared(owner)) - hidden
        return self._known[key]

    def hides_some(self, principal: Principal, owner: str) -> bool:
        """Tell whether anything of a class or a relationship type is hidden from somebody."""
        visible = self.visible(principal, owner)
        return visible is not None and (not visible or bool(self._declared(owner).keys() - visible))

    def hides_below(self, principal: Principal, owner: str, attribute: str) -> bool:
        """Tell whether an attribute is hidden of any class from this one on downward."""
        for each in self._below(owner):
            visible = self.visible(principal, each)
            if visible is not None and attribute not in visible:
                return True
        return False

    def _below(self, owner: str) -> Iterable[str]:
        return self._model.concrete(owner) if owner in self._model.classes else (owner,)

    def _declared(self, owner: str) -> Mapping[str, Attribute]:
        kind = self._model.classes.get(owner) or self._model.relationships.get(owner)
        return kind.attributes if kind else {}

    def _sensitive(self, owner: str) -> Iterable[str]:
        return (name for name, each in self._declared(owner).items() if each.spec.sensitive and name != NAME)

    def _scopes(self, owner: str, attribute: str) -> Collection[AccessScope]:
        lineage = self._model.classes[owner].lineage if owner in self._model.classes else (owner,)
        words = [*(f"{each}.{attribute}" for each in lineage), *lineage]
        return next((self._readers[each] for each in words if each in self._readers), ())


@dataclass(frozen=True, slots=True)
class Sight:
    """What one principal may read of attributes. That there is a value is never hidden, only which; and no name is."""

    policy: Policy
    principal: Principal

    def hides(self, owner: str, attribute: str) -> bool:
        """Tell whether an attribute of a class or a relationship type is not to be told."""
        visible = self.policy.visible(self.principal, owner)
        return visible is not None and attribute not in visible and attribute != NAME

    def hides_some(self, owner: str) -> bool:
        """Tell whether anything of a class or a relationship type is not to be told."""
        return self.policy.hides_some(self.principal, owner)

    def hides_below(self, owner: str, attribute: str) -> bool:
        """Tell whether an attribute is hidden of any class from this one on downward: then nobody may ask by it."""
        return attribute != NAME and self.policy.hides_below(self.principal, owner, attribute)

    def shown(self, owner: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give values as they may be told: what is hidden is there, and None."""
        redacted = self.redacted(owner, values)
        return {**values, **dict.fromkeys(redacted)} if redacted else values

    def redacted(self, owner: str, values: Mapping[str, Any]) -> list[str]:
        """Name what has a value that may not be told."""
        visible = self.policy.visible(self.principal, owner)
        if visible is None or values.keys() <= visible:
            return []
        return sorted(n for n, value in values.items() if value is not None and n not in visible and n != NAME)
