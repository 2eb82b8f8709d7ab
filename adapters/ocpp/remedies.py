"""What a charger that ignores its limit has been treated with, and with what it is still to be treated.

A plan names the furthest remedy that is called for. Each is applied once, and again on a new connection; only being
out of service is insisted on, and taken back when it is no longer called for. What people have taken out of service
stays so, and is told again on every connection of a charger that has forgotten it.
"""

from __future__ import annotations

from adapters.ocpp.limits import Retry
from controller.plan import Remedy
from controller.ports.devices import Withdrawal


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
        self._taken_out = False
        """Whether it has been told so."""
        self._ordered_out = False
        """Whether people have taken it out of service."""
        self._retry = Retry()

    def call_for(self, remedy: Remedy | None) -> bool:
        """Take the plan's word; returns whether the limit is to be written again."""
        if remedy is self._remedy and self._out is (remedy is Remedy.DISABLE):
            return False
        self._remedy = remedy
        self.compare, self.stop = remedy is Remedy.COMPARE, remedy is Remedy.STOP
        self._out, self._sure = remedy is Remedy.DISABLE, False
        self._retry.reset()
        return remedy is Remedy.RESEND

    def reconnected(self) -> None:
        """What is called for is applied anew: nobody knows what became of it."""
        self._remedy, self.compare, self.stop, self._sure = None, False, False, False

    def wants_service(self, *, unavailable: bool, monotonic_s: float) -> bool | None:
        """Return whether to tell it to be in service (True) or out of it (False); None: there is nothing to tell.

        Out of service lasts through restarts of the charger (OCPP 1.6 §5.2): one that we have not taken out, and people
        here have not, is somebody else's matter.

        Args:
            unavailable: whether its charger says that it is out of service.
            monotonic_s: now.
        """
        if monotonic_s < self._retry.not_before_s:
            return None
        if self._out:
            return None if self._taken_out and self._sure else False
        if self._ordered_out:
            return None if unavailable or self._sure else False
        return True if self._taken_out else None

    @property
    def taking_out(self) -> bool:
        """Whether the controller wants it out of service."""
        return self._out

    @property
    def withdrawal(self) -> Withdrawal:
        """For whom it is out of service, or is about to be."""
        return Withdrawal(people=self._ordered_out, remedy=self._out or self._taken_out)

    def restore(self, withdrawal: Withdrawal) -> None:
        """Take up what held before we were restarted."""
        self._ordered_out, self._taken_out = withdrawal.people, withdrawal.remedy

    def ordered(self, *, in_service: bool) -> None:
        """People have put it into service or out of it, and it stays so until they say otherwise."""
        self._ordered_out, self._sure = not in_service, not in_service
        self._taken_out = self._taken_out and not in_service

    def service_answered(self, *, in_service: bool, accepted: bool, monotonic_s: float) -> None:
        """It has done so, or has not: then it is asked again later."""
        if accepted:
            self._taken_out = self._out and not in_service
            self._sure = True
            self._retry.reset()
        else:
            self._retry.failed(monotonic_s)
