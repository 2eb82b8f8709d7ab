"""Cases of the split as folders: a site, a snapshot, what is expected, and why. Adding one needs no Python."""

import json
from pathlib import Path

import pytest

from adapters.configuration import load_configuration
from adapters.documents import read_snapshot
from controller.engine import split

CASES = sorted(path.parent for path in Path(__file__).parent.glob("split/*/site.toml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_split_is_as_worked_out_by_hand(case: Path) -> None:
    site = load_configuration(case / "site.toml", {}).site
    snapshot = read_snapshot((case / "snapshot.json").read_bytes(), site)
    expected = json.loads((case / "expected.json").read_text())
    plan = split(site, snapshot)
    assert {name: (s.limit_a, s.because) for name, s in plan.setpoints.items()} == {
        name: (pytest.approx(row["limit_a"]), row["because"]) for name, row in expected.items()
    }
    assert (case / "why.md").read_text().startswith("# ")
