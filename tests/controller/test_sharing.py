"""Progressive filling on numbers that can be checked by hand."""

import numpy as np
import pytest

from controller.loadbalance.sharing import FEW, OWN_MAXIMUM, fill


@pytest.mark.parametrize("members", [1, FEW + 1])
def test_who_reaches_the_own_maximum_leaves_the_rest_to_the_others(members: int) -> None:
    rows, free = np.ones((1, 3)), np.full((members, 1), 11.0)
    most, weight = np.tile([1.0, 20.0, 20.0], (members, 1)), np.tile([1.0, 1.0, 3.0], (members, 1))
    given, stopped_by = fill(rows, free, most, weight)
    assert given == pytest.approx(np.tile([1.0, 2.5, 7.5], (members, 1)))
    assert stopped_by.tolist() == [[OWN_MAXIMUM, 0, 0]] * members


@pytest.mark.parametrize("members", [1, FEW + 1])
def test_a_huge_weight_does_not_spoil_the_shares_of_small_ones(members: int) -> None:
    rows, free = np.ones((1, 3)), np.full((members, 1), 11.0)
    most, weight = np.tile([1.0, 20.0, 20.0], (members, 1)), np.tile([1e12, 0.3, 0.3], (members, 1))
    given, _ = fill(rows, free, most, weight)
    assert given == pytest.approx(np.tile([1.0, 5.0, 5.0], (members, 1)), abs=1e-9)


@pytest.mark.parametrize("members", [1, FEW + 1])
def test_a_row_without_room_stops_whoever_uses_it_at_nothing(members: int) -> None:
    rows, free = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]), np.tile([-2.0, 9.0], (members, 1))
    given, stopped_by = fill(rows, free, np.full((members, 3), 10.0), np.ones((members, 3)))
    assert given == pytest.approx(np.tile([0.0, 0.0, 9.0], (members, 1)))
    assert stopped_by.tolist() == [[0, 0, 1]] * members
