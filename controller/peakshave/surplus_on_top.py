"""What the site would export comes on top of a dimming after §14a EnWG, which is about what is taken from the grid.

Where charging draws c and the grid connection p (export negative), c - p would be exported without charging. As much of
it as there was at every moment of the last minute is added to the limit; less soon, more in steps. So what charging
takes from the grid stays below the limit: see ``from_grid_w``.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from controller.snapshot import ExternalLimit

SURE_S: Final = 60.0
"""What there was for so long is there, as far as clouds and kettles can be foreseen."""
LAG_S: Final = 12.0
"""The grid meter shows so much earlier than chargers report that cars follow a change: what is gone for less than this
is not gone."""
GAP_S: Final = 5.0
"""Without a reading for longer, it begins anew."""
STEP_W: Final = 500.0
"""Less than this more is not worth a change of all limits."""
RAISE_S: Final = 30.0
"""Between two steps up: chargers and cars have followed by then, and the meters show it."""


class SurplusOnTop:
    """Follows the surplus of one site.

    Args:
        circuit: the grid connection; a limit on any other says nothing of what is exported.
        sources: whose limits it is added to.
    """

    def __init__(self, circuit: str, sources: Collection[str]) -> None:
        self._circuit, self._sources = circuit, sources
        self._lately: deque[tuple[float, float]] = deque()
        """When [s], and what would have been exported [W], for as long as the lag."""
        self._seen: deque[tuple[float, float]] = deque()
        """The most of it at each moment; the oldest is a minute old, once there has been one."""
        self._raised_s = -math.inf
        self.on_top_w = 0.0
        """What is added now [W]."""

    def see(self, now_s: float, power_w: float | None, charging_w: float) -> None:
        """Take note of a moment.

        Args:
            now_s: monotonic [s].
            power_w: at the grid connection, export negative [W]; None where its meter is not believed.
            charging_w: what all points draw together [W].
        """
        lately, seen = self._lately, self._seen
        if power_w is None or (seen and not 0.0 <= now_s - seen[-1][0] <= GAP_S):
            lately.clear()
            seen.clear()
        if power_w is not None:
            _keep(lately, now_s, max(0.0, charging_w - power_w), LAG_S)
            _keep(seen, now_s, max(watts for _, watts in lately), SURE_S)
        known = bool(seen) and seen[-1][0] - seen[0][0] >= SURE_S
        sure_w = min(watts for _, watts in seen) // STEP_W * STEP_W if known else 0.0
        if sure_w > self.on_top_w and now_s - self._raised_s < RAISE_S:
            return
        if sure_w > self.on_top_w:
            self._raised_s = now_s
        self.on_top_w = sure_w

    def added(self, limits: tuple[ExternalLimit, ...]) -> tuple[ExternalLimit, ...]:
        """The limits, with the surplus on top of those that it is added to."""
        if not self.on_top_w:
            return limits
        return tuple(
            replace(one, limit_w=one.limit_w + self.on_top_w)
            if one.source in self._sources and one.circuit == self._circuit
            else one
            for one in limits
        )


def _keep(seen: deque[tuple[float, float]], now_s: float, watts: float, for_s: float) -> None:
    """Add to what was seen for so long."""
    seen.append((now_s, watts))
    while len(seen) > 1 and seen[1][0] <= now_s - for_s:
        seen.popleft()


def from_grid_w(charging_w: float, power_w: float | None) -> float:
    """What charging takes from the grid, while the connection draws so much [W]; all of it where that is not known."""
    return charging_w if power_w is None else max(0.0, min(charging_w, power_w))
