"""What the grid operator bills: the highest mean power of a demand window in each calendar month."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from simulations.scenario.model import Scenario

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DEFAULT_WINDOW_S: Final = 900.0
"""Where nothing is charged for demand, its peak is still told, over these windows [s]."""


def window_s(scenario: Scenario) -> float:
    """Length of a demand window [s]; not shorter than the rows that a run records, which show nothing finer."""
    return max(scenario.demand.window_s if scenario.demand else DEFAULT_WINDOW_S, scenario.record_s)


def windows(scenario: Scenario, time_s: Floats) -> tuple[Ints, Floats]:
    """The demand windows that stretches of time lie in.

    Windows lie on the clock: one of 15 minutes begins at every full quarter of an hour.

    Args:
        scenario: whose windows.
        time_s: (N,) rising beginnings of the stretches, from the beginning of the simulation [s].

    Returns:
        (N,) the window of each stretch, counted from 0, and (W,) the beginning of each window's first stretch [s].
    """
    number = np.floor((scenario.start_s + time_s) / window_s(scenario) + 1e-9)
    _, first, window = np.unique(number, return_index=True, return_inverse=True)
    return window.astype(np.int64), time_s[first]


def months(scenario: Scenario, time_s: Floats) -> Ints:
    """(N,) the calendar month, in the site's time zone, of times from the beginning of the simulation [s]."""
    zone = ZoneInfo(scenario.site.time_zone)
    first = datetime.fromtimestamp(scenario.start_s, UTC).astimezone(zone)
    starts, month = [], 12 * first.year + first.month
    end_s = scenario.start_s + scenario.duration_s
    while (start := datetime(month // 12, month % 12 + 1, 1, tzinfo=zone).timestamp()) < end_s:
        starts.append(start - scenario.start_s)
        month += 1
    return np.searchsorted(np.array(starts), time_s, side="right").astype(np.int64)


def means(window: Ints, length_s: Floats, value: Floats) -> Floats:
    """(W,) mean of a quantity over each window, from its means over stretches (N,) of these lengths [s]."""
    mean: Floats = np.bincount(window, length_s * value) / np.bincount(window, length_s)
    return mean


def peaks(scenario: Scenario, time_s: Floats, length_s: Floats, power_w: Floats) -> Floats:
    """(M,) the highest mean power of a window in each month, at least 0 [W].

    Args:
        scenario: whose windows and months.
        time_s: (N,) rising beginnings of the stretches [s].
        length_s: (N,) their lengths [s].
        power_w: (N,) mean power of each stretch [W].
    """
    window, begins_s = windows(scenario, time_s)
    month = months(scenario, begins_s)
    peak_w = np.zeros(int(month.max(initial=0)) + 1)
    np.maximum.at(peak_w, month, means(window, length_s, power_w))
    return peak_w
