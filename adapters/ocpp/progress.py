"""How far one plan's changes have come on their way to the chargers."""

from __future__ import annotations

from collections.abc import Callable

from controller.ports.common import Clock
from controller.ports.devices import Applied


class Progress:
    """Waits for the answers to one plan's changes, and reports when the last has come."""

    def __init__(self, clock: Clock, on_applied: Callable[[Applied], None] | None) -> None:
        self._clock = clock
        self._on_applied = on_applied
        self._since_s = clock.monotonic_s()
        self._open: set[str] = set()
        self._changed = 0
        self._accepted = 0
        self._complete = False

    def expect(self, point: str) -> None:
        """One more limit is on its way."""
        self._open.add(point)
        self._changed += 1

    def complete(self) -> None:
        """All changes of the plan have been named."""
        self._complete = True
        self._report_when_done()

    def settle(self, point: str, *, accepted: bool) -> None:
        """A limit was accepted, or will not be: refused, overtaken by a later plan, its charger gone."""
        self._open.discard(point)
        self._accepted += accepted
        self._report_when_done()

    def _report_when_done(self) -> None:
        if self._complete and not self._open and self._changed and self._on_applied is not None:
            seconds = self._clock.monotonic_s() - self._since_s
            self._on_applied(Applied(self._changed, self._accepted, seconds))
