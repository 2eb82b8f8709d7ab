"""What one more kilowatt of demand costs from now on, and below which peak nothing is saved any more."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from controller.peakshave.billed_times import ALWAYS, weight_at
from controller.peakshave.demand_peaks import Month, by_month, candidates, first_of, in_order, month_of, year_of
from controller.peakshave.demand_tariff import MONTHS_OF_YEAR, DemandComponent, DemandTariff, Reach
from controller.peakshave.windows import Window, aligned
from controller.snapshot import MeterOwn

_W: Final = 1000.0
_MONTHS_PAID: Final = {Reach.MONTH: 1, Reach.MEAN_OF_MONTHS: 1, Reach.YEAR: 12, Reach.TWELVE_MONTHS: 12}
"""For how many months a peak of now is paid."""


@dataclass(frozen=True, slots=True)
class Step:
    """A price that begins at a power."""

    floor_kw: float
    per_kw: float
    """What each kW above ``floor_kw`` costs, besides the steps below [currency/kW]."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What the mean power of a demand window costs, beyond what is paid for already."""

    steps: tuple[Step, ...]
    """By rising floors; none where the window is not billed."""
    until: datetime
    """So long this holds, unless a higher window ends."""

    @property
    def billed_now(self) -> bool:
        """Whether the running window can cost anything."""
        return bool(self.steps)

    @property
    def floor_kw(self) -> float:
        """Below this peak nothing is saved [kW]; of no meaning where nothing is billed."""
        return self.steps[0].floor_kw if self.steps else 0.0

    @property
    def per_kw(self) -> float:
        """What each kW costs from ``floor_kw`` to the next step's [currency/kW]."""
        return self.steps[0].per_kw if self.steps else 0.0

    def cost(self, peak_kw: float) -> float:
        """What a window of this mean power adds to the bill [currency].

        >>> from datetime import UTC
        >>> Worth((Step(50.0, 4.0), Step(80.0, 30.0)), datetime(2026, 1, 1, tzinfo=UTC)).cost(90.0)
        460.0
        """
        return sum(step.per_kw * max(peak_kw - step.floor_kw, 0.0) for step in self.steps)


def what_a_kw_costs(
    windows: Iterable[Window],
    tariff: DemandTariff,
    at: datetime,
    zone: tzinfo,
    holidays: Container[date] = frozenset(),
    own: MeterOwn | None = None,
) -> Worth:
    """What the demand window that ``at`` lies in costs, by the windows that came before.

    A peak is paid for where it was measured: what was only assumed lowers no price. Where the mean of several windows
    is billed, a kW counts for its share; the power that it must exceed is the lowest of those that count now, or the
    highest of its own day. What later windows of the period will bring is not foreseen.

    Args:
        windows: those of the accounting year and of the last twelve months, as far as they are known;
            ``demand_peaks.that_matter`` leaves few of them.
        tariff: components and prices.
        at: a moment of now, or of the future where a plan asks.
        zone: of the local calendar.
        holidays: local dates.
        own: what the meter says; its month's peak stands in place of our own where it is what is billed.

    Raises:
        ValueError: windows overlap, or are longer than the tariff's.
    """
    begins_at = datetime.fromtimestamp(aligned(at.timestamp(), tariff.window_s, zone), UTC)
    local = begins_at.astimezone(zone)
    earliest = datetime.combine(first_of(earliest_month(tariff, month_of(local))), datetime.min.time(), zone)
    before = [window for window in windows if earliest <= window.begins_at < begins_at]
    months = by_month(in_order(before, tariff.window_s, zone), zone)
    steps: dict[float, float] = {}
    for component in tariff.components:
        weight = float(weight_at(component.times, local, holidays))
        per_kw = weight * price_of(component)
        if per_kw > 0.0:
            floor_kw = paid_kw(component, months, local, tariff.year_begins, holidays, own) / weight
            steps[floor_kw] = steps.get(floor_kw, 0.0) + per_kw
    return Worth(tuple(Step(*step) for step in sorted(steps.items())), _until(tariff, begins_at, zone, holidays))


def price_of(component: DemandComponent) -> float:
    """What one more weighted kW of one window costs in all, once it is above what is paid for [currency/kW]."""
    per_kw = float(component.price_per_kw) / component.price_months
    return per_kw * _MONTHS_PAID[component.reach] / component.highest


def paid_kw(
    component: DemandComponent,
    months: Mapping[Month, Sequence[tuple[datetime, Window]]],
    local: datetime,
    year_begins: int,
    holidays: Container[date],
    own: MeterOwn | None,
) -> float:
    """The weighted power that a window must exceed to cost anything [kW].

    Args:
        component: the charge.
        months: the windows that came before, by local month.
        local: when the window begins, by the local clock.
        year_begins: the first month of the accounting year.
        holidays: local dates.
        own: what the meter says.
    """
    counting = _months(component, month_of(local), year_begins)
    seen = [window for month in counting for window in months.get(month, ())]
    return _floor_kw(component, seen, local, holidays, _own_kw(component, own, local))


def _months(component: DemandComponent, now: Month, year_begins: int) -> range:
    """The months whose windows set what is billed for this one."""
    if component.reach is Reach.TWELVE_MONTHS:
        return range(now - MONTHS_OF_YEAR + 1, now + 1)
    return range(year_of(now, year_begins) if component.reach is Reach.YEAR else now, now + 1)


def earliest_month(tariff: DemandTariff, now: Month) -> Month:
    """The first of the months whose windows set what is billed for this one."""
    return min(_months(component, now, tariff.year_begins).start for component in tariff.components)


def _floor_kw(
    component: DemandComponent,
    seen: Sequence[tuple[datetime, Window]],
    local: datetime,
    holidays: Container[date],
    own_kw: float | None,
) -> float:
    """The weighted power that a window must exceed to cost anything."""
    least_kw = float(max(component.least_kw, component.free_kw))
    if own_kw is not None:
        return max(own_kw, least_kw)
    found = candidates(component, seen, holidays, measured=True)
    today_kw = 0.0
    if component.distinct_days:
        today_kw = max((c.weighted / _W for c in found if c.day == local.date()), default=0.0)
        found = [c for c in found if c.day != local.date()]
    highest_kw = [c.weighted / _W for c in found[: component.highest]]
    lowest_kw = highest_kw[-1] if len(highest_kw) == component.highest else 0.0
    # The mean of this window with the highest others must exceed the least power, too.
    least_kw = least_kw * component.highest - sum(highest_kw[: component.highest - 1])
    return max(today_kw, lowest_kw, least_kw)


def _own_kw(component: DemandComponent, own: MeterOwn | None, local: datetime) -> float | None:
    """The month's peak by the meter itself, where the month's highest window at any time is what counts."""
    of_month = component.reach in {Reach.MONTH, Reach.MEAN_OF_MONTHS}
    if own is None or own.month_peak_w is None or not of_month:
        return None
    if component.highest > 1 or component.times != (ALWAYS,):
        return None
    if own.month_peak_at is not None:
        # Meters stamp a window with its end, which for a month's last one is in the next month.
        stamped = (own.month_peak_at - timedelta(seconds=1)).astimezone(local.tzinfo)
        if month_of(stamped) != month_of(local):
            return None
    return own.month_peak_w / _W


def _until(tariff: DemandTariff, begins_at: datetime, zone: tzinfo, holidays: Container[date]) -> datetime:
    """The next change of what is billed, at the latest the month's end, where months' peaks begin anew."""
    local = begins_at.astimezone(zone)
    month_ends = datetime.combine(first_of(month_of(local) + 1), datetime.min.time(), zone).astimezone(UTC)
    if all(component.times in {(), (ALWAYS,)} for component in tariff.components):
        return month_ends
    now = [weight_at(component.times, local, holidays) for component in tariff.components]
    at = begins_at
    while at < month_ends:
        at += timedelta(seconds=tariff.window_s)
        local = at.astimezone(zone)
        if [weight_at(component.times, local, holidays) for component in tariff.components] != now:
            break
    return at
