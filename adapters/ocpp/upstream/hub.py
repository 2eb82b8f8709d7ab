"""The one station that a back office sees where many chargers stand: a hub, whose satellites the chargers are.

What happens at them is put on record with the letters that tell of it (``hub_ledger``, ``hub_book``), goes over the
hub's own connection (``hub_line``), and what the back office asks is answered by a table (``hub_desk``) and done by the
satellites (``hub_acts``). While the back office is away, the chargers notice nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from importlib.metadata import version
from typing import Any, Final

from adapters.ocpp.upstream.back_office import BackOffice, ChannelView, Desk
from adapters.ocpp.upstream.hub_acts import Chargers, HubActs
from adapters.ocpp.upstream.hub_book import Draft, HubBook
from adapters.ocpp.upstream.hub_desk import Counter
from adapters.ocpp.upstream.hub_desk2 import HubDesk2, HubDesk201
from adapters.ocpp.upstream.hub_desk16 import HubDesk16
from adapters.ocpp.upstream.hub_letters import HubLetters
from adapters.ocpp.upstream.hub_line import HubLine
from adapters.ocpp.upstream.hub_profiles import HubProfiles
from adapters.ocpp.upstream.hub_settings import HubSettings
from adapters.ocpp.upstream.hub_statuses import HubStatuses
from adapters.ocpp.upstream.hub_tokens import HubTokens
from adapters.ocpp.upstream.told_ledger import PostingLedger
from adapters.ocpp.upstream.words import payload_of
from controller.hub_satellite.dialect2 import Dialect2
from controller.hub_satellite.dialect16 import Dialect16
from controller.hub_satellite.dialects import Dialect, Identity, Message
from controller.hub_satellite.hub_sessions import HubSession
from controller.hub_satellite.limit_notices import LimitNotices, notice
from controller.hub_satellite.outbox import Entry
from controller.hub_satellite.satellites import Satellites
from controller.plan import Severity
from controller.ports.ledger import LedgerUnavailable
from controller.ports.tokens import Authorisation
from controller.site import ChargingPoint
from controller.snapshot import ExternalLimit, PointState, StationLimit

Limits = Callable[[datetime], Iterable[ExternalLimit]]
"""What others limit the site to, at a moment."""

WATCH_S: Final = 1.0
"""How often a hub looks at its satellites."""

_DIALECTS: Final[Mapping[str, Callable[[], Dialect]]] = {"1.6": Dialect16, "2.0.1": Dialect2, "2.1": Dialect2}
_DESKS: Final = {"1.6": HubDesk16, "2.0.1": HubDesk201, "2.1": HubDesk2}
_GOOD: Final = frozenset({"Accepted", "ConcurrentTx"})
"""What a back office says of a token that may go on charging."""

_LOG: Final = logging.getLogger("loadstar.ocpp")


class Hub:
    """One hub and its back office."""

    def __init__(self, office: BackOffice, identity: str, points: Sequence[ChargingPoint], desk: Desk) -> None:
        """Prepare; ``run`` does the work.

        Args:
            office: the back office.
            identity: of the hub.
            points: its satellites; the first is connector 1.
            desk: what dealing with it rests on.

        Raises:
            ValueError: they are none, or too many.
        """
        self.office, self.identity = office, identity
        self._desk, self._clock = desk, desk.premises.clock
        self._satellites = Satellites(points)
        self._dialect = _DIALECTS[office.version]()
        self.book = HubBook(office.id, identity, self._satellites, self._dialect, lambda: not self._line.ready)
        self._settings = HubSettings(len(points))
        self.letters = HubLetters(self.book, self._settings, desk.outbox, self._clock, self.posted)
        self._tokens = HubTokens(office, identity, desk, self._ask, self._charges)
        self._acts = HubActs(self._satellites, self.book, self._tokens, self._clock, self._keep_out_of_service)
        voltage_v = desk.premises.site.nominal_voltage_v
        self._profiles = HubProfiles(self._satellites, self._acts, self._clock, voltage_v, self._keep_profiles)
        self._ledger: PostingLedger | None = None
        self._statuses = HubStatuses(self._acts, self.book, self._dialect, self._ask, self._clock)
        self._limits: Limits = lambda _at: ()
        above = {circuit for point in points for circuit in desk.premises.site.path[point.circuit]}
        self._notices = LimitNotices(above)
        self._boot_reason = "PowerUp"
        self._line = HubLine(office, identity, desk, self, self._answering().answer)

    # -- setting up --------------------------------------------------------------------------------------------

    def attach(self, chargers: Chargers, limits: Limits) -> None:
        """Take the central system, and what others limit the site to; once, before ``run``."""
        self._acts.attach(chargers)
        self._limits = limits

    async def restore(self, ledger: PostingLedger) -> None:
        """Take up what is on record; once, before chargers connect.

        Raises:
            LedgerUnavailable: it cannot be read.
        """
        self._ledger = ledger
        notes = await self._desk.memory.notes(self.office.id, self.identity)
        self.book.restore(await ledger.running(), await self._desk.outbox.posted(self.office.id, self.identity))
        self._settings.restore(notes.get("settings"))
        self._acts.restore(n for n in notes.get("out_of_service", []) if n in self._satellites.connectors)
        listed = notes.get("list_version", 0)
        self._tokens.list_version = listed if isinstance(listed, int) else 0
        self._profiles.restore(notes.get("profiles"), self.book)
        self._line = HubLine(self.office, self.identity, self._desk, self, self._answering().answer)

    async def run(self) -> None:
        """Work until cancelled."""
        await asyncio.gather(self._line.run(), self._again(self._write_letters), self._again(self._watch))

    def view(self) -> ChannelView:
        """Its connection as pages and metrics see it."""
        return self._line.view()

    def refusing(self, station: str) -> bool:
        """Whether a charger is not to be connected now (``when_away = "spec_close"``)."""
        return self._closed and station in self._acts.stations

    @property
    def _closed(self) -> bool:
        return self.office.primary and not self.office.keep_local and not self._line.view().connected

    def overlaid(self, states: Mapping[str, PointState]) -> Mapping[str, PointState]:
        """The points' states, with what the back office allows them as one more bound of their current."""
        return self._profiles.overlaid(states)

    def station_limit(self) -> Sequence[StationLimit]:
        """What the back office allows the satellites together."""
        return self._profiles.station_limit(self.office.id)

    # -- what happens at the satellites ------------------------------------------------------------------------

    def began(self, draft: Draft) -> None:
        """A session has begun, or more is known of it; it is on record."""
        self._profiles.began(draft)

    def ended(self, draft: Draft) -> None:
        """A session has ended; it is on record."""
        if self.book.at(draft.session.connector) is None:
            self._profiles.ended(draft.session.connector)

    def posted(self) -> None:
        """There is something new in the outbox."""
        self._line.posted()

    async def transaction_id(self, session: HubSession) -> str:
        """The id of a session's transaction, as its charger knows it by now."""
        return await self._desk.outbox.transaction_id(session.id) or session.transaction_id

    async def judge(self, uid: str, points: Sequence[str], here: Authorisation, at: datetime) -> Authorisation:
        """What the back office says of a token at some of its points; ``here`` is what the site says."""
        if not self.office.primary or all(self._satellites.connector(point) is None for point in points):
            return here
        return await self._tokens.judge(uid, here, at, away=not self._line.ready)

    # -- Line --------------------------------------------------------------------------------------------------

    def boot(self) -> Message:
        """Its boot notification."""
        identity = Identity("Loadstar", "Hub", version("loadstar"), self.identity)
        return self._dialect.boot(identity, self._boot_reason)

    def heartbeat_s(self) -> int:
        """How often the back office wants heartbeats [s]."""
        return self._settings.heartbeat_s

    def heartbeat_asked(self, every_s: int) -> None:
        """It has said how often it wants them."""
        self._settings.heartbeat_s = every_s

    async def accepted(self) -> None:
        """The back office has accepted the hub: it is told the status of every connector."""
        self._boot_reason = "Unknown"  # the next one follows a connection that was lost: nothing has started anew
        self._notices.forget()
        await self._statuses.tell_all()

    async def told(self, entry: Entry, answer: Mapping[str, Any]) -> None:
        """The back office has taken a letter; it may have named its transaction, or judged its token."""
        session = self.book.sessions.get(entry.session or "")
        given = answer.get("transactionId")
        if session is not None and entry.action == "StartTransaction" and isinstance(given, int):
            session.theirs = str(given)
        payload = payload_of(entry.frame)
        uid = payload.get("idTag") or (payload.get("idToken") or {}).get("idToken")
        if self._ledger is None or not uid or not self.office.primary or await self._ledger.token(uid) is not None:
            return  # the site's own tokens are the site's to judge
        heard = await self._tokens.heard_in(uid, answer, self._clock.now())
        if heard is not None and heard.status not in _GOOD and session is not None and session.token:
            self._report("token_refused_upstream", session.connector, f"{self.office.id} does not take its token")
            self._acts.later(self._stop(session.connector))

    def changed(self) -> None:
        """The connection has come or gone."""
        if self._closed:
            self._acts.hang_up()

    # -- Trigger -----------------------------------------------------------------------------------------------

    async def tell_boot(self) -> None:
        """Its boot notification, because it was asked for."""
        identity = Identity("Loadstar", "Hub", version("loadstar"), self.identity)
        await self.tell(self._dialect.boot(identity, "Triggered"))

    async def tell_statuses(self, connectors: Sequence[int]) -> None:
        """The status of connectors; 0 is the whole."""
        await self._statuses.tell(connectors)

    async def tell_values(self, connectors: Sequence[int]) -> None:
        """What was measured last at connectors."""
        for number in connectors:
            session = self.book.at(number)
            if session is not None:
                await self.letters.write_values(session.id)
                continue
            point, sample = self._satellites.point(number), self.book.latest.get(number)
            if point is not None and sample is not None:
                await self.tell(self._dialect.measured_outside(number, point, sample))

    async def tell(self, message: Message) -> None:
        """Anything else."""
        await self._ask(message)

    async def restart(self) -> None:
        """Its session with the back office anew."""
        self._boot_reason = "RemoteReset"
        await self._line.restart("reset")

    async def keep_settings(self) -> None:
        """The back office has changed its settings."""
        await self._note("settings", self._settings.changed)

    # -- the rest ----------------------------------------------------------------------------------------------

    async def _again(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except LedgerUnavailable:
                pass  # it says so itself, and recovers by itself
            except Exception:
                _LOG.exception("%s: a turn of the hub has failed", self.identity)
            await asyncio.sleep(WATCH_S)

    async def _write_letters(self) -> None:
        await self.letters.write_due(self._acts.statuses())

    async def _watch(self) -> None:
        await self._acts.settle()
        if self._line.ready:
            await self._statuses.tell_news()
            await self._tell_limits()

    async def _tell_limits(self) -> None:
        """1.6 has no word for them."""
        if self.office.version == "1.6":
            return
        for source, limit_w in self._notices.news(self._limits(self._clock.now())):
            if await self._ask(notice(source, limit_w)) is not None:
                self._notices.told(source, limit_w)

    def _answering(self) -> Any:
        counter = Counter(
            upstream=self.office.id,
            identity=self.identity,
            primary=self.office.primary,
            satellites=self._satellites,
            book=self.book,
            acts=self._acts,
            tokens=self._tokens,
            settings=self._settings,
            profiles=self._profiles.answering(legacy=self.office.version == "1.6"),
            kept=self._profiles.kept,
            hub=self,
            clock=self._clock,
            outbox=self._desk.outbox,
        )
        return _DESKS[self.office.version](counter, self.office.version)

    async def _ask(self, message: Message) -> Mapping[str, Any] | None:
        return await self._line.ask(message)

    def _charges(self, uid: str) -> bool:
        return any(session.token.upper() == uid.upper() for session in self.book.sessions.values())

    async def _stop(self, connector: int) -> None:
        session = self.book.at(connector)
        if session is not None:
            await self._acts.stop(session.name)

    async def _keep_out_of_service(self, connectors: Sequence[int]) -> None:
        await self._note("out_of_service", list(connectors))

    def _keep_profiles(self, documents: list[dict[str, Any]]) -> None:
        self._acts.later(self._note("profiles", documents))

    async def _note(self, name: str, value: Any) -> None:
        with suppress(LedgerUnavailable):
            await self._desk.memory.note(self.office.id, self.identity, name, value)

    def _report(self, kind: str, connector: int, message: str) -> None:
        point = self._satellites.point(connector)
        subject = f"station:{self.identity}" if point is None else f"point:{point.id}"
        self._desk.premises.report(kind, subject, message, Severity.WARNING)
