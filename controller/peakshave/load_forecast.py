"""What will flow that is not charging: as at the same time of other days, corrected by what the last hour was like.

Shapes: C circuits, 3 phases of the grid, S slots of a day, T moments ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEWEST_SHARE: Final = 0.25
"""Weight of the newest day in the profile: a change of habits has come through after about a week."""
CORRECTION_LASTS_S: Final = 2 * 3600.0
"""A deviation fades with this time constant: a machine that is left on, a cloudy morning."""
CORRECTION_LEARNS_S: Final = 3600.0
"""And is the mean of about the last hour."""
_DAY_S: Final = 86_400.0
_KINDS: Final = 2
"""Working days and weekends are learned apart."""


class LoadForecast:
    """Learns from every moment that it is shown."""

    def __init__(self, circuits: int, slot_s: float) -> None:
        self._slot_s = slot_s
        self._profile_a = np.full((_KINDS, round(_DAY_S / slot_s), circuits, 3), np.nan)
        self._deviation_a = np.zeros((circuits, 3))
        self._sum_a = np.zeros((circuits, 3))
        self._count = 0
        self._slot: tuple[int, int] | None = None
        self._level_a: Floats | None = None

    def see(self, local: datetime, load_a: Floats) -> None:
        """Take note of what flows now.

        Args:
            local: now, on the clock of the site.
            load_a: (C, 3) what is not charging [A]; finite.
        """
        slot = self._slot_of(local)
        if slot != self._slot:
            self._close_slot()
            self._slot = slot
        self._sum_a = self._sum_a + load_a
        self._count += 1

    def ahead(self, now: datetime, moments: Sequence[datetime]) -> Floats | None:
        """What to expect (T, C, 3) [A]; None before anything has been seen.

        Args:
            now: on the clock of the site.
            moments: as many, on the same clock; such as the middles of slots.
        """
        level_a = self._sum_a / self._count if self._count else self._level_a
        if level_a is None:
            return None
        slots = [self._slot_of(moment) for moment in moments]
        kinds, numbers = [kind for kind, _ in slots], [number for _, number in slots]
        usual_a = self._profile_a[kinds, numbers]
        other_a = self._profile_a[[1 - kind for kind in kinds], numbers]
        usual_a = np.where(np.isnan(usual_a), other_a, usual_a)
        ahead_s = np.array([max(0.0, (moment - now) / timedelta(seconds=1)) for moment in moments])
        fading = np.exp(-ahead_s / CORRECTION_LASTS_S)[:, None, None]
        expected: Floats = np.where(np.isnan(usual_a), level_a, usual_a + fading * self._deviation_a)
        return expected

    def _slot_of(self, local: datetime) -> tuple[int, int]:
        second = local.hour * 3600 + local.minute * 60 + local.second
        return int(local.weekday() >= 5), int(second // self._slot_s)

    def _close_slot(self) -> None:
        """Bring the slot that has ended into the profile."""
        if self._slot is None or not self._count:
            return
        mean_a = self._sum_a / self._count
        usual_a = self._profile_a[self._slot]
        known = ~np.isnan(usual_a)
        share = min(1.0, self._slot_s / CORRECTION_LEARNS_S)
        deviation_a = np.where(known, mean_a - usual_a, 0.0)
        self._deviation_a = (1.0 - share) * self._deviation_a + share * deviation_a
        newer_a = (1.0 - NEWEST_SHARE) * usual_a + NEWEST_SHARE * mean_a
        self._profile_a[self._slot] = np.where(known, newer_a, mean_a)
        self._level_a = mean_a
        self._sum_a, self._count = np.zeros_like(mean_a), 0
