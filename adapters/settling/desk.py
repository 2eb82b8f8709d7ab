"""The desk of the manager: reviews records, closes months, hands out files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from adapters.billing.record_making import IMPLAUSIBLE_ENERGY, SiteFacts, made_record
from adapters.settling.charged import MonthStatements
from adapters.settling.closing import settle
from adapters.settling.export_kinds import Asked, Kind
from adapters.settling.export_worker import exported_apart
from adapters.settling.exports import issued_statements, month_bounds
from adapters.store import charge_records
from adapters.store.record_book import RecordBook
from adapters.store.unbilled import Told, told
from controller.ports.common import Clock
from controller.tariffs.record import ChargeRecord
from controller.tariffs.review import (
    Correction,
    NoSuchRecord,
    NotDecidable,
    ReviewDecision,
    Reviewed,
    Verdict,
)
from controller.tariffs.statement import Closing


class SettlementDesk:
    """Fulfils ``adapters.settling.charged.Charged``.

    Args:
        book: of the site.
        url: of the same ledger, for the process that makes exports.
        site: what records say of it.
        clock: time.
    """

    def __init__(self, book: RecordBook, url: str, site: SiteFacts, clock: Clock) -> None:
        self._book, self._url, self._site, self._clock = book, url, site, clock

    def queue(self, month: str | None = None) -> Sequence[Reviewed]:
        """The records that wait for somebody to look at them, oldest first; at most 500."""
        return self._book.queue(month)

    def record(self, record: str) -> Reviewed | None:
        """The record of that id, and what was decided of it."""
        return self._book.record(record)

    def of_session(self, session: str) -> Sequence[ChargeRecord]:
        """All records of a session: its first, and what came of corrections."""
        return self._book.of_session(session)

    def decide(
        self, record: str, verdict: Verdict, *, by: str, note: str, correction: Correction | None
    ) -> ReviewDecision:
        """Decide of a record; what is corrected is priced anew, by the terms of its start."""
        instead = None if correction is None else self._corrected(record, correction)
        return self._book.decide(record, verdict, by=by, note=note, correction=instead)

    def closings(self) -> Sequence[Closing]:
        """The months that are closed, in order."""
        return self._book.closings()

    def month(self, month: str) -> MonthStatements:
        """The statements of a month: those it was closed with, or drafts."""
        zone = self._site.time_zone
        month_bounds(month, zone)
        asked = Asked(Kind.STATEMENT, month)
        issued, overviews = issued_statements(self._book, asked, time_zone=zone, now=self._clock.now())
        closing = next((each for each in self._book.closings() if each.month == month), None)
        waiting = self._book.read(lambda connection: charge_records.waiting(connection, month))
        return MonthStatements(month, closing, issued, overviews, waiting)

    def close(self, month: str, by: str) -> MonthStatements:
        """Close a month for good; one that is closed stays as it is."""
        month_bounds(month, self._site.time_zone)
        settle(self._book, month, now=self._clock.now(), by=by, time_zone=self._site.time_zone)
        return self.month(month)

    def export(self, asked: Asked) -> bytes:
        """A file, made by a process of its own."""
        return exported_apart(self._url, asked, time_zone=self._site.time_zone, now=self._clock.now())

    def _corrected(self, wanted: str, correction: Correction) -> ChargeRecord:
        found = self._book.record(wanted)
        if found is None:
            raise NoSuchRecord(wanted)
        record = found.record
        on_record = self._book.read(lambda connection: told(connection, record.identity.session))
        if on_record is None:
            raise NotDecidable(f"session {record.identity.session} is not on record: it cannot be priced anew")
        right = _put_right(on_record, correction)
        anew = made_record(right, self._site, record.meter, self._clock.now(), record.identity.version + 1)
        if not anew.complete:
            raise NotDecidable(f"the correction does not give a price either: {', '.join(anew.flags)}")
        if IMPLAUSIBLE_ENERGY in anew.flags:
            wh = anew.quantities.import_wh
            raise NotDecidable(f"expected what a charger delivers in that time, found {wh} Wh")
        return anew


def _put_right(on_record: Told, correction: Correction) -> Told:
    """The session as it should have been told; readings that contradict that are left out."""
    session = on_record.session
    start_wh = session.start_wh if correction.start_wh is None else correction.start_wh
    end_wh = session.end_wh if correction.end_wh is None else correction.end_wh
    ended_at = session.ended_at if correction.ended_at is None else correction.ended_at
    if end_wh is None or ended_at is None or start_wh < 0 or end_wh < start_wh:
        raise NotDecidable(f"expected an end_wh of at least start_wh ({start_wh} Wh), found {end_wh}")
    if ended_at < session.started_at:
        raise NotDecidable(f"expected an ended_at not before the beginning, {session.started_at:%FT%TZ}")
    energy_wh = end_wh - start_wh
    right = replace(session, start_wh=start_wh, end_wh=end_wh, ended_at=ended_at, energy_wh=energy_wh, review_flags=())
    highest, kept = start_wh, []
    for each in on_record.observed:
        if each.at > ended_at + timedelta(seconds=1):
            continue
        if each.register_wh is None or highest <= each.register_wh <= end_wh:
            kept.append(each)
            highest = highest if each.register_wh is None else each.register_wh
    return replace(on_record, session=right, observed=kept)
