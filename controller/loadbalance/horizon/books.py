"""What the grid connection has drawn in the running demand window, and the highest window of the month so far."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from controller.loadbalance.horizon.outlook import Demand, DemandPart

GAP_MOST_S: Final = 60.0
"""After a longer silence of a meter nobody knows what was drawn meanwhile."""


class Books:
    """Follows the power of the grid connection. A restart forgets; the floor is there for that.

    Args:
        per_kw: what a new peak costs [currency/kW].
        window_slots: length of a demand window in slots.
        slot_s: length of a slot [s].
        floor_kw: a peak that is paid for already [kW].
        gap_most_s: what lies further apart than this says nothing of the time between [s].
    """

    def __init__(
        self, per_kw: float, window_slots: int, slot_s: float, floor_kw: float, gap_most_s: float = GAP_MOST_S
    ) -> None:
        self._per_kw, self._window_slots, self._gap_most_s = per_kw, window_slots, gap_most_s
        self._window_s = window_slots * slot_s
        self._floor_kw = floor_kw
        self._peak_kw = 0.0
        self._drawn_kwh = 0.0
        self._window: int | None = None
        self._month: tuple[int, int] | None = None
        self._last_s: float | None = None

    def see(self, local: datetime, power_w: float) -> None:
        """Take note of what has flowed since the last time.

        Args:
            local: now, on the clock of the site: months begin by it.
            power_w: import of the grid connection [W].
        """
        now_s = local.timestamp()
        since_s = 0.0 if self._last_s is None else now_s - self._last_s
        if not 0.0 < since_s <= self._gap_most_s:
            since_s = 0.0
        window = int(now_s // self._window_s)
        in_this_s = min(since_s, now_s - window * self._window_s)
        if window != self._window:
            self._close(window, power_w * (since_s - in_this_s) / 3.6e6)
        if (month := (local.year, local.month)) != self._month:
            self._month, self._peak_kw = month, 0.0
        self._drawn_kwh += power_w * in_this_s / 3.6e6
        self._last_s = now_s

    def _close(self, window: int, rest_kwh: float) -> None:
        """End the window that was running, which this much belongs to yet, unless some of it was missed."""
        if self._window is not None and self._window + 1 == window:
            self._peak_kw = max(self._peak_kw, (self._drawn_kwh + rest_kwh) * 3600.0 / self._window_s)
        self._window, self._drawn_kwh = window, 0.0

    def demand(self) -> Demand | None:
        """What a higher peak costs from now on; None where it costs nothing."""
        if self._per_kw <= 0.0:
            return None
        part = DemandPart(self._per_kw, max(self._floor_kw, self._peak_kw))
        return Demand((part,), self._window_slots, max(0.0, self._drawn_kwh))
