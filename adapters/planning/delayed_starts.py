"""Puts off the starts that a plan of the coming hours is waiting for, each by a random time."""

from __future__ import annotations

from collections.abc import Callable

from controller.peakshave.random_delay import Waiting, delayed_starts
from controller.ports.common import Clock
from controller.site import Site
from controller.snapshot import Advice


class DelayedStarts:
    """Stands between a plan and the control loop, which calls ``advice`` once a turn; it neither blocks nor raises."""

    def __init__(self, site: Site, clock: Clock, most_s: int, advice: Callable[[], Advice | None]) -> None:
        self._site, self._clock, self._most_s, self._advice = site, clock, most_s, advice
        self._least_a = {point.id: point.min_a for point in site.points}
        self._waiting: Waiting = {}

    def advice(self) -> Advice | None:
        """The newest plan with its starts put off; None when there is none."""
        advice = self._advice()
        if advice is None:
            self._waiting = {}
            return None
        told, self._waiting = delayed_starts(
            advice, self._waiting, self._clock.now(), self._least_a, self._site.id, self._most_s
        )
        return told
