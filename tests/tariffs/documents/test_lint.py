"""What is told of tariffs that can be read: the ambiguous are refused, the suspicious warned about."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.tariffs.lint import Finding, Severity, lint
from controller.tariffs.tariff import (
    NO_RESTRICTIONS,
    DailyHours,
    Dimension,
    Element,
    IdleTerms,
    PriceComponent,
    PriceLimit,
    Reservation,
    Restrictions,
    Tariff,
)

VAT = Decimal(21)
ENERGY = PriceComponent(Dimension.ENERGY, Decimal("0.30"), VAT)
FLAT = PriceComponent(Dimension.FLAT, Decimal(1), VAT)
PARKING = PriceComponent(Dimension.PARKING_TIME, Decimal(3), VAT)
NIGHT = Restrictions(start_time=time(22), end_time=time(6))
DAY = Restrictions(start_time=time(6), end_time=time(22))


def tariff(*elements: Element, **terms: object) -> Tariff:
    return Tariff("T1", "EUR", elements, **terms)  # type: ignore[arg-type]


def rules(*elements: Element, **terms: object) -> list[tuple[str, int | None]]:
    return [(one.rule, one.element) for one in lint(tariff(*elements, **terms))]


def energy(restrictions: Restrictions = NO_RESTRICTIONS, price: str = "0.30") -> Element:
    return Element((PriceComponent(Dimension.ENERGY, Decimal(price), VAT),), restrictions)


def test_nothing_is_said_of_a_tariff_with_nothing_wrong():
    assert lint(tariff(energy(NIGHT), energy(DAY), Element((FLAT, PARKING)))) == ()
    assert lint(tariff(Element((ENERGY,)), Element((FLAT,), Restrictions(weekdays=frozenset({5, 6}))))) == ()


@pytest.mark.parametrize(
    ("elements", "terms", "rule"),
    [
        ([Element((ENERGY, ENERGY))], {}, ("same_dimension_twice", 0)),
        ([energy(Restrictions(start_time=time(9), end_time=time(9)))], {}, ("start_equals_end", 0)),
        ([energy(Restrictions(min_kwh=Decimal(5), max_kwh=Decimal(4)))], {}, ("min_above_max", 0)),
        ([energy(Restrictions(start_date=date(2026, 2, 1), end_date=date(2026, 1, 1)))], {}, ("min_above_max", 0)),
        (
            [energy()],
            {"starts_at": datetime(2026, 1, 1, tzinfo=UTC), "ends_at": datetime(2026, 1, 1, tzinfo=UTC)},
            ("never_valid", None),
        ),
        (
            [energy()],
            {"min_price": PriceLimit(Decimal(2)), "max_price": PriceLimit(Decimal(1))},
            ("min_price_above_max_price", None),
        ),
    ],
)
def test_what_is_ambiguous_is_refused(elements: list[Element], terms: dict[str, object], rule: tuple[str, int | None]):
    found = lint(tariff(*elements, **terms))
    assert [(one.severity, (one.rule, one.element)) for one in found] == [(Severity.REFUSE, rule)]


@pytest.mark.parametrize(
    ("elements", "terms", "expected"),
    [
        ([energy(), energy(NIGHT)], {}, [("never_reached", 1)]),
        ([energy(NIGHT), energy(DAY), energy()], {}, [("never_reached", 2)]),
        ([energy(Restrictions(max_kwh=Decimal(0))), energy()], {}, [("never_active", 0)]),
        ([energy(Restrictions(min_kwh=Decimal(5), max_kwh=Decimal(5))), energy()], {}, [("never_active", 0)]),
        ([energy(NIGHT)], {}, [("no_price", None)]),
        ([energy(Restrictions(min_power_kw=Decimal(50)))], {}, [("no_price", None)]),
        (
            [energy(Restrictions(start_time=time(22), end_time=time(6), weekdays=frozenset({4}))), energy()],
            {},
            [("weekday_with_wrapping_hours", 0)],
        ),
        ([energy(price="-0.10")], {}, [("negative_price", 0)]),
        ([energy(price="0.123456")], {}, [("many_decimals", 0)]),
        ([Element((PriceComponent(Dimension.TIME, Decimal(1), VAT, 300),))], {}, [("step_size", 0)]),
        ([Element((ENERGY, PriceComponent(Dimension.FLAT, Decimal(1))))], {}, [("vat_missing", None)]),
        ([energy()], {"idle": IdleTerms(grace_s=900)}, [("idle_without_price", None)]),
        (
            [Element((ENERGY, PARKING))],
            {"idle": IdleTerms(free_hours=(DailyHours(time(8), time(8)),))},
            [("idle_never_costs", None)],
        ),
        ([energy(), Element((FLAT,))], {"max_price": PriceLimit(Decimal("0.5"))}, [("max_price_below_flat", 1)]),
        ([energy()], {"min_price": PriceLimit(Decimal(2), Decimal(1))}, [("negative_tax", None)]),
        ([energy(), energy(Restrictions(reservation=Reservation.RESERVATION))], {}, [("not_of_a_reservation", 1)]),
    ],
)
def test_what_is_suspicious_is_warned_about(
    elements: list[Element], terms: dict[str, object], expected: list[tuple[str, int | None]]
):
    found = lint(tariff(*elements, **terms))
    assert [(one.rule, one.element) for one in found] == expected
    assert {one.severity for one in found} == {Severity.WARN}


def test_thresholds_that_meet_leave_no_gap():
    below, above = Restrictions(max_kwh=Decimal(10)), Restrictions(min_kwh=Decimal(10))
    assert rules(energy(below), energy(above)) == []
    dear = Restrictions(min_kwh=Decimal(11))
    (found,) = lint(tariff(energy(below), energy(dear)))
    assert "all week (at 10 kWh)" in found.message


def test_the_first_gap_of_a_week_is_told_in_words():
    weekdays = Restrictions(start_time=time(8), end_time=time(), weekdays=frozenset(range(5)))
    (found,) = lint(tariff(energy(weekdays)))
    assert str(found) == "ENERGY has no price, and costs nothing, from MONDAY 00:00 to MONDAY 08:00 (no_price)"


def test_a_price_that_follows_a_curve_may_be_negative():
    follows = PriceComponent(Dimension.ENERGY, Decimal("-0.01"), VAT, curve="epex")
    assert rules(Element((follows,))) == []


def test_a_tariff_of_very_many_thresholds_is_not_looked_through():
    elements = [
        energy(
            Restrictions(min_kwh=Decimal(n), min_power_kw=Decimal(n), min_duration_s=n, max_current_a=Decimal(n + 1))
        )
        for n in range(1, 20)
    ]
    assert ("too_many_thresholds", None) in rules(*elements)


MAKES: list[Callable[[int, int], Restrictions]] = [
    lambda low, high: Restrictions(start_time=time(low), end_time=time(high)),
    lambda low, high: Restrictions(weekdays=frozenset({low % 7, high % 7})),
    lambda low, high: Restrictions(min_kwh=Decimal(low), max_kwh=Decimal(high)),
    lambda low, high: Restrictions(min_duration_s=low, weekdays=frozenset({high % 7})),
    lambda low, high: Restrictions(max_power_kw=Decimal(low), start_time=time(high)),
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(MAKES), st.integers(0, 23), st.integers(0, 23)), min_size=1, max_size=5))
def test_below_a_default_there_is_no_gap_and_nothing_counts_any_more(
    made: list[tuple[Callable[[int, int], Restrictions], int, int]],
):
    elements = [energy(make(low, high)) for make, low, high in made]
    found: tuple[Finding, ...] = lint(tariff(*elements, energy(), energy()))
    if not any(one.severity is Severity.REFUSE for one in found):
        assert ("never_reached", len(elements) + 1) in [(one.rule, one.element) for one in found]
        assert "no_price" not in [one.rule for one in found]
