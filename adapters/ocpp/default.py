"""What one connector's charger does while nobody tells it anything: what is known of its permanent default."""

from __future__ import annotations

from typing import Final

from adapters.ocpp.limits import Retry
from controller.hub_satellite.deadman import Write

ANSWER_S: Final = 5.0
"""A charger answers within a second or two. One that is silent about its default for longer may not have taken it."""


class Default:
    """The permanent default of one connector: the fallback, unless a limit of a transaction lies in its place."""

    def __init__(self) -> None:
        self._accepted = False
        """Whether the charger has taken it on this connection, and holds it still."""
        self._retry = Retry()
        self._bound = True
        """Whether it stays at its fallback without our word, as the static rule has it; until it shows otherwise."""
        self._asked_s: float | None = None
        """Since when it owes an answer."""
        self._limits: list[Write] = []
        """Limits of a transaction that it may hold in place of the fallback."""

    def doubt(self) -> None:
        """Count no longer on what the charger has taken."""
        self._accepted = False

    def start_afresh(self) -> None:
        """Write it anew, at once: the connection is another, or it is to hold something else."""
        self._accepted = False
        self._retry.reset()

    def due(self, monotonic_s: float) -> bool:
        """Whether it is missing, and may be written again."""
        return not self._accepted and monotonic_s >= self._retry.not_before_s

    def asked(self, monotonic_s: float) -> None:
        """It is on its way. That the charger hangs up or starts anew is no answer."""
        if self._asked_s is None:
            self._asked_s = monotonic_s

    def answered(self, monotonic_s: float, *, accepted: bool) -> None:
        """The charger has taken it; or it has not, and may draw all it can."""
        self._accepted = self._bound = accepted
        self._asked_s = None
        if accepted:
            self._limits.clear()
        else:
            self._retry.failed(monotonic_s)

    def send(self, limit: Write, monotonic_s: float, skew_s: float) -> None:
        """A limit of a transaction goes into its place."""
        self._accepted = False
        self._limits = [other for other in self._limits if not other.run_out(monotonic_s, skew_s)]
        self._limits.append(limit)

    def accept(self, limit: Write) -> None:
        """The charger took that limit, whose schedule ends at the fallback."""
        self._limits = [limit]
        self._bound = True

    def refuse(self, limit: Write) -> None:
        """The charger did not take that limit."""
        self._limits = [other for other in self._limits if other is not limit]

    def highest_a(self, fallback_a: float, max_a: float, monotonic_s: float, skew_s: float) -> float:
        """Return the highest limit that it may leave the charger [A]; ``max_a`` is what rules without any."""
        owes = self._asked_s is not None and monotonic_s - self._asked_s > ANSWER_S
        without_a = fallback_a if self._bound and not owes else max_a
        return max([without_a, *(limit.highest_a(monotonic_s, skew_s) for limit in self._limits)])
