"""What energy systems limit single points to."""

from pathlib import Path

import pytest

from adapters.clock import SystemClock
from adapters.limits.points import PointLimits
from adapters.store import open_ledger
from adapters.store.ledger import SqlLedger
from controller.snapshot import PointState
from tests.support.meters import Events


def opened(directory: Path) -> SqlLedger:
    url = f"sqlite:///{directory}/ledger.db"
    return open_ledger(url, currency="EUR", price_per_kwh=None, on_event=lambda _: None)


def limits(ledger: SqlLedger, events: Events | None = None) -> PointLimits:
    made = PointLimits(ledger.point_book, SystemClock(), Events() if events is None else events)
    made.restore()
    return made


def test_a_limit_is_one_more_bound_over_restarts_until_it_is_cleared(tmp_path: Path):
    states = {"P01": PointState(max_a=16.0), "P02": PointState(max_a=8.0), "P03": PointState()}
    ledger = opened(tmp_path)
    before = limits(ledger)
    for point in ("P01", "P02", "P03"):
        before.say(point, 10.0)
    before.say("P02", 9.0)
    ledger.close()
    ledger = opened(tmp_path)
    after = limits(ledger)
    assert {name: state.max_a for name, state in after.overlaid(states).items()} == {"P01": 10, "P02": 8, "P03": 10}
    after.say("P03", 0.0)
    after.say("P01", None)
    assert {name: state.max_a for name, state in after.overlaid(states).items()} == {"P01": 16, "P02": 8, "P03": 0}
    ledger.close()


def test_what_no_point_can_be_limited_to_is_refused_and_the_limit_before_it_stays(tmp_path: Path):
    ledger = opened(tmp_path)
    events = Events()
    some = limits(ledger, events)
    some.say("P01", 10.0)
    for wrong_a in (-1.0, float("nan"), float("inf"), 11_000.0):
        with pytest.raises(ValueError, match="expected amperes from 0 to 1000"):
            some.say("P01", wrong_a)
    assert some.overlaid({"P01": PointState()})["P01"].max_a == 10.0
    assert [event.message for event in events] == ["is limited to 10 A"]
    ledger.close()
