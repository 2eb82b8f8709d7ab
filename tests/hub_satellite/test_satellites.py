"""Which point is which connector of a hub, and what the hub says of each and of the whole."""

from __future__ import annotations

from itertools import combinations_with_replacement

import pytest

from controller.hub_satellite.connector import Status
from controller.hub_satellite.satellites import EVSE_STATUSES, Satellites, connector_status, station_status
from controller.site import ChargingPoint


def points(count: int) -> list[ChargingPoint]:
    return [ChargingPoint(f"P{n:02}", "main", f"CP{n:02}", 1) for n in range(1, count + 1)]


def test_points_are_connectors_in_their_order():
    satellites = Satellites(points(20))
    assert list(satellites.connectors) == list(range(1, 21))
    assert satellites.connector("P20") == 20
    assert satellites.connector("P21") is None
    assert satellites.connector(None) is None
    found = satellites.point(3)
    assert found is not None
    assert found.id == "P03"
    assert (satellites.named(0), satellites.named(7), satellites.named(21)) == (list(range(1, 21)), [7], [])


@pytest.mark.parametrize("wrong", [[], points(21), [*points(1), *points(1)]])
def test_a_hub_has_one_to_twenty_points_each_once(wrong: list[ChargingPoint]):
    with pytest.raises(ValueError, match=r"points|twice"):
        Satellites(wrong)


@pytest.mark.parametrize("said", [None, *Status])
@pytest.mark.parametrize("in_transaction", [False, True])
def test_what_is_said_of_a_connector(said: Status | None, in_transaction: bool):
    told = connector_status(said, in_transaction=in_transaction)
    idle = {Status.UNKNOWN, Status.AVAILABLE, Status.PREPARING}
    if said is None:
        assert told is Status.UNAVAILABLE
    elif in_transaction and said in idle:
        assert told is Status.SUSPENDED_EV
    else:
        assert told is (Status.AVAILABLE if said is Status.UNKNOWN else said)
    assert EVSE_STATUSES[told] in {"Available", "Occupied", "Reserved", "Unavailable", "Faulted"}


def test_what_is_said_of_the_whole():
    told = [status for status in Status if status is not Status.UNKNOWN]
    for pair in combinations_with_replacement(told, 2):
        usable = [status for status in pair if status not in {Status.UNAVAILABLE, Status.FAULTED}]
        expected = Status.AVAILABLE if usable else Status.FAULTED if Status.FAULTED in pair else Status.UNAVAILABLE
        assert station_status(pair) is expected, pair
