"""Fair division: who may charge at all, and weighted max-min fairness above the minimum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final

import numpy as np

from controller.loadbalance.facts import Facts
from controller.loadbalance.layout import Bools, Floats, Ints, Layout
from controller.units import TOLERANCE_A

OWN_MAXIMUM: Final = -1
"""In place of a row's number: the point itself can take no more."""

_EXACT: Final = 1e-9


def waiting_order(layout: Layout, facts: Facts, unserved_s: Floats, first: Bools | None = None) -> list[int]:
    """All points, the most entitled first: ``first``, then priority, longest unserved, least energy, id."""
    rank = zip(
        np.zeros(layout.size, dtype=bool).tolist() if first is None else (~first).tolist(),
        (-facts.priority).tolist(),
        (-unserved_s).tolist(),
        facts.delivered_wh.tolist(),
        layout.point_ids,
        strict=True,
    )
    return [place for _, place in sorted(zip(rank, range(layout.size), strict=True))]


@dataclass(frozen=True, slots=True)
class Admission:
    """Who was admitted; for those who were not, the row that had no room for their minimum."""

    admitted: Bools
    refused_by: dict[int, int]


def admit(
    order: Sequence[int], need_a: Floats, rows: Floats, free_a: Floats, keep_free_a: Floats | None = None
) -> Admission:
    """Admit, in order, each that still fits at its minimum; one that does not fit is passed over.

    Args:
        order: places of the candidates, the most entitled first.
        need_a: (P,) minimum of each [A].
        rows: (K, P) use of each row per ampere.
        free_a: (K,) room of each row [A].
        keep_free_a: (K, P) room that must be left besides when that point enters [A]; none by default.
    """
    admitted = np.zeros(rows.shape[1], dtype=bool)
    places = np.array(order, dtype=np.int64)
    use = rows[:, places] * need_a[places]
    keep = np.zeros((rows.shape[0], 1)) if keep_free_a is None else keep_free_a[:, places]
    binding = np.flatnonzero(use.sum(axis=1) > free_a - keep.max(axis=1, initial=0.0) + TOLERANCE_A)
    if binding.size == 0:
        admitted[places] = True
        return Admission(admitted, {})
    refused_by: dict[int, int] = {}
    left = (free_a[binding] + TOLERANCE_A).tolist()
    keeps = repeat([0.0] * binding.size) if keep_free_a is None else keep[binding].T.tolist()
    for place, uses, kept in zip(order, use[binding].T.tolist(), keeps, strict=False):
        short = [n for n, u in enumerate(uses) if u > 0 and u > left[n] - kept[n]]
        if short:
            refused_by[place] = int(binding[short[0]])
        else:
            admitted[place] = True
            left = [free - u for free, u in zip(left, uses, strict=True)]
    return Admission(admitted, refused_by)


def fill(rows: Floats, free_a: Floats, most_a: Floats, weight: Floats) -> tuple[Floats, Ints]:
    """Weighted max-min fair amounts from zero: nobody can get more without taking from someone with less.

    Progressive filling (Bertsekas and Gallager, Data Networks, 6.5.2): all amounts grow in proportion to their
    weights; a point stops when it reaches ``most_a`` or when a row that it uses is full.

    Args:
        rows: (K, P) use of each row per ampere.
        free_a: (K,) room of each row [A]; negative counts as none.
        most_a: (P,) most that each may get [A]; 0 for one that takes no part.
        weight: (P,) above 0.

    Returns:
        (P,) amounts [A], and (P,) the row that stopped each, or ``OWN_MAXIMUM``.
    """
    stopped_by = np.full(most_a.shape, OWN_MAXIMUM)
    active = most_a > _EXACT
    given = np.where(active, most_a, 0.0)
    relevant = np.flatnonzero(rows @ given > free_a)
    if relevant.size == 0:
        return given, stopped_by
    rows, free = rows[relevant], np.maximum(free_a[relevant], 0.0)
    uses, weighted = rows > 0, rows * weight
    own_level = np.where(active, most_a / weight, np.inf)
    given = np.zeros_like(most_a)
    while active.any():
        flow = weighted @ active
        level = np.divide(free - rows @ given, flow, out=np.full_like(free, np.inf), where=flow > _EXACT)
        lowest = max(0.0, level.min())
        # No row is full below the lowest level, so whoever reaches the own maximum below it keeps that.
        stopped = active & (own_level <= lowest + _EXACT)
        if stopped.any():
            given[stopped] = most_a[stopped]
        else:
            full = np.flatnonzero(level <= lowest + _EXACT)
            stopped = active & uses[full].any(axis=0)
            given[stopped] = lowest * weight[stopped]
            stopped_by[stopped] = relevant[full[uses[full][:, stopped].argmax(axis=0)]]
        active = active & ~stopped
    return given, stopped_by


@dataclass(frozen=True, slots=True)
class Shares:
    """The result of a division, before limits are rounded down."""

    limit_a: Floats
    stopped_by: Ints
    """(P,): for admitted points, the row that stopped them, or ``OWN_MAXIMUM``."""


def share(admitted: Bools, facts: Facts, min_a: Floats, rows: Floats, free_a: Floats) -> Shares:
    """Everybody admitted gets the minimum; what is left goes to the highest priority first, fairly within each."""
    limit = np.where(admitted, min_a, 0.0)
    stopped_by = np.full(limit.shape, OWN_MAXIMUM)
    left = free_a - rows @ limit
    for level in sorted(set(facts.priority[admitted].tolist()), reverse=True):
        members = admitted & (facts.priority == level)
        most = np.where(members, facts.max_a - min_a, 0.0)
        extra, by = fill(rows, left, most, facts.weight)
        limit += extra
        stopped_by = np.where(members, by, stopped_by)
        left = left - rows @ extra
    return Shares(limit, stopped_by)


def minimum_for_idle(order: Sequence[int], facts: Facts, min_a: Floats, rows: Floats, left_a: Floats) -> Bools:
    """Which idle cars keep their minimum: each, in order, for whom it still fits beside the shares."""
    idle = facts.idle & (facts.max_a >= min_a - TOLERANCE_A)
    return admit([place for place in order if idle[place]], min_a, rows, left_a).admitted
