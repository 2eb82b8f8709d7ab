"""What was seen of a running session, moment by moment: the raw material of its price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from controller.snapshot import State
from controller.tariffs.session_facts import Activity

_ACTIVITIES: Final = {
    State.CHARGING: Activity.CHARGING,
    State.EV_IDLE: Activity.IDLE,
    State.FINISHING: Activity.IDLE,
    State.PLUGGED: Activity.IDLE,
}


@dataclass(frozen=True, slots=True)
class Observed:
    """One moment of a running session."""

    session: str
    at: datetime
    activity: Activity
    """From now on."""
    register_wh: int | None = None
    """Where the moment is that of a register."""


def activity_of(state: State, limit_a: float | None) -> Activity:
    """What a point with a running transaction does, as far as its driver can be billed for it.

    A car that has drawn nothing yet idles, unless the site gives it no current. Whatever else a point may be while a
    transaction is open (offline, faulted), its driver is not billed for that time.

    Args:
        state: of the point.
        limit_a: what the site lets it draw [A]; None: it was not told.

    >>> activity_of(State.PLUGGED, 16.0).value, activity_of(State.PLUGGED, 0.0).value
    ('idle', 'withheld')
    >>> activity_of(State.EV_IDLE, 6.0).value, activity_of(State.OFFLINE, None).value
    ('idle', 'withheld')
    """
    if state is State.PLUGGED and limit_a is not None and limit_a <= 0:
        return Activity.WITHHELD
    return _ACTIVITIES.get(state, Activity.WITHHELD)
