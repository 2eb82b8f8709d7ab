"""Where a session is cut, and which price each part of it has."""

from datetime import date, time, timedelta
from decimal import Decimal

import pytest

from controller.tariffs.compiled import CompiledTariff
from controller.tariffs.local_time import microseconds
from controller.tariffs.rated import Flag, LineKind
from controller.tariffs.rating import rate, rate_with
from controller.tariffs.session_facts import Activity, SessionFacts, Stretch
from controller.tariffs.tariff import DailyHours, Dimension, IdleTerms, PriceCurve, PricePeriod, Reservation
from tests.tariffs.rating.charging import (
    AMSTERDAM,
    billed,
    clock,
    element,
    moment,
    part,
    price,
    registers,
    session,
    tariff,
)

NIGHT = element(price("ENERGY", "0.20"), label="night", start_time=time(23), end_time=time(7))
DAY = element(price("ENERGY", "0.40"), label="day")


def d(text: str) -> Decimal:
    return Decimal(text)


def test_a_night_rate_holds_past_midnight_until_the_morning():
    rated = rate(session(part("charging", 600, "60"), at="2026-01-07T22:00"), tariff(NIGHT, DAY))
    assert clock(rated) == ["22:00:00", "23:00:00", "07:00:00"]
    assert [(line.label, line.quantity) for line in rated.lines] == [("day", d("12")), ("night", d("48"))]
    assert [period.elements for period in rated.periods] == [
        ((Dimension.ENERGY, 1),),
        ((Dimension.ENERGY, 0),),
        ((Dimension.ENERGY, 1),),
    ]


def test_an_hour_that_comes_twice_is_priced_twice():
    early = element(price("TIME", "6"), start_time=time(2), end_time=time(3))
    rated = rate(session(part("charging", 5 * 60, "10"), at="2026-10-25T01:00"), tariff(early))
    assert billed(rated, LineKind.TIME) == {d("6"): d("2")}
    assert rated.seconds[Activity.CHARGING] == 5 * 3600


def test_within_a_repeated_hour_each_moment_is_taken_as_the_clock_shows_it():
    late = element(price("TIME", "6"), start_time=time(2, 30), end_time=time(4))
    rated = rate(session(part("charging", 5 * 60, "10"), at="2026-10-25T01:00"), tariff(late))
    assert [period.ends_at - period.starts_at for period in rated.periods if period.elements] == [
        timedelta(minutes=30),  # until the clock is set back to two
        timedelta(minutes=90),
    ]


@pytest.mark.parametrize(("begins", "ends", "hours"), [("02:30", "04:00", "1"), ("01:00", "02:30", "1")])
def test_what_begins_or_ends_in_a_skipped_hour_does_so_when_the_hour_is_over(begins: str, ends: str, hours: str):
    rule = element(price("TIME", "6"), start_time=time.fromisoformat(begins), end_time=time.fromisoformat(ends))
    rated = rate(session(part("charging", 4 * 60, "10"), at="2026-03-29T00:00"), tariff(rule))
    assert billed(rated, LineKind.TIME) == {d("6"): d(hours)}


def test_a_session_over_midnight_is_priced_by_the_day_of_the_moment():
    friday = element(price("ENERGY", "1"), weekdays=frozenset({4}), start_time=time(22), end_time=time(6))
    rated = rate(session(part("charging", 240, "4"), at="2026-01-09T22:00"), tariff(friday))
    assert billed(rated, LineKind.ENERGY) == {d("1"): d("2")}  # after midnight it is Saturday


def test_dates_begin_at_local_midnight_and_the_last_one_does_not_count():
    holidays = element(price("ENERGY", "1"), start_date=date(2026, 7, 1), end_date=date(2026, 7, 2))
    whole = session(part("charging", 48 * 60, "48"), at="2026-06-30T12:00")
    assert billed(rate(whole, tariff(holidays)), LineKind.ENERGY) == {d("1"): d("24")}


def test_an_end_of_midnight_is_the_end_of_the_day():
    evening = element(price("ENERGY", "1"), start_time=time(20), end_time=time(0))
    assert clock(rate(session(part("charging", 360, "6"), at="2026-01-07T19:00"), tariff(evening))) == [
        "19:00:00",
        "20:00:00",
        "00:00:00",
    ]


def test_durations_count_from_the_start_of_the_session_with_parking_and_without_its_reservation():
    first_hour = element(price("TIME", "1"), price("PARKING_TIME", "1"), max_duration_s=3600)
    later = element(price("TIME", "2"), price("PARKING_TIME", "2"), min_duration_s=3600)
    facts = session(
        part("reservation", 30),
        part("charging", 40, "8"),
        part("idle", 40),
        part("charging", 10, "1"),
        at="2026-01-07T10:00",
    )
    rated = rate(facts, tariff(first_hour, later))
    assert billed(rated, LineKind.TIME) == {d("1"): d("0.666667"), d("2"): d("0.166667")}
    assert billed(rated, LineKind.PARKING_TIME) == {d("1"): d("0.333333"), d("2"): d("0.333333")}


def test_a_threshold_of_energy_divides_it_exactly_and_its_moment_is_found():
    tiers = tariff(element(price("ENERGY", "0.50"), max_kwh=d("7")), element(price("ENERGY", "0.30"), min_kwh=d("7")))
    rated = rate(session(part("charging", 60, "21"), at="2026-01-07T10:00"), tiers)
    assert clock(rated) == ["10:00:00", "10:20:00"]
    assert billed(rated, LineKind.ENERGY) == {d("0.50"): d("7"), d("0.30"): d("14")}
    assert not any(period.energy_estimated for period in rated.periods)
    assert rated.review_flags == ()


def test_power_is_that_of_the_moment():
    fast = element(price("ENERGY", "0.60"), min_power_kw=d("50"))
    facts = session(
        part("charging", 10, "10", power_kw="60"), part("charging", 10, "5", power_kw="49.9"), at="2026-01-07T10:00"
    )
    assert billed(rate(facts, tariff(fast, DAY)), LineKind.ENERGY) == {d("0.60"): d("10"), d("0.40"): d("5")}


def test_a_power_that_nobody_measured_is_taken_to_hold_and_told():
    fast = element(price("ENERGY", "0.60"), min_power_kw=d("50"))
    facts = session(part("charging", 10, "10"), at="2026-01-07T10:00")
    rated = rate(facts, tariff(fast, DAY))
    assert billed(rated, LineKind.ENERGY) == {d("0.60"): d("10")}
    assert rated.review_flags == (Flag.POWER_UNKNOWN,)
    same = tariff(element(price("ENERGY", "0.40"), max_current_a=d("0"), start_time=time(11), end_time=time(12)), DAY)
    assert rate(facts, same).review_flags == ()  # it makes no difference at ten


def test_an_idle_car_draws_nothing_even_if_nobody_says_so():
    busy = element(price("PARKING_TIME", "9"), min_current_a=d("6"))
    quiet = element(price("PARKING_TIME", "1"))
    facts = session(part("charging", 30, "5", current_a="48"), part("idle", 60), at="2026-01-07T10:00")
    assert billed(rate(facts, tariff(busy, quiet)), LineKind.PARKING_TIME) == {d("1"): d("1")}


def test_a_car_that_is_held_back_without_energy_draws_nothing_and_triggers_no_fee_for_drawing_much():
    at_full_power = element(price("FLAT", "5"), min_power_kw=d("11"))
    facts = session(part("withheld", 30), part("charging", 30, "2", power_kw="4"), at="2026-01-07T10:00")
    rated = rate(facts, tariff(at_full_power, element(price("ENERGY", "0.40"))))
    assert (rated.total.before_tax, rated.review_flags) == (d("0.8"), ())
    leaking = session(part("withheld", 30, "0.5"), part("charging", 30, "2", power_kw="4"), at="2026-01-07T10:00")
    assert rate(leaking, tariff(at_full_power, DAY)).review_flags == (Flag.POWER_UNKNOWN,)


def test_while_the_site_holds_a_car_back_no_time_is_billed_but_what_flows_is():
    all_of_it = element(price("ENERGY", "0.40"), price("TIME", "2"), price("PARKING_TIME", "6"))
    facts = session(part("charging", 30, "5"), part("withheld", 60, "0.5"), part("idle", 30), at="2026-01-07T10:00")
    rated = rate(facts, tariff(all_of_it))
    assert billed(rated, LineKind.ENERGY) == {d("0.40"): d("5.5")}
    assert billed(rated, LineKind.TIME) == {d("2"): d("0.5")}
    assert billed(rated, LineKind.PARKING_TIME) == {d("6"): d("0.5")}
    assert rated.seconds[Activity.WITHHELD] == 3600


class TestIdling:
    FEE = element(price("ENERGY", "0.40"), price("PARKING_TIME", "6"))

    def test_begins_to_cost_after_the_grace_and_grace_begins_anew_after_charging(self):
        facts = session(
            part("charging", 60, "10"),
            part("idle", 40),
            part("withheld", 10),
            part("idle", 10),
            part("charging", 10, "1"),
            part("idle", 20),
            at="2026-01-07T10:00",
        )
        rated = rate(facts, tariff(self.FEE, idle=IdleTerms(grace_s=1800)))
        assert billed(rated, LineKind.PARKING_TIME) == {d("6"): d("0.333333")}  # 10 and 10 min; the last 20 are grace

    def test_costs_nothing_at_night_and_costs_again_in_the_morning(self):
        nights = IdleTerms(free_hours=(DailyHours(time(22), time(7)),))
        facts = session(part("charging", 60, "10"), part("idle", 13 * 60), at="2026-01-07T20:00")
        rated = rate(facts, tariff(self.FEE, idle=nights))
        assert clock(rated) == ["20:00:00", "21:00:00", "22:00:00", "07:00:00"]
        assert billed(rated, LineKind.PARKING_TIME) == {d("6"): d("4")}

    def test_free_nights_of_some_days_are_those_that_begin_on_them(self):
        friday_nights = IdleTerms(free_hours=(DailyHours(time(22), time(7), frozenset({4})),))
        facts = session(part("charging", 60, "10"), part("idle", 10 * 60), at="2026-01-10T01:00")  # a Saturday
        assert billed(rate(facts, tariff(self.FEE, idle=friday_nights)), LineKind.PARKING_TIME) == {d("6"): d("5")}

    def test_free_hours_may_lie_within_a_day(self):
        lunch = IdleTerms(free_hours=(DailyHours(time(12), time(13)),))
        facts = session(part("charging", 60, "10"), part("idle", 3 * 60), at="2026-01-07T10:00")
        assert billed(rate(facts, tariff(self.FEE, idle=lunch)), LineKind.PARKING_TIME) == {d("6"): d("2")}

    def test_costs_at_most_what_the_terms_say_in_the_kind_of_price_that_the_tariff_has(self):
        facts = session(part("charging", 60, "10"), part("idle", 5 * 60), at="2026-01-07T10:00")
        rated = rate(facts, tariff(self.FEE, idle=IdleTerms(most=d("12"))))
        assert (rated.total.before_tax, rated.total.after_tax) == (d("16.0000"), d("19.3600"))
        assert [line.kind for line in rated.lines][-1] is LineKind.IDLE_MOST

    def test_before_the_first_energy_costs_nothing(self):
        facts = session(part("idle", 20), part("charging", 60, "10"), part("idle", 10), at="2026-01-07T10:00")
        assert billed(rate(facts, tariff(self.FEE)), LineKind.PARKING_TIME) == {d("6"): d("0.166667")}

    def test_without_any_energy_is_billed_as_it_was_and_looked_at(self):
        rated = rate(session(part("idle", 30), at="2026-01-07T10:00"), tariff(self.FEE))
        assert rated.total.before_tax == d("3.0000")
        assert rated.review_flags == (Flag.IDLE_WITHOUT_ENERGY,)


class TestStartFee:
    FEE = tariff(element(price("FLAT", "1")), element(price("ENERGY", "0.40")))

    def test_is_due_once_when_it_first_holds(self):
        evening = tariff(element(price("FLAT", "1"), start_time=time(17), end_time=time(20)), DAY)
        rated = rate(session(part("charging", 60, "1"), part("idle", 600), at="2026-01-07T16:30"), evening)
        assert rated.total.before_tax == d("1.4000")
        assert [Dimension.FLAT in dict(period.elements) for period in rated.periods] == [False, True, False]

    def test_is_not_due_where_nothing_was_delivered(self):
        failed = session(part("charging", 3), at="2026-01-07T10:00")
        assert rate(failed, self.FEE).total.before_tax == 0
        assert rate(failed, self.FEE).lines == ()

    def test_is_due_all_the_same_where_the_tariff_says_so(self):
        always = tariff(*self.FEE.elements, start_fee_without_energy=True)
        assert rate(session(part("charging", 3), at="2026-01-07T10:00"), always).total.before_tax == d("1.0000")

    def test_of_a_reservation_is_due_though_nobody_came(self):
        reserve = element(price("FLAT", "3"), reservation=Reservation.RESERVATION)
        rated = rate(
            session(part("reservation_expired", 30), at="2026-01-07T10:00"), tariff(reserve, *self.FEE.elements)
        )
        assert [(line.kind, line.amounts.before_tax) for line in rated.lines] == [(LineKind.RESERVATION, d("3"))]


class TestCurve:
    TARIFF = tariff(element(price("ENERGY", "0.10", curve="spot")), element(price("ENERGY", "0.99")))

    def curve(self, *prices: str, at: str = "2026-01-07T10:00") -> dict[str, PriceCurve]:
        first = moment(at)
        hour = timedelta(hours=1)
        periods = tuple(PricePeriod(first + n * hour, first + (n + 1) * hour, d(p)) for n, p in enumerate(prices))
        return {"spot": PriceCurve("spot", "1", first - hour, periods)}

    def test_is_followed_and_makes_one_line(self):
        facts = session(part("charging", 60, "10"), part("charging", 30, "10"), at="2026-01-07T10:30")
        rated = rate(facts, self.TARIFF, curves=self.curve("0.20", "-0.30"))
        assert [(period.per_kwh, period.energy_kwh) for period in rated.periods] == [
            (d("0.30"), d("5")),
            (d("-0.20"), d("15")),
        ]
        (line,) = rated.lines
        assert (line.amounts.before_tax, line.unit_price) == (d("-1.5"), d("-0.075"))
        assert rated.total.after_tax == d("-1.8150")

    @pytest.mark.parametrize("known", [True, False])
    def test_without_a_price_leaves_the_session_unrated(self, known: bool):
        facts = session(part("charging", 120, "10"), at="2026-01-07T10:00")
        rated = rate(facts, self.TARIFF, curves=self.curve("0.20") if known else {})
        assert not rated.complete
        assert rated.review_flags == (Flag.UNRATED_CURVE, Flag.ESTIMATED_IN_GAP)[: 2 if known else 1]
        assert rated.total.before_tax == (d("1.5000") if known else 0)

    def test_needs_no_price_where_nothing_flows(self):
        facts = session(part("charging", 60, "10"), part("idle", 600), at="2026-01-07T10:00")
        assert rate(facts, self.TARIFF, curves=self.curve("0.20")).complete


def test_a_tariff_that_had_ended_is_still_the_tariff_and_told():
    ended = tariff(DAY, ends_at=moment("2026-01-07T10:00"))
    rated = rate(session(part("charging", 60, "10"), at="2026-01-07T10:00"), ended)
    assert (rated.total.before_tax, rated.review_flags) == (d("4.0000"), (Flag.TARIFF_NOT_VALID,))
    assert rate(session(part("charging", 60, "10"), at="2026-01-07T09:59"), ended).review_flags == ()


def test_what_is_known_of_a_running_session_costs_what_it_costs_so_far():
    facts = session(part("charging", 60, "10"), part("charging", 10), at="2026-01-07T10:00", running=True)
    so_far = SessionFacts(facts.id, AMSTERDAM, facts.stretches, facts.meter[:-1], running=True)
    rated = rate(so_far, tariff(DAY))
    assert (rated.total.before_tax, rated.complete, rated.review_flags) == (d("4.0000"), True, ())


def test_a_session_of_no_time_costs_nothing():
    rated = rate(session(part("charging", 0), at="2026-01-07T10:00"), tariff(NIGHT, DAY))
    assert (rated.total.before_tax, rated.total.after_tax, len(rated.periods)) == (0, 0, 1)


def test_facts_with_a_gap_are_refused():
    at = moment("2026-01-07T10:00")
    minute = timedelta(minutes=1)
    with pytest.raises(ValueError, match="gap or an overlap"):
        SessionFacts(
            "S1",
            AMSTERDAM,
            (Stretch(Activity.CHARGING, at, at + minute), Stretch(Activity.IDLE, at + 2 * minute, at + 3 * minute)),
            (),
        )
    with pytest.raises(ValueError, match="ends before it begins"):
        SessionFacts("S1", AMSTERDAM, (Stretch(Activity.CHARGING, at, at - minute),), ())
    with pytest.raises(ValueError, match="no stretch"):
        SessionFacts("S1", AMSTERDAM, (), ())
    with pytest.raises(ValueError, match="order of time"):
        SessionFacts(
            "S1",
            AMSTERDAM,
            (Stretch(Activity.IDLE, at, at),),
            registers([("2026-01-07T10:00", "1"), ("2026-01-07T09:00", "1")]),
        )


def test_a_tariff_made_ready_for_one_place_rates_no_session_of_another():
    ready = CompiledTariff(tariff(DAY), "Europe/Lisbon")
    with pytest.raises(ValueError, match="ready for Europe/Lisbon"):
        rate_with(ready, session(part("charging", 60, "10"), at="2026-01-07T10:00"))


def test_a_calendar_remembers_days_without_mixing_them_up():
    ready = CompiledTariff(tariff(NIGHT, DAY), AMSTERDAM)
    for day in range(2_100):  # more than it keeps
        parts = ready.hours.between(
            microseconds(moment("2026-01-01T12:00") + timedelta(days=day)),
            microseconds(moment("2026-01-02T12:00") + timedelta(days=day)),
        )
        assert [part[1].elements for part in parts] == [0b10, 0b11, 0b10]
