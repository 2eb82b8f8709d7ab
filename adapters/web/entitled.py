"""Who may keep prices and tokens, and who may approve them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, HTTPException, Request

from adapters.web import models
from adapters.web.access import Login

PROPOSING: Final = frozenset({"operator", "approver", "installer"})
"""The roles that may keep tokens and accounts, and propose prices."""
APPROVING: Final = frozenset({"approver", "installer"})
"""The roles by whose word a price takes effect."""

REFUSALS: Final[dict[int | str, dict[str, object]]] = {
    403: {"model": models.Problem, "description": "The login may not do this"},
    404: {"model": models.Problem, "description": "Unknown id"},
    422: {"model": models.Problems, "description": "It is refused; every reason is named"},
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for the record."""

    user: str
    may_approve: bool

    def approving(self, *, asked: bool) -> bool:
        """Whether what is proposed is approved at once.

        Raises:
            HTTPException: it is asked by somebody who may not.
        """
        if asked and not self.may_approve:
            raise HTTPException(403, "only an approver or installer may approve; propose it without approve")
        return asked


def actor_of(login: Login | None) -> Actor:
    """Who acts with a login; in a laboratory, where nobody needs one, everybody may do everything."""
    return Actor("", may_approve=True) if login is None else Actor(login.user, may_approve=login.role in APPROVING)


def may_propose(request: Request) -> Actor:
    """Who keeps prices or tokens."""
    login: Login | None = request.scope["login"]
    if login is not None and login.role not in PROPOSING:
        raise HTTPException(403, f"the role {login.role} may only read")
    return actor_of(login)


def may_approve(request: Request) -> Actor:
    """Who approves prices."""
    actor = actor_of(request.scope["login"])
    if not actor.may_approve:
        raise HTTPException(403, "only an approver or installer may approve prices")
    return actor


Proposer = Annotated[Actor, Depends(may_propose)]
Approver = Annotated[Actor, Depends(may_approve)]
