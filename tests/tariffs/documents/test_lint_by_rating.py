"""What the lint says of a tariff is what sessions come to when they are priced by it: two ways to the same rules."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.tariffs.lint import Severity, lint
from controller.tariffs.rating import rate
from controller.tariffs.session_facts import Activity, MeterPoint, SessionFacts, Stretch
from controller.tariffs.tariff import Dimension, Element, PriceComponent, Restrictions, Tariff

HOURS = st.none() | st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
DAYS = st.none() | st.dates(date(2026, 3, 20), date(2026, 4, 10))
KWH = st.none() | st.integers(0, 30).map(Decimal)
KW = st.none() | st.integers(0, 30).map(Decimal)
SECONDS = st.none() | st.integers(0, 20).map(lambda quarters: quarters * 900)
RESTRICTIONS = st.builds(
    Restrictions,
    start_time=HOURS,
    end_time=HOURS,
    start_date=DAYS,
    end_date=DAYS,
    min_kwh=KWH,
    max_kwh=KWH,
    min_power_kw=KW,
    max_power_kw=KW,
    min_duration_s=SECONDS,
    max_duration_s=SECONDS,
    weekdays=st.just(frozenset[int]()) | st.frozensets(st.integers(0, 6), min_size=1),
)
ENERGY = (PriceComponent(Dimension.ENERGY, Decimal("0.30"), Decimal(21)),)
TARIFFS = st.lists(st.just(Restrictions()) | RESTRICTIONS, min_size=1, max_size=4).map(
    lambda chosen: Tariff("T1", "EUR", tuple(Element(ENERGY, one) for one in chosen))
)
FIRST = datetime(2026, 3, 26, tzinfo=UTC)
BEGINS = st.integers(0, 9 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes))
POWERS = st.lists(st.integers(0, 30), min_size=1, max_size=4)


def charged(begins: datetime, powers_kw: list[int]) -> SessionFacts:
    """Hours at different powers, over the change of the clock."""
    at, energy = begins, Decimal(0)
    stretches, meter = [], [MeterPoint(at, energy)]
    for power_kw in powers_kw:
        stretches.append(Stretch(Activity.CHARGING, at, at + timedelta(hours=1), Decimal(power_kw)))
        at, energy = at + timedelta(hours=1), energy + power_kw
        meter.append(MeterPoint(at, energy))
    return SessionFacts("S1", "Europe/Amsterdam", tuple(stretches), tuple(meter))


@settings(max_examples=60, deadline=None)
@given(TARIFFS, st.lists(st.tuples(BEGINS, POWERS), min_size=1, max_size=4))
def test_what_never_counts_never_does_and_what_has_no_gap_has_none(
    tariff: Tariff, sessions: list[tuple[datetime, list[int]]]
):
    found = lint(tariff)
    if any(one.severity is Severity.REFUSE for one in found):
        return
    idle = {one.element for one in found if one.rule in {"never_reached", "never_active"}}
    gap = any(one.rule == "no_price" for one in found)
    for begins, powers_kw in sessions:
        for period in rate(charged(begins, powers_kw), tariff).periods:
            counting = dict(period.elements).get(Dimension.ENERGY)
            assert counting not in idle
            assert gap or counting is not None
