"""Worked examples as folders: a tariff, a session, what is expected and where it is from. A new one needs no Python."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.rating_documents.session_reading import read_session
from adapters.rating_documents.tariff_reading import read_tariffs
from controller.tariffs.rated import Line, RatedSession
from controller.tariffs.rating import rate

CASES = sorted(path.parent for path in Path(__file__).parent.glob("tariffs/*/tariff.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_session_costs_what_its_worked_example_says(case: Path) -> None:
    (tariff,) = read_tariffs((case / "tariff.json").read_bytes()).tariffs
    facts = read_session((case / "session.json").read_bytes()).facts
    expected = json.loads((case / "expected.json").read_text())
    rated = rate(facts, tariff)
    assert {"before_tax": _text(rated.total.before_tax), "after_tax": _text(rated.total.after_tax)} == expected["total"]
    assert [_row(line) for line in rated.lines] == [_expected(row) for row in expected["lines"]]
    assert list(rated.review_flags) == expected["review_flags"]
    assert rated.complete
    _adds_up(rated)


def _adds_up(rated: RatedSession) -> None:
    """The invoice is the sum of what is booked, and periods tell of the whole session."""
    befores = [line.booked.before_tax for line in rated.lines]
    if None not in befores:
        assert rated.invoice.before_tax == sum(before for before in befores if before is not None)
    assert sum(period.energy_kwh for period in rated.periods) == rated.energy_kwh
    assert all(a.ends_at == b.starts_at for a, b in zip(rated.periods, rated.periods[1:], strict=False))


def _row(line: Line) -> tuple[str, Decimal, Decimal, Decimal | None]:
    before = line.amounts.before_tax
    return (line.kind, _fine(line.billed_quantity), _fine(line.unit_price), None if before is None else _fine(before))


def _expected(row: dict[str, Any]) -> tuple[str, Decimal, Decimal, Decimal | None]:
    before = row["before_tax"]
    return (
        row["kind"],
        _fine(Decimal(row["billed"])),
        _fine(Decimal(row["unit_price"])),
        None if before is None else _fine(Decimal(before)),
    )


def _fine(value: Decimal) -> Decimal:
    """Worked examples are written to four decimals."""
    return round(value, 4)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
