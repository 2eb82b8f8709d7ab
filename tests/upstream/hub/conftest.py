"""A back office in a process of its own that has time to answer; nothing else takes as long as in real life."""

from __future__ import annotations

import pytest

from adapters.ocpp.upstream import delivery, hub, hub_line
from tests.support.processes import WITHIN_S


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_line, "ANSWER_S", WITHIN_S)
    monkeypatch.setattr(delivery, "RETRY_S", 0.05)
    monkeypatch.setattr(hub, "WATCH_S", 0.05)
    monkeypatch.setattr("controller.hub_satellite.outbox.PER_S", 200.0)
    monkeypatch.setattr("controller.hub_satellite.outbox.PAUSES_S", (0.01,) * 4)
    monkeypatch.setattr("adapters.ocpp.upstream.link.PAUSE_FIRST_S", 0.1)
