"""Whether the phases that a point is wired to are those that its site file says.

Every step of a point is evidence for the wirings that explain what its meter saw of it. Nothing is ever changed
because of a suspicion: a person looks, and corrects the site file.

Shapes: a batch of one site; P points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from controller.loadbalance.facts import Facts
from controller.loadbalance.layout import Floats, Ints, Layout
from controller.loadbalance.observer import Estimate
from controller.loadbalance.phase_evidence import (
    MOST_CANDIDATES,
    NONE_SUSPECTED,
    Candidates,
    added,
    candidates_of,
    confidence,
    judged,
    suspect,
    tells_apart,
)
from controller.loadbalance.steps import Footing, Step, first_footing, steps_of
from controller.plan import Event, Severity
from controller.record import record


@record
class Wiring:
    """What is remembered of the steps that points and meters have made."""

    footing: Footing
    evidence: Floats
    """(P, ``MOST_CANDIDATES``): log-likelihood of each candidate, 0 for the best one."""
    steps: Ints
    """(P,): number of steps that told the candidates apart."""
    suspected: Ints
    """(P,): place of the candidate that is suspected, ``NONE_SUSPECTED`` for most."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A point that seems to be wired otherwise than the site file says."""

    point: str
    configured: str
    suggested: str
    """As in ``controller.site.WIRINGS``."""
    confidence: float
    """From 0 to 1: that it is wired as suggested, or as ``or_else``."""
    steps: int = 0
    """Starts and stops that this rests on."""
    or_else: str | None = None
    """Another wiring that the cars so far cannot tell from the suggested one."""


@lru_cache(maxsize=64)
def _candidates(layout: Layout) -> tuple[Candidates, ...]:
    return tuple(candidates_of(point.phases) for point in layout.site.points)


def watch(
    layout: Layout, facts: Facts, estimate: Estimate, wiring: Wiring | None, now_s: float
) -> tuple[Wiring, tuple[Event, ...]]:
    """Take note of what has happened since the last look."""
    if wiring is None:
        return _unbiased(layout, first_footing(layout, facts, now_s)), ()
    steps, footing = steps_of(layout, facts, estimate, wiring.footing, now_s)
    if steps:
        return _weigh(layout, wiring, footing, steps)
    if footing is wiring.footing:
        return wiring, ()
    return Wiring(footing, wiring.evidence, wiring.steps, wiring.suspected), ()


def _unbiased(layout: Layout, footing: Footing) -> Wiring:
    points = layout.size
    steps, nobody = np.zeros(points, dtype=np.int64), np.full(points, NONE_SUSPECTED)
    return Wiring(footing, np.zeros((points, MOST_CANDIDATES)), steps, nobody)


def _weigh(layout: Layout, wiring: Wiring, footing: Footing, taken: Sequence[Step]) -> tuple[Wiring, tuple[Event, ...]]:
    """Add the evidence of the steps, and tell of whom it raises, changes or ends a suspicion."""
    evidence, steps, suspected = wiring.evidence.copy(), wiring.steps.copy(), wiring.suspected.copy()
    wiring = Wiring(footing, evidence, steps, suspected)
    events = []
    for step in taken:
        n, candidates = step.place, _candidates(layout)[step.place]
        found = judged(candidates, step.step_a, step.seen_a, step.usual_a, step.doubt_a)
        if not tells_apart(candidates, found):
            continue
        evidence[n, : len(found)] = added(evidence[n].tolist(), found)
        steps[n] += 1
        before = int(suspected[n])
        suspected[n] = suspect(candidates, evidence[n].tolist(), int(steps[n]), before)
        if suspected[n] != before:
            events.append(_event(layout, wiring, n))
    return wiring, tuple(events)


def _event(layout: Layout, wiring: Wiring, place: int) -> Event:
    point = layout.point_ids[place]
    found = suspicions(layout, wiring).get(point)
    if found is None:
        candidates = _candidates(layout)[place]
        text = f"{point} seems to be wired {candidates.names[candidates.configured]} after all, as its site file says"
        return Event("wiring_suspected_ended", f"point:{point}", text)
    either = f" (or {found.or_else}, which looks the same so far)" if found.or_else else ""
    sure = f"{min(99.9, 100.0 * found.confidence):.1f} %, {found.steps} starts and stops"
    text = (
        f"{point} seems to be wired {found.suggested}{either}, not {found.configured} ({sure}); "
        "check and correct `phases` in the site file"
    )
    return Event("wiring_suspected", f"point:{point}", text, Severity.WARNING)


def suspicions(layout: Layout, wiring: Wiring) -> Mapping[str, Suspicion]:
    """The points whose configured wiring explains the steps of the meter much worse than another one does."""
    found = {}
    for n in np.flatnonzero(wiring.suspected != NONE_SUSPECTED).tolist():
        candidates, point, place = _candidates(layout)[n], layout.point_ids[n], int(wiring.suspected[n])
        sure, twin = confidence(candidates, wiring.evidence[n].tolist(), place)
        found[point] = Suspicion(
            point=point,
            configured=candidates.names[candidates.configured],
            suggested=candidates.names[place],
            confidence=sure,
            steps=int(wiring.steps[n]),
            or_else=None if twin is None else candidates.names[twin],
        )
    return found
