"""The office of the simulations, settled: what its cars took is what people pay for, and every file is valid.

The whole month is run by the campaign; every day, one day of it.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import xmlschema

from adapters.billing.billing import Billing
from adapters.billing.recomputing import recomputed
from adapters.json_text import parsed
from adapters.rating_documents.cdr_model import Cdr230Model
from adapters.settling.closing import settle
from adapters.settling.export_kinds import Asked, Format, Kind
from adapters.settling.exports import exported
from adapters.store.ledger import SqlLedger
from controller.loadbalance.facts import STATES
from controller.ports.tokens import Token
from controller.ports.transactions import TransactionStart, TransactionStop
from controller.tariffs.book import BillingRule, Contract, Leg, Scope, TariffVersion, TokenKind
from controller.tariffs.observed import Observed, activity_of
from controller.tariffs.premises import GridConnection, MeterIdentity
from controller.tariffs.rated import Tax, TaxSource, TaxState
from controller.tariffs.review import Verdict
from simulations.fast import run as simulate
from simulations.results import Results, SessionResult
from simulations.scenario.reading import load_scenario
from tests.support.billing import EAN, ZONE
from tests.support.settlement import BY, SITE, November

OFFICE = Path(__file__).parents[2] / "simulations" / "scenarios" / "office.toml"
WHOLE = "LOADSTAR_CAMPAIGN" in os.environ
MONTH = "2026-10"
BEGIN = datetime(2026, 10, 1, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
NOW = November().now()
OWN = GridConnection(EAN, "Kade garage", holder="Owners' association Kaserne", construct="mid_meter")
PLACE = replace(SITE, connection=OWN)
METER = MeterIdentity(serial="M1", mid_certificate="T10001", mid_valid_until=date(2030, 1, 1))
PRIVATE = Tax(TaxState.EXEMPT, Decimal(0), TaxSource.CONTRACT, "a private person is paid back")


@pytest.fixture(scope="module")
def results() -> Results:
    days = "31" if WHOLE else "1"
    return simulate(load_scenario(OFFICE, settings={"scenario.start": "2026-10-01", "scenario.days": days}))


@pytest.fixture
def settled(ledger: SqlLedger, results: Results) -> SqlLedger:
    """The sessions of the simulation on record, as chargers would have told of them, and the month closed."""
    keep_prices(ledger)
    asyncio.run(keep_sessions(ledger, results))
    billing = Billing(ledger, PLACE, lambda _: METER, November(), print)
    while billing.record_ended():
        pass
    for doubtful in ledger.charged.queue():
        assert doubtful.record.flags == ("idle_without_energy",), "a car that took nothing, and stayed"
        ledger.charged.decide(doubtful.record.identity.id, Verdict.ACCEPT, by="manager")
    settle(ledger.charged, MONTH, now=NOW, by="manager", time_zone=ZONE)
    return ledger


def keep_prices(ledger: SqlLedger) -> None:
    """Dearer by day, a fee for each session, idling after its grace; one employee is paid back what was charged."""
    evening = {"start_time": "18:00", "end_time": "09:00"}
    night = {"restrictions": evening, "price_components": [priced("ENERGY", "0.2413")]}
    day = {"price_components": [priced("ENERGY", "0.3290"), priced("FLAT", "0.35"), priced("PARKING_TIME", "1.20")]}
    retail = {"id": "office", "currency": "EUR", "elements": [night, day], "loadstar": {"idle": {"grace_s": 1800}}}
    back = {"id": "back", "currency": "EUR", "elements": [{"price_components": [{"type": "ENERGY", "price": 0.27}]}]}
    always, book = datetime(2026, 1, 1, tzinfo=UTC), ledger.book
    for tariff in (retail, back):
        book.add_tariff(TariffVersion(tariff["id"], 0, json.dumps(tariff), (), always, None, BY), approve=True)
    book.keep_contract(Contract("c-flat1", "flat1"), BY)
    book.keep_contract(Contract("c-ann", "ann", "works"), BY)
    book.keep_contract(Contract("c-bob", "bob", "works", PRIVATE), BY)
    for uid, contract in TOKENS.items():
        ledger.token_book.add_token(Token(uid, kind=TokenKind.EMPLOYEE, contract=contract), BY)
    rules = [
        BillingRule("", Scope.OPERATOR, "", Leg.RETAIL, "office", always, None, BY),
        BillingRule("", Scope.CONTRACT, "c-bob", Leg.REIMBURSEMENT, "back", always, None, BY),
    ]
    for rule in rules:
        book.add_rules([rule], approve=True)


TOKENS = {"T-flat1": "c-flat1", "T-ann": "c-ann", "T-bob": "c-bob"}


def priced(kind: str, price: str) -> dict[str, Any]:
    return {"type": kind, "price": float(price), "vat": 21, "step_size": 1}


async def keep_sessions(ledger: SqlLedger, results: Results) -> None:
    points = [point.id for point in results.scenario.site.points]
    for number, session in enumerate(results.sessions):
        seen = list(told(results, session, points.index(session.visit.point)))
        if not seen:
            continue
        station, token = f"CP-{session.visit.point}", list(TOKENS)[number % len(TOKENS)]
        start = TransactionStart(station, 1, session.visit.point, token, at(session.visit.arrives_s), 50_000)
        started = await ledger.start_transaction(start)
        rows = [replace(row, session=started.session_id) for row in seen]
        ledger.keep_observed(rows).result()
        end_wh = rows[-1].register_wh or 50_000
        stop = TransactionStop(station, str(started.transaction_id), at(session.visit.leaves_s), end_wh)
        await ledger.stop_transaction(stop)


def told(results: Results, session: SessionResult, column: int) -> Iterator[Observed]:
    """What was seen of a session: a register and what the car did, at each step of the simulation."""
    series, visit = results.series, session.visit
    inside = np.flatnonzero((series.time_s >= visit.arrives_s) & (series.time_s + series.step_s <= visit.leaves_s))
    energy_wh = 50_000 + np.cumsum(series.power_w[inside, column]) * series.step_s / 3600
    for row, register_wh in zip(inside, energy_wh, strict=True):
        activity = activity_of(STATES[series.state[row, column]], float(series.limit_a[row, column]))
        yield Observed("", at(series.time_s[row] + series.step_s), activity, round(float(register_wh)))


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=round(float(seconds)))


def export(ledger: SqlLedger, kind: Kind, form: Format) -> bytes:
    return exported(ledger.charged, Asked(kind, MONTH, form), time_zone=ZONE, now=NOW)


def test_a_simulated_month_is_settled_and_every_file_of_it_is_valid(settled: SqlLedger, results: Results):
    records = settled.charged.of_month(MONTH)
    assert len(records) > 15
    taken_wh = sum(record.quantities.import_wh for record in records)
    delivered_wh = sum(session.delivered_wh for session in results.sessions)
    assert taken_wh == pytest.approx(delivered_wh, rel=0.05), "but for the first and last minutes of visits"
    for record in records:
        for leg in record.legs:
            assert sum(period.energy_kwh for period in leg.rated.periods) * 1000 == record.quantities.import_wh

    statements = settled.charged.statements(MONTH)
    assert {each.party.id for each in statements} == {"flat1", "works", "bob"}
    billed = sum(line.before_tax for each in statements for line in each.statement.lines)
    assert billed == sum(leg.rated.invoice.before_tax for record in records for leg in record.legs)

    cdrs = parsed(export(settled, Kind.CDRS, Format.OCPI_230), exact=True)
    assert len(cdrs) == len(records)
    assert {cdr["tariffs"][0]["id"] for cdr in cdrs} == {"office"}
    for cdr in cdrs:
        Cdr230Model.model_validate(cdr)
    transfers = export(settled, Kind.STATEMENT, Format.SEPA).decode()
    xmlschema.XMLSchema(str(files("sepaxml") / "schemas" / "pain.001.001.09.xsd")).validate(transfers)
    (booking,) = json.loads(export(settled, Kind.ERE, Format.JSON))["bookings"]
    assert Decimal(booking["kwh"]) * 1000 == taken_wh
    pdf = export(settled, Kind.STATEMENT, Format.PDF)
    assert pdf.startswith(b"%PDF-")
    if WHOLE:
        path = Path("build") / "campaign" / f"statements-{MONTH}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pdf)

    again = recomputed(settled.charged, PLACE, MONTH)
    assert again.differences == ()
    assert again.records == len(records)
