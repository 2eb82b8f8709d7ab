"""Works a month out anew, from the readings and the terms on record, and compares it with its records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from adapters.billing.record_making import SiteFacts, made_record
from adapters.store.charge_records import records_of_month
from adapters.store.record_book import RecordBook
from adapters.store.unbilled import told
from controller.tariffs.rated import Amounts
from controller.tariffs.record import ChargeRecord, RecordKind, RecordLeg


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What came of it."""

    records: int
    """Those that were worked out anew; corrections by hand, and credits, are none of them."""
    differences: tuple[str, ...]


def recomputed(book: RecordBook, site: SiteFacts, month: str) -> Recomputed:
    """Work out the first records of a month's sessions again; nothing is changed.

    Args:
        book: of the site.
        site: what records say of it.
        month: such as ``2026-10``.

    Raises:
        LedgerUnavailable: the ledger cannot be read.
    """

    def compare(connection: Connection) -> Recomputed:
        count, differences = 0, list[str]()
        for record in records_of_month(connection, month):
            if record.identity.kind is RecordKind.FINAL and record.identity.version == 1:
                count += 1
                differences += _compared(connection, site, record)
        return Recomputed(count, tuple(differences))

    return book.read(compare)


def _compared(connection: Connection, site: SiteFacts, record: ChargeRecord) -> Iterator[str]:
    session = record.identity.session
    found = told(connection, session)
    if found is None:
        yield f"session {session}: is on record no longer"
        return
    anew = made_record(found, site, record.meter, record.identity.created_at)
    if anew.quantities.import_wh != record.quantities.import_wh:
        yield f"session {session}: {record.quantities.import_wh} Wh on record, {anew.quantities.import_wh} Wh anew"
    if anew.evidence.sha256 != record.evidence.sha256:
        yield f"session {session}: its readings are not those of which the record was made"
    for leg in record.legs:
        yield from _leg_compared(session, leg, anew.leg(leg.leg))
    for leg in anew.legs:
        if record.leg(leg.leg) is None:
            yield f"session {session}: {leg.leg.value} is not on record, {_shown(leg.rated.invoice)} anew"


def _leg_compared(session: str, leg: RecordLeg, anew: RecordLeg | None) -> Iterator[str]:
    if anew is None:
        yield f"session {session}: {leg.leg.value} is {_shown(leg.rated.invoice)} on record, and nothing anew"
    elif _booked(leg) != _booked(anew):
        on_record, now = _shown(leg.rated.invoice), _shown(anew.rated.invoice)
        yield f"session {session}: {leg.leg.value} is {on_record} on record, {now} anew"


def _booked(leg: RecordLeg) -> Sequence[object]:
    """What must be the same, to the cent, line by line."""
    lines = [(line.kind, line.label, line.billed_quantity, line.unit_price, line.booked) for line in leg.rated.lines]
    return [leg.rated.total, leg.rated.invoice, *lines]


def _shown(amounts: Amounts) -> str:
    return f"{amounts.before_tax} / {amounts.after_tax}"
