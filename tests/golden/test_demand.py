"""Worked examples of demand tariffs as folders: windows, a tariff, the bill by hand, and why."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.demand_file import read_windows
from controller.peakshave.catalogue import MODELS
from controller.peakshave.demand_bill import bill

CASES = sorted(path.parent for path in Path(__file__).parent.glob("demand/*/case.json"))


def test_every_tariff_model_has_a_worked_example():
    assert {json.loads((case / "case.json").read_text())["model"] for case in CASES} == set(MODELS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_demand_is_billed_as_worked_out_by_hand(case: Path) -> None:
    given = json.loads((case / "case.json").read_text())
    prices = {name: Decimal(price) for name, price in given["prices"].items()}
    holidays = frozenset(date.fromisoformat(day) for day in given["holidays"])
    worked = bill(
        read_windows(case / "windows.csv"), MODELS[given["model"]](**prices), ZoneInfo(given["zone"]), holidays
    )
    lines = [
        {
            "component": line.component,
            "begins_on": line.begins_on.isoformat(),
            "months": line.months,
            "billed_kw": str(line.billed_kw),
            "amount": str(line.amount),
        }
        for line in worked.lines
    ]
    assert {"lines": lines, "total": str(worked.total)} == json.loads((case / "expected.json").read_text())
    assert (case / "why.md").read_text().startswith("# ")
