"""The worked example of docs/explanation/fairness.md is what the program computes."""

import json
import re
from pathlib import Path

import pytest

from adapters.configuration import load_configuration
from adapters.documents import read_snapshot
from controller.engine import split

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "four-cars"
PAGE = (ROOT / "docs" / "explanation" / "fairness.md").read_text()


def limits(site_toml: Path, snapshot: dict[str, object]) -> dict[str, tuple[float, str]]:
    site = load_configuration(site_toml, {}).site
    plan = split(site, read_snapshot(json.dumps(snapshot).encode(), site))
    return {point: (setpoint.limit_a, setpoint.because) for point, setpoint in plan.setpoints.items()}


@pytest.fixture
def snapshot() -> dict[str, object]:
    return json.loads((EXAMPLE / "snapshot.json").read_text())


def test_the_table_is_true(snapshot: dict[str, object]):
    rows = re.findall(r"^\| (P\d\d) \| ([\d.]+) A \| `(.+)` \|$", PAGE, re.MULTILINE)
    assert len(rows) == 4
    assert limits(EXAMPLE / "site.toml", snapshot) == {point: (float(a), because) for point, a, because in rows}


def test_the_weighted_variant_is_true(snapshot: dict[str, object], tmp_path: Path):
    heavier = tmp_path / "site.toml"
    heavier.write_text((EXAMPLE / "site.toml").read_text() + "weight = 2.0\n")  # P04 is the last table
    assert [limit for limit, _ in limits(heavier, snapshot).values()] == [7.0, 7.0, 10.0, 8.0]
    assert "the limits would be 7, 7, 10 and 8 A" in PAGE


def test_the_variant_with_too_little_room_is_true(snapshot: dict[str, object]):
    snapshot["meters"]["grid"]["current_a"][0] = 37.0  # type: ignore[index]
    found = limits(EXAMPLE / "site.toml", snapshot)
    assert found["P01"] == (0.0, "not_admitted:circuit:main:L1")
    assert found["P02"][0] == found["P04"][0] == 7.5
    assert "P02 and P04 get 7.5 A each" in PAGE
