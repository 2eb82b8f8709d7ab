"""Whether each charger keeps to its limit, and what is done about one that does not.

Shapes: a batch of one site; P points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from controller.loadbalance.facts import Facts
from controller.loadbalance.layout import Bools, Ints, Layout
from controller.loadbalance.observer import Estimate
from controller.plan import Event, Remedy, Severity


@dataclass(frozen=True, slots=True)
class Conduct:
    """What is remembered of each charger."""

    stage: Ints
    """(1, P): 0 while it obeys; else 1 + place in ``Remedy`` of the furthest remedy that was called for."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows for this decision."""

    disobeys: Bools
    """(1, P): counted at what it draws, and given nothing that others could have."""
    shut: Bools
    """(1, P): to be limited to 0 A."""
    remedies: Mapping[str, Remedy] = field(default_factory=dict)
    """By point id."""
    events: tuple[Event, ...] = ()


def judge(
    layout: Layout, facts: Facts, estimate: Estimate, conduct: Conduct | None, now_s: float
) -> tuple[Verdict, Conduct]:
    """Judge every charger by what it was measured to draw.

    Args:
        layout: the site.
        facts: the snapshot.
        estimate: what flows now; its ``disobeys`` says who draws well above a limit that has had time.
        conduct: what the last judgement left; None at first.
        now_s: monotonic seconds.
    """
    del facts, now_s
    before = np.zeros((1, layout.size), dtype=np.int64) if conduct is None else conduct.stage
    stage = estimate.disobeys.astype(np.int64)
    events = []
    for place in np.flatnonzero((stage > 0)[0] != (before > 0)[0]).tolist():
        subject = f"point:{layout.point_ids[place]}"
        if stage[0, place]:
            text = f"it draws {estimate.draw_a[0, place].max():.1f} A, well above its limit; it is counted as it is"
            events.append(Event("limit_ignored", subject, text, Severity.ALARM))
        else:
            events.append(Event("limit_ignored_ended", subject, "it keeps to its limit again"))
    shut = np.zeros((1, layout.size), dtype=bool)
    return Verdict(estimate.disobeys, shut, {}, tuple(events)), Conduct(stage)
