"""Who may charge while the back office is away, by what it said before and by what the site knows itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol

from controller.ports.tokens import Authorisation, Verdict


class AuthoriseAway(StrEnum):
    """Who may."""

    KNOWN = "known"
    """Tokens that the site knows, and those that the back office has accepted or listed."""
    ALL = "all"
    """Everybody but those who are known to be refused."""
    NONE = "none"
    """Nobody."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a back office said of a token: in an answer, or in a local authorisation list."""

    uid: str
    status: str
    """By the words of OCPP, such as ``Accepted``; empty: the token was taken from the list."""
    group: str | None = None
    """Its parent in 1.6, its group in 2.x."""
    expires_at: datetime | None = None
    """From then on the word no longer counts."""
    listed: bool = False


class UpstreamMemory(Protocol):
    """What back offices have said, on record. Every method raises ``LedgerUnavailable``."""

    async def hear(self, upstream: str, heard: Sequence[Heard], at: datetime, *, all_listed: bool = False) -> None:
        """Keep what it says of tokens; ``all_listed``: this is the whole local list."""
        ...

    async def heard(self, upstream: str, uid: str) -> Heard | None:
        """What it said last of a token."""
        ...

    async def forget(self, upstream: str) -> None:
        """Forget what it answered of tokens; its local lists stay."""
        ...

    async def note(self, upstream: str, station: str, name: str, value: Any) -> None:
        """Keep a value for one of its stations; anything that JSON can hold."""
        ...

    async def notes(self, upstream: str, station: str) -> Mapping[str, Any]:
        """Everything that was noted for one of its stations, by name."""
        ...


_VERDICTS: Final = {
    "Accepted": Verdict.ACCEPTED,
    "ConcurrentTx": Verdict.ACCEPTED,
    "Blocked": Verdict.BLOCKED,
    "Expired": Verdict.EXPIRED,
    "NoCredit": Verdict.BLOCKED,
    "NotAllowedTypeEVSE": Verdict.BLOCKED,
    "NotAtThisLocation": Verdict.BLOCKED,
    "NotAtThisTime": Verdict.BLOCKED,
}
"""A token that was charging somewhere when it was asked about is a good one."""


def judge_away(policy: AuthoriseAway, here: Authorisation, heard: Heard | None, at: datetime) -> Authorisation:
    """Whether a token may charge while the back office is away.

    What the site itself refuses stays refused; what the back office said of a token comes before what the policy says
    of tokens that nobody knows.

    Args:
        policy: of the back office.
        here: what the site says.
        heard: what the back office said last.
        at: when.
    """
    if policy is AuthoriseAway.NONE:
        return replace(here, verdict=Verdict.BLOCKED, because="the back office is away, and nobody may charge then")
    if here.verdict not in {Verdict.ACCEPTED, Verdict.UNKNOWN}:
        return here
    if heard is not None and (heard.expires_at is None or at < heard.expires_at):
        verdict = _VERDICTS.get(heard.status, Verdict.UNKNOWN)
        because = f"the back office said so before it went away: {heard.status}"
        return replace(here, verdict=verdict, because=because, valid_until=heard.expires_at)
    if here.verdict is Verdict.UNKNOWN and policy is AuthoriseAway.ALL:
        because = "the back office is away, and everybody may charge then"
        return replace(here, verdict=Verdict.ACCEPTED, because=because)
    return here
