"""What can be booked as renewable energy delivered to vehicles (Netherlands, from 2026): per connection and period.

Wet milieubeheer title 9.7, Besluit and Regeling energie vervoer. Booked is per EAN and delivery period, with kWh by
a meter with a certificate (MID); sessions are the evidence. The register itself computes the units (ERE, kg CO2eq).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from controller.tariffs.premises import GridConnection
from controller.tariffs.record import ChargeRecord, RecordKind
from controller.tariffs.review import BILLED, ReviewState

GRID_SHARE: Final = {2026: Decimal("0.505")}
"""The renewable share of electricity from the grid, by delivery year, as it is published."""

_KG_PER_KWH: Final = Decimal(183) * Decimal("3.6") / 1000
"""183 g CO2eq per MJ for each renewable kWh."""

_EAN_DIGITS: Final = 18
_CONSTRUCTS: Final = frozenset({"main_connection", "allocation_point", "mid_meter"})


@dataclass(frozen=True, slots=True)
class EreEvidence:
    """One session behind a booking."""

    record: str
    session: str
    started_at: str
    ended_at: str
    """At the site, with the offset."""
    start_register_wh: int
    end_register_wh: int
    energy_wh: int
    station: str
    station_serial: str
    meter_serial: str
    mid_certificate: str
    signed: str
    """``verified``, ``refused``, ``unchecked``, or empty where the meter does not sign."""


@dataclass(frozen=True, slots=True)
class EreBooking:
    """What is booked for one connection and period."""

    connection: GridConnection
    delivered_from: date
    delivered_until: date
    """Its last day."""
    energy_wh: int
    evidence: tuple[EreEvidence, ...]

    @property
    def kwh(self) -> Decimal:
        """What is booked [kWh]."""
        return Decimal(self.energy_wh).scaleb(-3)

    @property
    def expected_ere_kg(self) -> Decimal | None:
        """What the register will make of it [kg CO2eq], at the grid's share; None where that is not known yet."""
        share = GRID_SHARE.get(self.delivered_from.year)
        return None if share is None else (self.kwh * share * _KG_PER_KWH).quantize(Decimal("0.001"))


@dataclass(frozen=True, slots=True)
class NotBooked:
    """A session that cannot be booked, and all that is in the way."""

    record: str
    session: str
    point: str
    energy_wh: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EreMonth:
    """A delivery month."""

    month: str
    bookings: tuple[EreBooking, ...]
    not_booked: tuple[NotBooked, ...]


def ere_month(month: str, records: Iterable[tuple[ChargeRecord, ReviewState]]) -> EreMonth:
    """Gather a month's sessions into bookings.

    Args:
        month: such as ``2026-10``.
        records: of the month, and where each stands; credits and what was taken back count nothing.
    """
    taken: dict[GridConnection, list[ChargeRecord]] = {}
    refused: list[NotBooked] = []
    for record, state in records:
        if record.identity.kind is RecordKind.CREDIT or state in {ReviewState.CORRECTED, ReviewState.VOIDED}:
            continue
        if record.quantities.import_wh == 0:
            continue
        reasons = tuple(_in_the_way(record, state))
        if reasons or record.connection is None:
            refused.append(_not_booked(record, reasons))
        else:
            taken.setdefault(record.connection, []).append(record)
    first = date.fromisoformat(f"{month}-01")
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    ordered = sorted(taken.items(), key=lambda item: (item[0].ean, item[0].allocation_ean, item[0].name))
    bookings = tuple(_booking(connection, first, last, found) for connection, found in ordered)
    return EreMonth(month, bookings, tuple(refused))


def valid_ean(text: str) -> bool:
    """Whether a text is an EAN code of 18 digits (GS1 GSRN: the last one checks the others).

    >>> valid_ean("871687120000000011"), valid_ean("871687120000000014")
    (True, False)
    """
    if len(text) != _EAN_DIGITS or not (text.isascii() and text.isdigit()):
        return False
    weighted = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(text[:-1]))
    return (weighted + int(text[-1])) % 10 == 0


def _booking(connection: GridConnection, first: date, last: date, records: Sequence[ChargeRecord]) -> EreBooking:
    evidence = tuple(map(_evidence, sorted(records, key=lambda each: (each.times.ended_at, each.identity.id))))
    return EreBooking(connection, first, last, sum(each.energy_wh for each in evidence), evidence)


def _in_the_way(record: ChargeRecord, state: ReviewState) -> Iterator[str]:
    if state not in BILLED:
        yield "waits for review"
    day = record.times.ended_at.astimezone(ZoneInfo(record.place.time_zone)).date()
    yield from _connection_problems(record.connection, day)
    meter, amount = record.meter, record.quantities
    if not meter.mid_certificate:
        yield "the meter has no MID certificate on record"
    elif meter.mid_valid_until is not None and day >= meter.mid_valid_until:
        yield "the meter's MID certificate had expired"
    if not meter.integrated and record.parties.home_charging:
        yield "the meter is not part of the charger, as it must be at a home"
    start, end = amount.start_register_wh, amount.end_register_wh
    if start is None or end is None:
        yield "a register is missing"
    elif end - start != amount.import_wh:
        yield "the energy is not the difference of the registers"
    if any(value.verdict == "refused" for value in record.evidence.signed):
        yield "a signed meter value was refused"


def _connection_problems(connection: GridConnection | None, day: date) -> Iterator[str]:
    if connection is None:
        yield "no grid connection is known"
        return
    if not valid_ean(connection.ean):
        yield f"{connection.ean!r} is no EAN code of 18 digits"
    if connection.construct not in _CONSTRUCTS:
        yield f"the construct {connection.construct!r} is none of {', '.join(sorted(_CONSTRUCTS))}"
    if not connection.holder:
        yield "nobody has said whose connection it is"
    if not _holds(day, connection.valid_from, connection.valid_until):
        yield "the connection was not valid then"
    if connection.mandate and not _holds(day, connection.mandate_issued_on, connection.mandate_until):
        yield "the mandate was not valid then"


def _holds(day: date, begins: date | None, ends: date | None) -> bool:
    return (begins is None or begins <= day) and (ends is None or day < ends)


def _not_booked(record: ChargeRecord, reasons: tuple[str, ...]) -> NotBooked:
    point = record.place.point or f"{record.place.station}/{record.place.connector}"
    return NotBooked(record.identity.id, record.identity.session, point, record.quantities.import_wh, reasons)


def _evidence(record: ChargeRecord) -> EreEvidence:
    zone, amount, meter = ZoneInfo(record.place.time_zone), record.quantities, record.meter
    verdicts = {value.verdict for value in record.evidence.signed}
    return EreEvidence(
        record=record.identity.id,
        session=record.identity.session,
        started_at=record.times.started_at.astimezone(zone).isoformat(timespec="seconds"),
        ended_at=record.times.ended_at.astimezone(zone).isoformat(timespec="seconds"),
        start_register_wh=amount.start_register_wh or 0,
        end_register_wh=amount.end_register_wh or 0,
        energy_wh=amount.import_wh - amount.export_wh,
        station=record.place.station,
        station_serial=meter.station_serial,
        meter_serial=meter.serial or meter.meter_id,
        mid_certificate=meter.mid_certificate,
        signed=next((each for each in ("refused", "unchecked", "verified") if each in verdicts), ""),
    )
