"""Fits the statistical model of people to recorded sessions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from simulations.data.days import DAY_S, WEEK_DAYS, day_of, local_seconds
from simulations.data.people import PeopleModel
from simulations.data.people_tables import (
    ALWAYS,
    LEAST_EIGENVALUE,
    PROBABILITIES,
    WEEKDAYS,
    DayKind,
    Distribution,
    Drivers,
    Quantity,
)
from simulations.data.recorded import RecordedSession

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

SESSIONS_MIN: Final = 20
"""Fewer say nothing about a distribution."""

OWN_DAYS_MIN: Final = 8
OWN_SESSIONS_MIN: Final = 100
"""A day of the week that was recorded so often, with so many sessions, can be a kind of its own."""

_WORKDAYS: Final = (0, 1, 2, 3, 4)
_WEEKEND: Final = (5, 6)
_FIRST_WEEKDAY: Final = 3
"""1970-01-01 was a Thursday."""


def fit(sessions: Sequence[RecordedSession], time_zone: ZoneInfo) -> PeopleModel:
    """Fit a model.

    Every day from the first to the last arrival counts as recorded, those without a session too. Workdays are one kind
    of day each where every one of them was recorded often enough (``OWN_DAYS_MIN``, ``OWN_SESSIONS_MIN``), and one
    kind together otherwise; so are Saturday and Sunday. Where a kind has fewer than ``SESSIONS_MIN`` sessions, what a
    session is like is taken from all of them, and how many there are from its own days.

    Args:
        sessions: Of one site, possible in every respect (``simulations.data.plausibility``).
        time_zone: Of the site.

    Raises:
        ValueError: there are fewer than ``SESSIONS_MIN``.
    """
    if len(sessions) < SESSIONS_MIN:
        raise ValueError(f"a model of people needs at least {SESSIONS_MIN} sessions; there are {len(sessions)}")
    arrives_s = local_seconds(np.array([session.arrives.timestamp() for session in sessions]), time_zone)
    days: Whole = np.floor(arrives_s / DAY_S).astype(np.int64)
    values = _values(sessions, arrives_s - days * DAY_S)
    recorded: Whole = np.arange(days.min(), days.max() + 1)
    per_day: Whole = np.bincount(days - days.min(), minlength=len(recorded)).astype(np.int64)
    kinds = [
        _kind(weekdays, _of(weekdays, days), values, per_day[_of(weekdays, recorded)])
        for weekdays in _kinds_of_days(recorded, days)
    ]
    return PeopleModel(
        sessions=len(sessions),
        first_day=day_of(int(days.min())),
        last_day=day_of(int(days.max())),
        highest_mean_power_w=float(np.max(values["energy_wh"] / values["stay_s"])) * 3600.0,
        days=kinds,
        drivers=_drivers(sessions),
    )


def _values(sessions: Sequence[RecordedSession], arrival_s: Floats) -> dict[Quantity, Floats]:
    """(N,) each quantity, NaN where it is not known; those that never are, are left out."""
    rows = [
        (
            session.stay_s,
            session.energy_wh,
            math.nan if session.stated_leaves is None else (session.stated_leaves - session.arrives).total_seconds(),
            math.nan if session.requested_wh is None else session.requested_wh,
            math.nan if session.max_power_w is None else session.max_power_w,
        )
        for session in sessions
    ]
    columns = np.array(rows, dtype=np.float64).T
    found: dict[Quantity, Floats] = {
        "arrival_s": arrival_s,
        "stay_s": columns[0],
        "energy_wh": columns[1],
        "stated_stay_s": columns[2],
        "requested_wh": columns[3],
        "max_power_w": columns[4],
    }
    return {name: values for name, values in found.items() if name in ALWAYS or np.isfinite(values).any()}


def _weekdays(days: Whole) -> Whole:
    weekdays: Whole = (days + _FIRST_WEEKDAY) % WEEK_DAYS
    return weekdays


def _of(weekdays: Sequence[int], days: Whole) -> NDArray[np.bool_]:
    """(N,) which days are one of these."""
    return np.isin(_weekdays(days), weekdays)


def _kinds_of_days(recorded: Whole, days: Whole) -> Iterator[Sequence[int]]:
    often = np.bincount(_weekdays(recorded), minlength=WEEK_DAYS)
    sessions = np.bincount(_weekdays(days), minlength=WEEK_DAYS)
    parts = (_WORKDAYS, _WEEKEND)
    if any(often[list(part)].sum() == 0 for part in parts):
        yield (*_WORKDAYS, *_WEEKEND)
        return
    for part in parts:
        if all(often[day] >= OWN_DAYS_MIN and sessions[day] >= OWN_SESSIONS_MIN for day in part):
            yield from ((day,) for day in part)
        else:
            yield part


def _kind(
    weekdays: Sequence[int], own: NDArray[np.bool_], values: Mapping[Quantity, Floats], per_day: Whole
) -> DayKind:
    enough = np.count_nonzero(own) >= SESSIONS_MIN
    used = {name: column[own] if enough else column for name, column in values.items()}
    known = {name: column for name, column in used.items() if np.isfinite(column).any()}
    return DayKind(
        weekdays=[WEEKDAYS[day] for day in weekdays],
        sessions_per_day=sorted(per_day.tolist()),
        distributions=[_distribution(name, column) for name, column in known.items()],
        correlations=_correlations(list(known.values())).tolist(),
    )


def _distribution(quantity: Quantity, column: Floats) -> Distribution:
    known = column[np.isfinite(column)]
    quantiles = np.quantile(known, PROBABILITIES)
    rounded = np.clip(np.round(quantiles, 1), quantiles[0], quantiles[-1])
    return Distribution(quantity=quantity, share=round(len(known) / len(column), 4), quantiles=rounded.tolist())


def _correlations(columns: Sequence[Floats]) -> Floats:
    """Correlations of normal variables whose ranks are correlated as those of the columns are.

    Pearson's relation for normal variables: r = 2 sin(pi/6 rho) of Spearman's rho. Of a pair those rows count that have
    both. Estimated pair by pair they may not fit together; the nearest that do are taken.
    """
    matrix = np.eye(len(columns))
    for one, other in combinations(range(len(columns)), 2):
        both = np.isfinite(columns[one]) & np.isfinite(columns[other])
        x, y = columns[one][both], columns[other][both]
        if len(x) >= SESSIONS_MIN and np.ptp(x) > 0.0 and np.ptp(y) > 0.0:
            rho = float(spearmanr(x, y).statistic)
            matrix[one, other] = matrix[other, one] = 2.0 * math.sin(math.pi / 6.0 * rho)
    values, vectors = np.linalg.eigh(matrix)
    possible = (vectors * np.clip(values, LEAST_EIGENVALUE, None)) @ vectors.T
    scale = 1.0 / np.sqrt(np.diag(possible))
    correlations: Floats = np.clip(np.round(possible * np.outer(scale, scale), 6), -1.0, 1.0)
    return correlations


def _drivers(sessions: Sequence[RecordedSession]) -> Drivers | None:
    visits = Counter(session.token for session in sessions if session.token is not None)
    if not visits:
        return None
    return Drivers(share=round(visits.total() / len(sessions), 4), visits=sorted(visits.values(), reverse=True))
