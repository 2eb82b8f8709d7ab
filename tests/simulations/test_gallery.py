"""Every scenario of the gallery, in its short form; ``make campaign`` runs them in full."""

import json
import tomllib
from dataclasses import fields
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from simulations.fast import run
from simulations.results import Results, Series
from simulations.scenario.reading import load_scenario

ROOT = Path(__file__).parents[2]
GALLERY = sorted((ROOT / "simulations" / "scenarios").glob("*.toml"))
NAMES = [path.stem for path in GALLERY]


def contents(results: Results) -> list[object]:
    """Everything that a run leaves, in a form that can be compared byte for byte."""
    columns = [getattr(results.series, field.name) for field in fields(Series)]
    raw = [column.tobytes() if isinstance(column, np.ndarray) else column for column in columns]
    return [*raw, results.sessions, results.truth, results.events, results.invalid_setpoints]


def test_the_gallery_shows_what_people_have():
    assert set(NAMES) >= {
        "office",
        "apartments",
        "depot",
        "supermarket",
        "hotel",
        "highway",
        "dynamic_prices",
        "everything_wrong",
        "office_week_planned",
        "dear_evening",
        "office_peak_shaved",
    }


@pytest.mark.parametrize("path", GALLERY, ids=NAMES)
def test_each_fits_the_published_schema(path: Path):
    schema = json.loads((ROOT / "docs" / "schemas" / "scenario.schema.json").read_text("utf-8"))
    document = json.loads(json.dumps(tomllib.loads(path.read_text("utf-8")), default=lambda moment: moment.isoformat()))
    jsonschema.validate(document, schema)


@pytest.mark.parametrize("path", GALLERY, ids=NAMES)
def test_each_runs_keeps_every_fuse_and_gives_the_same_bytes_again(path: Path):
    results = run(load_scenario(path, short=True))
    assert results.sessions
    assert sum(session.delivered_wh for session in results.sessions) > 0
    assert results.truth.fuse_violation_as == 0
    assert results.truth.thermal_peak < 0.5
    assert results.invalid_setpoints == 0
    assert contents(run(load_scenario(path, short=True))) == contents(results)
