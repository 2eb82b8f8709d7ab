"""What has happened since the start, from the service's own books: for the end of a demonstration, and for tests."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from controller.ports.devices import Applied
from controller.ports.ledger import Records, SessionRecord

REACTIONS_KEPT: Final = 10_000
"""The newest reaction times: a day of a lively site, and under 100 kB."""
_PAGE: Final = 500


class Reactions:
    """How long changed limits took, from the hand-over of the plan to the last answer."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=REACTIONS_KEPT)

    def add(self, applied: Applied) -> None:
        """Keep the time of a plan that changed something."""
        if applied.changed:
            self._seconds.append(applied.seconds)

    def seconds(self) -> Sequence[float]:
        """The newest times, oldest first [s]."""
        return tuple(self._seconds)

    def quantile_ms(self, part: float) -> float | None:
        """The time that a part of all did not exceed [ms]; None without any."""
        ordered = sorted(self._seconds)
        return round(1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))], 1) if ordered else None


def summary(records: Records, reactions: Reactions, *, points_connected: int, profiles_accepted: int) -> dict[str, Any]:
    """Sum up the whole ledger. May take long: call it off the event loop, or when the loop has nothing else to do."""
    sessions = _every_session(records)
    return {
        "points_connected": points_connected,
        "profiles_accepted": profiles_accepted,
        "sessions_recorded": len(sessions),
        "energy_wh": sum(session.energy_wh or 0 for session in sessions),
        "cost": str(sum((session.cost or Decimal(0) for session in sessions), Decimal(0))),
        "reaction_ms": {"p50": reactions.quantile_ms(0.5), "p99": reactions.quantile_ms(0.99)},
    }


def _every_session(records: Records) -> list[SessionRecord]:
    found: list[SessionRecord] = []
    after: str | None = None
    while True:
        page, after = records.sessions(limit=_PAGE, after=after)
        found += page
        if after is None:
            return found
