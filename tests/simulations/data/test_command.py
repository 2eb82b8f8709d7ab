"""``loadstar sessions`` as a person meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulations.data.people import read_people
from simulations.data.sessions import read_sessions
from tests.support.command import Loadstar


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Four weeks of one car a day, and two rows that cannot be."""
    rows = [f"{day},2031-06-{day:02} 08:00,2031-06-{day:02} 16:30,{day}.5" for day in range(1, 29)]
    path = tmp_path / "export.csv"
    path.write_text(
        "\n".join(["Nr,Start,leaves,energy_kwh", *rows, "29,2031-06-29 08:00,2031-06-29 07:00,1", "30,x,y,z"])
    )
    return path


OPTIONS = ("--time-zone", "Europe/Amsterdam", "--column", "arrives=Start", "--column", "id=Nr")


def test_it_shows_what_was_read_and_what_was_wrong(loadstar: Loadstar, export: Path):
    code, out, err = loadstar("sessions", export, *OPTIONS)
    assert (code, err) == (0, "")
    assert out.startswith(f"{export}: 28 sessions (csv: any other CSV, by the names of its columns)\n")
    assert "from 2031-06-01T06:00:00Z to 2031-06-28T14:30:00Z" in out
    assert "420.0 kWh; the middle session 15.0 kWh in 8.5 h" in out
    assert f"1 x rows that cannot be read (first: {export}:31: Start: expected a time" in out
    assert "1 x departure not after arrival (first: session 29): left out" in out


def test_programs_get_the_same_as_json(loadstar: Loadstar, export: Path):
    code, out, _ = loadstar("sessions", export, *OPTIONS, "--charger-kw", "3", "--json")
    document = json.loads(out)
    assert (code, document["kind"], document["sessions"], document["points"]) == (0, "csv", 28, 0)
    assert document["first_arrival"] == "2031-06-01T06:00:00Z"
    assert [(note["count"], note["rule"]) for note in document["notes"]] == [
        (1, "left out"),
        (1, "left out"),
        (1, "cut to what it can give"),
    ]


def test_it_writes_the_generic_form_and_a_model(loadstar: Loadstar, export: Path, tmp_path: Path):
    table, model = tmp_path / "generic.csv", tmp_path / "people.json"
    assert loadstar("sessions", export, *OPTIONS, "--csv", table, "--fit", model)[0] == 0
    assert len(read_sessions(table).sessions) == 28
    assert read_people(model).sessions == 28


def test_everything_wrong_with_the_request_is_listed(loadstar: Loadstar, export: Path):
    arguments = ("--kind", "xls", "--time-zone", "Mars/Base", "--charger-kw", "0", "--column", "arrives")
    code, out, err = loadstar("sessions", export, *arguments)
    assert (code, out) == (2, "")
    assert [line.split(": ")[1] for line in err.splitlines()] == ["--kind", "--time-zone", "--charger-kw", "--column"]
    code, _, err = loadstar("sessions", export, "--fit", "people.json")
    assert (code, err.split(": ")[1]) == (2, "--fit")


def test_everything_wrong_with_the_file_is_listed(loadstar: Loadstar, export: Path):
    code, out, err = loadstar("sessions", export, "--column", "arrives=Begin", "--column", "token=Card")
    assert (code, out) == (2, "")
    assert [line.partition("; ")[0] for line in err.splitlines()] == [
        f"{export}:1: expected a column 'Begin'",
        f"{export}:1: expected a column 'Card'",
    ]


def test_what_cannot_be_written_or_fitted_is_told(loadstar: Loadstar, export: Path, tmp_path: Path):
    absent = tmp_path / "absent" / "out.csv"
    code, _, err = loadstar("sessions", export, *OPTIONS, "--csv", absent)
    assert (code, err) == (2, f"{absent}:1: cannot be written: No such file or directory\n")
    short = tmp_path / "short.csv"
    short.write_text("arrives,leaves,energy_kwh\n2031-06-01T08:00Z,2031-06-01T09:00Z,5\n")
    code, _, err = loadstar("sessions", short, "--time-zone", "UTC", "--fit", tmp_path / "people.json")
    assert (code, err) == (2, f"{short}:1: a model of people needs at least 20 sessions; there are 1\n")


def test_a_file_without_a_single_possible_session_is_shown_as_such(loadstar: Loadstar, tmp_path: Path):
    path = tmp_path / "none.csv"
    path.write_text("arrives,leaves,energy_kwh\n2031-06-01T08:00Z,2031-06-01T07:00Z,5\n")
    code, out, _ = loadstar("sessions", path)
    assert code == 0
    assert out.startswith(f"{path}: 0 sessions")
