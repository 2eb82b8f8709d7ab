"""The state of a connector, as a table over what its charger says and what is measured.

What a charger says can be late or wrong; a current that flows is a fact. So a car that draws during a
transaction is charging, whatever the status is. Without that evidence the status decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from controller.snapshot import State
from controller.units import TOLERANCE_A

DRAWING_A: Final = 1.0
"""Above this a car charges; below it are standby currents and the meter's noise."""


class Status(StrEnum):
    """What a charger says of a connector (ChargePointStatus, OCPP 1.6 §7.7), or nothing yet."""

    UNKNOWN = "Unknown"
    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EVSE = "SuspendedEVSE"
    SUSPENDED_EV = "SuspendedEV"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


WITHOUT_TRANSACTION: Final[Mapping[Status, State]] = {
    Status.UNKNOWN: State.AVAILABLE,
    Status.AVAILABLE: State.AVAILABLE,
    Status.RESERVED: State.AVAILABLE,
    Status.PREPARING: State.OCCUPIED,
    Status.CHARGING: State.OCCUPIED,
    Status.SUSPENDED_EVSE: State.OCCUPIED,
    Status.SUSPENDED_EV: State.OCCUPIED,
    Status.FINISHING: State.FINISHING,
    Status.UNAVAILABLE: State.FAULTED,
    Status.FAULTED: State.FAULTED,
}

IN_TRANSACTION: Final[Mapping[Status, tuple[State, State]]] = {
    # nothing is drawn and the limit is:  below the minimum, at least the minimum
    Status.UNKNOWN: (State.PLUGGED, State.PLUGGED),
    Status.AVAILABLE: (State.PLUGGED, State.PLUGGED),
    Status.RESERVED: (State.PLUGGED, State.PLUGGED),
    Status.PREPARING: (State.PLUGGED, State.PLUGGED),
    Status.CHARGING: (State.WITHHELD, State.CHARGING),
    Status.SUSPENDED_EVSE: (State.WITHHELD, State.WITHHELD),
    Status.SUSPENDED_EV: (State.WITHHELD, State.EV_IDLE),
    Status.FINISHING: (State.FINISHING, State.FINISHING),
    Status.UNAVAILABLE: (State.FAULTED, State.FAULTED),
    Status.FAULTED: (State.FAULTED, State.FAULTED),
}


def point_state(
    *, connected: bool, status: Status, in_transaction: bool, drawn_a: float, limit_a: float, min_a: float
) -> State:
    """Return the state of a point.

    Args:
        connected: whether its charger is connected now.
        status: what the charger last said.
        in_transaction: whether a transaction is open on the connector.
        drawn_a: the largest of its phase currents [A]; 0 where nothing recent is known.
        limit_a: the highest limit that the charger may be acting on [A].
        min_a: the smallest limit that lets a car charge [A].
    """
    if not connected:
        return State.OFFLINE
    if not in_transaction:
        return WITHOUT_TRANSACTION[status]
    if drawn_a > DRAWING_A:
        return State.CHARGING
    return IN_TRANSACTION[status][limit_a >= min_a - TOLERANCE_A]
