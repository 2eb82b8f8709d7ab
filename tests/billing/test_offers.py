"""What a driver chooses in the middle of a session, and what nearing the peak adds to one that begins then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.tariffs.book import Choice, Leg, SessionTerms, TariffVersion
from controller.tariffs.legs import Extras, rated_on
from controller.tariffs.offers import Offer, Surcharge, Switch, parts
from controller.tariffs.rated import Line, LineKind, RatedSession, Tax, TaxSource, TaxState
from controller.tariffs.session_facts import Activity, MeterPoint, SessionFacts, Stretch
from controller.tariffs.tariff import Dimension, Element, PriceComponent, Tariff

NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)
VAT = Tax(TaxState.RATE, Decimal(21), TaxSource.OPERATOR)


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def tariff(name: str, per_kwh: str, flat: str = "0.5") -> Tariff:
    prices = (PriceComponent(Dimension.ENERGY, Decimal(per_kwh)), PriceComponent(Dimension.FLAT, Decimal(flat)))
    return Tariff(name, "EUR", (Element(prices),))


TARIFFS = {"usual": tariff("usual", "0.40"), "fast": tariff("fast", "0.60", "2"), "same": tariff("same", "0.40")}


def session(minutes: float = 60, kwh: str = "12") -> SessionFacts:
    return SessionFacts(
        "S1",
        "Europe/Amsterdam",
        (Stretch(Activity.CHARGING, NINE, at(minutes)),),
        (MeterPoint(NINE, Decimal(0)), MeterPoint(at(minutes), Decimal(kwh))),
    )


def terms(leg: Leg = Leg.RETAIL) -> SessionTerms:
    version = TariffVersion("usual", 1, "usual", (), NINE, None, None)  # type: ignore[arg-type]
    return SessionTerms("S1", Choice(leg, "usual", None, None), version, tax=VAT)


def rated(extras: Extras, facts: SessionFacts | None = None, leg: Leg = Leg.RETAIL) -> RatedSession:
    return rated_on(terms(leg), facts or session(), "EUR", TARIFFS.__getitem__, extras)


def chosen(minute: float, name: str = "fast") -> Switch:
    return Switch(at(minute), Offer.FAST, name, 1)


def energy(found: RatedSession) -> list[tuple[Decimal, Decimal]]:
    return [(line.quantity, line.unit_price) for line in found.lines if line.kind is LineKind.ENERGY]


def of_kind(found: RatedSession, kind: LineKind) -> list[Line]:
    return [line for line in found.lines if line.kind is kind]


def test_from_the_choice_on_the_other_tariff_holds_and_the_start_fee_is_due_once() -> None:
    found = rated(Extras((chosen(20),)))
    assert energy(found) == [(Decimal(4), Decimal("0.40")), (Decimal(8), Decimal("0.60"))]
    assert [line.unit_price for line in of_kind(found, LineKind.FLAT)] == [Decimal("0.5")]
    assert found.total.before_tax == Decimal("6.9000")
    assert (found.tariff_id, found.energy_kwh) == ("usual", Decimal(12))
    assert [(period.starts_at, period.ends_at) for period in found.periods] == [(NINE, at(20)), (at(20), at(60))]


def test_who_chooses_at_once_pays_the_chosen_price_from_the_beginning() -> None:
    assert energy(rated(Extras((chosen(0),)))) == [(Decimal(12), Decimal("0.60"))]


def test_who_chooses_before_anything_flows_pays_the_start_fee_all_the_same() -> None:
    late = (MeterPoint(at(30), Decimal(0)),)
    facts = session()
    facts = SessionFacts("S1", facts.time_zone, facts.stretches, (facts.meter[0], *late, facts.meter[1]))
    found = rated(Extras((chosen(20),)), facts)
    assert [line.unit_price for line in of_kind(found, LineKind.FLAT)] == [Decimal("0.5")]
    assert energy(found) == [(Decimal(12), Decimal("0.60"))]


def test_of_several_choices_at_one_moment_the_last_counts_and_one_after_the_end_does_not() -> None:
    found = rated(Extras((chosen(30), chosen(30, "same"), chosen(90))))
    assert energy(found) == [(Decimal(6), Decimal("0.40")), (Decimal(6), Decimal("0.40"))]


def test_nearing_the_peak_adds_lines_of_its_own_taxed_like_the_energy() -> None:
    surcharge = Surcharge(Decimal("0.10"), Decimal(1), NINE)
    found = rated(Extras(surcharge=surcharge))
    lines = of_kind(found, LineKind.SURCHARGE)
    assert [(line.unit, line.booked.before_tax, line.booked.after_tax) for line in lines] == [
        ("session", Decimal("1.00"), Decimal("1.21")),
        ("kWh", Decimal("1.20"), Decimal("1.45")),
    ]
    assert found.total.after_tax == Decimal("9.0750")  # (0.5 + 4.8 + 1 + 1.2) x 1.21


def test_a_session_that_delivered_nothing_has_no_surcharge() -> None:
    assert (
        of_kind(rated(Extras(surcharge=Surcharge(Decimal(1), Decimal(1), NINE)), session(kwh="0")), LineKind.SURCHARGE)
        == []
    )


def test_what_the_driver_chose_does_not_concern_the_other_legs() -> None:
    extras = Extras((chosen(20),), Surcharge(Decimal(1), Decimal(1), NINE))
    assert energy(rated(extras, leg=Leg.WHOLESALE)) == [(Decimal(12), Decimal("0.40"))]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3600), max_size=4), st.integers(0, 50_000))
def test_however_often_a_driver_chooses_the_same_price_nothing_is_lost(seconds: list[int], wh: int) -> None:
    switches = tuple(chosen(second / 60, "same") for second in sorted(seconds))
    facts = session(kwh=str(Decimal(wh).scaleb(-3)))
    found, plain = rated(Extras(switches), facts), rated(Extras(), facts)
    assert found.energy_kwh == plain.energy_kwh
    assert found.total == plain.total
    cut = parts(facts, switches)
    assert [one.starts_at for one, _ in cut] == sorted({one.starts_at for one, _ in cut})
    assert (cut[0][0].starts_at, cut[-1][0].ends_at) == (facts.starts_at, facts.ends_at)


def test_a_register_at_the_choice_is_taken_as_it_is() -> None:
    facts = session()
    facts = SessionFacts(
        "S1", facts.time_zone, facts.stretches, (*facts.meter[:1], MeterPoint(at(20), Decimal(9)), *facts.meter[1:])
    )
    assert energy(rated(Extras((chosen(20),)), facts)) == [(Decimal(9), Decimal("0.40")), (Decimal(3), Decimal("0.60"))]


@pytest.mark.parametrize("running", [True, False])
def test_only_the_last_part_goes_on(running: bool) -> None:
    facts = session()
    facts = SessionFacts("S1", facts.time_zone, facts.stretches, facts.meter, running=running)
    assert [one.running for one, _ in parts(facts, [chosen(20)])] == [False, running]
