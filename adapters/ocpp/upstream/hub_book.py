"""What a hub's back office is to be told of the sessions at its satellites, as letters for the outbox.

Nothing is changed before it is on record: each change is drafted, put on record by whoever asked for the draft, and
taken up then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from adapters.ocpp.wire import Kind
from controller.hub_satellite.connector import Status
from controller.hub_satellite.dialect16 import OURS
from controller.hub_satellite.dialects import Dialect, Message
from controller.hub_satellite.hub_sessions import Ending, HubSession, Measurement, name_of, written_before
from controller.hub_satellite.outbox import Letter, Posted
from controller.hub_satellite.satellites import Satellites
from controller.ports.measurements import MeterSample
from controller.ports.transactions import (
    NO_REGISTER_WH,
    RunningSession,
    Started,
    TransactionDetails,
    TransactionStart,
    TransactionStop,
)

REMOTE_START: Final = timedelta(minutes=5)
"""So long a start that the back office has asked for may take; a driver has to plug in."""

UNPLACED_MOST: Final = 100
"""Transactions that have begun before it is known where; the oldest give way: most have ended since."""


@dataclass(frozen=True, slots=True)
class RemoteStart:
    """A start that the back office has asked for."""

    token: str
    until: datetime
    id: int | None = None
    """Of the request (2.x)."""
    profile: Mapping[str, object] | None = None
    """For the transaction that will begin."""


@dataclass(slots=True)
class Draft:
    """A session as it will be, and the letters that make it so."""

    session: HubSession
    letters: list[Letter] = field(default_factory=list)
    remote: RemoteStart | None = None
    """The request that has begun it."""


class HubBook:
    """The running sessions of one hub."""

    def __init__(
        self, upstream: str, identity: str, satellites: Satellites, dialect: Dialect, offline: Callable[[], bool]
    ) -> None:
        """Begin with none.

        Args:
            upstream: the back office.
            identity: of the hub.
            satellites: which point is which connector.
            dialect: what is spoken.
            offline: whether the back office is away.
        """
        self.sessions: dict[str, HubSession] = {}
        """By their id in the ledger."""
        self.latest: dict[int, Measurement] = {}
        """What was measured last, by connector."""
        self.remote: dict[int, RemoteStart] = {}
        """What the back office has asked for, by connector."""
        self._upstream, self._identity = upstream, identity
        self._satellites, self._dialect, self._offline = satellites, dialect, offline
        self._unplaced: dict[tuple[str, str], tuple[TransactionStart, Started]] = {}

    def restore(self, running: Iterable[RunningSession], posted: Mapping[str, Posted]) -> None:
        """Take up the sessions that were running when the hub went down."""
        for one in running:
            connector = self._satellites.connector(one.point)
            if connector is None:
                continue
            start_wh = None if one.start_wh == NO_REGISTER_WH else one.start_wh
            session = HubSession(
                one.id, one.id, one.station, one.transaction_id, connector, one.token, one.started_at, start_wh
            )
            if (before := posted.get(one.id)) is not None:
                session.name, session.told = written_before(before.last_key)
                session.theirs = before.theirs
            self.sessions[one.id] = session

    def at(self, connector: int) -> HubSession | None:
        """The session that runs at a connector; the newest, where the end of an older one was never announced."""
        found = [session for session in self.sessions.values() if session.connector == connector]
        return max(found, key=lambda session: session.started_at, default=None)

    def unheard_of(self, stop: TransactionStop) -> list[HubSession]:
        """The sessions of its station where an end is of none of them, by the ids that are known here.

        A station may have been given another id since: by a back office that sees it as itself.
        """
        of_station = [session for session in self.sessions.values() if session.station == stop.station]
        return [] if any(session.transaction_id == stop.transaction_id for session in of_station) else of_station

    def named(self, transaction_id: str) -> HubSession | None:
        """The session that the back office means by the id of a transaction."""
        return next((s for s in self.sessions.values() if transaction_id in {s.theirs, s.name}), None)

    def measured(self, sample: MeterSample) -> None:
        """Something was measured."""
        connector = self._satellites.connector(sample.point)
        if connector is None:
            return
        new = Measurement(sample.at, sample.register_wh, sample.power_w, sample.current_a)
        new = new.completed_by(self.latest.get(connector))
        self.latest[connector] = new
        session = self.sessions.get(sample.session or "")
        if session is not None and sample.at >= session.started_at:
            session.sample = new

    # -- drafts ------------------------------------------------------------------------------------------------

    def starting(self, start: TransactionStart) -> Draft | None:
        """A start that is about to be put on record; None where it is no business of this hub, or not known where."""
        connector = self._satellites.connector(start.point)
        if connector is None:
            return None
        session = _session_of(start, connector)
        draft = Draft(session, remote=self._asked_for(session))
        self._announce(draft, start.started_at)
        return draft

    def started(self, start: TransactionStart, started: Started, draft: Draft | None) -> Draft | None:
        """A start is on record; returns the draft where it has begun a session."""
        known = self.sessions.get(started.session_id)
        if known is not None and not known.announced and draft is not None and start.transaction_id is not None:
            known.name, known.told = draft.session.name, draft.session.told
        if not started.running or known is not None:
            return None
        if draft is None:
            if start.point is None and start.transaction_id is not None:
                self._unplaced[start.station, start.transaction_id] = (start, started)
                while len(self._unplaced) > UNPLACED_MOST:
                    del self._unplaced[next(iter(self._unplaced))]
            return None
        draft.session.id = started.session_id
        draft.session.transaction_id = start.transaction_id or str(started.transaction_id)
        self.take(draft)
        return draft

    def completing(self, details: TransactionDetails, now: datetime) -> Draft | None:
        """What a start has left open is about to be put on record; None where there is nothing to tell."""
        before = self._holder(details.station, details.transaction_id)
        if before is None:
            before = self._placed(details)
            if before is None:
                return None
        draft = Draft(replace(before))
        session = draft.session
        session.token = session.token or details.token or ""
        session.start_wh = details.start_wh if session.start_wh is None else session.start_wh
        if not session.announced:
            draft.remote = self._asked_for(session)
            self._announce(draft, now)
        elif session.token != before.token:
            self._write(draft, self._dialect.authorised(session, now, offline=self._offline()), now)
        return draft

    def stopping(self, stop: TransactionStop) -> Draft | None:
        """An end that is about to be put on record; None where its session is none of this hub's."""
        session = self._holder(stop.station, stop.transaction_id)
        if session is None:
            return None
        draft = Draft(replace(session))
        register_wh = None if stop.end_wh == NO_REGISTER_WH else stop.end_wh
        end = Ending(stop.ended_at, register_wh, stop.reason, stop.token)
        if draft.session.start_wh is None:
            draft.session.start_wh = register_wh
        if not draft.session.announced:
            self._write(draft, self._dialect.start(draft.session, offline=self._offline()), stop.ended_at)
        self._write(draft, self._dialect.stop(draft.session, end, offline=self._offline()), stop.ended_at)
        return draft

    def stopped(self, draft: Draft) -> None:
        """An end is on record."""
        self.sessions.pop(draft.session.id, None)
        self._unplaced.pop((draft.session.station, draft.session.transaction_id), None)

    def announcing(self, session: HubSession, now: datetime) -> Draft | None:
        """A start that the back office has not been told of: the session ran before this hub was set up."""
        draft = Draft(replace(session))
        if not session.announced:
            self._announce(draft, now)
        return draft if draft.letters else None

    def sampling(self, session: HubSession, now: datetime, every_s: int) -> Draft | None:
        """A measurement that is due."""
        sample = session.sample_due(now, every_s, away=self._offline())
        return None if sample is None else self._told_sample(session, sample, now, triggered=False)

    def triggered(self, session: HubSession, now: datetime) -> Draft | None:
        """A measurement that the back office has asked for; None where nothing was measured yet."""
        if session.sample is None or not session.announced:
            return None
        return self._told_sample(session, session.sample, now, triggered=True)

    def changing(self, session: HubSession, state: Status, now: datetime) -> Draft | None:
        """Its car does something else; None where that is nothing to tell.

        To a back office that is away the next measurement will tell it: a car that takes turns does so every quarter.
        """
        if not session.announced or state is session.state:
            return None
        if self._offline():
            session.state = state
            return None
        draft = Draft(replace(session, state=state))
        self._write(draft, self._dialect.changed(session, state, now, offline=self._offline()), now)
        return draft if draft.letters else None

    def take(self, draft: Draft) -> None:
        """A draft is on record; what came in between stays."""
        before = self.sessions.get(draft.session.id)
        if before is not None:
            draft.session.sample, draft.session.theirs = before.sample, before.theirs
        if draft.remote is not None:
            self.remote.pop(draft.session.connector, None)
        self.sessions[draft.session.id] = draft.session

    # -- the rest ----------------------------------------------------------------------------------------------

    def _told_sample(self, session: HubSession, sample: Measurement, now: datetime, *, triggered: bool) -> Draft | None:
        point = self._satellites.point(session.connector)
        if point is None:
            return None
        draft = Draft(replace(session, sample_told=sample, sampled_at=session.sampled_at if triggered else now))
        message = self._dialect.measured(session, point, sample, triggered=triggered, offline=self._offline())
        self._write(draft, message, sample.at)
        return draft

    def _announce(self, draft: Draft, at: datetime) -> None:
        if draft.session.known or not self._dialect.needs_complete_start:
            self._write(draft, self._dialect.start(draft.session, offline=self._offline()), at)

    def _write(self, draft: Draft, message: Message | None, at: datetime) -> None:
        if message is None:
            return
        session, message_id = draft.session, str(uuid4())
        frame = [Kind.CALL, message_id, message.action, message.payload]
        letter = Letter(
            upstream=self._upstream,
            station=self._identity,
            message_id=message_id,
            action=message.action,
            frame=json.dumps(frame, separators=(",", ":"), ensure_ascii=False),
            key=session.key,
            happened_at=at,
            transaction_id=OURS if "transactionId" in message.payload else None,
            session=session.id or None,
        )
        draft.letters.append(letter)
        session.told += 1

    def _asked_for(self, session: HubSession) -> RemoteStart | None:
        """The request of the back office that a start follows, if it does."""
        asked = self.remote.get(session.connector)
        if asked is None or session.started_at > asked.until or asked.token.upper() != session.token.upper():
            return None
        session.remote_start_id = asked.id
        return asked

    def _holder(self, station: str, transaction_id: str) -> HubSession | None:
        same = (s for s in self.sessions.values() if s.station == station and s.transaction_id == transaction_id)
        return next(same, None)

    def _placed(self, details: TransactionDetails) -> HubSession | None:
        """A session of which it is known only now that it runs at a point of this hub."""
        connector = self._satellites.connector(details.point)
        begun = self._unplaced.get((details.station, details.transaction_id))
        if connector is None or begun is None:
            return None
        start, started = begun
        return _session_of(start, connector, started.session_id)


def _session_of(start: TransactionStart, connector: int, session_id: str = "") -> HubSession:
    start_wh = None if start.start_wh == NO_REGISTER_WH else start.start_wh
    name = name_of(start.station, start.transaction_id, start.connector, start.started_at, start_wh)
    return HubSession(
        session_id, name, start.station, start.transaction_id or "", connector, start.token, start.started_at, start_wh
    )
