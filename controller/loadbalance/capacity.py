"""What is free: every bound on what the points may draw together, as rows of one system ``rows @ limits <= free``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from controller.loadbalance.facts import Facts
from controller.loadbalance.layout import Bools, Floats, Ints, Layout, anything
from controller.record import record
from controller.snapshot import ExternalLimit, StationLimit


@record
class PowerLimit:
    """An ``ExternalLimit`` of a whole batch."""

    circuit: str
    limit_w: Floats
    """(B,): infinite where that member has none [W]."""
    source: str
    charging_only: bool = False
    per_point: bool = False


@record
class Capacity:
    """K rows: the phases of all circuits, innermost first, then limits on power, then contracts."""

    rows: Floats
    """(K, P): how much of a point's current [A] each row feels. (B, K, P) where the members of a batch differ, which
    is where power is limited and their voltages are not the same."""
    free_a: Floats
    """(B, K): what the competing points may draw together [A]; negative where the row is overloaded without them."""
    names: tuple[str, ...]
    background_a: Floats
    """(B, C, 3): what is not charging."""
    reserved_a: Floats
    """(B, P, 3): what is kept for points that do not compete."""


def used(rows: Floats, point_a: Floats) -> Floats:
    """What currents of the points (B, P) use of each row (B, K) [A]; ``rows`` as in ``Capacity``."""
    use: Floats = point_a.dot(rows.T) if rows.ndim == 2 else (rows @ point_a[:, :, None])[:, :, 0]
    return use


def users(rows: Floats, chosen: Bools) -> Bools:
    """The points (B, P) that use any of the chosen rows (B, K); ``rows`` as in ``Capacity``."""
    if rows.ndim == 2:
        return chosen @ (rows > 0)
    use: Bools = (chosen[:, None] @ (rows > 0))[:, 0]
    return use


def rows_of(rows: Floats, member: int) -> Floats:
    """The rows (K, P) that one member of the batch has."""
    one: Floats = rows if rows.ndim == 2 else rows[member]
    return one


def largest_phase(phase_a: Floats) -> Floats:
    """The largest of the three phases, (B, P, 3) to (B, P); several times as fast as ``max`` over a short axis."""
    return np.maximum(np.maximum(phase_a[..., 0], phase_a[..., 1]), phase_a[..., 2])


def backgrounds(layout: Layout, meter_a: Floats, draw_a: Floats) -> Floats:
    """What is not charging, per circuit and phase (B, C, 3) [A].

    The meter's reading (B, C, 3) less the draw (B, P, 3) of the points below it, and at least 0. Without a fresh
    reading (NaN): the larger of the circuit's own worst case and the sum of its child circuits' backgrounds.
    """
    metered = meter_a - layout.circuit_flow(draw_a)
    unknown = np.isnan(metered)
    background = np.where(unknown, layout.worst_a, np.maximum(metered, 0.0))
    for place, children in layout.inner:
        if anything(unknown[:, place]):
            below = np.add.reduce(background.take(children, axis=1), axis=1)
            worst = np.maximum(layout.base_a[:, place], below)
            background[:, place] = np.where(unknown[:, place], worst, background[:, place])
    return background


def flows(layout: Layout, meter_a: Floats, background_a: Floats, draw_a: Floats) -> Floats:
    """What flows in each circuit (B, C, 3) [A]: as its meter says, or else what is taken to flow below it."""
    unknown = np.isnan(meter_a)
    if not anything(unknown):
        return meter_a
    estimated: Floats = np.where(unknown, background_a + layout.circuit_flow(draw_a), meter_a)
    return estimated


def reserves(layout: Layout, facts: Facts, draw_a: Floats) -> Floats:
    """What is kept for points that do not compete, per grid phase (B, P, 3) [A].

    An offline point keeps the largest of its measured phases, its command and its fallback on each of its phases, and
    so does one that is fixed; any other keeps what it draws (B, P, 3).
    """
    claimed = facts.competing[:, :, None]
    if anything(facts.uses != layout.wired):  # what flows on other phases counts as it is
        claimed = claimed & (facts.uses >= layout.wired)
    kept: Floats = np.where(claimed, 0.0, draw_a)
    unsteered = facts.offline | facts.fixed
    if not anything(unsteered):
        return kept
    worst = np.maximum(largest_phase(draw_a), np.maximum(facts.commanded_a, layout.fallback_a))
    return np.where(unsteered[:, :, None], np.where(layout.wired, worst[:, :, None], 0.0), kept)


def capacities(
    layout: Layout,
    facts: Facts,
    bounds: Sequence[ExternalLimit | PowerLimit | StationLimit],
    backgrounds_a: Sequence[Floats],
    reserved_a: Floats,
) -> list[Capacity]:
    """Collect every bound, once for each of the backgrounds.

    Raises:
        KeyError: a limit names a circuit or a point that the site does not have.
    """
    limits = [one for one in bounds if not isinstance(one, StationLimit)]
    flow = layout.circuit_flow(reserved_a)
    taken = [background + flow for background in backgrounds_a]
    free = [layout.by_row(layout.usable_a - one) for one in taken]
    rows, names = _phase_rows(layout, facts.uses), layout.row_names
    alone, limits = [one for one in limits if one.per_point], [one for one in limits if not one.per_point]
    if limits or layout.contracted:
        places, limit_w, power_names = _power_limits(layout, limits)
        nominal = layout.site.nominal_voltage_v
        per_phase = facts.voltage_v[:, places] / nominal
        room = np.stack(np.broadcast_arrays(free[0][:, 0], *limit_w)[1:], axis=1) / nominal
        charging_only = [row for row, limit in enumerate(limits) if limit.charging_only]
        for n, one in enumerate(taken):
            counted = one[:, places]
            counted[:, charging_only] = flow[:, places[charging_only]]
            free[n] = np.concatenate([free[n], room - (per_phase * counted).sum(axis=2)], axis=1)
        rows, names = _with_power_rows(layout, rows, facts.uses, places, per_phase), names + power_names
    for limit in alone:
        rows, room, own_names = _with_own_rows(layout, rows, facts.uses, limit)
        free, names = [np.concatenate([one, room], axis=1) for one in free], names + own_names
    for station in (one for one in bounds if isinstance(one, StationLimit)):
        rows, room = _with_station_rows(layout, rows, facts.uses, station, reserved_a)
        free, names = [np.concatenate([one, room], axis=1) for one in free], names + (station.name,) * 3
    return [
        Capacity(rows, one, names, background, reserved_a) for one, background in zip(free, backgrounds_a, strict=True)
    ]


def _power_limits(
    layout: Layout, limits: Sequence[ExternalLimit | PowerLimit]
) -> tuple[Ints, list[Floats | float], tuple[str, ...]]:
    """The circuit, the limit (B,) [W] and the name of each row that bounds a circuit's power."""
    site = layout.site
    contracted = layout.contracted
    places = [*(site.circuits.index(site.circuit[x.circuit]) for x in limits), *contracted]
    watts = [*(x.limit_w for x in limits), *(layout.contract_w[:, place] for place in contracted)]
    names = [*(f"limit:{x.source}" for x in limits), *(f"contract:{site.circuits[place].id}" for place in contracted)]
    return np.array(places, dtype=np.int64), watts, tuple(names)


def _with_own_rows(
    layout: Layout, rows: Floats, uses: Bools, limit: ExternalLimit | PowerLimit
) -> tuple[Floats, Floats, tuple[str, ...]]:
    """The rows, and below them one for each point that is limited by itself; the room (B, n) [A] and names of those."""
    site = layout.site
    points = np.flatnonzero(layout.below[site.circuits.index(site.circuit[limit.circuit])])
    felt = np.eye(layout.size)[points] * np.add.reduce(uses, axis=2, dtype=np.float64)[:, None]
    room = np.broadcast_to(np.reshape(limit.limit_w, (-1, 1)) / site.nominal_voltage_v, (len(uses), points.size))
    return _below(rows, felt), room, (f"limit:{limit.source}",) * points.size


def _with_station_rows(
    layout: Layout, rows: Floats, uses: Bools, limit: StationLimit, reserved_a: Floats
) -> tuple[Floats, Floats]:
    """The rows, and below them one for each phase on which some points are limited together; the room (B, 3) [A]."""
    points = [layout.index[point] for point in limit.points]
    felt = np.zeros((len(uses), 3, layout.size))
    felt[:, :, points] = uses[:, points].transpose(0, 2, 1)
    room: Floats = limit.limit_a - np.add.reduce(reserved_a[:, points], axis=1)
    return _below(rows, felt), room


def _below(rows: Floats, felt: Floats) -> Floats:
    """The rows, and below them others (B, n, P)."""
    if rows.ndim == 2 and not anything(felt != felt[0]):
        return np.concatenate([rows, felt[0]])
    rows = np.broadcast_to(rows, (len(felt), *rows.shape[-2:]))
    return np.concatenate([rows, felt], axis=1)


def _phase_rows(layout: Layout, uses: Bools) -> Floats:
    """The rows of the circuits' phases, felt by each point on the phases that it uses: (3C, P), or (B, 3C, P)."""
    if not anything(uses != layout.wired):
        return layout.rows
    if len(uses) == 1:
        return _rows_in_use(layout, uses.tobytes())
    felt = _felt(layout, uses)
    same: Floats = felt if anything(felt != felt[0]) else felt[0]
    return same


@lru_cache(maxsize=64)
def _rows_in_use(layout: Layout, uses: bytes) -> Floats:
    """The phase rows (3C, P) of one site; which phases its cars use seldom changes. Nobody may write into them."""
    one: Floats = _felt(layout, np.frombuffer(uses, dtype=bool).reshape(1, -1, 3))[0]
    return one


def _felt(layout: Layout, uses: Bools) -> Floats:
    return layout.rows * uses[:, :, layout.row_place % 3].transpose(0, 2, 1)


def _with_power_rows(layout: Layout, phase_rows: Floats, uses: Bools, places: Ints, per_phase: Floats) -> Floats:
    """The phase rows, and below them one for each limited circuit, at the voltages (B, n, 3) of its meter."""
    members = max(len(per_phase), len(uses))
    alike = phase_rows.ndim == 2 and not anything(np.ptp(per_phase, axis=0) > 0)
    if alike:
        return np.concatenate([phase_rows, per_phase[0] @ uses[0].T * layout.below[places]])
    phase_rows = np.broadcast_to(phase_rows, (members, *phase_rows.shape[-2:]))
    return np.concatenate([phase_rows, per_phase @ uses.transpose(0, 2, 1) * layout.below[places]], axis=1)
