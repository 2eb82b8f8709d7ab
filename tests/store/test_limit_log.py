"""The log of limits: on disk, in order, never changed; and what it says holds after a restart."""

from __future__ import annotations

import math

from adapters.store.ledger import SqlLedger
from controller.peakshave.evidence import Evidence, Happening
from controller.peakshave.grid_operator import Limit
from tests.store.conftest import OpenLedger
from tests.support.sessions import at

LIMIT = Limit("main", 4_200.5, "dso", at(0), valid_from=at(1), valid_until=at(3_600), priority=3, id="A1")


def put(ledger: SqlLedger, happening: Happening, limit: Limit, second: float = 0) -> None:
    ledger.limit_log.limit_evidence([Evidence(at(second), happening, limit)]).result(10)


def test_every_line_is_kept_as_it_was(opened: OpenLedger):
    lines = [
        Evidence(at(0), Happening.RECEIVED, LIMIT, by="rest:ada"),
        Evidence(at(1), Happening.REFUSED, Limit("a\0b", math.inf, "x", at(1)), by="mqtt", note="limit_w: no"),
        Evidence(at(2), Happening.DRAWN, LIMIT, 4_200.5, 3_999.25),
    ]
    opened().limit_log.limit_evidence(lines).result(10)
    first, second, third = opened().limit_log.evidence(at(0), at(3))
    assert (first, third) == (lines[0], lines[2])
    assert (second.happening, second.note, second.by) == (Happening.REFUSED, "limit_w: no", "mqtt")
    assert math.isnan(second.limit.limit_w), "what was no number is not made one"
    assert [line.at for line in opened().limit_log.evidence(at(1), at(2))] == [at(1)]


def test_what_was_said_last_of_each_limit_holds_after_a_restart(opened: OpenLedger):
    ledger = opened()
    endless = Limit("main", 9_000, "dso", at(0))
    put(ledger, Happening.RECEIVED, LIMIT)
    put(ledger, Happening.RECEIVED, endless)
    put(ledger, Happening.BEGAN, endless, 1)
    stricter = Limit("main", 8_000, "dso", at(5))
    put(ledger, Happening.RECEIVED, stricter, 5)
    put(ledger, Happening.REFUSED, Limit("main", 1, "dso", at(6)), 6)
    assert opened().limit_log.limits_said(at(10)) == [LIMIT, stricter]
    assert opened().limit_log.limits_said(at(3_600)) == [stricter]


def test_what_was_withdrawn_is_kept_for_as_long_as_it_may_be_released(opened: OpenLedger):
    ledger = opened()
    put(ledger, Happening.RECEIVED, LIMIT)
    ended = Limit("main", 4_200.5, "dso", at(0), valid_from=at(1), valid_until=at(60), priority=3, id="A1")
    put(ledger, Happening.WITHDRAWN, ended, 60)
    assert opened().limit_log.limits_said(at(30)) == [ended]
    assert opened().limit_log.limits_said(at(61)) == []
    never = Limit("main", 4_200.5, "dso", at(0), valid_from=at(500), valid_until=at(100), id="B")
    put(opened(), Happening.WITHDRAWN, never, 100)
    assert opened().limit_log.limits_said(at(61)) == []
