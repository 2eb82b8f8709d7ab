"""What is free: every bound on what the points may draw together, as rows of one system ``rows @ limits <= free``."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np

from controller.loadbalance.facts import Facts
from controller.loadbalance.layout import Floats, Layout
from controller.snapshot import ExternalLimit


@dataclass(frozen=True, slots=True)
class Capacity:
    """K rows: the phases of all circuits, innermost first, then limits on power, then contracts."""

    rows: Floats
    """(K, P): how much of a point's current [A] each row feels."""
    free_a: Floats
    """(K,): what the competing points may draw together [A]; negative where the row is overloaded without them."""
    names: tuple[str, ...]
    background_a: Floats
    """(C, 3): what is not charging."""
    reserved_a: Floats
    """(P, 3): what is kept for points that do not compete."""


def backgrounds(layout: Layout, meter_a: Floats, draw_a: Floats) -> Floats:
    """What is not charging, per circuit and phase (C, 3) [A].

    The meter's reading less the draw of the points below it, and at least 0. Without a fresh reading (NaN): the
    larger of the circuit's own worst case and the sum of its child circuits' backgrounds.
    """
    metered = meter_a - layout.below @ draw_a
    background = np.empty_like(metered)
    for place, children, _ in layout.climb:
        worst = layout.base_a[place]
        if children:
            worst = np.maximum(worst, background[list(children)].sum(axis=0))
        known = metered[place]
        background[place] = np.where(np.isnan(known), worst, np.maximum(known, 0.0))
    return background


def reserves(layout: Layout, facts: Facts, draw_a: Floats) -> Floats:
    """What is kept for points that do not compete, per grid phase (P, 3) [A].

    An offline point keeps the largest of its measured phases, its command and its fallback on each of its phases, and
    so does one that is fixed; any other keeps what it draws.
    """
    worst = np.maximum(draw_a.max(axis=1), np.maximum(np.fmax(facts.commanded_a, 0.0), layout.fallback_a))
    unsteered = np.where(layout.wired, worst[:, None], 0.0)
    return np.where((facts.offline | facts.fixed)[:, None], unsteered, np.where(facts.competing[:, None], 0.0, draw_a))


def capacity(
    layout: Layout, facts: Facts, limits: tuple[ExternalLimit, ...], background_a: Floats, reserved_a: Floats
) -> Capacity:
    """Collect every bound.

    Raises:
        KeyError: a limit names a circuit that the site does not have.
    """
    taken = background_a + layout.below @ reserved_a
    free = (layout.fuse_a - layout.margin_a - taken)[layout.row_circuit, layout.row_phase]
    site = layout.site
    power = [
        (place, limit_w, name)
        for place, limit_w, name in chain(
            ((site.circuits.index(site.circuit[x.circuit]), x.limit_w, f"limit:{x.source}") for x in limits),
            ((i, c.contract_w, f"contract:{c.id}") for i, c in enumerate(site.circuits) if c.contract_w is not None),
        )
    ]
    if not power:
        return Capacity(layout.rows, free, layout.row_names, background_a, reserved_a)
    nominal = site.nominal_voltage_v
    per_phase = [facts.voltage_v[place] / nominal for place, _, _ in power]
    rows = [(layout.wired @ v) * layout.below[place] for v, (place, _, _) in zip(per_phase, power, strict=True)]
    room = [w / nominal - float(v @ taken[place]) for v, (place, w, _) in zip(per_phase, power, strict=True)]
    return Capacity(
        rows=np.vstack([layout.rows, *rows]),
        free_a=np.concatenate([free, room]),
        names=layout.row_names + tuple(name for _, _, name in power),
        background_a=background_a,
        reserved_a=reserved_a,
    )
