"""What a hub tells its back office of limits that others have set (OCPP 2.x K12, K13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from controller.hub_satellite.dialects import Message
from controller.snapshot import ExternalLimit

SIGNIFICANT: Final = 0.1
"""A change of a limit by less than this part of it is not told."""

_GRID_OPERATOR: Final = "grid_operator"


class LimitNotices:
    """Tells what has changed; one limit for each kind of source, the lowest."""

    def __init__(self, circuits: Iterable[str]) -> None:
        """Look at the circuits above a hub's satellites."""
        self._circuits = frozenset(circuits)
        self._told: dict[str, float] = {}

    def news(self, limits: Iterable[ExternalLimit]) -> list[tuple[str, float | None]]:
        """Kinds of source (ChargingLimitSourceEnumType) with their limit, where that is news [W]; None: it is over."""
        now = self._lowest(limits)
        ended = [(source, None) for source in self._told if source not in now]
        changed = [
            (source, limit_w)
            for source, limit_w in now.items()
            if source not in self._told or abs(limit_w - self._told[source]) > SIGNIFICANT * self._told[source]
        ]
        return [*ended, *changed]

    def told(self, source: str, limit_w: float | None) -> None:
        """The back office has been told that."""
        if limit_w is None:
            self._told.pop(source, None)
        else:
            self._told[source] = limit_w

    def forget(self) -> None:
        """The back office may know nothing of what it was told."""
        self._told.clear()

    def _lowest(self, limits: Iterable[ExternalLimit]) -> Mapping[str, float]:
        found: dict[str, float] = {}
        for limit in limits:
            if limit.circuit in self._circuits:
                source = "SO" if limit.source == _GRID_OPERATOR else "EMS"
                found[source] = min(limit.limit_w, found.get(source, limit.limit_w))
        return found


def notice(source: str, limit_w: float | None) -> Message:
    """NotifyChargingLimit, or for None ClearedChargingLimit.

    The limit is one of a circuit: what is not charging counts there as well.
    """
    if limit_w is None:
        return Message("ClearedChargingLimit", {"chargingLimitSource": source})
    period: dict[str, Any] = {"startPeriod": 0, "limit": round(limit_w, 1)}
    schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [period]}
    about = {"chargingLimitSource": source, "isGridCritical": source == "SO"}
    return Message("NotifyChargingLimit", {"chargingLimit": about, "chargingSchedule": [schedule]})
