"""Incidents that were recorded once, as folders: what was seen, what is to be decided, and why. A new one needs no
Python: ``loadstar replay RECORDING --from TIME --to TIME --save-as NAME``."""

from pathlib import Path

import pytest

from simulations.replay.incident import broken_expectations

INCIDENTS = sorted(path.parent for path in Path(__file__).parent.glob("incidents/*/recording.jsonl.gz"))


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.name)
def test_the_decisions_of_an_incident_are_as_expected(incident: Path) -> None:
    assert "\n".join(broken_expectations(incident)) == ""
    assert (incident / "why.md").read_text("utf-8").startswith("# ")


def test_there_are_incidents() -> None:
    assert len(INCIDENTS) >= 2
