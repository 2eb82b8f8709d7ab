"""What sessions cost: so far, while they run; and for good, in a record, as soon as they are over.

A record is made of what is on record and of nothing else. It is made once, however often the service is killed on the
way: a session that is over and has none gets it at the next start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import structlog
from sqlalchemy import Connection

from adapters.billing.record_making import SiteFacts, made_record, rated_legs
from adapters.store.charge_records import keep_record
from adapters.store.ledger import SqlLedger
from adapters.store.unbilled import Told, ended_without_record, note_price, told
from controller.plan import Event, Severity
from controller.ports.common import Clock, EventSink
from controller.ports.ledger import LedgerUnavailable, SessionRecord
from controller.tariffs.book import Leg
from controller.tariffs.premises import MeterIdentity
from controller.tariffs.price_words import shown
from controller.tariffs.rated import RatedSession
from controller.tariffs.record import ChargeRecord

LOOK_EVERY_S: Final = 60.0
"""How often sessions without a record are looked for, besides after the end of each."""

AT_ONCE: Final = 100
"""Records made in one go, so that a long outage does not hold up the newest."""

RERATED: Final = timedelta(seconds=10)
"""How old the cost so far of a running session may be: rating takes a millisecond, and chargers report as often."""

log = structlog.get_logger(__name__)


class Billing:
    """The prices of one site's sessions.

    Args:
        ledger: where sessions, terms and records are.
        site: what records say of it.
        meters: tells what measures at a station.
        clock: time.
        on_event: hears of sessions that a person should look at.
    """

    def __init__(
        self,
        ledger: SqlLedger,
        site: SiteFacts,
        meters: Callable[[str], MeterIdentity],
        clock: Clock,
        on_event: EventSink,
    ) -> None:
        self._ledger, self._site, self._meters = ledger, site, meters
        self._clock, self._on_event = clock, on_event
        self._so_far: Mapping[str, tuple[datetime, Decimal | None]] = {}
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Make records until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.record_ended)
            except LedgerUnavailable:
                log.warning("records_wait", reason="the ledger cannot be read or written")
            except Exception:
                log.exception("records_failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._ended.wait()
            self._ended.clear()

    def record_ended(self) -> int:
        """Make the records that are due; returns how many. Blocks for milliseconds each; for any thread.

        Raises:
            LedgerUnavailable: it cannot be read or written.
        """
        due = self._ledger.read(lambda connection: ended_without_record(connection, AT_ONCE))
        return sum(self._made(session) for session in due)

    def _made(self, session_id: str) -> bool:
        """Whether its record could be made; one that cannot must not hold up the others."""
        try:
            return self.record(session_id) is not None
        except LedgerUnavailable:
            raise
        except Exception:
            log.exception("record_failed", session=session_id)
            text = f"session {session_id} has no record: it could not be priced (see the log); it is tried again"
            self._on_event(Event("record_failed", f"session:{session_id}", text, Severity.ALARM))
            return False

    def record(self, session_id: str) -> ChargeRecord | None:
        """Make the record of a session that is over; None where there is no such session, or it runs.

        Raises:
            LedgerUnavailable: it cannot be read or written.
        """
        found = self._ledger.read(lambda connection: told(connection, session_id))
        if found is None or found.session.running:
            return None
        now = self._clock.now()
        record = made_record(found, self._site, self._meters(found.session.station), now)

        def keep(connection: Connection) -> bool:
            if not keep_record(connection, record, now):
                return False
            note_price(connection, session_id, _final(record), record.flags)
            return True

        if self._ledger.write(keep).result() and record.flags:
            self._on_event(_flagged(record))
        return record

    def cost(self, session_id: str) -> Decimal | None:
        """What a session costs: by now, while it runs; for good, where it is over. Blocks for milliseconds.

        Raises:
            LedgerUnavailable: it cannot be read or written.
        """
        session = self._ledger.session(session_id)
        if session is None:
            return None
        if session.running:
            return self._cost_so_far(session, self._clock.now())
        record = self.record(session_id)
        return None if record is None else _final(record)

    async def priced(self, running: Sequence[SessionRecord]) -> list[SessionRecord]:
        """The sessions that run with what they cost so far; of those that did before, the records are made now.

        Raises:
            LedgerUnavailable: it cannot be read.
        """
        so_far = await asyncio.to_thread(self._costs, running)
        if self._so_far.keys() - so_far.keys():
            self._ended.set()
        self._so_far = so_far
        return [replace(session, cost=so_far[session.id][1]) for session in running]

    def _costs(self, running: Iterable[SessionRecord]) -> dict[str, tuple[datetime, Decimal | None]]:
        now, costs = self._clock.now(), {}
        for session in running:
            before = self._so_far.get(session.id)
            if before is None or not now - RERATED < before[0] <= now:
                before = (now, self._cost_so_far(session, now))
            costs[session.id] = before
        return costs

    def _cost_so_far(self, session: SessionRecord, now: datetime) -> Decimal | None:
        found = self._ledger.read(lambda connection: told(connection, session.id, session))
        try:
            rated = None if found is None else _retail(found, self._site, now)
        except Exception:
            log.exception("session_not_priced", session=session.id)
            return None
        return None if rated is None or not rated.complete else shown(rated.total)


def _final(record: ChargeRecord) -> Decimal | None:
    retail = record.leg(Leg.RETAIL)
    return None if retail is None or not retail.rated.complete else shown(retail.rated.total)


def _retail(found: Told, site: SiteFacts, now: datetime) -> RatedSession | None:
    retail = [terms for terms in found.terms if terms.choice.leg is Leg.RETAIL]
    legs = rated_legs(replace(found, terms=retail), site, now.astimezone(UTC))
    return legs[0][1] if legs else None


def _flagged(record: ChargeRecord) -> Event:
    where = record.place.point or record.place.station
    text = f"session {record.identity.session} at {where} waits for review: {', '.join(record.flags)}"
    return Event("session_for_review", f"session:{record.identity.session}", text, Severity.WARNING)
