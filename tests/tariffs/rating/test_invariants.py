"""What holds for any tariff and any session."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.tariffs.local_time import moment_at
from controller.tariffs.rated import Amounts, LineKind, RatedSession, TaxState, minor_unit
from controller.tariffs.rating import rate
from controller.tariffs.registers import Registers
from controller.tariffs.session_facts import Activity, MeterPoint, SessionFacts, Stretch
from controller.tariffs.tariff import (
    DailyHours,
    Dimension,
    Element,
    IdleTerms,
    PriceComponent,
    PriceLimit,
    Restrictions,
    Tariff,
    TaxIncluded,
)
from controller.tariffs.taxing import booked

quick = settings(max_examples=40, deadline=None)
START_OF_2026_US = 1_767_225_600_000_000
MINUTE = timedelta(minutes=1)

hours = st.times().map(lambda t: t.replace(minute=t.minute // 15 * 15, second=0, microsecond=0))
money = st.integers(0, 9_999).map(lambda n: Decimal(n).scaleb(-4))


@st.composite
def restrictions(draw: st.DrawFn) -> Restrictions:
    def maybe(strategy: st.SearchStrategy[Any]) -> Any:
        return draw(st.none() | strategy)

    return Restrictions(
        start_time=maybe(hours),
        end_time=maybe(hours),
        max_kwh=maybe(st.integers(1, 40).map(Decimal)),
        min_duration_s=maybe(st.integers(0, 300).map(lambda n: n * 60)),
        weekdays=draw(st.frozensets(st.integers(0, 6))),
        max_power_kw=maybe(st.integers(3, 22).map(Decimal)),
    )


@st.composite
def components(draw: st.DrawFn) -> PriceComponent:
    return PriceComponent(
        draw(st.sampled_from(list(Dimension))),
        draw(money),
        draw(st.sampled_from([Decimal(0), Decimal(9), Decimal(21), Decimal("5.2")])),
        draw(st.sampled_from([0, 1, 60, 500, 900])),
    )


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    elements = draw(
        st.lists(
            st.builds(Element, st.lists(components(), min_size=1, max_size=3).map(tuple), restrictions()), max_size=4
        )
    )
    fallback = Element(tuple(PriceComponent(d, draw(money), Decimal(21)) for d in Dimension))
    limits = st.none() | st.builds(PriceLimit, before_tax=money)
    return Tariff(
        "T1",
        "EUR",
        (*elements, fallback),
        tax_included=draw(st.sampled_from([TaxIncluded.YES, TaxIncluded.NO])),
        max_price=draw(limits),
        idle=IdleTerms(
            draw(st.integers(0, 60)) * 60, draw(st.lists(st.builds(DailyHours, hours, hours), max_size=1).map(tuple))
        ),
    )


@st.composite
def sessions(draw: st.DrawFn) -> SessionFacts:
    """Some hours in 2026, many of them around the two changes of the clock."""
    minute = draw(st.integers(0, 525_600) | st.integers(125_000, 127_000) | st.integers(427_000, 430_000))
    now = moment_at(START_OF_2026_US) + minute * MINUTE
    stretches, meter, energy_kwh = [], [MeterPoint(now, Decimal(0))], Decimal(0)
    for _ in range(draw(st.integers(1, 5))):
        activity = draw(st.sampled_from([Activity.CHARGING, Activity.IDLE, Activity.WITHHELD]))
        then = now + draw(st.integers(2, 400)) * MINUTE
        power = draw(st.none() | st.integers(0, 22).map(Decimal))
        stretches.append(Stretch(activity, now, then, power))
        energy_kwh += Decimal(draw(st.integers(0, 30_000)) if activity is Activity.CHARGING else 0).scaleb(-3)
        if draw(st.booleans()):
            meter.append(MeterPoint(then, energy_kwh))
        now = then
    if meter[-1].at < now:
        meter.append(MeterPoint(now, energy_kwh))
    return SessionFacts("S1", "Europe/Amsterdam", tuple(stretches), tuple(meter))


def exact(rated: RatedSession) -> Decimal:
    return sum((line.amounts.after_tax or Decimal(0) for line in rated.lines), Decimal(0))


@quick
@given(sessions(), tariffs())
def test_every_moment_and_every_watthour_is_in_one_period(facts: SessionFacts, priced: Tariff):
    rated = rate(facts, priced)
    assert (rated.periods[0].starts_at, rated.periods[-1].ends_at) == (facts.starts_at, facts.ends_at)
    assert all(a.ends_at == b.starts_at and a.starts_at < a.ends_at for a, b in pairwise(rated.periods))
    assert sum(period.energy_kwh for period in rated.periods) == facts.meter[-1].energy_kwh == rated.energy_kwh
    assert all(a.start_kwh + a.energy_kwh == b.start_kwh for a, b in pairwise(rated.periods))
    for stretch in facts.stretches:
        during = [p for p in rated.periods if p.starts_at < stretch.ends_at and p.ends_at > stretch.starts_at]
        assert {period.activity for period in during} == {stretch.activity}


@quick
@given(sessions(), tariffs())
def test_before_and_after_tax_agree_and_lines_add_up(facts: SessionFacts, priced: Tariff):
    rated = rate(facts, priced)
    for line in rated.lines:
        before, after, percent = line.amounts.before_tax, line.amounts.after_tax, line.tax.percent
        assert before is not None
        assert after is not None
        assert percent is not None
        assert line.tax.state is (TaxState.RATE if percent else TaxState.ZERO)
        assert abs(before * (100 + percent) / 100 - after) < Decimal("1E-20")
    assert rated.invoice.after_tax == sum((line.booked.after_tax or 0 for line in rated.lines), Decimal(0))
    assert rated.total.after_tax == round(exact(rated) + Decimal("1E-15"), 4)
    if priced.max_price and priced.max_price.before_tax is not None:
        assert (rated.total.before_tax or 0) <= priced.max_price.before_tax


@quick
@given(sessions(), tariffs())
def test_what_is_credited_is_what_was_billed(facts: SessionFacts, priced: Tariff):
    def negative(amounts: Amounts) -> Amounts:
        assert amounts.before_tax is not None
        assert amounts.after_tax is not None
        return Amounts(-amounts.before_tax, -amounts.after_tax)

    rated = rate(facts, priced)
    cent = minor_unit(rated.currency)
    for line in rated.lines:
        if line.kind not in {LineKind.MAX_PRICE, LineKind.IDLE_MOST}:  # these are booked for what the others leave
            assert booked(negative(line.amounts), cent) == negative(line.booked)
    assert booked(negative(rated.invoice), cent) == negative(rated.invoice)


@quick
@given(sessions(), tariffs(), st.integers(1, 10_000))
def test_a_stretch_may_be_told_in_two_parts(facts: SessionFacts, priced: Tariff, at: int):
    whole = max(facts.stretches, key=lambda stretch: stretch.ends_at - stretch.starts_at)
    middle = whole.starts_at + at % int((whole.ends_at - whole.starts_at) / MINUTE) * MINUTE
    halves = (replace(whole, ends_at=middle), replace(whole, starts_at=middle))
    n = facts.stretches.index(whole)
    told = replace(facts, stretches=(*facts.stretches[:n], *halves, *facts.stretches[n + 1 :]))
    assert rate(told, priced) == rate(facts, priced)


@quick
@given(sessions(), tariffs(), st.integers(1, 10_000))
def test_one_more_reading_on_the_line_changes_nothing_beyond_rounding(facts: SessionFacts, priced: Tariff, at: int):
    begins, ends = (
        int((moment - moment_at(0)) / timedelta(microseconds=1)) for moment in (facts.starts_at, facts.ends_at)
    )
    moment = begins + at % ((ends - begins) // 60_000_000) * 60_000_000
    point = MeterPoint(moment_at(moment), Registers(facts.meter, begins, ends).at(moment).kwh)
    meter = tuple(sorted((*facts.meter, point), key=lambda p: (p.at, p.energy_kwh)))
    more, before = rate(replace(facts, meter=meter), priced), rate(facts, priced)
    # A billionth of a kWh moved over a step of energy may cost one step.
    step = max(c.step_size * c.price for e in priced.elements for c in e.components if c.dimension is Dimension.ENERGY)
    assert abs(exact(more) - exact(before)) <= Decimal("0.0001") + 2 * step / 1000


@quick
@given(sessions(), st.lists(st.tuples(hours, money), max_size=3), st.integers(1, 30))
def test_more_energy_never_costs_less(facts: SessionFacts, rates: list, times: int):
    by_hour = tuple(
        Element((PriceComponent(Dimension.ENERGY, cost, Decimal(21)),), Restrictions(start_time=at))
        for at, cost in rates
    )
    fallback = Element((PriceComponent(Dimension.ENERGY, Decimal("0.3"), Decimal(21)),))
    priced = Tariff("T1", "EUR", (*by_hour, fallback), max_price=PriceLimit(Decimal(20)))
    more = replace(facts, meter=tuple(replace(p, energy_kwh=p.energy_kwh * (10 + times) / 10) for p in facts.meter))
    assert exact(rate(more, priced)) >= exact(rate(facts, priced))


@quick
@given(st.integers(1, 600), st.integers(1, 600), st.integers(0, 120))
def test_longer_never_costs_less(minutes: int, more: int, grace: int):
    # With a step on TIME it may: once parking is billed, charging is not rounded up any more (mod_cdrs, step_size).
    fee = Element(
        (PriceComponent(Dimension.TIME, Decimal(2)), PriceComponent(Dimension.PARKING_TIME, Decimal(6), None, 900))
    )
    priced = Tariff("T1", "EUR", (fee,), idle=IdleTerms(grace * 60))

    def cost(charging: int, idle: int) -> Decimal | None:
        begins = moment_at(START_OF_2026_US)
        full = begins + charging * MINUTE
        ends = full + idle * MINUTE
        stretches = (Stretch(Activity.CHARGING, begins, full), Stretch(Activity.IDLE, full, ends))
        meter = (MeterPoint(begins, Decimal(0)), MeterPoint(full, Decimal(9)), MeterPoint(ends, Decimal(9)))
        return rate(SessionFacts("S1", "Europe/Amsterdam", stretches, meter), priced).total.before_tax

    assert (cost(minutes, minutes) or 0) <= (cost(minutes, minutes + more) or 0)
    assert (cost(minutes, grace) or 0) <= (cost(minutes + more, grace) or 0)
