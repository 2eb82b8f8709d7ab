"""Sessions that run past what their token may use are stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import pytest

from adapters.billing.token_limits import TokenLimits
from controller.commands import Command, CommandResult, StopCharging
from controller.ports.ledger import LedgerUnavailable
from controller.ports.transactions import RunningSession
from tests.support.ledger import EventLog, SteppedClock


class Site:
    """Two running sessions and one that runs nowhere; the stations do not do as they are told at first."""

    def __init__(self) -> None:
        self.passed: dict[str, str] = {}
        self.stopped: list[str] = []
        self.available = True

    def passed_limits(self, at: datetime, costs: Mapping[str, Decimal | None]) -> Mapping[str, str]:
        assert at.tzinfo is not None
        assert costs == {}
        if not self.available:
            raise LedgerUnavailable("the disk is full")
        return self.passed

    async def running(self) -> Sequence[RunningSession]:
        begun = SteppedClock.began_at
        return [
            RunningSession(f"S{n}", "CP01", n, point, f"{n}", "04A2", begun, 0, None)
            for n, point in ((1, "P01"), (2, "P02"), (3, None))
        ]

    async def command(self, point: str, command: Command) -> CommandResult:
        assert isinstance(command, StopCharging)
        self.stopped.append(point)
        return CommandResult(accepted=False, status="Rejected")


async def test_a_session_past_its_limit_is_stopped_and_asked_again_until_it_ends():
    site, clock, events = Site(), SteppedClock(), EventLog()
    keeping = TokenLimits(site, site, dict, clock, events)
    await keeping.look()
    assert site.stopped == []
    site.passed = {"S2": "1.5 kWh a month are used", "S3": "2 h of one session are over"}
    await keeping.look()
    clock.advance(30)
    await keeping.look()
    assert site.stopped == ["P02"]
    clock.advance(30)
    await keeping.look()
    assert site.stopped == ["P02", "P02"]
    assert events.kinds() == ["token_limit_reached"], "it is told once"
    assert "1.5 kWh a month are used" in events.events[0].message
    site.passed = {}
    await keeping.look()
    site.passed = {"S2": "again"}
    await keeping.look()
    assert site.stopped == ["P02"] * 3, "another limit"


async def test_without_a_ledger_nothing_is_stopped():
    site = Site()
    site.available = False
    with pytest.raises(LedgerUnavailable):
        await TokenLimits(site, site, dict, SteppedClock(), EventLog()).look()
    assert site.stopped == []
