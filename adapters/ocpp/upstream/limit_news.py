"""Tells a back office what the site allows its EVSEs (OCPP 2.0.1 K12 and K13); 1.6 has no words for that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from controller.hub_satellite.composite import Evse

LEAST_CHANGE_A: Final = 1.0
"""A back office can do nothing with less."""

LEAST_PAUSE_S: Final = 60.0
"""Limits change every few seconds; it is told as often as it is told measurements."""

_SOURCE: Final = "EMS"
_SAME_A: Final = 0.05


class LimitNews:
    """What one back office was told of one station's limits."""

    def __init__(self) -> None:
        self._told: dict[int, tuple[float | None, float]] = {}
        """By EVSE: the limit, None for none, and when."""

    def forget(self) -> None:
        """The connection is another one: it is told anew."""
        self._told.clear()

    def due(self, evses: Iterable[Evse], monotonic_s: float) -> Iterator[tuple[str, dict[str, Any]]]:
        """What it is to be told now: actions and payloads.

        >>> news = LimitNews()
        >>> [action for action, _ in news.due([Evse(1, 32.0, 10.0)], 0.0)]
        ['NotifyChargingLimit']
        >>> [list(news.due([Evse(1, 32.0, limit_a)], at_s)) for limit_a, at_s in ((20.0, 30.0), (10.5, 90.0))]
        [[], []]
        >>> next(news.due([Evse(1, 32.0, None)], 99.0))
        ('ClearedChargingLimit', {'chargingLimitSource': 'EMS', 'evseId': 1})
        """
        for evse in evses:
            own_a = evse.own_limit_a
            limit_a = None if own_a is None or own_a > evse.max_a - _SAME_A else own_a
            before_a, at_s = self._told.get(evse.number, (None, float("-inf")))
            if limit_a is None:
                if before_a is not None:
                    self._told[evse.number] = (None, monotonic_s)
                    yield "ClearedChargingLimit", {"chargingLimitSource": _SOURCE, "evseId": evse.number}
                continue
            changed = before_a is None or abs(limit_a - before_a) >= LEAST_CHANGE_A
            if changed and (before_a is None or monotonic_s - at_s >= LEAST_PAUSE_S):
                self._told[evse.number] = (limit_a, monotonic_s)
                yield "NotifyChargingLimit", _limit(evse.number, limit_a)


def _limit(evse: int, limit_a: float) -> dict[str, Any]:
    period = {"startPeriod": 0, "limit": round(limit_a, 1)}
    schedule = {"id": 0, "chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    return {"evseId": evse, "chargingLimit": {"chargingLimitSource": _SOURCE}, "chargingSchedule": [schedule]}
