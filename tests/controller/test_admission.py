"""Admission, one member of a batch at a time and many at once."""

import numpy as np
import pytest

from controller.loadbalance.admission import FEW, NO_ROW, Queue, admit


def queue(members: int, **keys: list[float]) -> Queue:
    """Three points in the order of their ids, unless a key says otherwise."""

    def rows(name: str) -> np.ndarray:
        return np.tile(np.array(keys.get(name, [0, 0, 0])), (members, 1))

    first = rows("first").astype(bool) if "first" in keys else None
    return Queue(np.arange(3), rows("priority"), rows("unserved_s"), rows("delivered_wh"), first)


@pytest.mark.parametrize("members", [1, FEW + 1])
@pytest.mark.parametrize(
    ("keys", "left_out"),
    [
        ({}, 2),
        ({"delivered_wh": [500, 0, 0]}, 0),
        ({"delivered_wh": [500, 0, 0], "unserved_s": [60, 0, 0]}, 2),
        ({"unserved_s": [60, 0, 60], "priority": [0, 1, 0]}, 2),
        ({"priority": [2, 1, 0], "first": [0, 0, 1]}, 1),
    ],
)
def test_the_least_entitled_is_left_out(members: int, keys: dict[str, list[float]], left_out: int) -> None:
    everybody, need = np.ones((members, 3), dtype=bool), np.full((members, 3), 6.0)
    admission = admit(queue(members, **keys), everybody, need, np.ones((1, 3)), np.full((members, 1), 14.0))
    assert admission.admitted.tolist() == [[place != left_out for place in range(3)]] * members
    assert admission.refused_by.tolist() == [[0 if place == left_out else NO_ROW for place in range(3)]] * members


@pytest.mark.parametrize("members", [1, FEW + 1])
@pytest.mark.parametrize(("newcomers", "admitted"), [([0, 1, 1], [1, 1, 0]), ([0, 1, 0], [1, 1, 1])])
def test_newcomers_leave_room_that_others_may_use(members: int, newcomers: list[int], admitted: list[int]) -> None:
    """Of 20 A the first two take 12; the third fits into the last 8, but not beside 3 that must stay free."""
    everybody, need = np.ones((members, 3), dtype=bool), np.full((members, 3), 6.0)
    free, keep = np.full((members, 1), 20.0), np.full((members, 1), 3.0)
    new = np.tile(np.array(newcomers, dtype=bool), (members, 1))
    admission = admit(queue(members), everybody, need, np.ones((1, 3)), free, keep, new)
    assert admission.admitted.astype(int).tolist() == [admitted] * members


@pytest.mark.parametrize("members", [1, FEW + 1])
def test_one_that_does_not_fit_is_passed_over_and_the_next_may_still_fit(members: int) -> None:
    rows = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    everybody, need = np.ones((members, 3), dtype=bool), np.full((members, 3), 6.0)
    admission = admit(queue(members), everybody, need, rows, np.tile([7.0, 100.0], (members, 1)))
    assert admission.admitted.tolist() == [[True, False, True]] * members
    assert admission.refused_by.tolist() == [[NO_ROW, 0, NO_ROW]] * members
