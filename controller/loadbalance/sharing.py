"""Fair division: weighted max-min fairness above the minimum.

B sites in a batch, P points, K rows; ``rows`` as in ``Capacity``. The members of a batch have no influence on one
another. Where rows bind, a few members are worked out one by one in plain numbers and many as arrays
(docs/decisions/0007-kernels-with-a-batch-axis.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from controller.loadbalance.capacity import rows_of, used
from controller.loadbalance.facts import Facts
from controller.loadbalance.layout import Bools, Floats, Ints

OWN_MAXIMUM: Final = -1
"""In place of a row's number: the point itself can take no more."""

FEW: Final = 12
"""So many members are worked out one by one as fast as all at once."""

MOST_ROWS: Final = 500
"""More binding rows than this are left to the way for a few: powers of four soon leave the range of a double."""

_EXACT: Final = 1e-9
_QUARTERS: Final = 0.25 ** np.arange(MOST_ROWS)


def fill(rows: Floats, free_a: Floats, most_a: Floats, weight: Floats) -> tuple[Floats, Ints]:
    """Weighted max-min fair amounts from zero: nobody can get more without taking from someone with less.

    Progressive filling (Bertsekas and Gallager, Data Networks, 6.5.2): all amounts grow in proportion to their
    weights; a point stops when it reaches ``most_a`` or when a row that it uses is full.

    Args:
        rows: (K, P) or (B, K, P) use of each row per ampere.
        free_a: (B, K) room of each row [A]; negative counts as none.
        most_a: (B, P) most that each may get [A]; 0 for one that takes no part.
        weight: (B, P) above 0.

    Returns:
        (B, P) amounts [A], and (B, P) the row that stopped each, or ``OWN_MAXIMUM``.
    """
    stopped_by = np.full(most_a.shape, OWN_MAXIMUM)
    given = np.where(most_a > _EXACT, most_a, 0.0)
    short = used(rows, given) > free_a
    members = np.flatnonzero(short.any(axis=1))
    if members.size > FEW and np.count_nonzero(short.any(axis=0)) <= MOST_ROWS:
        given[members], stopped_by[members] = _many(rows, free_a, given, weight, members, short)
    else:
        for member in members.tolist():
            given[member], stopped_by[member] = _one(rows, free_a, given, weight, member, short)
    return given, stopped_by


def _one(
    rows: Floats, free_a: Floats, most_a: Floats, weight: Floats, member: int, short: Bools
) -> tuple[list[float], list[int]]:
    """Fill the rows of one member; those that are not short never stop anybody."""
    binding = np.flatnonzero(short[member])
    most, weights = most_a[member].tolist(), weight[member].tolist()
    free = np.maximum(free_a[member, binding], 0.0).tolist()
    active = {place for place, a in enumerate(most) if a > 0}
    users = [
        [(place, use) for place, use in enumerate(row) if use > 0 and place in active]
        for row in rows_of(rows, member)[binding].tolist()
    ]
    own_level = {place: most[place] / weights[place] for place in active}
    given, stopped_by = [0.0] * len(most), [OWN_MAXIMUM] * len(most)
    while active:
        flows = [sum([use * weights[place] for place, use in row]) for row in users]
        levels = [room / flow if flow > _EXACT else math.inf for room, flow in zip(free, flows, strict=True)]
        lowest = max(0.0, min(levels))
        # No row is full below the lowest level, so whoever reaches the own maximum below it keeps that.
        stopped = {place for place in active if own_level[place] <= lowest + _EXACT}
        if stopped:
            for place in stopped:
                given[place] = most[place]
        else:
            for n, level in enumerate(levels):
                for place, _ in users[n] if level <= lowest + _EXACT else ():
                    if place not in stopped:
                        stopped.add(place)
                        given[place], stopped_by[place] = lowest * weights[place], int(binding[n])
        active -= stopped
        free = [
            room - sum([use * given[place] for place, use in row if place in stopped])
            for room, row in zip(free, users, strict=True)
        ]
        users = [[(place, use) for place, use in row if place in active] for row in users]
    return given, stopped_by


def _many(
    rows: Floats, free_a: Floats, most_a: Floats, weight: Floats, members: Ints, short: Bools
) -> tuple[Floats, Ints]:
    """Fill the rows of many members as ``_one`` does; who is ready leaves when half of them are."""
    columns = np.flatnonzero(short.any(axis=0))
    rows = rows[columns] if rows.ndim == 2 else rows[members[:, None], columns]
    free = np.where(short[members][:, columns], np.maximum(free_a[members][:, columns], 0.0), np.inf)
    most, weight = most_a[members], weight[members]
    given, stopped_by = np.zeros_like(most), np.full(most.shape, OWN_MAXIMUM)
    active = most > 0
    own_level = np.where(active, most / weight, np.inf)
    result = np.zeros_like(most), np.full(most.shape, OWN_MAXIMUM)
    rest = np.arange(members.size)
    while True:
        flow = used(rows, active * weight)
        level = np.where(flow > _EXACT, (free - used(rows, given)) / np.maximum(flow, _EXACT), np.inf)
        lowest = np.maximum(level.min(axis=1, keepdims=True), 0.0)
        own = active & (own_level <= lowest + _EXACT)
        full = (level <= lowest + _EXACT) & ~own.any(axis=1, keepdims=True)
        first = _first_row(rows, full)
        by_row = active & (first != OWN_MAXIMUM)
        given = np.where(own, most, np.where(by_row, lowest * weight, given))
        stopped_by = np.where(by_row, first, stopped_by)
        active &= ~(own | by_row)
        going = active.any(axis=1)
        if 2 * np.count_nonzero(going) > going.size:
            continue
        result[0][rest], result[1][rest] = given, stopped_by
        if not going.any():
            break
        rest, free, most, weight, given = rest[going], free[going], most[going], weight[going], given[going]
        stopped_by, active, own_level = stopped_by[going], active[going], own_level[going]
        rows = rows if rows.ndim == 2 else rows[going]
    return result[0], np.where(result[1] == OWN_MAXIMUM, OWN_MAXIMUM, columns[result[1]])


def _first_row(rows: Floats, full: Bools) -> Ints:
    """The first of the full rows (B, K) that each point uses (B, P), or ``OWN_MAXIMUM``.

    Row k counts 4 to the power -k. What follows a row adds up to less than a third of it, so that the exponent of a
    point's sum names the first row in it.
    """
    mark = full * _QUARTERS[: full.shape[1]]
    felt = mark @ (rows > 0) if rows.ndim == 2 else (mark[:, None] @ (rows > 0))[:, 0]
    return np.where(felt > 0, (1 - np.frexp(felt)[1]) >> 1, OWN_MAXIMUM)


@dataclass(frozen=True, slots=True)
class Shares:
    """The result of a division, before limits are rounded down."""

    limit_a: Floats
    """(B, P)"""
    stopped_by: Ints
    """(B, P): for admitted points, the row that stopped them, or ``OWN_MAXIMUM``."""


def share(admitted: Bools, facts: Facts, min_a: Floats, rows: Floats, free_a: Floats) -> Shares:
    """Everybody admitted gets the minimum; what is left goes to the highest priority first, fairly within each."""
    limit = np.where(admitted, min_a, 0.0)
    stopped_by = np.full(limit.shape, OWN_MAXIMUM)
    left = free_a - used(rows, limit)
    levels = sorted(set(facts.priority[admitted].tolist()), reverse=True)
    for level in levels:
        members = admitted if len(levels) == 1 else admitted & (facts.priority == level)
        most = np.where(members, facts.max_a - min_a, 0.0)
        extra, by = fill(rows, left, most, facts.weight)
        limit += extra
        stopped_by = np.where(members, by, stopped_by)
        left = left - used(rows, extra)
    return Shares(limit, stopped_by)
