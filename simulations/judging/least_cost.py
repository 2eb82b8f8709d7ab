"""The cheapest course: energy, the demand of each month, and what is left unmet, by one linear program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, hstack, vstack

from simulations.judging.billing import means, months, windows
from simulations.judging.linear import minimum, physics
from simulations.judging.programme import Programme, middles_s
from simulations.scenario.model import Scenario

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Course:
    """What is drawn when, and what that costs."""

    current_a: Floats
    """(N,) mean current of each pair [A]."""
    energy_cost: float
    demand_cost: float
    peak_w: float
    """Highest mean power of a demand window, the building's included [W]."""


@dataclass(frozen=True, eq=False)
class _Bill:
    """How slots become demand windows, and windows months; M months, W windows."""

    window: Ints
    """(S,)"""
    share: Floats
    """(S,) of each slot in its window."""
    month: Ints
    """(W,)"""
    building_kw: Floats
    """(W,) mean power of what is not charging [kW]."""
    least_kw: Floats
    """(M,) the peak of each month if nothing charged [kW]."""
    per_kw: float


def cheapest(programme: Programme, scenario: Scenario, building_w: Floats) -> Course:
    """The cheapest course, month by month; months that a visit joins are solved together.

    Args:
        programme: who could draw what.
        scenario: its prices.
        building_w: (S,) mean power of what is not charging [W].

    Raises:
        BoundError: the solver gave up.
    """
    bill = _bill_of(programme, scenario, building_w)
    price = _lowest_price(scenario, programme)[programme.slot]
    kwh_per_a = programme.wh_per_a / 1000.0
    current_a = np.zeros(programme.visit.size)
    for chosen in _joined(bill.month[bill.window[programme.slot]], programme.visit):
        worth = (price[chosen] - scenario.judging.unmet_per_kwh) * kwh_per_a[chosen]
        current_a[chosen] = _cheapest_of(programme, chosen, worth, bill)
    drawn_kw = current_a * programme.w_per_a[programme.visit] / 1000.0
    slot_kw = np.bincount(programme.slot, drawn_kw, programme.begins_s.size).astype(np.float64)
    peak_kw = bill.least_kw.copy()
    np.maximum.at(peak_kw, bill.month, bill.building_kw + means(bill.window, programme.length_s, slot_kw))
    return Course(
        current_a=current_a,
        energy_cost=float((price * kwh_per_a) @ current_a),
        demand_cost=bill.per_kw * float(peak_kw.sum()),
        peak_w=1000.0 * float(peak_kw.max()),
    )


def _bill_of(programme: Programme, scenario: Scenario, building_w: Floats) -> _Bill:
    window, begins_s = windows(scenario, programme.begins_s)
    month = months(scenario, begins_s)
    building_kw = means(window, programme.length_s, building_w) / 1000.0
    least_kw = np.zeros(int(month.max(initial=0)) + 1)
    np.maximum.at(least_kw, month, building_kw)
    return _Bill(
        window=window,
        share=programme.length_s / np.bincount(window, programme.length_s)[window],
        month=month,
        building_kw=building_kw,
        least_kw=least_kw,
        per_kw=scenario.demand.per_kw if scenario.demand else 0.0,
    )


def _cheapest_of(programme: Programme, chosen: Ints, worth: Floats, bill: _Bill) -> Floats:
    """(n,) currents of the chosen pairs [A], where an ampere of each costs its ``worth``."""
    matrix, limit = physics(programme, chosen)
    most_a = programme.most_a[chosen]
    if bill.per_kw <= 0.0:
        return minimum(worth, matrix, limit, most_a)
    powers, peaks, below_kw = _demand(programme, chosen, bill)
    count = peaks.shape[1]
    found = minimum(
        np.append(worth, np.full(count, bill.per_kw)),
        vstack([hstack([matrix, csr_array((matrix.shape[0], count))]), hstack([powers, peaks])], format="csr"),
        np.append(limit, below_kw),
        np.append(most_a, np.full(count, np.inf)),
    )
    return found[: chosen.size]


def _demand(programme: Programme, chosen: Ints, bill: _Bill) -> tuple[csr_array, csr_array, Floats]:
    """Rows by which the power of each window stays below its month's peak [kW].

    The variables are the chosen pairs' currents, and by how much charging raises the peak of each month concerned
    above that of the building alone.
    """
    window = bill.window[programme.slot[chosen]]
    kw_per_a = programme.w_per_a[programme.visit[chosen]] * bill.share[programme.slot[chosen]] / 1000.0
    room_kw = bill.least_kw[bill.month] - bill.building_kw
    # A window that stays below the building's own peak even with every car at its maximum decides nothing.
    deciding = np.bincount(window, kw_per_a * programme.most_a[chosen], room_kw.size) > room_kw + 1e-9
    row, count = np.cumsum(deciding) - 1, int(deciding.sum())
    entries = np.flatnonzero(deciding[window])
    powers = coo_array((kw_per_a[entries], (row[window[entries]], entries)), shape=(count, chosen.size))
    concerned, column = np.unique(bill.month[deciding], return_inverse=True)
    peaks = coo_array((-np.ones(count), (np.arange(count), column)), shape=(count, concerned.size))
    return powers.tocsr(), peaks.tocsr(), room_kw[deciding]


def _lowest_price(scenario: Scenario, programme: Programme) -> Floats:
    """(S,) the lowest price within each slot [currency/kWh]."""
    times_s = middles_s(scenario)
    slot = np.searchsorted(programme.begins_s, times_s, side="right") - 1
    lowest = np.full(programme.begins_s.size, np.inf)
    np.minimum.at(lowest, slot, scenario.price.at(times_s))
    return lowest


def _joined(month: Ints, visit: Ints) -> list[Ints]:
    """Pairs by runs of months that no visit lies across."""
    if not visit.size:
        return []
    first = np.full(visit.max() + 1, month.max() + 1)
    last = np.full(visit.max() + 1, -1)
    np.minimum.at(first, visit, month)
    np.maximum.at(last, visit, month)
    crossed = np.zeros(month.max() + 1, dtype=bool)  # from the month before into this one
    for begin, end in zip(first[first < last], last[first < last], strict=True):
        crossed[begin + 1 : end + 1] = True
    run = np.cumsum(~crossed)[month]
    return [np.flatnonzero(run == number) for number in np.unique(run)]
