"""What a charger that ignores its limit has been treated with, and with what it is still to be treated.

A plan names the furthest remedy that is called for. Each is applied once, and again on a new connection; only being
out of service is insisted on, and taken back when it is no longer called for.
"""

from __future__ import annotations

from adapters.ocpp.limits import Retry
from controller.plan import Remedy


class Treatment:
    """The remedies of one connector."""

    def __init__(self) -> None:
        self.compare = False
        """Whether it is still to be asked for its composite schedule."""
        self.stop = False
        """Whether it is still to be asked to end its transaction."""
        self._remedy: Remedy | None = None
        self._out = False
        """Whether it should be out of service."""
        self._sure = False
        """Whether it has said on this connection that it is."""
        self._taken_out: bool | None = None
        """What it was told last about that; None: nothing since the service has run."""
        self._ordered_out = False
        """Whether people have taken it out of service."""
        self._retry = Retry()

    def call_for(self, remedy: Remedy | None) -> bool:
        """Take the plan's word; returns whether the limit is to be written again."""
        if remedy is self._remedy:
            return False
        self._remedy = remedy
        self.compare, self.stop = remedy is Remedy.COMPARE, remedy is Remedy.STOP
        self._out, self._sure = remedy is Remedy.DISABLE, False
        self._retry.reset()
        return remedy is Remedy.RESEND

    def reconnected(self) -> None:
        """What is called for is applied anew: nobody knows what became of it."""
        self._remedy, self.compare, self.stop = None, False, False

    def wants_service(self, *, unavailable: bool, monotonic_s: float) -> bool | None:
        """Return whether to tell it to be in service (True) or out of it (False); None: there is nothing to tell.

        Out of service lasts through restarts of the charger (OCPP 1.6 §5.2), and of ours: one that we find so, and
        have told nothing yet, is told once to be in service.

        Args:
            unavailable: whether its charger says that it is out of service.
            monotonic_s: now.
        """
        if monotonic_s < self._retry.not_before_s:
            return None
        if self._out:
            return None if self._taken_out and self._sure else False
        found = self._taken_out is None and unavailable and not self._ordered_out
        return True if self._taken_out or found else None

    def ordered(self, *, in_service: bool) -> None:
        """People have put it into service or out of it, and it stays so until they say otherwise, or we restart."""
        self._ordered_out = not in_service

    def service_answered(self, *, in_service: bool, accepted: bool, monotonic_s: float) -> None:
        """It has done so, or has not: then it is asked again later, unless we have not taken it out at all."""
        if accepted or (in_service and self._taken_out is None):
            self._taken_out, self._sure = not in_service, True
            self._retry.reset()
        else:
            self._retry.failed(monotonic_s)
