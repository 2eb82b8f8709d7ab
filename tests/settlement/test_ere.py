"""Bookings of renewable energy: per connection and month, with the evidence, and a reason for whatever is left out."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from adapters.settlement.ere_file import ere_csv, ere_json
from controller.tariffs.crediting import credit
from controller.tariffs.ere import ere_month, valid_ean
from controller.tariffs.record import ChargeRecord, SignedValue
from controller.tariffs.review import ReviewState
from tests.support.billing import EAN, year_of_records

MONTH = "2026-10"


@pytest.fixture(scope="module")
def october() -> list[ChargeRecord]:
    return [each for each in year_of_records(300) if each.month == MONTH and each.quantities.import_wh]


def clear(records: list[ChargeRecord]) -> list[tuple[ChargeRecord, ReviewState]]:
    return [(record, ReviewState.CLEAR) for record in records]


def test_a_month_is_one_booking_with_its_sessions_as_evidence(october: list[ChargeRecord]):
    month = ere_month(MONTH, clear(october))
    (booking,) = month.bookings
    assert (booking.connection.ean, booking.delivered_from, booking.delivered_until) == (
        EAN,
        date(2026, 10, 1),
        date(2026, 10, 31),
    )
    assert booking.energy_wh == sum(record.quantities.import_wh for record in october)
    assert sum(each.end_register_wh - each.start_register_wh for each in booking.evidence) == booking.energy_wh
    assert booking.expected_ere_kg == (booking.kwh * Decimal("0.332694")).quantize(Decimal("0.001"))
    assert month.not_booked == ()


def test_the_files_say_the_same(october: list[ChargeRecord]):
    month = ere_month(MONTH, clear(october))
    rows = list(csv.DictReader(io.StringIO(ere_csv(month))))
    (booking,), document = [row for row in rows if row["row"] == "booking"], json.loads(ere_json(month))
    assert booking["kwh"] == document["bookings"][0]["kwh"]
    evidence = [row for row in rows if row["row"] == "evidence"]
    assert sum(int(row["energy_wh"]) for row in evidence) == Decimal(booking["kwh"]) * 1000
    assert [row["session"] for row in evidence] == [each["session"] for each in document["bookings"][0]["evidence"]]


def test_connections_are_booked_each_for_itself(october: list[ChargeRecord]):
    other = replace(october[0].connection, ean="541448800000000000")
    moved = [replace(october[0], connection=other), *october[1:]]
    assert [each.connection.ean for each in ere_month(MONTH, clear(moved)).bookings] == [other.ean, EAN]


def test_what_was_taken_back_counts_nothing(october: list[ChargeRecord], november: datetime):
    first = october[0]
    given = [(first, ReviewState.VOIDED), (credit(first, november), ReviewState.CLEAR), *clear(october[1:])]
    month = ere_month(MONTH, given)
    assert month.bookings[0].energy_wh == sum(record.quantities.import_wh for record in october[1:])
    assert month.not_booked == ()


def test_everything_that_is_in_the_way_is_told(october: list[ChargeRecord]):
    record = october[0]
    bad = replace(
        record,
        connection=replace(record.connection, ean="871687120000000014", construct="", valid_until=date(2026, 10, 1)),
        meter=replace(record.meter, mid_certificate="", integrated=False),
        parties=replace(record.parties, home_charging=True),
        quantities=replace(record.quantities, end_register_wh=None),
        evidence=replace(record.evidence, signed=(SignedValue("x", "refused"),)),
    )
    (refused,) = ere_month(MONTH, [(bad, ReviewState.OPEN)]).not_booked
    assert len(refused.reasons) == 8
    nowhere = replace(record, connection=None, meter=replace(record.meter, mid_valid_until=date(2026, 10, 1)))
    (refused,) = ere_month(MONTH, clear([nowhere])).not_booked
    assert refused.reasons == ("no grid connection is known", "the meter's MID certificate had expired")
    assert "no grid connection is known" in ere_csv(ere_month(MONTH, clear([nowhere])))


@pytest.mark.parametrize(
    "text", ["", "87168712000000001", "871687120000000012", "\N{FULLWIDTH DIGIT EIGHT}71687120000000011", "x" * 18]
)
def test_an_ean_code_checks_itself(text: str):
    assert not valid_ean(text)
