"""Which energy belongs to which price, where registers are few, doubtful or missing."""

from dataclasses import replace
from datetime import time
from decimal import Decimal

import pytest

from controller.tariffs.rated import Flag, LineKind
from controller.tariffs.rating import rate
from controller.tariffs.session_facts import SessionFacts
from tests.tariffs.rating.charging import billed, element, part, price, registers, session, tariff

DAY, NIGHT = Decimal("0.40"), Decimal("0.20")
BY_NIGHT = tariff(
    element(price("ENERGY", "0.20"), start_time=time(23), end_time=time(7)), element(price("ENERGY", "0.40"))
)


def evening(*points: tuple[str, str], **more: bool) -> SessionFacts:
    """Charging from ten to midnight, with registers at these times of day."""
    facts = session(part("charging", 120), at="2026-01-07T22:00", **more)
    return replace(facts, meter=registers((f"2026-01-07T{at}", kwh) for at, kwh in points))


def test_a_reading_at_the_change_of_price_divides_the_energy():
    rated = rate(evening(("22:00", "0"), ("23:00", "9"), ("23:59:59", "10")), BY_NIGHT)
    assert billed(rated, LineKind.ENERGY) == {DAY: 9, NIGHT: 1}
    assert rated.review_flags == ()


def test_a_reading_two_seconds_late_is_that_of_the_change():
    rated = rate(evening(("22:00", "0"), ("23:00:02", "9"), ("23:59:59", "10")), BY_NIGHT)
    assert billed(rated, LineKind.ENERGY) == {DAY: 9, NIGHT: 1}
    assert not any(period.energy_estimated for period in rated.periods)


def test_between_readings_energy_is_interpolated_and_marked():
    rated = rate(evening(("22:00", "0"), ("22:55", "8"), ("23:10", "11"), ("23:59:59", "12")), BY_NIGHT)
    assert billed(rated, LineKind.ENERGY) == {DAY: 9, NIGHT: 3}
    assert [period.energy_estimated for period in rated.periods] == [True, True]
    assert rated.review_flags == ()  # a quarter of an hour apart


def test_an_estimate_over_more_than_a_quarter_of_an_hour_is_looked_at():
    rated = rate(evening(("22:00", "0"), ("22:55", "8"), ("23:10:01", "11"), ("23:59:59", "12")), BY_NIGHT)
    assert rated.review_flags == (Flag.ESTIMATED_IN_GAP,)
    assert rated.complete


def test_where_nothing_flowed_nothing_is_estimated():
    rated = rate(evening(("22:00", "0"), ("22:30", "8"), ("23:30", "8"), ("23:59:59", "12")), BY_NIGHT)
    assert billed(rated, LineKind.ENERGY) == {DAY: 8, NIGHT: 4}
    assert (rated.review_flags, rated.periods[0].energy_estimated) == ((), False)


def test_a_session_at_one_price_needs_no_reading_inside():
    one = tariff(element(price("ENERGY", "0.40")), element(price("TIME", "1"), start_time=time(23), end_time=time(7)))
    rated = rate(evening(("22:00", "0"), ("23:59:59", "10")), one)
    assert (rated.total.before_tax, rated.review_flags) == (5, ())


def test_an_hour_that_costs_less_from_some_energy_on_begins_at_a_moment_that_is_estimated():
    slower = tariff(element(price("TIME", "2"), max_kwh=Decimal(6)), element(price("TIME", "1")))
    rated = rate(evening(("22:00", "0"), ("23:59:59", "12")), slower)
    assert [period.start_kwh for period in rated.periods] == [0, 6]
    assert rated.review_flags == (Flag.ESTIMATED_IN_GAP,)


class TestUnderLegalMetrology:
    def test_what_no_register_tells_apart_is_billed_at_the_lower_price(self):
        facts = evening(("22:00", "0"), ("22:55", "8"), ("23:10", "11"), ("23:59:59", "12"), legal_metrology=True)
        rated = rate(facts, BY_NIGHT)
        assert billed(rated, LineKind.ENERGY) == {DAY: 8, NIGHT: 4}
        assert rated.review_flags == (Flag.LOWEST_RATE,)
        assert not any(period.energy_estimated for period in rated.periods)

    def test_the_lower_price_may_be_the_earlier_one_or_in_between(self):
        dear, cheap = element(price("ENERGY", "0.90")), element(price("ENERGY", "0.10"))
        noon = element(*cheap.components, start_time=time(22, 30), end_time=time(23))
        facts = evening(("22:00", "0"), ("23:59:59", "12"), legal_metrology=True)
        rated = rate(facts, tariff(noon, dear))
        assert billed(rated, LineKind.ENERGY) == {Decimal("0.10"): 12}
        assert sum(period.energy_kwh for period in rated.periods) == 12

    def test_readings_at_the_changes_leave_nothing_to_say(self):
        facts = evening(("22:00", "0"), ("23:00", "8"), ("23:59:59", "12"), legal_metrology=True)
        assert rate(facts, BY_NIGHT).review_flags == ()

    def test_an_amount_of_energy_is_never_an_estimate(self):
        tiers = tariff(element(price("ENERGY", "0.50"), max_kwh=Decimal(7)), element(price("ENERGY", "0.30")))
        facts = evening(("22:00", "0"), ("23:59:59", "10"), legal_metrology=True)
        rated = rate(facts, tiers)
        assert billed(rated, LineKind.ENERGY) == {Decimal("0.50"): 7, Decimal("0.30"): 3}
        assert rated.review_flags == ()


@pytest.mark.parametrize(
    ("points", "flags", "known"),
    [
        ([], (Flag.UNRATED_START, Flag.UNRATED_END), Decimal(0)),
        ([("22:00", "0"), ("22:30", "4")], (Flag.UNRATED_END,), Decimal("1.6")),
        ([("22:10", "0"), ("23:59:59", "4")], (Flag.UNRATED_START, Flag.ESTIMATED_IN_GAP), None),
        (
            [("22:00", "0"), ("23:59:59", "-4")],
            (Flag.UNRATED_NEGATIVE, Flag.DECREASING_REGISTER, Flag.ESTIMATED_IN_GAP),
            None,
        ),
    ],
)
def test_a_session_whose_registers_are_missing_is_kept_and_not_billed(
    points: list[tuple[str, str]], flags: tuple[str, ...], known: Decimal | None
):
    rated = rate(evening(*points), BY_NIGHT)
    assert rated.review_flags == flags
    assert not rated.complete
    assert known is None or rated.total.before_tax == known


def test_a_register_that_falls_is_looked_at_and_the_total_is_last_less_first():
    rated = rate(evening(("22:00", "0"), ("22:30", "5"), ("22:40", "4"), ("22:50", "6"), ("23:59:59", "6")), BY_NIGHT)
    assert (rated.energy_kwh, billed(rated, LineKind.ENERGY)) == (6, {DAY: 6})
    assert (rated.review_flags, rated.complete) == ((Flag.DECREASING_REGISTER,), True)


def test_no_register_is_needed_for_what_costs_by_the_hour():
    rated = rate(evening(), tariff(element(price("TIME", "3"))))
    assert (rated.total.before_tax, rated.complete) == (6, True)


def test_no_register_is_needed_for_what_is_free():
    rated = rate(evening(), tariff(element(price("ENERGY", "0")), element(price("FLAT", "1"))))
    assert (rated.total.before_tax, rated.complete) == (1, True)


def test_registers_from_outside_the_session_lose_nothing():
    rated = rate(evening(("21:59", "0"), ("22:30", "5"), ("23:59:59", "6")), BY_NIGHT)
    assert sum(period.energy_kwh for period in rated.periods) == 6
    assert rated.complete


def test_energy_that_is_counted_from_a_known_beginning_needs_no_register_there():
    rated = rate(evening(("22:30", "5"), ("23:00", "8"), ("23:59:59", "9")), BY_NIGHT)
    assert (billed(rated, LineKind.ENERGY), rated.review_flags) == ({DAY: 8, NIGHT: 1}, ())


def test_what_the_source_doubts_stays_told():
    facts = replace(
        evening(("22:00", "0"), ("23:00", "5"), ("23:59:59", "6")), flags=("clock_uncertain", "clock_uncertain")
    )
    assert rate(facts, BY_NIGHT).review_flags == ("clock_uncertain",)
