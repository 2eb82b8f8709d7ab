"""Fair division: weighted max-min fairness above the minimum.

B sites in a batch, P points, K rows; ``rows`` as in ``Capacity``. The members of a batch have no influence on one
another. Where rows bind, a few members are worked out one by one in plain numbers and many as arrays
(docs/decisions/0007-kernels-with-a-batch-axis.md).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from controller.loadbalance.capacity import rows_of, used
from controller.loadbalance.facts import Facts
from controller.loadbalance.layout import Bools, Floats, Ints, anything
from controller.record import record

OWN_MAXIMUM: Final = -1
"""In place of a row's number: the point itself can take no more."""

FEW: Final = 3
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
    if not anything(short):
        return given, stopped_by
    members = np.logical_or.reduce(short, axis=1).nonzero()[0]
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
    given: list[float] = most_a[member].tolist()
    stopped_by, weights = [OWN_MAXIMUM] * len(given), weight[member].tolist()
    growing = [place for place, a in enumerate(given) if a > 0]
    own_level = {place: given[place] / weights[place] for place in growing}
    by_own_level = sorted(growing, key=own_level.__getitem__, reverse=True)
    numbers: list[int] = short[member].nonzero()[0].tolist()
    uses: list[list[float]] = rows_of(rows, member).take(numbers, axis=0).tolist()
    room = [max(0.0, a) for a in free_a[member].take(numbers).tolist()]
    flow = [sum([use[place] * weights[place] for place in growing]) for use in uses]
    exact_from = [a / 1000 for a in flow]
    while growing:
        levels = [left / a if a > _EXACT else math.inf for left, a in zip(room, flow, strict=True)]
        lowest = max(0.0, min(levels))
        stopped = []
        # No row is full below the lowest level, so whoever reaches the own maximum below it keeps that.
        while by_own_level and own_level[by_own_level[-1]] <= lowest + _EXACT:
            stopped.append(by_own_level.pop())
        if not stopped:
            full = [row for row, level in enumerate(levels) if level <= lowest + _EXACT]
            first = {place: row for row in reversed(full) for place in growing if uses[row][place] > 0}
            for place, row in first.items():
                given[place], stopped_by[place] = lowest * weights[place], numbers[row]
            stopped, by_own_level = list(first), [place for place in by_own_level if place not in first]
        growing = [place for place in growing if place not in stopped]
        if not growing:
            break
        for row, use in enumerate(uses):
            for place in stopped:
                if use[place] > 0:
                    room[row] -= use[place] * given[place]
                    flow[row] -= use[place] * weights[place]
            if flow[row] < exact_from[row]:  # a small difference of large numbers
                flow[row] = sum([use[place] * weights[place] for place in growing])
    return given, stopped_by


def _many(
    rows: Floats, free_a: Floats, most_a: Floats, weight: Floats, members: Ints, short: Bools
) -> tuple[Floats, Ints]:
    """Fill the rows of many members as ``_one`` does. Here the batch is the last axis, along which numpy is fast.

    The first row that was full for a point: row k counts 4 to the power -k. What follows a row adds up to less than a
    third of it, so the exponent of the sum over the point's full rows is that of the first.
    """
    columns = np.flatnonzero(short.any(axis=0))
    rows = rows[columns] if rows.ndim == 2 else rows[members[:, None], columns]
    quarters = _QUARTERS[: columns.size, None]
    free = np.maximum(free_a[members][:, columns], 0.0)
    free = _last(np.where(short[members][:, columns], free, np.inf))
    amount, weight = _last(most_a[members]), _last(weight[members])
    own_level, growing, mark = amount / weight, amount > 0, np.zeros_like(amount)
    given, marks, rest = np.empty_like(amount), np.empty_like(amount), np.arange(members.size)
    while True:
        flow = _use(rows, weight * growing)
        level = (free - _use(rows, amount * ~growing)) / np.maximum(flow, _EXACT)
        level = np.where(flow > _EXACT, level, np.inf)
        lowest = np.maximum(level.min(axis=0), 0.0)
        bound = lowest + _EXACT
        by_own = growing & (own_level <= bound)
        full = (level <= bound) & ~by_own.any(axis=0)
        first = _felt(rows, full * quarters)
        by_row = growing & (first > 0)
        amount = np.where(by_row, lowest * weight, amount)
        mark = np.where(by_row, first, mark)
        growing &= ~(by_own | by_row)
        going: Bools = np.logical_or.reduce(growing, axis=0)
        if 2 * np.count_nonzero(going) > going.size:
            continue
        given[:, rest], marks[:, rest] = amount, mark
        if not anything(going):
            break
        rest, free, amount, weight = rest[going], free[:, going], amount[:, going], weight[:, going]
        own_level, growing, mark = own_level[:, going], growing[:, going], mark[:, going]
        rows = rows if rows.ndim == 2 else rows[going]
    number = (1 - np.frexp(marks)[1]) >> 1
    return given.T, np.where(marks > 0, columns[number], OWN_MAXIMUM).T


def _last(values: Floats) -> Floats:
    """With the batch as the last axis."""
    return np.ascontiguousarray(values.T)


def _use(rows: Floats, point_a: Floats) -> Floats:
    """``used`` with the batch as the last axis."""
    use: Floats = rows @ point_a if rows.ndim == 2 else used(rows, point_a.T).T
    return use


def _felt(rows: Floats, mark: Floats) -> Floats:
    """For each point (P, B) the sum of the marks (K, B) on the rows that it uses."""
    uses = np.where(rows > 0, 1.0, 0.0)
    return _use(uses.T if rows.ndim == 2 else uses.swapaxes(1, 2), mark)


@record
class Shares:
    """The result of a division, before limits are rounded down."""

    limit_a: Floats
    """(B, P)"""
    stopped_by: Ints
    """(B, P): for admitted points, the row that stopped them, or ``OWN_MAXIMUM``."""


def share(admitted: Bools, facts: Facts, base_a: Floats, most_a: Floats, rows: Floats, free_a: Floats) -> Shares:
    """Everybody admitted gets its base; what is left goes to the highest priority first, fairly within each.

    Args:
        admitted: (B, P) who gets something.
        facts: for priorities and weights.
        base_a: (B, P) what each is sure of, 0 for who is not admitted [A].
        most_a: (B, P) the most that each may get [A].
        rows: as in ``Capacity``.
        free_a: (B, K) as in ``Capacity`` [A].
    """
    more = np.where(admitted, np.maximum(0.0, most_a - base_a), 0.0)
    levels = _levels(facts.priority, admitted)
    if len(levels) <= 1:
        extra, stopped_by = fill(rows, free_a - used(rows, base_a), more, facts.weight)
        return Shares(base_a + extra, stopped_by)
    limit = base_a.copy()
    stopped_by = np.full(limit.shape, OWN_MAXIMUM)
    for level in levels:
        most = np.where(facts.priority == level, more, 0.0)
        extra, by = fill(rows, free_a - used(rows, limit), most, facts.weight)
        limit += extra
        stopped_by = np.maximum(stopped_by, by)  # who is not of this level, was stopped by nothing here
    return Shares(limit, stopped_by)


def _levels(priority: Ints, admitted: Bools) -> list[int]:
    """The different priorities of who is admitted, the highest first; none where all points are alike."""
    if not anything(priority != priority[:1, :1]):
        return []
    levels: list[int] = np.unique(priority[admitted])[::-1].tolist()
    return levels
