"""Whether a token may charge at a hub's satellites: the site's word, and for tokens unknown here its back office's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.ocpp.upstream.back_office import BackOffice, Desk
from adapters.ocpp.upstream.words import heard_of, listed_tokens, token_info
from controller.away import AuthoriseAway, Heard, judge_away
from controller.hub_satellite.dialect2 import id_token
from controller.hub_satellite.dialects import Message
from controller.ports.ledger import LedgerUnavailable
from controller.ports.tokens import Authorisation, Verdict

FRESH: Final = timedelta(seconds=30)
"""What was answered a moment ago need not be asked again: a charger asks, and then starts."""

GRANTED: Final = timedelta(minutes=5)
"""So long a token may start that the back office itself wants started."""

GRANTED_AWAY: Final = timedelta(days=1)
"""So long it may start again while the back office is away."""

FRESH_MOST: Final = 200

TOKEN_16: Final = 20
"""Longest idTag of 1.6; a longer token cannot be asked about there."""

LISTED_AT_ONCE: Final = 500
"""Tokens in one message of a local list."""


@dataclass(frozen=True, slots=True)
class _Fresh:
    heard: Heard
    until: datetime


class HubTokens:
    """What one back office says of tokens."""

    def __init__(
        self,
        office: BackOffice,
        identity: str,
        desk: Desk,
        ask: Callable[[Message], Awaitable[Mapping[str, Any] | None]],
        charging: Callable[[str], bool],
    ) -> None:
        """Begin with what is on record.

        Args:
            office: the back office.
            identity: of the hub.
            desk: what dealing with it rests on.
            ask: asks it; None: no answer.
            charging: whether a session of a token runs.
        """
        self.list_version = 0
        self._office, self._identity, self._desk, self._ask, self._charging = office, identity, desk, ask, charging
        self._fresh: dict[str, _Fresh] = {}

    async def judge(self, uid: str, here: Authorisation, at: datetime, *, away: bool) -> Authorisation:
        """Whether a token may charge; ``here`` is what the site says."""
        if here.verdict is Verdict.UNKNOWN and not away and (heard := await self._asked(uid, at)) is not None:
            return judge_away(AuthoriseAway.KNOWN, here, heard, at)
        if here.verdict is not Verdict.UNKNOWN and not away:
            return here
        policy, heard = self._office.authorise_away, await self._on_record(uid)
        if self._charging(uid):  # it was let in before: that the back office has gone ends no session
            policy = AuthoriseAway.KNOWN if policy is AuthoriseAway.NONE else policy
            heard = None if heard is None else replace(heard, expires_at=None)
        return judge_away(policy, here, heard, at)

    async def grant(self, uid: str, at: datetime) -> None:
        """The back office wants a token to charge now."""
        await self._keep(Heard(uid, "Accepted", expires_at=at + GRANTED_AWAY), at, GRANTED)

    async def heard_in(self, uid: str, answer: Mapping[str, Any], at: datetime) -> Heard | None:
        """Take what an answer about a session says of its token; returns it."""
        info = token_info(answer)
        if info is None:
            return None
        heard = heard_of(uid, info)
        await self._keep(heard, at, FRESH)
        return heard

    async def clear(self) -> bool:
        """Forget what was answered; the local list stays. Returns whether that is done."""
        self._fresh.clear()
        with suppress(LedgerUnavailable):
            await self._desk.memory.forget(self._office.id)
            return True
        return False

    async def take_list(self, asked: Mapping[str, Any], at: datetime) -> str:
        """Take a local list, or changes to it (1.6 §5.15; 2.0.1 D01); returns the status.

        A change is one to the list that the back office knows: its version must be higher than the one here.
        """
        version = asked.get("listVersion", asked.get("versionNumber"))
        rows = asked.get("localAuthorizationList") or []
        full = asked.get("updateType") == "Full"
        if not isinstance(version, int) or version <= 0 or len(rows) > LISTED_AT_ONCE:
            return "Failed"
        if not full and version <= self.list_version:
            return "VersionMismatch"
        try:
            await self._desk.memory.hear(self._office.id, listed_tokens(asked), at, all_listed=full)
            await self._desk.memory.note(self._office.id, self._identity, "list_version", version)
        except LedgerUnavailable:
            return "Failed"
        self.list_version = version
        self._fresh.clear()
        return "Accepted"

    async def _asked(self, uid: str, at: datetime) -> Heard | None:
        known = self._fresh.get(uid.upper())
        if known is not None and at < known.until:
            return known.heard
        if self._office.version == "1.6" and len(uid) > TOKEN_16:
            return None
        told = {"idTag": uid} if self._office.version == "1.6" else {"idToken": id_token(uid)}
        answer = await self._ask(Message("Authorize", told))
        return None if answer is None else await self.heard_in(uid, answer, at)

    async def _keep(self, heard: Heard, at: datetime, fresh: timedelta) -> None:
        self._fresh[heard.uid.upper()] = _Fresh(heard, at + fresh)
        while len(self._fresh) > FRESH_MOST:
            del self._fresh[next(iter(self._fresh))]
        with suppress(LedgerUnavailable):
            before = await self._on_record(heard.uid)
            kept = heard if before is None else replace(heard, listed=before.listed)
            await self._desk.memory.hear(self._office.id, [kept], at)

    async def _on_record(self, uid: str) -> Heard | None:
        with suppress(LedgerUnavailable):
            return await self._desk.memory.heard(self._office.id, uid)
        return None
