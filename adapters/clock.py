"""The real clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's own clocks (``controller.ports.common.Clock``)."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC. Jumps when the machine's clock is set."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()
