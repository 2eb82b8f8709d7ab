"""Who may charge at all, where there is not room for everybody's minimum.

B sites in a batch, P points, K rows; ``rows`` as in ``Capacity``.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from controller.loadbalance.capacity import rows_of, used
from controller.loadbalance.layout import Bools, Floats, Ints, anything
from controller.record import record
from controller.units import TOLERANCE_A

NO_ROW: Final = -1
"""In place of a row's number: none."""

FEW: Final = 3
"""So many members are worked out one by one as fast as all at once."""


@record
class Queue:
    """Who comes first; put in order only where it matters.

    First ``first``, then higher priority, longer unserved, less energy, id.
    """

    by_id: Ints
    """(P,): places in the order of ids; sorting by the rest leaves it where that is equal."""
    priority: Ints
    """(B, P), as all that follow."""
    unserved_s: Floats
    delivered_wh: Ints
    first: Bools | None = None

    def of(self, member: int, candidates: Bools) -> list[int]:
        """The candidates (P,) of one member."""
        places: list[int] = self.by_id[candidates[self.by_id]].tolist()
        priority, unserved_s = self.priority[member].tolist(), self.unserved_s[member].tolist()
        delivered_wh = self.delivered_wh[member].tolist()
        if self.first is None:
            return sorted(places, key=lambda n: (-priority[n], -unserved_s[n], delivered_wh[n]))
        first = self.first[member].tolist()
        return sorted(places, key=lambda n: (not first[n], -priority[n], -unserved_s[n], delivered_wh[n]))

    def of_many(self, members: Ints, candidates: Bools) -> Ints:
        """The candidates (members, P) of many members, one row each; where there are fewer, others fill the row."""
        others_last = np.argsort(~candidates[:, self.by_id], axis=1, kind="stable")
        places = self.by_id[others_last[:, : candidates.sum(axis=1).max()]]
        of = members[:, None], places
        keys: list[Floats | Ints | Bools] = [self.delivered_wh[of]]
        if np.count_nonzero(self.unserved_s):
            keys.append(-self.unserved_s[of])
        if np.count_nonzero(self.priority):
            keys.append(-self.priority[of])
        if self.first is not None:
            keys.append(~self.first[of])
        return np.take_along_axis(places, np.lexsort(keys, axis=1), axis=1)


@record
class Admission:
    """Who was admitted (B, P); for those who were not, the row (B, P) that had no room for their minimum."""

    admitted: Bools
    refused_by: Ints
    """``NO_ROW`` for all others."""


def admit(
    queue: Queue,
    candidates: Bools,
    need_a: Floats,
    rows: Floats,
    free_a: Floats,
    keep_free_a: Floats | None = None,
    newcomers: Bools | None = None,
) -> Admission:
    """Admit, in order, each that still fits at its minimum; one that does not fit is passed over.

    Args:
        queue: who comes first.
        candidates: (B, P) who wants to enter.
        need_a: (B, P) minimum of each [A].
        rows: (K, P) or (B, K, P) use of each row per ampere.
        free_a: (B, K) room of each row [A].
        keep_free_a: (B, K) room that must be left besides when a newcomer enters [A]; none by default.
        newcomers: (B, P) who they are.
    """
    refused_by = np.full(candidates.shape, NO_ROW)
    if not anything(candidates):
        return Admission(candidates, refused_by)
    need = np.where(candidates, need_a, 0.0)
    room = free_a + TOLERANCE_A
    keep = None
    if keep_free_a is not None and newcomers is not None and anything(newcomers & candidates):
        keep = keep_free_a, newcomers
    tight = used(rows, need) > (room if keep is None else room - np.maximum(keep[0], 0.0))
    if not anything(tight):
        return Admission(candidates, refused_by)
    members = np.logical_or.reduce(tight, axis=1).nonzero()[0]
    if members.size > FEW:
        order = queue.of_many(members, candidates[members])
        refused_by[members] = _many(order, need, rows, room, keep, members, tight)
    else:
        for member in members.tolist():
            places = queue.of(member, candidates[member])
            refused_by[member] = _one(places, need, rows, room, keep, member, tight)
    return Admission(candidates & (refused_by == NO_ROW), refused_by)


_Keep = tuple[Floats, Bools] | None


def _one(
    places: list[int], need: Floats, rows: Floats, room: Floats, keep: _Keep, member: int, tight: Bools
) -> list[int]:
    """The row that refused each point of one member (P,); rows that are not tight refuse nobody."""
    binding = tight[member].nonzero()[0]
    left = room[member, binding].tolist()
    nothing = [0.0] * len(left)
    keeps = nothing if keep is None else keep[0][member, binding].tolist()
    enters = [False] * need.shape[1] if keep is None else keep[1][member].tolist()
    numbers, refused_by = binding.tolist(), [NO_ROW] * need.shape[1]
    felt, needs = rows_of(rows, member).take(binding, axis=0).tolist(), need[member].tolist()
    for place in places:
        use = [row[place] * needs[place] for row in felt]
        kept = keeps if enters[place] else nothing
        refuses = [n for n, a, has, keep_a in zip(numbers, use, left, kept, strict=True) if a > 0 and a > has - keep_a]
        if refuses:
            refused_by[place] = refuses[0]
        else:
            left = [has - a for has, a in zip(left, use, strict=True)]
    return refused_by


def _many(order: Ints, need: Floats, rows: Floats, room: Floats, keep: _Keep, members: Ints, tight: Bools) -> Ints:
    """The row that refused each point of many members (len(members), P), one place of their orders after the other.

    Here the batch is the last axis, along which numpy is fast.
    """
    columns = np.flatnonzero(tight.any(axis=0))
    places = np.ascontiguousarray(order.T)
    if rows.ndim == 2:
        felt = rows[columns].take(places, axis=1)
    else:
        felt = rows.transpose(1, 2, 0)[columns][:, places, members]
    use = felt * need[members, places]
    must_fit = use
    if keep is not None:
        left_over = np.where(keep[1][members, places], keep[0][members][:, columns].T[:, None], 0.0)
        must_fit = np.where(use > 0, use + left_over, 0.0)
    left = np.maximum(room[members][:, columns].T, 0.0)
    over = np.empty(use.shape, dtype=bool)
    refused = np.empty(places.shape, dtype=bool)
    for place in range(len(places)):
        np.greater(must_fit[:, place], left, out=over[:, place])
        np.logical_or.reduce(over[:, place], axis=0, out=refused[place])
        left -= use[:, place] * ~refused[place]
    rank, member = np.nonzero(refused)
    refused_by = np.full((members.size, need.shape[1]), NO_ROW)
    refused_by[member, places[rank, member]] = columns[over[:, rank, member].argmax(axis=0)]
    return refused_by
