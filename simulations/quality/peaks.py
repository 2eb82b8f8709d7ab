"""``python -m simulations.quality.peaks``: how near to perfect peaks are kept, with 20 points beside a building.

The bound is the least sum of the months' billed peaks of who knew everything beforehand and gave every car in all just
as much energy as it got, while it was there, no faster than it charges and than its battery still accepts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from simulations.fast import run
from simulations.judging.billing import means, months, peaks, windows
from simulations.judging.least_cost import cheapest
from simulations.judging.programme import programme_of
from simulations.quality.forecast import shared
from simulations.quality.loads import BuildingLoad, made
from simulations.quality.peak_case import case
from simulations.results import Results
from simulations.scenario.model import DemandCharge, Judging, Planning, PriceCurve, Scenario

Floats = NDArray[np.float64]

OVER_BOUND_PCT: Final = 3.0
SAVING_PCT: Final = 95.0
MISSED_SHARE: Final = 1e-3
MISSED_PCT: Final = 2.0
MINUTE_S: Final = 60.0
DAY_S: Final = 86_400.0
STEPS_MIN: Final = (1, 3, 5)
"""Parts of a quarter of an hour in which everybody has settled."""
_MORE_THAN_ANY_PEAK: Final = 1e4
STEP_S: Final = 60.0
"""So often a window is looked at, unless said otherwise."""


@dataclass(frozen=True, eq=False)
class Peaks:
    """The highest mean power of a window in each of M months [kW]."""

    billed_kw: Floats
    bound_kw: Floats
    """(M,) of the course with the least sum."""
    undelivered_share: float
    """Part of the energy for which the bound's course found no place; nothing where the run respected every limit."""

    @property
    def over_bound_pct(self) -> float:
        """By how much the sum of the billed peaks is above the bound's."""
        return 100.0 * (float(self.billed_kw.sum() / self.bound_kw.sum()) - 1.0)

    def saving_pct(self, uncontrolled: Peaks) -> float | None:
        """The part of the achievable saving that was reached; None where there is none to reach.

        Args:
            uncontrolled: of the run in which every car charges as fast as it can.
        """
        achievable_kw = float((uncontrolled.billed_kw - self.bound_kw).sum())
        if achievable_kw <= 1e-6:
            return None
        return 100.0 * float((uncontrolled.billed_kw - self.billed_kw).sum()) / achievable_kw


def peaks_of(results: Results) -> Peaks:
    """The peaks of a run beside those of perfect information for the same energy to each car.

    Raises:
        BoundError: the solver gave up.
    """
    scenario, series = results.scenario, results.series
    power_w = series.power_w.sum(axis=1, dtype=np.float64)
    building_w = series.building_a.sum(axis=1, dtype=np.float64) * scenario.site.nominal_voltage_v
    length_s = np.full(power_w.shape, series.step_s)
    billed_w = peaks(scenario, series.time_s, length_s, power_w + building_w)
    given = [session for session in results.sessions if session.delivered_wh > 0.0]
    same = replace(
        scenario,
        visits=tuple(session.visit for session in given),
        price=PriceCurve(np.zeros(1), np.zeros(1)),
        demand=replace(scenario.demand or DemandCharge(1.0), per_kw=1.0),
        judging=Judging(unmet_per_kwh=_MORE_THAN_ANY_PEAK),
    )
    programme, other_w = programme_of(same)
    # Batteries come as empty as they came, and take less as they fill, however far that was.
    programme = replace(programme, need_wh=np.array([session.delivered_wh for session in given], dtype=np.float64))
    course = cheapest(programme, same, other_w)
    drawn_w = course.current_a * programme.w_per_a[programme.visit]
    slot_w = np.bincount(programme.slot, drawn_w, programme.begins_s.size) + other_w
    got_wh = float(course.current_a @ programme.wh_per_a)
    wanted_wh = float(programme.need_wh.sum())
    window, begins_s = windows(same, programme.begins_s)
    bound_w = np.zeros(billed_w.size)
    np.maximum.at(bound_w, months(same, begins_s), means(window, programme.length_s, slot_w))
    undelivered = 1.0 - got_wh / wanted_wh if wanted_wh > 0.0 else 0.0
    return Peaks(billed_w / 1000.0, bound_w / 1000.0, undelivered)


@dataclass(frozen=True, slots=True)
class Misses:
    """How often and by how much windows ended above the target that was set for them."""

    targeted: int
    """Windows that had a target."""
    missed: int
    worst_pct: float
    """The largest excess over a target; 0 where none was missed."""

    @property
    def kept(self) -> bool:
        """Whether at most one in a thousand was missed, and none by more than 2 %."""
        return self.missed <= MISSED_SHARE * self.targeted and self.worst_pct <= MISSED_PCT


def misses_of(target_kw: Floats, mean_kw: Floats) -> Misses:
    """Compare windows (W,) with their targets.

    Args:
        target_kw: (W,) NaN where a window had none.
        mean_kw: (W,) what each ended at.
    """
    targeted = target_kw > 0.0  # False for NaN
    excess = mean_kw[targeted] / target_kw[targeted] - 1.0
    above = excess > 1e-6
    return Misses(int(targeted.sum()), int(above.sum()), 100.0 * max(0.0, float(excess.max(initial=0.0))))


@dataclass(frozen=True, slots=True)
class Kept:
    """What came of one building's weeks."""

    name: str
    days: int
    """So many were run: fewer than asked for where no more were measured."""
    peaks: Peaks
    saving_pct: float | None
    misses: Misses
    alone: Misses
    """Of those windows in which the building alone drew more than the target; ``misses`` is of the others."""
    unmet_pct: float
    """Energy that drivers lacked, as a share of what they needed [%]."""


def kept(load: BuildingLoad, seed: int, weeks: int, step_s: float = STEP_S) -> Kept:
    """What comes of so many weeks of a building, with the cars of a seed."""
    return judged(case(load, seed, weeks, step_s=step_s))


def judged(unplanned: Scenario) -> Kept:
    """Run a scenario with peak shaving and without control, and measure both."""
    scenario = replace(unplanned, plan=Planning())
    ours = run(scenario)
    peaks = peaks_of(ours)
    needed_wh = sum(session.visit.energy_wh for session in ours.sessions)
    got_wh = sum(min(session.delivered_wh, session.visit.energy_wh) for session in ours.sessions)
    told_kw, mean_kw, building_kw = _windows_kw(ours)
    alone = building_kw > told_kw  # False for NaN
    return Kept(
        scenario.name,
        round(scenario.duration_s / DAY_S),
        peaks,
        peaks.saving_pct(peaks_of(run(scenario, "uncontrolled"))),
        misses_of(np.where(alone, np.nan, told_kw), mean_kw),
        misses_of(np.where(alone, told_kw, np.nan), mean_kw),
        100.0 * (1.0 - got_wh / needed_wh),
    )


def _windows_kw(results: Results) -> tuple[Floats, Floats, Floats]:
    """(W,) the target of each window, NaN where it had none; what it ended at; and what the building drew in it."""
    scenario, windows = results.scenario, results.windows
    begins_s = np.array([one.window.begins_at.timestamp() for one in windows]) - scenario.start_s
    row = np.rint(begins_s / scenario.record_s).astype(np.int64)
    told_w = np.array([np.nan if one.target_w is None else one.target_w for one in windows])
    mean_w = np.array([one.window.mean_w for one in windows])
    building_w = scenario.site.nominal_voltage_v * results.series.building_a[row].sum(axis=1, dtype=np.float64)
    return told_w / 1000.0, mean_w / 1000.0, building_w / 1000.0


def table_of(found: Sequence[Kept]) -> Table:
    """The figures for people."""
    view = Table(
        "building",
        "days",
        "peaks [kW]",
        "of the bound [kW]",
        "over it",
        "of the saving",
        "missed",
        "by",
        "alone",
        "not given",
    )
    view.title = (
        f"Promised: at most {OVER_BOUND_PCT:g} % over, {SAVING_PCT:g} % saved, 1 in 1000 missed by {MISSED_PCT:g} %"
    )
    for one in found:
        view.add_row(
            one.name,
            str(one.days),
            " ".join(f"{kw:.1f}" for kw in one.peaks.billed_kw),
            " ".join(f"{kw:.1f}" for kw in one.peaks.bound_kw),
            f"{one.peaks.over_bound_pct:.1f} %",
            "" if one.saving_pct is None else f"{one.saving_pct:.1f} %",
            f"{one.misses.missed} of {one.misses.targeted}",
            f"{one.misses.worst_pct:.1f} %",
            str(one.alone.missed),
            f"{one.unmet_pct:.2f} %",
        )
    return view


app = typer.Typer(add_completion=False)


@app.command()
def main(
    folder: Annotated[Path | None, typer.Argument(metavar="[FOLDER]", help="Of measured loads, see the guide.")] = None,
    weeks: Annotated[int, typer.Option(metavar="N", min=1, help="How many weeks of each.")] = 9,
    seed: Annotated[int, typer.Option(metavar="SEED", min=1, help="Of the cars, and of the made building.")] = 1,
    only: Annotated[str, typer.Option(metavar="TEXT", help="Only buildings with this in their names.")] = "",
    step_min: Annotated[
        int, typer.Option("--step", metavar="MINUTES", help="How long a step is: 1, 3 or 5; longer ones are faster.")
    ] = round(STEP_S / MINUTE_S),
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Hold the peaks of 20 points beside measured buildings, or a made one, and compare with the best possible."""
    loads = [load for load in (shared(folder) if folder else [made(seed, weeks + 1)]) if only in load.name]
    if step_min not in STEPS_MIN:
        raise typer.BadParameter(f"expected one of {STEPS_MIN}, got {step_min}", param_hint="--step")
    found = [kept(load, seed, weeks, MINUTE_S * step_min) for load in loads]
    if not as_json:
        Console().print(table_of(found))
        return
    figures = {
        one.name: {
            "days": one.days,
            "billed_kw": one.peaks.billed_kw.round(2).tolist(),
            "bound_kw": one.peaks.bound_kw.round(2).tolist(),
            "over_bound_pct": round(one.peaks.over_bound_pct, 2),
            "saving_pct": None if one.saving_pct is None else round(one.saving_pct, 2),
            "targeted": one.misses.targeted,
            "missed": one.misses.missed,
            "worst_miss_pct": round(one.misses.worst_pct, 2),
            "missed_by_the_building_alone": one.alone.missed,
            "unmet_pct": round(one.unmet_pct, 3),
        }
        for one in found
    }
    typer.echo(json.dumps(figures, indent=2))


if __name__ == "__main__":
    app()
