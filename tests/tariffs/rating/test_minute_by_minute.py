"""Another way to the same price: every minute by itself, as a person with a wall clock would go through the tariff."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings

from controller.tariffs.rating import rate
from controller.tariffs.session_facts import Activity, MeterPoint, SessionFacts, Stretch
from controller.tariffs.tariff import DailyHours, Dimension, Element, Restrictions, Tariff
from tests.tariffs.rating.test_invariants import exact, sessions, tariffs

MINUTE = timedelta(minutes=1)
COUNTED = {Activity.CHARGING: Dimension.TIME, Activity.IDLE: Dimension.PARKING_TIME}


def shown_within(clock: time, begins: time | None, ends: time | None) -> bool:
    first, last = begins or time(0), ends or time(0)
    if last == time(0):
        return clock >= first
    return first <= clock < last if first < last else clock >= first or clock < last


def active(rule: Restrictions, local: datetime, elapsed_s: int, power: Decimal | None) -> bool:
    return (
        shown_within(local.time(), rule.start_time, rule.end_time)
        and (not rule.weekdays or local.weekday() in rule.weekdays)
        and (rule.min_duration_s is None or elapsed_s >= rule.min_duration_s)
        and (rule.max_power_kw is None or power is None or power < rule.max_power_kw)
    )


def free_now(hours: DailyHours, local: datetime) -> bool:
    yesterday = (local - timedelta(days=1)).weekday()
    if hours.begins < hours.ends:
        return local.weekday() in hours.weekdays and hours.begins <= local.time() < hours.ends
    late = local.time() >= hours.begins and local.weekday() in hours.weekdays
    return late or (local.time() < hours.ends and yesterday in hours.weekdays)


def energy_at(meter: tuple[MeterPoint, ...], moment: datetime) -> Fraction:
    for earlier, later in pairwise(meter):
        if earlier.at <= moment <= later.at:
            share = Fraction((moment - earlier.at) // MINUTE, (later.at - earlier.at) // MINUTE)
            return Fraction(earlier.energy_kwh) + share * Fraction(later.energy_kwh - earlier.energy_kwh)
    return Fraction(meter[-1].energy_kwh)


def first_energy(facts: SessionFacts) -> datetime | None:
    """From when on idling may be billed; None where nothing was delivered."""
    rises = [a.at for a, b in pairwise(facts.meter) if b.energy_kwh > a.energy_kwh]
    charging = [s.starts_at for s in facts.stretches if s.activity is Activity.CHARGING]
    return max(rises[0], *charging[:1]) if rises else None


def minute_cost(priced: Tariff, facts: SessionFacts, stretch: Stretch, now: datetime, idle_since: datetime) -> Fraction:
    """What one minute costs, without fees."""
    local = now.astimezone(ZoneInfo(facts.time_zone))
    elapsed_s = int((now - facts.starts_at).total_seconds())
    power = Decimal(0) if stretch.power_kw is None and stretch.activity is Activity.IDLE else stretch.power_kw
    prices: dict[Dimension, Fraction] = {}
    for element in priced.elements:
        if active(element.restrictions, local, elapsed_s, power):
            for component in element.components:
                prices.setdefault(component.dimension, Fraction(component.price))
    energy = energy_at(facts.meter, now + MINUTE) - energy_at(facts.meter, now)
    cost = prices.get(Dimension.ENERGY, Fraction(0)) * energy
    counted = COUNTED.get(stretch.activity)
    if counted is Dimension.PARKING_TIME:
        begins = first_energy(facts) or facts.starts_at
        grace_ends = idle_since + priced.idle.grace_s * timedelta(seconds=1)
        if now < max(begins, grace_ends) or any(free_now(hours, local) for hours in priced.idle.free_hours):
            counted = None
    return cost + (prices.get(counted, Fraction(0)) / 60 if counted else 0)


def by_minutes(priced: Tariff, facts: SessionFacts) -> Fraction:
    cost, now, idle_since = Fraction(0), facts.starts_at, facts.starts_at
    idling = False
    for stretch in facts.stretches:
        if stretch.activity is Activity.IDLE and not idling:
            idle_since, idling = stretch.starts_at, True
        elif stretch.activity is Activity.CHARGING:
            idling = False
        while now < stretch.ends_at:
            cost += minute_cost(priced, facts, stretch, now, idle_since)
            now += MINUTE
    return cost


def bare(element: Element) -> Element:
    """Without what a minute cannot show: amounts of energy, steps, fees."""
    kept = tuple(replace(c, step_size=0) for c in element.components if c.dimension is not Dimension.FLAT)
    return Element(kept, replace(element.restrictions, max_kwh=None))


@settings(max_examples=15, deadline=None)
@given(sessions(), tariffs())
def test_the_price_is_that_of_all_its_minutes(facts: SessionFacts, given_tariff: Tariff):
    priced = replace(given_tariff, elements=tuple(bare(e) for e in given_tariff.elements), max_price=None)
    rated = rate(facts, priced)
    side = rated.lines and rated.lines[0].tax_included
    ours = exact(rated) if side else sum((line.amounts.before_tax or Decimal(0) for line in rated.lines), Decimal(0))
    assert abs(Fraction(ours) - by_minutes(priced, facts)) < Fraction(1, 10**6)
