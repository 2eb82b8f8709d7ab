"""Walks the whole table: every status, with and without a transaction, current and room."""

from itertools import product

import pytest

from controller.hub_satellite.connector import Status, point_state
from controller.snapshot import State

IDLE_A, DRAWING_A = 0.4, 9.0
NO_ROOM_A, ROOM_A = 0.0, 6.0

IN_TRANSACTION_AT_REST = {
    Status.UNKNOWN: ("plugged", "plugged"),
    Status.AVAILABLE: ("plugged", "plugged"),
    Status.PREPARING: ("plugged", "plugged"),
    Status.CHARGING: ("withheld", "charging"),
    Status.SUSPENDED_EVSE: ("withheld", "withheld"),
    Status.SUSPENDED_EV: ("withheld", "ev_idle"),
    Status.FINISHING: ("finishing", "finishing"),
    Status.RESERVED: ("plugged", "plugged"),
    Status.UNAVAILABLE: ("faulted", "faulted"),
    Status.FAULTED: ("faulted", "faulted"),
}
WITHOUT = {
    Status.UNKNOWN: "available",
    Status.AVAILABLE: "available",
    Status.PREPARING: "occupied",
    Status.CHARGING: "occupied",
    Status.SUSPENDED_EVSE: "occupied",
    Status.SUSPENDED_EV: "occupied",
    Status.FINISHING: "finishing",
    Status.RESERVED: "available",
    Status.UNAVAILABLE: "faulted",
    Status.FAULTED: "faulted",
}


def expected(connected: bool, status: Status, in_transaction: bool, drawn_a: float, limit_a: float) -> str:
    if not connected:
        return "offline"
    if not in_transaction:
        return WITHOUT[status]
    if drawn_a == DRAWING_A:
        return "charging"
    return IN_TRANSACTION_AT_REST[status][limit_a == ROOM_A]


@pytest.mark.parametrize("status", list(Status))
def test_every_cell_of_the_table(status: Status):
    for connected, in_transaction, drawn_a, limit_a in product(
        (False, True), (False, True), (IDLE_A, DRAWING_A), (NO_ROOM_A, ROOM_A)
    ):
        found = point_state(
            connected=connected,
            status=status,
            in_transaction=in_transaction,
            drawn_a=drawn_a,
            limit_a=limit_a,
            min_a=6.0,
        )
        assert found is State(expected(connected, status, in_transaction, drawn_a, limit_a))


def test_a_limit_of_exactly_the_minimum_is_room_whatever_the_rounding():
    state = point_state(
        connected=True, status=Status.SUSPENDED_EV, in_transaction=True, drawn_a=0, limit_a=0.1 * 60, min_a=6.0
    )
    assert state is State.EV_IDLE
