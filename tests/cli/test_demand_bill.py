import json
from pathlib import Path

import pytest

from tests.support.command import Loadstar

YEAR = Path(__file__).parents[1] / "golden" / "demand" / "flanders_published_year" / "windows.csv"
FLANDERS = ("--model", "flanders", "--zone", "Europe/Brussels", "--price", "per_kw_year=53.39")


def test_a_year_of_windows_is_billed(loadstar: Loadstar):
    ended = loadstar("demand-bill", YEAR, *FLANDERS)
    assert ended.code == 0
    assert "average month peak" in ended.out
    assert "4.456" in ended.out
    assert "237.91" in ended.out
    assert "hours between the first and the last window are missing" in ended.out


def test_the_bill_as_json_names_the_windows_behind_each_line(loadstar: Loadstar):
    document = json.loads(loadstar("demand-bill", "--json", YEAR, *FLANDERS).out)
    assert document["total"] == "237.91"
    (line,) = document["lines"]
    assert (line["billed_kw"], line["price_per"], line["months"]) == ("4.456", "year", 12)
    assert "2026-09-23T15:15:00+00:00" in line["windows"]
    assert document["marked"] == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"flanders": "wallonia"}, "expected month_peak, flanders"),
        ({"per_kw_year=53.39": "per_kw=1"}, "flanders needs per_kw_year; found per_kw"),
        ({"per_kw_year=53.39": "per_kw_year=dear"}, "expected NAME=NUMBER"),
        ({"per_kw_year=53.39": "per_kw_year=-1"}, "expected a number of at least 0"),
        ({"Europe/Brussels": "Europe/Bruges"}, "no such time zone"),
    ],
)
def test_a_wrong_option_is_told(loadstar: Loadstar, change: dict[str, str], complaint: str):
    ended = loadstar("demand-bill", YEAR, *(change.get(word, word) for word in FLANDERS))
    assert (ended.code, ended.out) == (2, "")
    assert complaint in " ".join(ended.err.replace("│", " ").split())


def test_a_file_with_mistakes_is_told_line_by_line(loadstar: Loadstar, tmp_path: Path):
    path = tmp_path / "windows.csv"
    path.write_text("begins_at,length_s,energy_wh\n2026-03-02,900,1\n2026-03-02T10:00:00Z,900,much\n")
    ended = loadstar("demand-bill", path, *FLANDERS)
    assert ended.code == 2
    assert [line.split(": ")[0] for line in ended.err.splitlines()] == ["windows.csv:2", "windows.csv:3"]
    path.write_text("begins_at,length_s,energy_wh\n2026-03-02T10:00:00Z,3600,1\n")
    ended = loadstar("demand-bill", path, *FLANDERS)
    assert (ended.code, ended.err) == (2, "windows.csv: expected windows of at most 900 s, got one of 3600 s\n")
