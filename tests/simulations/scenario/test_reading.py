"""Scenario files: what they say, what replaces it, and everything that can be wrong with them."""

from pathlib import Path

import pytest

from adapters.configuration import ConfigurationError
from simulations.scenario.model import Scenario
from simulations.scenario.reading import load_scenario

SMALL = """
[scenario]
name = "Small"
start = 2026-03-02
days = 2
step_s = 300

[short]
start = 2026-03-02T08:00:00
hours = 1.5

[site]
id = "small"
time_zone = "Europe/Amsterdam"

[[circuits]]
id = "main"
fuse_a = 40

[[groups]]
id = "P"
count = 4
circuit = "main"

[[people]]
name = "staff"
cars_per_day = 5
days = "workdays"
"""


def written(folder: Path, text: str = SMALL, name: str = "scenario.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def refused(path: Path, **options: object) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        load_scenario(path, **options)  # type: ignore[arg-type]
    return [str(problem).replace(str(path), path.name) for problem in error.value.problems]


def same(one: Scenario, other: Scenario) -> bool:
    return one.visits == other.visits and one.start_s == other.start_s


def test_a_small_file_makes_a_whole_scenario(tmp_path: Path):
    scenario = load_scenario(written(tmp_path))
    assert scenario.steps == 2 * 288
    assert [point.id for point in scenario.site.points] == ["P01", "P02", "P03", "P04"]
    assert [point.phases for point in scenario.site.points[:3]] == [(0, 1, 2), (1, 2, 0), (2, 0, 1)]
    assert scenario.site.circuits[0].meter == "grid", "the grid connection always has a meter"
    assert scenario.controller == "rules", "the division of each instant, for long steps"
    assert 2 <= len(scenario.visits) <= 16
    assert all(0 <= visit.arrives_s < visit.leaves_s <= scenario.duration_s for visit in scenario.visits)


def test_the_same_file_and_seed_draw_the_same_people(tmp_path: Path):
    path = written(tmp_path)
    assert same(load_scenario(path), load_scenario(path))
    assert not same(load_scenario(path), load_scenario(path, seed=2))


def test_a_longer_horizon_changes_no_day_of_a_shorter_one(tmp_path: Path):
    path = written(tmp_path)
    first = {v.id: v for v in load_scenario(path).visits if v.arrives_s < 86_400}
    longer = {v.id: v for v in load_scenario(path, settings={"scenario.days": "9"}).visits if v.arrives_s < 86_400}
    assert first == longer


def test_the_short_form_is_a_part_of_the_whole(tmp_path: Path):
    scenario = load_scenario(written(tmp_path), short=True)
    assert scenario.steps == 18
    assert scenario.start_s == load_scenario(written(tmp_path)).start_s + 8 * 3600


def test_settings_replace_what_the_file_says(tmp_path: Path):
    settings = {"circuits.main.fuse_a": "[25, 25, 20]", "people.staff.cars_per_day": "0", "scenario.name": "Tiny"}
    scenario = load_scenario(written(tmp_path), settings=settings)
    assert scenario.site.circuits[0].fuse_a == (25, 25, 20)
    assert scenario.visits == ()
    assert scenario.name == "Tiny"


def test_a_site_file_can_stand_for_the_tables_of_the_site(tmp_path: Path):
    example = Path(__file__).parents[3] / "examples" / "office.toml"
    text = SMALL.replace("days = 2", f'days = 2\nsite = "{example}"')
    text = text[: text.index("[site]")] + text[text.index("[[people]]") :]
    scenario = load_scenario(written(tmp_path, text), settings={"circuits.main.fuse_a": "50"})
    assert len(scenario.site.points) > 4
    assert scenario.site.circuit["main"].fuse_a == (50, 50, 50)


def test_a_site_that_would_not_start_is_simulated_with_a_warning(tmp_path: Path):
    scenario = load_scenario(
        written(tmp_path), settings={"circuits.main.base_load_a": "39", "groups.P.fallback_a": "6"}
    )
    assert [note.source for note in scenario.notes] == ["site"]
    assert "static rule" in scenario.notes[0].problem


def test_every_mistake_is_listed_at_once_with_its_line(tmp_path: Path):
    text = SMALL.replace("fuse_a = 40", 'fuse_a = "40"').replace('circuit = "main"', 'circuit = "mian"')
    text = text.replace("cars_per_day = 5", "cars_per_dy = 5").replace("step_s = 300", "step_s = 20")
    found = refused(written(tmp_path, text))
    assert "scenario.toml:6: scenario.step_s: expected at most 5 s, or at least 30 s" in found[0]
    assert found[1].startswith("scenario.toml:18: circuits[0].fuse_a: expected a number for all phases")
    assert found[1].endswith("found '40'")
    assert found[2] == "scenario.toml:23: groups[0].circuit: unknown circuit 'mian'; did you mean 'main'?"
    assert any("people[0].cars_per_dy: unknown key; did you mean 'cars_per_day'?" in line for line in found)
    assert any("expected one of file, model and cars_per_day" in line for line in found)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"circuits.mian.fuse_a": "3"},
            "--set circuits.mian.fuse_a=3:1: no circuits is called 'mian'; did you mean 'main'?",
        ),
        ({"circuits.main.fuse_a": "-3"}, "--set circuits.main.fuse_a=-3:1: circuits[0].fuse_a: expected at least 0"),
        (
            {"demand.per_kw": "4", "demand.window_min": "7"},
            "--set demand.window_min=7:1: demand.window_min: expected min",
        ),
        ({"demand.per_kw": "dear"}, "--set demand.per_kw=dear:1: demand.per_kw: expected a number, found 'dear'"),
        ({"scenario.name.first": "x"}, "--set scenario.name.first=x:1: scenario.name is a value"),
        ({"groups.P.max_a": "5"}, "--set groups.P.max_a=5:1: groups[0].max_a: expected at least min_a (6 A)"),
        ({"groups.P.fallback_a": "3"}, "--set groups.P.fallback_a=3:1: groups[0].fallback_a: expected 0 or a current"),
        ({"nonsense.key": "1"}, "--set nonsense.key=1:1: nonsense: unknown key"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, settings: dict[str, str], expected: str):
    assert any(line.startswith(expected) for line in refused(written(tmp_path), settings=settings))


@pytest.mark.parametrize(
    ("addition", "expected"),
    [
        ('[[faults]]\nkind = "flood"\nbegins = 2026-03-02T09:00:00\nlasts_s = 5\n', "unknown kind 'flood'"),
        ('[[faults]]\nkind = "charger_deaf"\nbegins = 2026-03-02T09:00:00\nlasts_s = 5\n', "needs the point"),
        ('[[chargers]]\npoints = ["X*"]\ntemperament = "deaf"\n', "no point is called 'X*'"),
        ('[[chargers]]\npoints = ["P*"]\ntemperament = "angry"\n', "unknown temperament 'angry'"),
        ('[judging]\npolicies = ["first_comes"]\n', "did you mean 'first_come'?"),
        ('[judging]\npolicies = ["without_peak_shaving"]\n', "without_peak_shaving needs plan = true"),
        (
            '[[limits]]\ncircuit = "roof"\nlimit_w = 5\nbegins = 2026-03-02T09:00:00\nlasts_s = 5\n',
            "unknown circuit 'roof'",
        ),
        ('[building]\nkind = "file"\n', 'kind = "file" and file go together'),
        ('[prices]\nkind = "file"\nfile = "gone.csv"\n', "no such file: 'gone.csv'"),
    ],
)
def test_what_does_not_exist_is_named(tmp_path: Path, addition: str, expected: str):
    path = written(tmp_path, SMALL.replace("step_s = 300", "step_s = 1") + addition)
    assert any(expected in line for line in refused(path))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"scenario.days": "1e9"}, "scenario.days: expected at most 3660"),
        ({"scenario.step_s": "7200"}, "scenario.step_s: expected at most 3600"),
        ({"scenario.days": "0.001"}, "scenario.hours: expected a horizon of one row"),
        ({"scenario.record_s": "450"}, "scenario.record_s: expected a multiple of step_s (300 s)"),
    ],
)
def test_times_that_make_no_horizon_are_refused(tmp_path: Path, settings: dict[str, str], expected: str):
    assert any(expected in line for line in refused(written(tmp_path), settings=settings))


def test_a_horizon_is_cut_to_whole_rows_of_the_results(tmp_path: Path):
    scenario = load_scenario(written(tmp_path), settings={"scenario.days": "1.03", "scenario.record_s": "3600"})
    assert scenario.duration_s == 24 * 3600


def test_faults_need_a_step_that_shows_them(tmp_path: Path):
    fault = '[[faults]]\nkind = "meter_lost"\nbegins = 2026-03-02T09:00:00\nlasts_s = 5\n'
    assert any("faults: expected a step_s of at most 5 s" in line for line in refused(written(tmp_path, SMALL + fault)))


def test_what_is_wrong_with_data_is_listed_with_the_file_of_the_data(tmp_path: Path):
    (tmp_path / "load.csv").write_text("time,kw\nyesterday,5\n")
    (tmp_path / "sessions.csv").write_text("what,ever\n1,2\n")
    text = SMALL + '\n[building]\nkind = "file"\nfile = "load.csv"\n[[people]]\nname = "real"\nfile = "sessions.csv"\n'
    found = refused(written(tmp_path, text))
    assert any("load.csv" in line for line in found)
    assert any("sessions.csv" in line for line in found)
