"""The chargers behind a hub, as its back office sees them: the connectors (OCPP 1.6) or EVSEs (2.x) of one station.

The first of the hub's points is connector 1, and so on; the number of a point changes only when the site file does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from controller.hub_satellite.connector import Status
from controller.site import ChargingPoint

MOST: Final = 20
"""Satellites of one hub."""

STATION: Final = 0
"""The connector that stands for the whole hub (OCPP 1.6 §4.9)."""


class Satellites:
    """Which point is which connector of a hub."""

    def __init__(self, points: Sequence[ChargingPoint]) -> None:
        """Number them in their order.

        Raises:
            ValueError: they are none, too many, or not distinct.
        """
        if not 1 <= len(points) <= MOST:
            raise ValueError(f"a hub has 1 to {MOST} points, not {len(points)}")
        self._points = dict(enumerate(points, start=1))
        self._connectors = {point.id: number for number, point in self._points.items()}
        if len(self._connectors) != len(points):
            raise ValueError("a point is there twice")

    @property
    def connectors(self) -> Collection[int]:
        """Their numbers, in order."""
        return self._points.keys()

    def connector(self, point: str | None) -> int | None:
        """The number of a point; None where it is none of the hub's."""
        return self._connectors.get(point or "")

    def point(self, connector: int) -> ChargingPoint | None:
        """The point of that number; None where there is none."""
        return self._points.get(connector)

    def named(self, connector: int) -> Sequence[int]:
        """The connectors that a back office means by a number: by 0 all, by an unknown one none."""
        if connector == STATION:
            return list(self._points)
        return [connector] if connector in self._points else []


def connector_status(said: Status | None, *, in_transaction: bool) -> Status:
    """What a hub says of a connector.

    Args:
        said: what its charger says; None while that is not connected.
        in_transaction: whether the back office has been told of a transaction there.

    >>> connector_status(None, in_transaction=True).value
    'Unavailable'
    >>> connector_status(Status.PREPARING, in_transaction=True).value
    'SuspendedEV'
    """
    if said is None:
        return Status.UNAVAILABLE
    if in_transaction and said in {Status.UNKNOWN, Status.AVAILABLE, Status.PREPARING}:
        return Status.SUSPENDED_EV
    return Status.AVAILABLE if said is Status.UNKNOWN else said


def station_status(connectors: Iterable[Status]) -> Status:
    """What a hub says of itself as a whole, by what it says of its connectors (1.6 §4.9: of connector 0).

    It is out of service when all of them are, and has a fault when nothing else can be had.

    >>> station_status([Status.UNAVAILABLE, Status.CHARGING]).value
    'Available'
    """
    said = set(connectors)
    if said <= {Status.UNAVAILABLE}:
        return Status.UNAVAILABLE
    return Status.FAULTED if said <= {Status.UNAVAILABLE, Status.FAULTED} else Status.AVAILABLE


EVSE_STATUSES: Final[Mapping[Status, str]] = {
    Status.UNKNOWN: "Available",
    Status.AVAILABLE: "Available",
    Status.PREPARING: "Occupied",
    Status.CHARGING: "Occupied",
    Status.SUSPENDED_EVSE: "Occupied",
    Status.SUSPENDED_EV: "Occupied",
    Status.FINISHING: "Occupied",
    Status.RESERVED: "Reserved",
    Status.UNAVAILABLE: "Unavailable",
    Status.FAULTED: "Faulted",
}
"""ConnectorStatusEnumType of OCPP 2.x: what a car does is told in the events of its transaction."""
