"""Who may charge: decided from what is known of a token, its account, what it has used, and the point.

What holds while a back office is away is in ``away``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from controller.ports.tokens import Authorisation, Token, Verdict
from controller.tariffs.book import Contract, TokenKind, TokenLimits


@dataclass(frozen=True, slots=True)
class Usage:
    """What a token has used this month, sessions that run included."""

    energy_wh: int = 0
    amount: Decimal = Decimal(0)
    """Of those sessions whose price is known."""


NO_USAGE: Final = Usage()


def authorise(
    token: Token | None,
    at: datetime,
    *,
    used: Usage = NO_USAGE,
    contract: Contract | None = None,
    open_to_guests: bool = False,
) -> Authorisation:
    """Decide whether a token may charge.

    Args:
        token: None where nobody knows it.
        at: now, aware.
        used: what it has used this month.
        contract: the one that the token names; None where there is none of that name.
        open_to_guests: whether guests may charge at the site, and the point is a public one.
    """
    if token is None:
        if open_to_guests:
            return Authorisation(Verdict.ACCEPTED, TokenKind.GUEST, "a guest at a public point")
        return Authorisation(Verdict.UNKNOWN, TokenKind.GUEST, "nobody knows the token, and guests may not charge here")
    verdict, because = _judged(token, at, used, contract)
    ends = [end for end in (token.valid_until, contract.valid_until if contract else None) if end is not None]
    return Authorisation(verdict, token.kind, because, min(ends, default=None))


def limit_passed(limits: TokenLimits, used: Usage, lasted_s: float = 0.0) -> str | None:
    """Which limit is reached, in words; None while none is.

    Args:
        limits: of the token.
        used: what it has used this month.
        lasted_s: how long its session has lasted [s].
    """
    if limits.energy_wh_per_month is not None and used.energy_wh >= limits.energy_wh_per_month:
        return f"{limits.energy_wh_per_month / 1000:g} kWh a month are used"
    if limits.amount_per_month is not None and used.amount >= limits.amount_per_month:
        return f"{limits.amount_per_month:f} a month are used"
    if limits.session_s is not None and lasted_s >= limits.session_s:
        return f"{limits.session_s / 3600:g} h of one session are over"
    return None


def month_begins(at: datetime, time_zone: str) -> datetime:
    """When the month began that a moment belongs to, on the clock of the site.

    >>> month_begins(datetime(2026, 10, 31, 23, 30, tzinfo=UTC), "Europe/Amsterdam").isoformat()
    '2026-10-31T23:00:00+00:00'
    """
    local = at.astimezone(ZoneInfo(time_zone))
    return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)


def _judged(token: Token, at: datetime, used: Usage, contract: Contract | None) -> tuple[Verdict, str]:
    if token.blocked:
        return Verdict.BLOCKED, "the token is blocked"
    if token.valid_from is not None and at < token.valid_from:
        return Verdict.NOT_YET_VALID, f"the token is valid from {token.valid_from.isoformat()}"
    if token.valid_until is not None and token.valid_until <= at:
        return Verdict.EXPIRED, f"the token was valid until {token.valid_until.isoformat()}"
    if token.contract is not None and (contract is None or not contract.holds(at)):
        return Verdict.CONTRACT_ENDED, f"the contract {token.contract!r} does not hold"
    if (passed := limit_passed(token.limits, used)) is not None:
        return Verdict.USED_UP, passed
    return Verdict.ACCEPTED, "the token is known"
