"""The report of a run: what stands in it, that it is true, and that nothing breaks it."""

import doctest
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from controller.loadbalance.facts import STATES
from controller.peakshave.peak_facts import ClosedWindow
from controller.peakshave.windows import Window
from controller.plan import Event
from simulations.judging.metrics import metrics_of
from simulations.judging.model import Judgement
from simulations.judging.policy import UNSHAVED
from simulations.report import timeline, words, write_report
from simulations.report.summary import sentence
from simulations.report.view import case_of
from simulations.results import Results
from simulations.scenario.model import DataNote
from tests.simulations.report.made import MONDAY, divide, judged, office, week
from tests.simulations.report.reading import Read

COMMAND = "loadstar simulate office.toml --out results --seed 1"
HOSTILE = '</script><script>alert("x")</script><b>&'
ROWS = (
    "limit_a",
    "current_a",
    "power_w",
    "because",
    "state",
    "circuit_a",
    "circuit_peak_a",
    "building_a",
    "price",
    "thermal",
)
FIGURES = {
    "site-power",
    "worst-day",
    "load-duration",
    "fullness",
    "unbalance",
    "fuse-heat",
    "points",
    "delivered",
    "shortfall",
    "satisfaction",
    "fairness",
    "demand",
    "cost",
    "price-day",
    "price-paid",
    "policy-costs",
}


@pytest.fixture(scope="module")
def a_week() -> tuple[Results, Judgement]:
    return judged(week())


@pytest.fixture(scope="module")
def report(a_week: tuple[Results, Judgement], tmp_path_factory: pytest.TempPathFactory) -> Read:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(*a_week, path, command=COMMAND)
    return Read(path)


def written(results: Results, judgement: Judgement, tmp_path: Path) -> Read:
    write_report(results, judgement, tmp_path / "report.html", command=COMMAND)
    return Read(tmp_path / "report.html")


def alone(results: Results) -> Judgement:
    """Without bound and rivals."""
    return Judgement(metrics_of(results), None)


def test_a_report_shows_every_figure_that_a_run_has_data_for(report: Read) -> None:
    assert set(report.figures) == FIGURES
    plots = [attributes["id"] for tag, attributes in report.tags if attributes.get("class") == "plot"]
    assert set(plots) == {f"plot-{name}" for name in FIGURES}
    for section in ("run", "power", "cars", "cost", "policies", "events", "left-out"):
        assert ("section", section) in [(tag, attributes.get("id")) for tag, attributes in report.tags]
    for missing in ("forecasts", "sensitivities", "solver"):
        assert missing in report.words.partition("What is not in this report")[2]


def test_the_first_page_says_what_came_of_it_and_how_to_get_it_again(
    report: Read, a_week: tuple[Results, Judgement]
) -> None:
    metrics = a_week[1].metrics
    share = 100 * metrics.delivered_kwh / metrics.requested_kwh
    assert f"No fuse was overloaded; {share:.1f} % of the requested energy was delivered, " in report.words
    assert f"{metrics.regret_pct:.1f} % above the cheapest possible cost." in report.words
    assert f"{metrics.sessions_met} of {metrics.sessions}" in report.words
    for input_ in (COMMAND, "Seed 1", "Commit", "Europe/Amsterdam", "3 that found no free point", "€4.50 per kW"):
        assert input_ in report.words
    assert "sessions.csv departure before arrival 2 left out" in report.words


def test_a_report_needs_nothing_but_itself(report: Read) -> None:
    for tag, attributes in report.tags:
        assert tag not in {"iframe", "object", "embed", "img", "base"}
        for name in ("src", "href", "srcset", "poster", "action", "data"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,")), (tag, attributes)
    assert not re.search(r"url\(|@import", "".join(report.styles))
    policy = next(a["content"] for tag, a in report.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    own_script = report.scripts[-1]
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|import\(", own_script)


def test_the_same_run_gives_the_same_bytes(a_week: tuple[Results, Judgement], tmp_path: Path) -> None:
    write_report(*a_week, tmp_path / "one.html", command=COMMAND)
    write_report(*judged(week()), tmp_path / "other.html", command=COMMAND)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "other.html").read_bytes()


def test_a_week_stays_small(report: Read) -> None:
    whole = sum(map(len, report.scripts)) + len(report.words)
    assert whole - len(report.scripts[1]) < 700_000, "without plotly.js"
    assert whole < 8_000_000


@pytest.mark.parametrize("figure", sorted(FIGURES))
def test_every_figure_is_one_that_plotly_knows(report: Read, figure: str) -> None:
    traces, layout = report.resolved(figure)
    go.Figure(data=traces, layout=layout)  # refuses whatever it does not know
    assert traces
    assert all(layout["xaxis"].get("type") in {"date", "category"} or "title" in layout["xaxis"] for _ in traces)


@pytest.mark.parametrize("figure", sorted(FIGURES))
def test_every_figure_is_explained_and_can_be_downloaded(report: Read, figure: str) -> None:
    (plot,) = [a for _, a in report.tags if a.get("id") == f"plot-{figure}"]
    assert plot["role"] == "img"
    assert len(plot["aria-label"] or "") > 60
    (button,) = [a for tag, a in report.tags if tag == "button" and a.get("data-download") == figure]
    assert (button["aria-label"] or "").startswith("Download data: ")


def test_the_embedded_data_are_the_run(report: Read, a_week: tuple[Results, Judgement]) -> None:
    results, judgement = a_week
    series = results.series
    charging_kw = series.power_w.sum(axis=1) / 1000
    site_kw = charging_kw + series.building_a.sum(axis=1) * 0.230
    assert report.column("site-power", "charging_kw") == pytest.approx(charging_kw, abs=6e-4)
    assert report.column("site-power", "site_kw") == pytest.approx(site_kw, abs=6e-4)
    assert report.column("site-power", "time") == pytest.approx(results.scenario.start_s + series.time_s)
    assert max(report.column("load-duration", "site_kw")) == pytest.approx(site_kw.max(), abs=6e-4)
    assert report.column("fuse-heat", "garage_state") == pytest.approx(series.thermal[:, 1], abs=6e-5)
    delivered = dict(
        zip(report.column("delivered", "session"), report.column("delivered", "delivered_kwh"), strict=True)
    )
    assert delivered == {s.visit.id: pytest.approx(s.delivered_wh / 1000, abs=6e-4) for s in results.sessions}
    assert max(report.column("demand", "loadstar_day_peak_kw")) == pytest.approx(judgement.metrics.peak_kw, abs=6e-4)
    amounts = dict(zip(report.column("cost", "step"), report.column("cost", "amount_eur"), strict=True))
    assert amounts["Loadstar"] == pytest.approx(judgement.metrics.cost, abs=1e-3)
    assert sum(amounts[step] for step in ("Energy", "Demand charge", "Unmet energy")) == pytest.approx(
        amounts["Loadstar"] - amounts["Uncontrolled"], abs=1e-3
    )


def test_the_worst_day_is_the_one_with_the_fullest_fuse(report: Read, a_week: tuple[Results, Judgement]) -> None:
    results, _ = a_week
    use = results.series.circuit_peak_a / np.array([c.fuse_a for c in results.scenario.site.circuits])
    row = np.unravel_index(use.argmax(), use.shape)[0]
    shown_s = report.column("worst-day", "time")
    assert shown_s.size == 288
    assert shown_s[0] <= results.scenario.start_s + results.series.time_s[row] <= shown_s[-1]
    assert max(report.column("worst-day", "main_l1_a")) <= 63


def test_points_are_coloured_by_reasons_in_words(report: Read, a_week: tuple[Results, Judgement]) -> None:
    results, _ = a_week
    told = report.column("points", "point_P01")
    for row in range(0, len(told), 7):
        state = STATES[results.series.state[row, 0]]
        if state == "available":
            assert told[row] == ""
        elif state == "charging":
            because = results.series.reasons[results.series.because[row, 0]]
            assert told[row] == because.replace("point:max", "as fast as point and car can").replace(
                "circuit:garage:", "garage, phase "
            ).replace("circuit:main:", "main, phase ") + (" is full" if because != "point:max" else "")
    legend = report.words.partition("Cars waited")[2]
    assert "garage is full" in legend
    assert "waits for its turn" in legend
    everything = "".join(report.scripts[:1])
    assert "circuit:garage" not in everything


def test_rivals_stand_beside_the_run_with_intervals_over_seeds(report: Read) -> None:
    table = report.words.partition("Every policy met the same cars")[2]
    assert re.search(r"Loadstar \d+\.\d ± \d", table)
    assert "Best possible" in table
    assert "opens" in table, "uncontrolled, a fuse opens"
    assert report.column("policies", "policy").count("loadstar") == 3
    assert "3 seeds" in table


def test_with_and_without_peak_shaving_windows_peaks_and_money_stand_side_by_side(tmp_path: Path) -> None:
    made = week(days=2)
    results = divide(made)
    begins_at = MONDAY + timedelta(hours=9)
    known = ClosedWindow(Window(begins_at, 900, 5_000.0, 900.0), 25_000.0, 5_000.0)
    results = replace(results, windows=(known,))
    free = replace(divide(made, "uncontrolled"), policy=UNSHAVED)
    ours, theirs = metrics_of(results), metrics_of(free)
    outcomes = {"loadstar": (ours,), UNSHAVED: (theirs,)}
    read = written(results, Judgement(ours, None, {UNSHAVED: free}, outcomes), tmp_path)
    held_kw, free_kw = (read.column("demand-windows", name) for name in ("held_kw", "without_shaving_kw"))
    assert max(held_kw) == pytest.approx(ours.peak_kw, abs=0.01)
    assert max(free_kw) == pytest.approx(theirs.peak_kw, abs=0.01)
    target_kw = np.array(read.column("demand-windows", "target_kw"))
    assert np.flatnonzero(np.isfinite(target_kw)).tolist() == [36]
    assert read.column("shaving", "what")[:2] == ["March 2026", "Demand charge"]
    saved = read.column("shaving", "saved")
    assert saved[-1] == pytest.approx(theirs.cost - ours.cost, abs=0.01)
    assert "Peak shaving saved" in read.words or "Peak shaving cost" in read.words


def test_names_cannot_break_out_of_the_page(tmp_path: Path) -> None:
    site = office(name=HOSTILE, points=4)
    circuits = (replace(site.circuits[0], id=f"main{HOSTILE}"), *site.circuits[1:])
    circuits = (circuits[0], *(replace(c, parent=circuits[0].id) for c in circuits[1:]))
    site = replace(site, circuits=circuits, points=tuple(replace(p, id=f"{p.id}{HOSTILE}") for p in site.points))
    made = week(days=1, site=site)
    scenario = replace(
        made.scenario,
        name=HOSTILE,
        description=HOSTILE,
        notes=(DataNote(HOSTILE, HOSTILE, 1, HOSTILE),),
        visits=tuple(replace(v, id=f"{v.id}{HOSTILE}", token=HOSTILE) for v in made.scenario.visits),
    )
    results, judgement = judged(replace(made, scenario=scenario))
    results = replace(results, events=(Event(HOSTILE, HOSTILE, HOSTILE, at=MONDAY),))
    read = written(results, judgement, tmp_path)
    assert [tag for tag, _ in read.tags].count("script") == 3
    assert HOSTILE in read.words
    assert read.column("events", "message") == [HOSTILE]
    labels = re.findall(r'"(?:name|text)":"([^"]*)"', read.scripts[0])
    assert not [label for label in labels if "<" in label.replace("\\u003cbr>", "") or "\\u003cscript" in label]


def test_nobody_comes(tmp_path: Path) -> None:
    made = week(days=2)
    results = divide(replace(made, scenario=replace(made.scenario, visits=(), turned_away=0)))
    read = written(results, alone(results), tmp_path)
    assert "No fuse was overloaded; no car asked for energy." in read.words
    assert {"site-power", "worst-day", "points", "demand"} <= set(read.figures)
    assert "delivered" not in read.figures
    assert "Requested against delivered energy needs sessions" in read.words.partition("What is not in this report")[2]
    assert "No car was connected" in read.words


def test_cars_come_and_get_nothing(tmp_path: Path) -> None:
    results = divide(week(days=1))
    starved = replace(
        results,
        series=replace(results.series, power_w=0 * results.series.power_w, current_a=0 * results.series.current_a),
        sessions=tuple(replace(s, delivered_wh=0.0, first_charge_s=None) for s in results.sessions),
    )
    read = written(starved, alone(starved), tmp_path)
    assert "0 % of the requested energy was delivered" in read.words
    assert max(read.column("delivered", "delivered_kwh")) == pytest.approx(0)
    assert "price-paid" not in read.figures


def test_a_run_without_rows_still_gives_a_page(tmp_path: Path) -> None:
    results = divide(week(days=1))
    nothing = {name: getattr(results.series, name)[:0] for name in ("time_s", *ROWS)}
    empty = replace(results, series=replace(results.series, **nothing), sessions=())
    read = written(empty, Judgement(replace(metrics_of(results), requested_kwh=0.0), None), tmp_path)
    assert read.figures == {}
    assert COMMAND in read.words


def test_a_solar_roof_turns_the_power_around(tmp_path: Path) -> None:
    made = week(days=2)
    results = divide(replace(made, building_a=made.building_a - 30.0))
    read = written(results, alone(results), tmp_path)
    assert min(read.column("site-power", "building_kw")) < -5
    assert min(read.column("worst-day", "main_l1_a")) < 0
    low, _ = read.figures["worst-day"]["layout"]["yaxis"]["range"]
    assert low < 0


def test_a_long_run_is_thinned_without_losing_its_extremes(tmp_path: Path) -> None:
    made = week(days=90, step_s=3600.0, site=office(points=3))
    results = divide(made)
    peak = int(np.argmax(results.series.power_w.sum(axis=1)))
    results.series.power_w[peak, 0] += 5_000.0
    site_kw = results.series.power_w.sum(axis=1) / 1000 + results.series.building_a.sum(axis=1) * 0.230
    long = replace(results, scenario=replace(results.scenario, duration_s=90 * 86_400.0))
    finer = {name: np.repeat(getattr(long.series, name), 12, axis=0) for name in ROWS}
    series = replace(long.series, time_s=np.arange(90 * 288) * 300.0, step_s=300.0, **finer)
    long = replace(long, series=series)
    read = written(long, alone(long), tmp_path)
    assert len(read.column("site-power", "time")) == 90
    assert max(read.column("site-power", "site_highest_kw")) == pytest.approx(site_kw.max(), abs=6e-4)
    assert min(read.column("site-power", "site_lowest_kw")) == pytest.approx(site_kw.min(), abs=6e-4)
    assert "Drawn as means of 24 h, with the highest and lowest of the 5 min stretches within" in read.words
    assert len(read.column("points", "time")) == 7 * 288
    assert "the 7 days in which most was held back" in read.words
    assert read.column("demand", "date") == ["2026-03", "2026-04", "2026-05"]


def test_times_are_local_over_a_change_of_the_clock(tmp_path: Path) -> None:
    made = week(days=2)
    spring = made.scenario.start_s + 27 * 86_400.0  # Sunday 29 March 2026, when 02:00 becomes 03:00
    results = divide(replace(made, scenario=replace(made.scenario, start_s=spring)))
    read = written(results, alone(results), tmp_path)
    assert [offset for _, offset in read.data["zone"]] == [3600.0, 7200.0]
    assert read.data["zone"][1][0] == spring + 2 * 3600.0
    assert read.column("fullness", "date") == ["2026-03-29", "2026-03-30", "2026-03-31"]
    assert np.isnan(read.column("fullness", "hour_02_pct")[0])


def verdict_on(**changes: Any) -> str:
    results = divide(week(days=1, site=office(points=2)))
    metrics = replace(metrics_of(results), **changes)
    return sentence(case_of(results, Judgement(metrics, None))).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "No fuse was overloaded; "),
        ({"overload_as": 50.0, "longest_overload_s": 6.0}, "Every overload was relieved within 6 s; "),
        (
            {"overload_as": 5e3, "fuse_violation_as": 4e3, "longest_overload_s": 300.0},
            "A fuse was overloaded for 5 min; ",
        ),
        ({"overload_as": 5e3, "fuse_violation_as": 4e3, "thermal_peak": 1.2}, "A fuse would have opened; "),
        ({"regret_pct": 3.14}, ", 3.1 % above the cheapest possible cost."),
        ({"regret_pct": 0.0}, ", at the cheapest possible cost."),
    ],
)
def test_the_verdict_names_the_worst_first(changes: dict[str, float], verdict: str) -> None:
    assert verdict in verdict_on(**changes)


def test_a_site_that_keeps_its_phases_even_needs_no_figure_for_it(tmp_path: Path) -> None:
    site = office(points=2)
    results = divide(week(days=1, site=replace(site, points=site.points[:1])))
    even = np.repeat(results.series.circuit_a.mean(axis=2, keepdims=True), 3, axis=2)
    results = replace(results, series=replace(results.series, circuit_a=even))
    read = written(results, alone(results), tmp_path)
    assert "unbalance" not in read.figures
    assert "they carried the same current at all times" in read.words


@pytest.mark.parametrize("module", [timeline, words])
def test_examples_in_the_docstrings_hold(module: ModuleType) -> None:
    done = doctest.testmod(module)
    assert done.attempted > 0
    assert done.failed == 0
