"""Energy at prices that change every quarter of an hour: one line, which can be explained to the cent."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adapters.rating_documents.cdr_reading import read_ocpi_session
from adapters.rating_documents.tariff_reading import read_tariffs
from adapters.settlement.wording import MINUS, Wording
from adapters.settling.export_kinds import Format, Kind
from controller.ports.transactions import TransactionStart, TransactionStop
from controller.tariffs.book import BillingRule, Leg, Scope, TariffVersion
from controller.tariffs.observed import Observed
from controller.tariffs.rated import UNKNOWN_TAX, LineKind
from controller.tariffs.rating import rate
from controller.tariffs.session_facts import Activity
from controller.tariffs.statement import StatementLine, lines_of
from controller.tariffs.tariff import PriceCurve, PricePeriod
from tests.support.billing import half_up
from tests.support.settlement import BY, OCTOBER, Office

PRICES = ("0.28713", "0.19991", "-0.03333", "0.41777", "0.41777", "0.30001")
"""A quarter of an hour each."""
TAKEN_WH = (2_113, 1_999, 3_001, 17, 2_718, 1_618)
QUARTER = timedelta(minutes=15)
ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)
ENGLISH = Wording()
LINE = StatementLine(
    record="r",
    session="s",
    leg=Leg.RETAIL,
    credit=False,
    starts_at=OCTOBER,
    ends_at=OCTOBER + QUARTER,
    time_zone="UTC",
    point="P1",
    place="",
    token="04A2",
    driver=None,
    employer=None,
    kind=LineKind.ENERGY,
    label="",
    quantity=Decimal(1),
    unit="kWh",
    unit_price=Decimal(1),
    tax_included=False,
    tax=UNKNOWN_TAX,
    before_tax=Decimal(1),
    after_tax=Decimal(1),
    mean_of=7,
)


async def charged(office: Office) -> str:
    """A session of an hour and a half, by a curve."""
    component = {"type": "ENERGY", "price": 0, "vat": 21, "step_size": 1}
    tariff = {"id": "spot", "currency": "EUR", "elements": [{"price_components": [component]}]}
    tariff["loadstar"] = {"elements": [{"curve": "day-ahead"}]}
    book = office.ledger.book
    quarters = [OCTOBER + number * QUARTER for number in range(len(PRICES) + 1)]
    periods = tuple(PricePeriod(*span) for span in zip(quarters, quarters[1:], map(Decimal, PRICES), strict=False))
    book.publish_curve(PriceCurve("day-ahead", "1", ALWAYS, periods))
    book.add_tariff(TariffVersion("spot", 0, json.dumps(tariff), ("day-ahead",), ALWAYS, None, BY), approve=True)
    book.add_rules([BillingRule("", Scope.SITE, "", Leg.RETAIL, "spot", ALWAYS, None, BY)], approve=True)
    started = await office.ledger.start_transaction(TransactionStart("CP1", 1, "P1", "04A2", OCTOBER, 1_000))
    register, seen = 1_000, []
    for number, taken_wh in enumerate(TAKEN_WH, start=1):
        register += taken_wh
        seen.append(Observed(started.session_id, OCTOBER + number * QUARTER, Activity.CHARGING, register))
    office.ledger.keep_observed(seen).result()
    stop = TransactionStop("CP1", str(started.transaction_id), OCTOBER + len(PRICES) * QUARTER, register)
    await office.ledger.stop_transaction(stop)
    office.billing.record_ended()
    return started.session_id


def table(office: Office, kind: Kind) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(office.exported(kind, Format.CSV).decode())))


async def test_the_periods_have_the_prices_that_were_published_and_add_up_to_the_line(office: Office):
    session = await charged(office)
    rows = table(office, Kind.PERIODS)
    assert [(row["starts_at"][11:16], row["energy_kwh"], row["per_kwh"]) for row in rows[:3]] == [
        ("08:00", "2.113", "0.28713"),
        ("08:15", "1.999", "0.19991"),
        ("08:30", "3.001", "-0.03333"),
    ]
    exact = sum(Decimal(taken).scaleb(-3) * Decimal(price) for taken, price in zip(TAKEN_WH, PRICES, strict=True))
    assert sum(Decimal(row["energy_amount"]) for row in rows) == exact
    (line,) = table(office, Kind.STATEMENT)
    assert Decimal(line["net"]) == half_up(exact)
    assert half_up(Decimal(line["quantity"]) * Decimal(line["unit_price"])) == half_up(exact)
    assert line["mean_of"] == "5", "two quarters of an hour have the same price"
    in_json = json.loads(office.exported(Kind.PERIODS, Format.JSON))["periods"]
    assert [row["per_kwh"] for row in in_json] == [row["per_kwh"] for row in rows]
    assert {row["session"] for row in in_json} == {session}
    assert office.records(session)[0].flags == ()


async def test_a_credit_takes_its_periods_back(office: Office):
    session = await charged(office)
    (record,) = office.records(session)
    verdict: dict[str, Any] = {"verdict": "correct", "correction": {"end_wh": 12_000}}
    await office.ask("POST", f"/review/{record.identity.id}", verdict)
    rows = table(office, Kind.PERIODS)
    of_two = [row for row in rows if row["record"].startswith(record.identity.id)]
    assert len(of_two) == 2 * len(record.legs[0].rated.periods)
    assert sum(Decimal(row["energy_amount"]) for row in of_two) == 0
    assert sum(Decimal(row["energy_kwh"]) for row in rows) == 11


@pytest.mark.parametrize("version", ["ocpi-2.2.1", "ocpi-2.3.0"])
async def test_a_partner_finds_each_price_in_the_tariff_and_comes_to_the_same_cost(office: Office, version: str):
    session = await charged(office)
    (record,) = office.records(session)
    (cdr,) = json.loads(office.exported(Kind.CDRS, Format(version)))
    (tariff,) = read_tariffs(json.dumps(cdr["tariffs"]).encode()).tariffs
    assert tariff.curves() == frozenset()
    assert [str(element.components[0].price) for element in tariff.elements] == [*PRICES[:4], PRICES[5]]
    assert tariff.elements[0].restrictions.end_time == time(10, 15), "by the clock at the site"
    facts = read_ocpi_session(json.dumps(cdr).encode(), version, "Europe/Amsterdam").facts
    assert rate(facts, tariff).total == record.legs[0].rated.total


async def test_on_paper_the_line_says_that_it_is_a_mean_and_comes_to_its_amount(office: Office):
    session = await charged(office)
    (record,) = office.records(session)
    (line,) = lines_of(record, record.legs[0])
    assert ENGLISH.described(line) == "Energy, 5 prices"
    assert product(line) == line.before_tax
    assert office.exported(Kind.STATEMENT, Format.PDF).startswith(b"%PDF")


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 10**7), st.integers(-(10**9), 10**9), st.booleans())
def test_what_is_shown_of_a_mean_always_comes_to_the_amount(line_wh: int, value: int, included: bool):
    assume(abs(abs(value) % 10**5 - 5 * 10**4) > 100)  # a price that never ends does not hit half a cent
    kwh, worth = Decimal(line_wh).scaleb(-3), Decimal(value).scaleb(-7)
    line = replace(LINE, quantity=kwh, unit_price=worth / kwh, tax_included=included)
    amount = half_up(kwh * line.unit_price)
    line = replace(line, before_tax=amount, after_tax=amount)
    assert product(line) == amount


def test_energy_that_was_divided_by_estimate_is_shown_so_that_it_comes_to_the_amount():
    third = replace(
        LINE, quantity=Decimal(10) / 3, unit_price=Decimal("1.50155"), mean_of=0, before_tax=Decimal("5.01")
    )
    assert (ENGLISH.quantity(third, "EUR"), product(third)) == ("3.3333 kWh", Decimal("5.01"))
    whole = replace(third, quantity=Decimal("3.300"), before_tax=Decimal("4.96"))
    assert (ENGLISH.quantity(whole, "EUR"), ENGLISH.unit_price(whole, "EUR")) == ("3.300 kWh", "1.50155")


def product(line: StatementLine) -> Decimal:
    """What a bookkeeper gets who multiplies what stands on the paper."""
    shown = [ENGLISH.quantity(line, "EUR").removesuffix(" kWh"), ENGLISH.unit_price(line, "EUR")]
    energy, price = (Decimal(re.sub("[,*†]", "", each).replace(MINUS, "-")) for each in shown)
    return (energy * price).quantize(Decimal("0.01"), ROUND_HALF_UP)
