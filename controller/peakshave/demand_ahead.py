"""What each charge of a demand tariff costs over the coming hours: for plans, which weigh one window against another.

A peak is made of the windows of one month, one accounting year, or one day, as the charge says. Where the hours ahead
lie in two of them, each has a price and a floor of its own.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from statistics import fmean
from typing import Final

from controller.peakshave.billed_times import weight_at
from controller.peakshave.demand_peaks import Month, by_month, candidates, first_of, in_order, month_of, year_of
from controller.peakshave.demand_tariff import DemandComponent, Reach
from controller.peakshave.demand_worth import earliest_month, paid_kw, price_of
from controller.peakshave.peak_facts import PeakTerms
from controller.peakshave.windows import Window, aligned
from controller.snapshot import MeterOwn

HINT_MONTHS: Final = 3
"""What a month will bring is taken to be the mean of so many before, as far as they are known."""

AIM_SHARE: Final = 0.85
"""A plan takes only so much of it for granted. What control has let happen once it would else let happen each month;
a plan raises the peak again where that is worth it. Chosen with b70 in ``simulations.quality.peaks``."""

DECIDING_DAYS: Final = 2.0
"""While nothing tells what the month will bring, the price of a new peak is shared by the days that are left of it, but
for so many: few days come near a month's peak, and on them it is decided."""

_DAY_S: Final = 86_400.0
_W: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Charge:
    """What a peak of the windows ahead costs that one component of the tariff bills together."""

    per_kw: float
    """[currency/kW], of weighted power."""
    paid_kw: float
    """Up to here it is paid for [kW, weighted]."""
    expected_kw: float | None
    """What the month will bring anyway [kW, weighted]; None where nothing tells."""
    weights: tuple[float, ...]
    """How much of the power counts of the running window and of each that follows; 0 where it is not billed here."""
    is_learned: bool = False
    """Whether ``expected_kw`` is what earlier months have brought, and nobody's word."""

    @property
    def floor_kw(self) -> float:
        """Where nothing else tells, windows are held at this [kW, weighted]."""
        return self.paid_kw if self.expected_kw is None else max(self.paid_kw, self.expected_kw)

    @property
    def planned_floor_kw(self) -> float:
        """For a plan nothing is saved below this [kW, weighted]."""
        if self.expected_kw is None:
            return self.paid_kw
        return max(self.paid_kw, self.expected_kw * (AIM_SHARE if self.is_learned else 1.0))


def charges_ahead(
    windows: Iterable[Window],
    terms: PeakTerms,
    at: datetime,
    zone: tzinfo,
    count: int,
    own: MeterOwn | None = None,
) -> tuple[Charge, ...]:
    """What the ``count`` windows from the running one on can cost, by what came before it.

    Until it is known what a month will bring, only a part of the price counts, so that its first days are not held to
    a peak that later ones exceed anyway.

    Args:
        windows: those of the accounting year and of the last twelve months, as ``what_a_kw_costs`` takes them.
        terms: the tariff, its holidays, and a peak that is known.
        at: a moment in the running window.
        zone: of the local calendar.
        count: how many windows are looked at.
        own: what the meter says; it says it of the running month.

    Raises:
        ValueError: windows overlap, or are longer than the tariff's.
    """
    tariff, holidays = terms.tariff, terms.holidays
    begins_s = aligned(at.timestamp(), tariff.window_s, zone)
    local = [datetime.fromtimestamp(begins_s + number * tariff.window_s, zone) for number in range(count)]
    now = month_of(local[0])
    since = first_of(min(earliest_month(tariff, now), now - HINT_MONTHS))
    earliest = datetime(since.year, since.month, 1, tzinfo=zone)
    before = [window for window in windows if earliest <= window.begins_at < local[0]]
    months = by_month(in_order(before, tariff.window_s, zone), zone)
    charges: list[Charge] = []
    for component in tariff.components:
        price = price_of(component)
        weights = [float(weight_at(component.times, moment, holidays)) if price > 0.0 else 0.0 for moment in local]
        periods = [_period(component, moment, tariff.year_begins) for moment in local]
        billed: dict[Hashable, datetime] = {}
        for moment, period, weight in zip(local, periods, weights, strict=True):
            if weight > 0.0:
                billed.setdefault(period, moment)
        for period, first in billed.items():
            its_own = own if month_of(first) == now else None
            expected_kw = _expected_kw(component, months, month_of(first), terms)
            its_weights = (weight if one == period else 0.0 for weight, one in zip(weights, periods, strict=True))
            charges.append(
                Charge(
                    per_kw=price if expected_kw is not None else price * _share(first),
                    paid_kw=paid_kw(component, months, first, tariff.year_begins, holidays, its_own),
                    expected_kw=expected_kw,
                    is_learned=terms.expected_kw is None,
                    weights=tuple(its_weights),
                )
            )
    return tuple(charges)


def _period(component: DemandComponent, local: datetime, year_begins: int) -> Hashable:
    """Windows of the same period can make the same peak: it is paid once, however many reach it."""
    day = local.date() if component.highest > 1 and component.distinct_days else None
    if component.reach is Reach.TWELVE_MONTHS:
        return day
    month = month_of(local)
    return (year_of(month, year_begins) if component.reach is Reach.YEAR else month), day


def _share(local: datetime) -> float:
    """The part of a price that counts while nobody knows what the month will bring."""
    ends_on = first_of(month_of(local) + 1)
    ends = datetime(ends_on.year, ends_on.month, 1, tzinfo=local.tzinfo)
    return DECIDING_DAYS / max(DECIDING_DAYS, (ends.timestamp() - local.timestamp()) / _DAY_S)


def _expected_kw(
    component: DemandComponent,
    months: Mapping[Month, Sequence[tuple[datetime, Window]]],
    now: Month,
    terms: PeakTerms,
) -> float | None:
    """The peak that a month will bring anyway, by the months before: the lowest of the windows that counted in each."""
    if terms.expected_kw is not None:
        return terms.expected_kw
    found = [
        candidates(component, months.get(month, ()), terms.holidays, measured=True)[: component.highest]
        for month in range(now - HINT_MONTHS, now)
    ]
    peaks_kw = [highest[-1].weighted / _W for highest in found if highest]
    return fmean(peaks_kw) if peaks_kw else None
