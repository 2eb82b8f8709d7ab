"""Who may charge: id tokens, and the answer to who asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.tariffs.book import NO_TOKEN_LIMITS, TokenKind, TokenLimits
from controller.wishes import NO_NEEDS, Needs


@dataclass(frozen=True, slots=True)
class Token:
    """An id token that the site knows."""

    uid: str
    description: str = ""
    blocked: bool = False
    valid_until: datetime | None = None
    group: str | None = None
    needs: Needs = NO_NEEDS
    """Where they say something, they come before the group's."""
    kind: TokenKind = TokenKind.OWN
    contract: str | None = None
    """On whose account it charges."""
    zero_rate: bool = False
    """It charges for nothing; its sessions have records all the same."""
    limits: TokenLimits = NO_TOKEN_LIMITS
    valid_from: datetime | None = None


class Verdict(StrEnum):
    """Whether a token may charge, and if not, why."""

    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    """Nobody's token, and guests may not charge here."""
    BLOCKED = "blocked"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    CONTRACT_ENDED = "contract_ended"
    """It charges on a contract that does not hold now."""
    USED_UP = "used_up"
    """It has used what it may this month."""


@dataclass(frozen=True, slots=True)
class Authorisation:
    """The answer to who asks to charge."""

    verdict: Verdict
    kind: TokenKind
    """``guest`` for nobody's token."""
    because: str
    """For people."""
    valid_until: datetime | None = None
    """Until when a station may count on it."""

    @property
    def accepted(self) -> bool:
        """Whether it may charge."""
        return self.verdict is Verdict.ACCEPTED
