"""What a plan tells dispatch: for each car that is there, what to see to, and what not to exceed.

Shapes: P cars, T slots; S advised slots.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from controller.loadbalance.horizon.outlook import Bools, CarOutlook, Floats, Outlook
from controller.loadbalance.horizon.program import Program
from controller.snapshot import Advice, PointAdvice

TOLD_WH: Final = 50.0
"""A smaller shortfall is not worth a word: three minutes at 6 A on one phase are 69 Wh."""

NOTHING_A: Final = 1e-3
"""A mean current below this is the solver's rounding."""

_CLOSE: Final = 1e-6
_CLOSE_KW: Final = 1e-3


def advice_of(
    program: Program,
    outlook: Outlook,
    current_a: Floats,
    unmet_wh: Floats,
    reached_kw: Floats | None,
    slots: int,
    floor_slots: int,
) -> Advice:
    """The advice for the first ``slots`` slots.

    ``current_a`` (P, T), ``unmet_wh`` (P,) and ``reached_kw`` (D,), the peak of each part of the demand's price, are
    the plan's.
    """
    slots = min(slots, outlook.price_per_kwh.size)
    target_a = _targets(program, outlook, current_a, slots, floor_slots)
    bearable_kw = None
    if program.peak is not None and reached_kw is not None:
        bearable_kw = program.peak.bearable_kw(reached_kw).min(axis=0)[program.peak.window[:slots]]
    free, peak = _uncapped(program, current_a, unmet_wh, bearable_kw, slots)
    if outlook.demand is not None and outlook.demand.held:
        free |= peak & (current_a[:, :slots] > NOTHING_A)
    free |= np.array([car.eager for car in outlook.cars], dtype=bool)[:, None]
    targets: list[list[float]] = target_a.tolist()
    uncapped: list[list[bool]] = free.tolist()
    for_peak: list[list[bool]] = (peak & ~free).tolist()
    points: dict[str, PointAdvice] = {}
    shortfall: dict[str, int] = {}
    for place, (car, lacking_wh) in enumerate(zip(outlook.cars, unmet_wh.tolist(), strict=True)):
        if car.arrives_at is not None and car.arrives_at > outlook.at:
            continue
        caps = [None if open_ else target for open_, target in zip(uncapped[place], targets[place], strict=True)]
        because = "peak" if any(for_peak[place]) else "price"
        points[car.point] = PointAdvice(tuple(targets[place]), tuple(caps), because)
        if lacking_wh > TOLD_WH and lacking_wh - _later_wh(outlook, car) > TOLD_WH:
            shortfall[car.point] = round(lacking_wh - _later_wh(outlook, car))
    peaks_kw = () if bearable_kw is None else tuple(None if kw == np.inf else kw for kw in bearable_kw.tolist())
    return Advice(outlook.at, outlook.begins_at, outlook.slot_s, points, shortfall, peaks_kw)


def _targets(program: Program, outlook: Outlook, current_a: Floats, slots: int, floor_slots: int) -> Floats:
    """(P, S) the current while a car can charge [A]. Who needs less than its minimum gives, gets that for a while."""
    part = program.cells.part[:, :slots]
    target = np.where(current_a[:, :slots] > NOTHING_A, current_a[:, :slots] / np.maximum(part, _CLOSE), 0.0)
    least = np.array([car.min_a for car in outlook.cars])[:, None]
    floored = (target > 0.0) & (np.arange(slots) < floor_slots)
    return np.where(floored, np.maximum(target, least), target)


def _uncapped(
    program: Program, current_a: Floats, unmet_wh: Floats, bearable_kw: Floats | None, slots: int
) -> tuple[Bools, Bools]:
    """(P, S) where a car would take more if more were free, and where it would but for the demand peak.

    ``bearable_kw`` (S,) is what the demand window of each slot may hold at no price.
    It would where energy is cheaper than what the plan gives it elsewhere, or instead of what it will lack.
    """
    cells, price = program.cells, program.prices.energy
    dearest = np.where(current_a > NOTHING_A, price, -np.inf).max(axis=1)
    dearest = np.where(unmet_wh > TOLD_WH, np.inf, dearest)
    wanted = price[:, :slots] + _CLOSE * np.abs(price).max(initial=0.0) < dearest[:, None]
    at_most = current_a[:, :slots] >= cells.most_a[:, :slots] - NOTHING_A
    peak = np.zeros(slots, dtype=bool)
    if program.peak is not None and bearable_kw is not None:
        # Whoever is not capped may take all that it can: caps are lifted where the peak could bear that of everybody.
        charged_kwh = cells.kwh_per_a @ current_a
        more_a = np.where(wanted, cells.most_a[:, :slots] - current_a[:, :slots], 0.0)
        charged_kwh[:slots] += cells.kwh_per_a @ more_a
        could_kw = program.peak.load_kw(charged_kwh)[program.peak.window[:slots]]
        peak = could_kw > bearable_kw + _CLOSE_KW
    return at_most | (wanted & ~peak), wanted & peak


def _later_wh(outlook: Outlook, car: CarOutlook) -> float:
    """What a car can still get after the horizon's end [Wh]."""
    ends_s = (car.departs_at - outlook.begins_at).total_seconds() - outlook.slot_s * outlook.price_per_kwh.size
    return max(0.0, ends_s / 3600.0) * car.max_a * len(car.phases) * outlook.site.nominal_voltage_v
