"""``python -m simulations.quality.forecast``: how good the forecast of a building's load is, beside two simple ones.

The forecast walks through the load once, and learns as it goes: what it says of a quarter-hour stands before it comes.
Only the second half is judged.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from controller.peakshave.load_forecast import LoadForecast
from simulations.quality.loads import DAY, QUARTER_S, WEEK, BuildingLoad, made, measured

Floats = NDArray[np.float64]

COMING: Final = np.arange(1, 9)
"""Leads [quarter-hours] that are meant by the coming quarter-hours: two hours."""
LEADS: Final = np.append(COMING, DAY)
QUANTILE: Final = 0.9
BETTER_PCT: Final = 15.0
COVERED_PCT: Final = (88.0, 92.0)
_A_PER_KW: Final = 1000.0 / 230.0 / 3.0


@dataclass(frozen=True, eq=False)
class Grades:
    """What is said of each lead in ``LEADS`` (L,)."""

    name: str
    error_kw: Floats
    """Mean absolute errors."""
    persistence_kw: Floats
    """Of the forecast that everything stays as it is."""
    last_week_kw: Floats
    """Of the forecast that everything is as a week before."""
    covered_pct: Floats
    """Part of the loads that were not above the quantile."""
    judged: int
    """Forecasts for the next quarter-hour."""

    def better_pct(self, than_kw: Floats) -> float:
        """By how much the mean error over the coming quarter-hours is smaller than another's."""
        coming = slice(0, len(COMING))
        return 100.0 * (1.0 - float(self.error_kw[coming].mean() / than_kw[coming].mean()))

    @property
    def coming_covered_pct(self) -> float:
        """What the quantile covers of the coming quarter-hours, all leads together."""
        return float(self.covered_pct[: len(COMING)].mean())


def graded(load: BuildingLoad) -> Grades:
    """Walk through a load and judge its second half."""
    count = len(load.load_kw)
    expected, upper = _told(load)
    rows = []
    for column, lead in enumerate(LEADS.tolist()):
        origin = np.arange(max(count // 2, WEEK), count - lead)
        came, now, before = load.load_kw[origin + lead], load.load_kw[origin], load.load_kw[origin + lead - WEEK]
        known = np.isfinite(came + now + before)
        ours, above = expected[origin, column], came > upper[origin, column]
        errors = (np.abs(came - other)[known].mean() for other in (ours, now, before))
        rows.append([*errors, 100.0 * (1.0 - above[known].mean()), np.count_nonzero(known)])
    error_kw, persistence_kw, last_week_kw, covered_pct, judged = np.array(rows).T
    return Grades(load.name, error_kw, persistence_kw, last_week_kw, covered_pct, int(judged[0]))


def _told(load: BuildingLoad) -> tuple[Floats, Floats]:
    """(N, L) what was expected of each lead at the end of each quarter, and its quantile [kW]; NaN before the first."""
    forecast = LoadForecast(1, QUARTER_S, load.holidays)
    expected = np.full((len(load.load_kw), len(LEADS)), np.nan)
    upper = expected.copy()
    for number, load_kw in enumerate(load.load_kw.tolist()):
        forecast.see(load.local(number + 0.5), np.full((1, 3), load_kw * _A_PER_KW))
        now = load.local(number + 1)
        middles = [load.local(number + lead + 0.5) for lead in LEADS.tolist()]
        for told, quantile in ((expected, None), (upper, QUANTILE)):
            found_a = forecast.ahead(now, middles, quantile)
            if found_a is not None:
                told[number] = found_a[:, 0, 0] / _A_PER_KW
    return expected, upper


def shared(folder: Path) -> Sequence[BuildingLoad]:
    """The real buildings of a folder: one by real quarter-hours, three by hours; none where they are not."""
    hourly = sorted((folder / "building_load_cambridge").glob("*_electricity_2019.csv.gz"))
    quarterly = sorted((folder / "building_load_lbnl59_15min").glob("*.csv.gz"))
    berkeley, cambridge = ZoneInfo("America/Los_Angeles"), ZoneInfo("Europe/London")
    return [
        *(measured(path, berkeley, times_in_utc=False) for path in quarterly),
        *(measured(path, cambridge, times_in_utc=True) for path in hourly),
    ]


def table_of(grades: Sequence[Grades]) -> Table:
    """The grades for people."""
    shown = {"15 min": 0, "1 h": 3, "2 h": 7, "a day": len(COMING)}
    view = Table("load", "ahead", "mean error [kW]", "of no change", "of last week", "below [%]")
    view.title = "Second halves; what lies below the 90 % quantile"
    for one in grades:
        for ahead, lead in shown.items():
            errors = (one.error_kw[lead], one.persistence_kw[lead], one.last_week_kw[lead])
            view.add_row(
                one.name if lead == 0 else "",
                ahead,
                *(f"{error:.2f}" for error in errors),
                f"{one.covered_pct[lead]:.1f}",
            )
        better = (one.better_pct(one.persistence_kw), one.better_pct(one.last_week_kw))
        smaller = (f"{pct:.1f} % less" for pct in better)
        view.add_row("", "15 min to 2 h", "", *smaller, f"{one.coming_covered_pct:.1f}")
        view.add_section()
    return view


app = typer.Typer(add_completion=False)


@app.command()
def main(
    folder: Annotated[Path | None, typer.Argument(metavar="[FOLDER]", help="Of measured loads, see the guide.")] = None,
    seeds: Annotated[int, typer.Option(metavar="N", min=0, help="How many made buildings.")] = 2,
    weeks: Annotated[int, typer.Option(metavar="N", min=4, help="How long they are.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Grade the forecast of the building's load on made buildings, and on measured ones."""
    loads = [*(shared(folder) if folder else ()), *(made(seed, weeks) for seed in range(1, seeds + 1))]
    grades = [graded(load) for load in loads]
    if not as_json:
        Console().print(table_of(grades))
        return
    figures = {
        one.name: {
            "better_than_persistence_pct": round(one.better_pct(one.persistence_kw), 2),
            "better_than_last_week_pct": round(one.better_pct(one.last_week_kw), 2),
            "covered_pct": round(one.coming_covered_pct, 2),
            "error_kw": dict(zip(LEADS.tolist(), one.error_kw.round(3).tolist(), strict=True)),
            "covered_by_lead_pct": dict(zip(LEADS.tolist(), one.covered_pct.round(1).tolist(), strict=True)),
        }
        for one in grades
    }
    typer.echo(json.dumps(figures, indent=2))


if __name__ == "__main__":
    app()
