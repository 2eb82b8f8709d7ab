"""Values at uneven, repeated or missing times become a series at equal steps. Whatever is made up is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulations.data.problems import file_problem
from simulations.scenario.model import DataNote

Floats = NDArray[np.float64]

SHORT_GAP_S: Final = 7200.0
"""Over this a load or a price goes nearly straight."""

WEEKS_AWAY: Final = (-1, 1, -2, 2, -3, 3, -4, 4)
"""Where values for a longer gap are sought, in this order."""

MISSING_SHARE_MAX: Final = 0.5
STEPS_MAX: Final = 5_000_000
"""Ten years of minutes; more come from a time that is wrong."""

_WEEK_S: Final = 604_800.0
_OFF_GRID: Final = 0.25
"""Part of a step by which a time may be off before that is worth a note."""


@dataclass(frozen=True, eq=False)
class Even:
    """Values at equal steps."""

    first_s: float
    step_s: float
    values: Floats
    """(N, D) without NaN."""
    notes: tuple[DataNote, ...]


def evened(source: str, times_s: Floats, values: Floats) -> Even:
    """Bring values to the grid that their times suggest, and fill what is missing.

    Args:
        source: The file, for notes and problems.
        times_s: (M,) [Unix s], in any order.
        values: (M, D), NaN where there is none.

    Raises:
        DataError: fewer than two times, times too far apart for their step, or more values missing than there.
    """
    order = np.argsort(times_s, kind="stable")
    ordered_s = times_s[order]
    steps = np.diff(ordered_s)
    steps = steps[steps > 0.0]
    if not steps.size:
        raise file_problem(source, "expected values at two different times at least")
    lengths, counts = np.unique(steps, return_counts=True)
    step_s = float(lengths[np.argmax(counts)])
    exact = (ordered_s - ordered_s[0]) / step_s
    count = round(float(exact[-1])) + 1
    if count > STEPS_MAX:
        what = f"has times that lie {count} steps of {step_s:g} s apart; expected at most {STEPS_MAX}"
        raise file_problem(source, what)
    places, first_rows = np.unique(np.round(exact).astype(np.intp), return_index=True)
    grid = np.full((count, values.shape[1]), np.nan)
    grid[places] = values[order][first_rows]
    off = int(np.count_nonzero(np.abs(exact - np.round(exact)) > _OFF_GRID))
    notes = [
        _note(source, "times that are there more than once", len(times_s) - len(places), "the first value counts"),
        _note(source, f"times off the steps of {step_s:g} s", off, "moved to the nearest step"),
    ]
    full, gaps = _filled(source, grid, step_s)
    return Even(float(ordered_s[0]), step_s, full, tuple(note for note in (*notes, *gaps) if note.count))


def _note(source: str, problem: str, count: int, rule: str) -> DataNote:
    return DataNote(source, problem, count, rule)


def _filled(source: str, grid: Floats, step_s: float) -> tuple[Floats, Sequence[DataNote]]:
    missing: NDArray[np.bool_] = np.asarray(np.isnan(grid).any(axis=1))
    absent = int(np.count_nonzero(missing))
    if absent > MISSING_SHARE_MAX * len(grid):
        raise file_problem(source, f"has no value for {absent} of {len(grid)} steps of {step_s:g} s")
    short = _short_gaps(missing, step_s)
    values = grid.copy()
    steps = np.arange(len(grid))
    for column in range(grid.shape[1]):
        values[short, column] = np.interp(steps[short], steps[~missing], grid[~missing, column])
    left = missing & ~short
    long = int(np.count_nonzero(left))
    for weeks in WEEKS_AWAY:
        sources = steps + weeks * round(_WEEK_S / step_s)
        usable = left & (sources >= 0) & (sources < len(grid))
        usable[usable] &= ~missing[sources[usable]]
        values[usable] = grid[sources[usable]]
        left &= ~usable
    known = steps[~left]
    before = np.clip(np.searchsorted(known, steps[left], side="right") - 1, 0, None)
    values[left] = values[known[before]]
    return values, (
        _note(source, "steps without a value, in gaps up to 2 h", int(np.count_nonzero(short)), "interpolated"),
        _note(
            source,
            "steps without a value, in longer gaps",
            long,
            "taken from the same hour one to four weeks away; where there is none, the value before goes on",
        ),
    )


def _short_gaps(missing: NDArray[np.bool_], step_s: float) -> NDArray[np.bool_]:
    """Which of the missing steps lie in short gaps with a value on both sides."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(np.int8)))
    short = np.zeros_like(missing)
    for begin, end in edges.reshape(-1, 2).tolist():
        if begin > 0 and end < len(missing) and (end - begin) * step_s <= SHORT_GAP_S:
            short[begin:end] = True
    return short
