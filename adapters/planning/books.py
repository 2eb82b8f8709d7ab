"""What the grid connection has drawn in the running demand window, and the highest window of the month so far."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from controller.loadbalance.horizon.outlook import Demand

GAP_MOST_S: Final = 60.0
"""After a longer silence nobody knows what was drawn meanwhile."""


class Books:
    """Follows the power of the grid connection. A restart forgets; the site file's floor is there for that."""

    def __init__(self, per_kw: float, window_slots: int, slot_s: float, floor_kw: float) -> None:
        self._per_kw, self._window_slots = per_kw, window_slots
        self._window_s = window_slots * slot_s
        self._floor_kw = floor_kw
        self._peak_kw = 0.0
        self._drawn_kwh = 0.0
        self._window: int | None = None
        self._month: tuple[int, int] | None = None
        self._last: datetime | None = None

    def see(self, local: datetime, power_w: float) -> None:
        """Take note of what flows now.

        Args:
            local: now, on the clock of the site: months begin by it.
            power_w: import of the grid connection [W].
        """
        window = int(local.timestamp() // self._window_s)
        if window != self._window:
            if self._window is not None and self._window + 1 == window:
                self._peak_kw = max(self._peak_kw, self._drawn_kwh * 3600.0 / self._window_s)
            self._window, self._drawn_kwh = window, 0.0
        if (month := (local.year, local.month)) != self._month:
            self._month, self._peak_kw = month, 0.0
        since_s = 0.0 if self._last is None else (local - self._last).total_seconds()
        if 0.0 < since_s <= GAP_MOST_S:
            began_s = self._window * self._window_s
            self._drawn_kwh += power_w * min(since_s, local.timestamp() - began_s) / 3.6e6
        self._last = local

    def demand(self) -> Demand | None:
        """What a higher peak costs from now on; None where it costs nothing."""
        if self._per_kw <= 0.0:
            return None
        return Demand(self._per_kw, max(self._floor_kw, self._peak_kw), self._window_slots, max(0.0, self._drawn_kwh))
