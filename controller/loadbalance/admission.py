"""Who may charge at all, where there is not room for everybody's minimum.

B sites in a batch, P points, K rows; ``rows`` as in ``Capacity``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from controller.loadbalance.capacity import rows_of, used
from controller.loadbalance.layout import Bools, Floats, Ints
from controller.units import TOLERANCE_A

NO_ROW: Final = -1
"""In place of a row's number: none."""

FEW: Final = 12
"""So many members are worked out one by one as fast as all at once."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Who comes first; (B, P) each. Put in order only where it matters."""

    id_rank: Ints
    """(P,)"""
    priority: Ints
    unserved_s: Floats
    delivered_wh: Ints
    first: Bools | None = None
    """Who comes before all others, if anybody."""

    def order(self, members: Ints) -> Ints:
        """The points of these members (len(members), P): first, higher priority, longer unserved, less energy, id."""
        delivered = self.delivered_wh[members]
        ids = np.broadcast_to(self.id_rank, delivered.shape)
        keys: list[Floats | Ints | Bools] = [ids, delivered, -self.unserved_s[members], -self.priority[members]]
        if self.first is not None:
            keys.append(~self.first[members])
        return np.lexsort(keys, axis=-1)


@dataclass(frozen=True, slots=True)
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
    need = np.where(candidates, need_a, 0.0)
    room = free_a + TOLERANCE_A
    tight = used(rows, need) > (room if keep_free_a is None else room - np.maximum(keep_free_a, 0.0))
    members = np.flatnonzero(tight.any(axis=1))
    if members.size == 0:
        return Admission(candidates, refused_by)
    keep = None if keep_free_a is None or newcomers is None else (keep_free_a, newcomers)
    order = queue.order(members)
    if members.size > FEW:
        refused_by[members] = _many(order, need, rows, room, keep, members, tight)
    else:
        for member, places in zip(members.tolist(), order.tolist(), strict=True):
            refused_by[member] = _one(places, need, rows, room, keep, member, tight)
    return Admission(candidates & (refused_by == NO_ROW), refused_by)


_Keep = tuple[Floats, Bools] | None


def _one(
    places: list[int], need: Floats, rows: Floats, room: Floats, keep: _Keep, member: int, tight: Bools
) -> list[int]:
    """The row that refused each point of one member (P,); rows that are not tight refuse nobody."""
    binding = np.flatnonzero(tight[member])
    left = room[member, binding].tolist()
    keeps = [0.0] * len(left) if keep is None else keep[0][member, binding].tolist()
    enters = [False] * len(places) if keep is None else keep[1][member].tolist()
    uses: list[list[tuple[int, float]]] = [[] for _ in places]
    for n, row in enumerate((rows_of(rows, member)[binding] * need[member]).tolist()):
        for place, use in enumerate(row):
            if use > 0:
                uses[place].append((n, use))
    refused_by = [NO_ROW] * len(places)
    for place in places:
        use = uses[place]
        for n, a in use:
            if a > left[n] - keeps[n] if enters[place] else a > left[n]:
                refused_by[place] = int(binding[n])
                break
        else:
            for n, a in use:
                left[n] -= a
    return refused_by


def _many(order: Ints, need: Floats, rows: Floats, room: Floats, keep: _Keep, members: Ints, tight: Bools) -> Ints:
    """The row that refused each point of many members (len(members), P), place after place in their order."""
    columns = np.flatnonzero(tight.any(axis=0))
    places = order.T
    of = np.arange(members.size)
    felt = rows[columns].T[places] if rows.ndim == 2 else rows[members[:, None], columns].swapaxes(1, 2)[of, places]
    use = felt * need[members, places][:, :, None]
    must_fit = (
        use if keep is None else use + np.where(keep[1][members, places][:, :, None], keep[0][members][:, columns], 0.0)
    )
    must_fit = np.where(use > 0, must_fit, -np.inf)
    left = room[members][:, columns]
    over = np.empty(use.shape, dtype=bool)
    for position in range(len(places)):
        np.greater(must_fit[position], left, out=over[position])
        left -= use[position] * ~over[position].any(axis=1)[:, None]
    refused = over.any(axis=2)
    rank, member = np.nonzero(refused)
    refused_by = np.full(order.shape, NO_ROW)
    refused_by[member, places[rank, member]] = columns[over[rank, member].argmax(axis=1)]
    return refused_by
