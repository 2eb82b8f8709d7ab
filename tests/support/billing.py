"""Sessions of a simulated year with their records: seeded, in decimals, priced by rates of their own."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from adapters.store import charge_records, standing
from adapters.store.ledger import SqlLedger
from controller.tariffs.book import Approval, Leg, Party, PartyKind, PriceBasis, Scope, TokenKind
from controller.tariffs.premises import GridConnection, MeterIdentity, Place
from controller.tariffs.rated import Amounts, Line, LineKind, Period, RatedSession, Tax, TaxSource, TaxState
from controller.tariffs.record import (
    ChargeRecord,
    MeterEvidence,
    Quantities,
    RecordIdentity,
    RecordLeg,
    RecordParties,
    Reimbursement,
    SessionTimes,
    TokenUse,
    record_id,
)
from controller.tariffs.session_facts import Activity
from controller.tariffs.tariff import Dimension

ZONE = "Europe/Amsterdam"
CENT = Decimal("0.01")
VAT = Tax(TaxState.RATE, Decimal("21.0"), TaxSource.TARIFF)
LOW_VAT = Tax(TaxState.RATE, Decimal(9), TaxSource.CONTRACT)
EXEMPT = Tax(TaxState.EXEMPT, Decimal(0), TaxSource.CONTRACT, "home charging of a private person")

OPERATOR = Party(
    "operator",
    PartyKind.OPERATOR,
    "Owners' association Kaserne",
    ("Kade 12", "1011 AB Amsterdam"),
    "NL",
    "NL001234567B01",
    "NL91ABNA0417164300",
    "ABNANL2A",
    "billing@kaserne.example",
)
PARTIES = (
    OPERATOR,
    Party(
        "works", PartyKind.EMPLOYER, "Łódź Café Works B.V.", ("Haven 3", "1012 CD Amsterdam"), "NL", "NL009876543B01"
    ),
    Party("ann", PartyKind.EMPLOYEE, "Ann Müller", ("Dorp 1", "1234 AB Ede"), "NL", "", "NL20INGB0001234567"),
    Party("bob", PartyKind.EMPLOYEE, "Bob Świątek", ("Dorp 2", "1234 AB Ede"), "NL", "", "NL02ABNA0123456789"),
    Party("flat1", PartyKind.TENANT, "Tenant of flat 1", ("Kade 12-1", "1011 AB Amsterdam"), "NL"),
    Party("flat2", PartyKind.TENANT, "Tenant of flat 2", ("Kade 12-2", "1011 AB Amsterdam"), "NL"),
    Party(
        "host",
        PartyKind.GUEST_HOST,
        "Guest house on the quay",
        ("Kade 14", "1011 AB Amsterdam"),
        "NL",
        "NL005555555B01",
        "DE89370400440532013000",
        "COBADEFF",
    ),
    Party(
        "roam",
        PartyKind.PARTNER,
        "Roaming partner",
        ("Straße 9", "10115 Berlin"),
        "DE",
        "DE123456789",
        "BE68539007547034",
    ),
)
EAN = "871687120000000011"


@dataclass(frozen=True)
class Offer:
    """How a kind of user is charged: who owes on which leg, at which prices."""

    contract: str | None
    driver: str | None
    employer: str | None
    kind: TokenKind
    legs: tuple[tuple[Leg, str | None, Decimal, Tax, bool], ...]
    weight: int
    home: bool = False


OFFERS = (
    Offer("c-flat1", "flat1", None, TokenKind.OWN, ((Leg.RETAIL, "flat1", Decimal("0.3247"), VAT, False),), 5),
    Offer("c-flat2", "flat2", None, TokenKind.OWN, ((Leg.RETAIL, "flat2", Decimal("0.3247"), VAT, False),), 4),
    Offer("c-ann", "ann", "works", TokenKind.EMPLOYEE, ((Leg.RETAIL, "works", Decimal("0.29"), VAT, False),), 6),
    Offer(
        "c-bob",
        "bob",
        "works",
        TokenKind.EMPLOYEE,
        ((Leg.REIMBURSEMENT, "bob", Decimal("0.2650"), EXEMPT, False),),
        3,
        home=True,
    ),
    Offer(
        None,
        None,
        None,
        TokenKind.GUEST,
        (
            (Leg.RETAIL, "host", Decimal("0.49"), VAT, True),
            (Leg.REIMBURSEMENT, "host", Decimal("0.10"), LOW_VAT, False),
        ),
        3,
    ),
    Offer(None, None, None, TokenKind.EXTERNAL, ((Leg.WHOLESALE, "roam", Decimal("0.4111"), VAT, False),), 3),
    Offer("c-pool", None, None, TokenKind.OWN, ((Leg.RETAIL, None, Decimal(0), VAT, False),), 1),
)


def half_up(amount: Decimal, step: Decimal = CENT) -> Decimal:
    return amount.quantize(step, ROUND_HALF_UP)


def year_of_records(count: int, seed: int = 7, year: int = 2026) -> Iterator[ChargeRecord]:
    """So many sessions, spread over a year, by the order of their ends within each month."""
    dice = random.Random(seed)
    begin = datetime(year, 1, 1, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
    for number in range(count):
        ends = begin + timedelta(seconds=int((number + dice.random()) * 365 * 86400 / count))
        yield record(f"S{seed}-{number:05d}", ends, dice, dice.choices(OFFERS, [offer.weight for offer in OFFERS])[0])


def record(session: str, ends: datetime, dice: random.Random, offer: Offer) -> ChargeRecord:
    """One session that ended then."""
    energy_wh = dice.choice([0, 1, 37, *(dice.randrange(500, 60_000) for _ in range(30))])
    charging_s = max(60, energy_wh * 3600 // dice.randrange(3_500, 11_000))
    idle_s = dice.choice([0, 0, dice.randrange(30, 20_000)])
    starts = ends - timedelta(seconds=charging_s + idle_s)
    register = dice.randrange(0, 10_000_000)
    point = f"P{dice.randrange(1, 21):02d}"
    legs = tuple(
        RecordLeg(
            leg,
            party,
            rated(session, starts, ends, charging_s, energy_wh, price, tax, included),
            "rule-1",
            Scope.CONTRACT,
        )
        for leg, party, price, tax, included in offer.legs
    )
    beneficiary = next((leg.party for leg in legs if leg.leg is Leg.REIMBURSEMENT), None)
    return ChargeRecord(
        identity=RecordIdentity(record_id(session, 1), session, 1, ends),
        parties=RecordParties(
            "hq", "NL", "LST", "NL", "LST", offer.contract, offer.driver, offer.employer, home_charging=offer.home
        ),
        token=TokenUse(f"04{dice.randrange(16**6):06X}", offer.kind),
        place=Place(
            "hq",
            ZONE,
            f"CP{point[1:]}",
            1,
            point,
            "Kade garage",
            "Kade 12",
            "1011 AB",
            "Amsterdam",
            country="NL",
            country_alpha3="NLD",
            latitude="52.370216",
            longitude="4.895168",
            evse_uid=point,
            evse_id=f"NL*LST*E{point[1:]}",
        ),
        times=SessionTimes(starts, ends, received_at=ends),
        quantities=Quantities(energy_wh, register, register + energy_wh, charging_s=charging_s, idle_s=idle_s),
        currency="EUR",
        legs=legs,
        meter=MeterIdentity(f"SN{point}", point, serial=f"M{point}", mid_certificate="T10001", integrated=True),
        evidence=MeterEvidence(2, "0" * 64),
        connection=GridConnection(
            EAN,
            "Kade garage",
            "Stroomnet",
            "Owners' association Kaserne",
            "12345678",
            "Kade 12, Amsterdam",
            "mid_meter",
            valid_from=date(2026, 1, 1),
            public=False,
        ),
        reimbursement=None if beneficiary is None else Reimbursement(beneficiary, PriceBasis.CONTRACT, ends.year),
    )


def rated(
    session: str,
    starts: datetime,
    ends: datetime,
    charging_s: int,
    energy_wh: int,
    price: Decimal,
    tax: Tax,
    included: bool,
) -> RatedSession:
    """Energy at two rates (a third of it in the cheaper one), and a fee for each session that took something."""
    full = ends - timedelta(seconds=(ends - starts).total_seconds() - charging_s)
    cheap_wh = energy_wh // 3
    lines = []
    for label, wh, rate in (("day", energy_wh - cheap_wh, price), ("night", cheap_wh, price - Decimal("0.0513"))):
        if wh and price:
            lines.append(line(LineKind.ENERGY, label, Decimal(wh).scaleb(-3), "kWh", rate, tax, included))
    if energy_wh and price > Decimal("0.3"):
        lines.append(line(LineKind.FLAT, "", Decimal(1), "session", Decimal("0.35"), tax, included))
    periods = [
        Period(
            starts,
            full,
            Activity.CHARGING,
            Decimal(energy_wh).scaleb(-3),
            Decimal(0),
            energy_estimated=False,
            elements=((Dimension.ENERGY, 0),),
        )
    ]
    if full < ends:
        kwh = Decimal(energy_wh).scaleb(-3)
        periods.append(Period(full, ends, Activity.IDLE, Decimal(0), kwh, energy_estimated=False, elements=()))
    exact = added(each.amounts for each in lines)
    step = Decimal("0.0001")
    total = Amounts(half_up(exact.before_tax, step), half_up(exact.after_tax, step))
    return RatedSession(
        session,
        "EUR",
        "tariff",
        "1",
        total,
        added(each.booked for each in lines),
        tuple(lines),
        tuple(periods),
        (),
        Decimal(energy_wh).scaleb(-3),
    )


def line(kind: LineKind, label: str, quantity: Decimal, unit: str, price: Decimal, tax: Tax, included: bool) -> Line:
    factor = 1 + (tax.percent or Decimal(0)) / 100
    amount = quantity * price
    before, after = (amount / factor, amount) if included else (amount, amount * factor)
    booked_first = half_up(amount)
    booked = (
        Amounts(half_up(booked_first / factor), booked_first)
        if included
        else Amounts(booked_first, booked_first + half_up(booked_first * (factor - 1)))
    )
    return Line(kind, label, quantity, quantity, unit, price, included, tax, Amounts(before, after), booked, 0)


def added(amounts: Iterable[Amounts]) -> Amounts:
    pairs = list(amounts)
    return Amounts(
        sum((each.before_tax for each in pairs), Decimal(0)), sum((each.after_tax for each in pairs), Decimal(0))
    )


def keep_parties(ledger: SqlLedger) -> None:
    """Who owes and is owed, as the manager would have entered them."""
    by = Approval("manager", datetime(2026, 1, 1, tzinfo=UTC))

    def keep(connection: Connection) -> None:
        for party in PARTIES:
            standing.keep(connection, standing.Kept.PARTY, party.id, standing.party_document(party), by)

    ledger.write(keep).result()


def keep_records(ledger: SqlLedger, records: Iterable[ChargeRecord]) -> None:
    """Put records on record, all at once."""
    kept = list(records)

    def keep(connection: Connection) -> None:
        for each in kept:
            charge_records.keep_record(connection, each, each.times.ended_at)

    ledger.write(keep).result()
