"""What every adapter is given: time, and where to report what is worth knowing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from controller.plan import Event

EventSink = Callable[[Event], None]
"""Where adapters report what is worth knowing. Never blocks, never raises."""


class Clock(Protocol):
    """Time. Control uses ``monotonic_s`` only; ``now`` dates records and tells tariffs apart."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never jump."""
        ...
