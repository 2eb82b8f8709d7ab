"""Who comes, what the building draws and what a kWh costs: the dice of a scenario, and real data in their place."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simulations.data.fitting import fit
from simulations.data.people import write_people
from simulations.data.recorded import RecordedSession
from simulations.scenario.loads import SampledBuilding, sampled_a
from simulations.scenario.model import Scenario
from simulations.scenario.reading import load_scenario

OFFICE = """
[scenario]
name = "Office"
start = 2026-03-23
days = 14
[site]
id = "office"
time_zone = "Europe/Amsterdam"
[[circuits]]
id = "main"
fuse_a = 100
[[groups]]
id = "P"
count = 30
circuit = "main"
"""

STAFF = """
[[people]]
name = "staff"
cars_per_day = 20
days = "workdays"
arrives = 08:30:00
arrives_spread_h = 0.5
stays_h = 8
stays_spread_h = 1
energy_kwh = 14
energy_spread_kwh = 5
"""


def scenario(folder: Path, more: str = STAFF, **options: object) -> Scenario:
    path = folder / "scenario.toml"
    path.write_text(OFFICE + more)
    return load_scenario(path, **options)  # type: ignore[arg-type]


def test_people_come_as_they_were_described(tmp_path: Path):
    visits = [visit for seed in range(12) for visit in scenario(tmp_path, seed=seed).visits]
    assert len(visits) / (12 * 10) == pytest.approx(20, abs=1.5), "ten workdays in two weeks"
    begins_s, zone = scenario(tmp_path).start_s, ZoneInfo("Europe/Amsterdam")
    local = [datetime.fromtimestamp(begins_s + v.arrives_s, zone) for v in visits]
    assert all(moment.weekday() < 5 for moment in local)
    hours = [moment.hour + moment.minute / 60 for moment in local]
    assert np.mean(hours) == pytest.approx(8.5, abs=0.05), (
        "on the wall clock, also after it was put forward on 29 March"
    )
    assert np.std(hours) == pytest.approx(0.5, abs=0.05)
    assert np.mean([v.leaves_s - v.arrives_s for v in visits]) / 3600 == pytest.approx(8, abs=0.1)
    assert np.mean([v.energy_wh for v in visits]) == pytest.approx(14_000, rel=0.06)


def test_no_two_cars_stand_at_one_point_and_who_finds_none_turns_away(tmp_path: Path):
    crowded = scenario(tmp_path, settings={"groups.P.count": "8"})
    assert crowded.turned_away > 0
    for point in crowded.site.points:
        stays = [(v.arrives_s, v.leaves_s) for v in crowded.visits if v.point == point.id]
        assert all(first[1] <= second[0] for first, second in pairwise(stays))


def test_drawn_needs_fit_their_stays(tmp_path: Path):
    for visit in scenario(tmp_path, settings={"people.staff.stays_h": "1.2", "people.staff.energy_kwh": "40"}).visits:
        power_w = min(visit.car.max_a, 16) * visit.car.phases * 230
        assert visit.energy_wh <= power_w * (visit.leaves_s - visit.arrives_s) / 3600
        assert 0.0 <= visit.arrival_soc < 1.0


def test_people_keep_to_the_points_that_are_theirs(tmp_path: Path):
    visits = scenario(tmp_path, STAFF + 'points = ["P0*"]\n').visits
    assert {visit.point for visit in visits} <= {f"P0{n}" for n in range(10)}


def test_a_file_of_sessions_takes_the_place_of_the_dice(tmp_path: Path):
    (tmp_path / "sessions.csv").write_text(
        "id,arrives,leaves,energy_kwh,point,token\n"
        "1,2026-03-23T08:00:00,2026-03-23T16:00:00,12.5,P07,ann\n"
        "2,2026-03-23T09:00:00,2026-03-23T08:00:00,3,P08,bob\n"
        "3,2026-03-24T22:00:00,2026-03-25T06:00:00,20,somewhere,cem\n"
    )
    found = scenario(tmp_path, '[[people]]\nname = "real"\nfile = "sessions.csv"\n', settings={"scenario.days": "2"})
    ann, cem = found.visits
    assert (ann.point, ann.energy_wh, ann.token) == ("P07", 12_500.0, "ann")
    assert cem.point in found.site.point, "a point that the site does not have becomes any free one"
    assert [note.count for note in found.notes] == [1], "who left before he came is counted"


def test_recorded_days_stand_in_for_days_of_another_year(tmp_path: Path):
    days = [f"2019-05-{6 + n:02d}" for n in range(14)]  # from a Monday
    rows = [f"{n},{day}T09:{n:02d}:00,{day}T17:00:00,{n + 1}\n" for n, day in enumerate(days)]
    (tmp_path / "sessions.csv").write_text("id,arrives,leaves,energy_kwh\n" + "".join(rows))
    table = '[[people]]\nname = "real"\nfile = "sessions.csv"\n'
    replayed = scenario(tmp_path, table)
    mondays = [v for v in replayed.visits if v.arrives_s % (7 * 86_400) < 86_400]
    assert {round(v.energy_wh / 1000) for v in mondays} == {1, 8}, "the same days of the week"
    assert len(replayed.visits) == 14
    assert replayed.visits[0].leaves_s == 17 * 3600, "at the same time of day"
    drawn = [[v.energy_wh for v in scenario(tmp_path, table + 'mode = "resample"\n', seed=n).visits] for n in (1, 2)]
    assert drawn[0] != drawn[1]
    assert len(drawn[0]) == 14


def test_a_fitted_model_takes_the_place_of_the_dice(tmp_path: Path):
    days = [datetime(2019, 5, 6, 7, tzinfo=UTC) + timedelta(days=n) for n in range(28)]
    sessions = [
        RecordedSession(f"{n}-{k}", day + timedelta(minutes=9 * k), day + timedelta(hours=8), 9000.0 + 700 * k)
        for n, day in enumerate(days)
        for k in range(6)
    ]
    write_people(tmp_path / "model.json", fit(sessions, ZoneInfo("Europe/Amsterdam")))
    found = scenario(tmp_path, '[[people]]\nname = "modelled"\nmodel = "model.json"\n')
    assert 60 < len(found.visits) < 110
    assert {7 < (v.arrives_s % 86_400) / 3600 < 11 for v in found.visits} == {True}


@pytest.mark.parametrize("kind", ["office", "homes", "shop", "hotel", "depot", "constant", "lively"])
def test_a_building_stays_between_its_base_and_its_peak(tmp_path: Path, kind: str):
    table = f'[building]\nkind = "{kind}"\nbase_kw = 5\npeak_kw = 30\nnoise = 0\nphase_share = [0.5, 0.3, 0.2]\n'
    found = scenario(tmp_path, table)
    load_kw = sampled_a(found.building, found.start_s + np.arange(0, 7 * 86_400, 900.0)) * 0.23
    assert load_kw.sum(axis=1).max() <= 30.001
    assert load_kw.sum(axis=1).min() >= (0 if kind == "lively" else 4.999)
    assert load_kw[:, 0].mean() > load_kw[:, 2].mean()


def test_the_sun_is_taken_off_by_day_only(tmp_path: Path):
    found = scenario(tmp_path, "[solar]\npeak_kw = 10\nclouds = 0\n")
    noon_a, midnight_a = sampled_a(found.building, found.start_s + np.array([12.5 * 3600, 0.0])).sum(axis=1)
    assert midnight_a == 0
    assert -10_000 / 230 < noon_a < -0.5 * 10_000 / 230


def test_prices_follow_the_time_of_day(tmp_path: Path):
    table = (
        '[prices]\nkind = "time_of_use"\nper_kwh = 0.2\n'
        '[[periods]]\ndays = "workdays"\nbegins = 07:00:00\nends = 21:00:00\nper_kwh = 0.3\n'
        "[[periods]]\nbegins = 23:00:00\nends = 05:00:00\nper_kwh = 0.1\n"
    )
    price = scenario(tmp_path, table).price
    at = {hour: float(price.at(np.array([hour * 3600.0]))[0]) for hour in (2, 6, 12, 21.5, 23.5)}
    assert at == {2: 0.1, 6: 0.2, 12: 0.3, 21.5: 0.2, 23.5: 0.1}
    assert float(price.at(np.array([5 * 86_400 + 12 * 3600.0]))[0]) == 0.2, "a Saturday"


def test_day_ahead_prices_are_dear_in_the_evening_and_cheap_at_noon(tmp_path: Path):
    price = scenario(tmp_path, '[prices]\nkind = "day_ahead"\nper_kwh = 0.1\nspread = 0.08\n').price
    days = np.arange(14) * 86_400.0
    assert price.at(days + 18.5 * 3600).mean() > 0.15
    assert price.at(days + 13.5 * 3600).mean() < 0.05


def test_measured_loads_and_prices_are_used_as_they_are(tmp_path: Path):
    hours = [f"2026-03-{22 + n // 24:02d}T{n % 24:02d}:00:00Z" for n in range(120)]
    (tmp_path / "load.csv").write_text("time,kw\n" + "".join(f"{at},{23 + n % 2}\n" for n, at in enumerate(hours)))
    (tmp_path / "price.csv").write_text(
        "time,eur_per_mwh\n" + "".join(f"{at},{50 + n}\n" for n, at in enumerate(hours))
    )
    building = '[building]\nkind = "file"\nfile = "load.csv"\nscale = 2\n'
    files = building + '[prices]\nkind = "file"\nfile = "price.csv"\nadd_per_kwh = 0.1\n'
    found = scenario(tmp_path, files, settings={"scenario.days": "2"})
    # The horizon begins at 23:00 in UTC, in the 24th hour of the file.
    middles_s = found.start_s + 3600.0 * (1.5 + np.arange(20))
    assert sampled_a(found.building, middles_s).sum(axis=1) * 0.23 == pytest.approx([46.0, 48.0] * 10)
    assert found.price.at(middles_s - found.start_s) == pytest.approx(0.174 + np.arange(20) / 1000)


def test_a_tariff_brings_prices_and_a_demand_charge(tmp_path: Path):
    season = {"effective_start": "01-01", "effective_end": "12-31", "times": [0, 8], "tariffs": [0.1, 0.3]}
    seasons = [{**season, "id": name, "dow_mask": name, "demand_charge": 15.5} for name in ("WEEKDAYS", "WEEKENDS")]
    (tmp_path / "tariff.json").write_text(json.dumps({"name": "two prices", "schedule": seasons}))
    found = scenario(tmp_path, '[prices]\nkind = "tariff"\nfile = "tariff.json"\n')
    assert found.price.at(np.array([3600.0 * 7.5, 3600.0 * 8.5])).tolist() == [0.1, 0.3]
    assert found.demand is not None
    assert found.demand.per_kw == 15.5


def test_a_sampled_building_changes_evenly_between_its_knots():
    building = SampledBuilding(100.0, 10.0, np.array([[0.0, 0, 0], [10.0, 20, 30]]))
    assert building.current_a(105.0) == (5, 10, 15)
    assert building.current_a(0.0) == (0, 0, 0)
    assert building.current_a(999.0) == (10, 20, 30)
    assert sampled_a(building, np.array([105.0, 999.0])).tolist() == [[5, 10, 15], [10, 20, 30]]
