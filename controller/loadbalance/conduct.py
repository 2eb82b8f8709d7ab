"""Whether each charger keeps to its limit, and what is done about one that does not (see ``escalation``).

Shapes: a batch of one site; P points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Final

import numpy as np

from controller.loadbalance.capacity import largest_phase
from controller.loadbalance.escalation import SHUT, Case, Evidence, judged
from controller.loadbalance.facts import STATES, Facts
from controller.loadbalance.layout import Bools, Floats, Ints, Layout, anything
from controller.loadbalance.observer import STALE_IDLE_S, Estimate
from controller.plan import Event, Remedy, Severity
from controller.record import record
from controller.snapshot import State
from controller.units import TOLERANCE_A

FLOWS_A: Final = 1.0
"""What is left at 0 A is standby and the meter's noise up to here: no reason to end anybody's transaction."""

_REMEDIES: Final = (None, *Remedy)
_AVAILABLE: Final = STATES.index(State.AVAILABLE)


@record
class Conduct:
    """What is remembered of each charger; see ``escalation.Case``."""

    stage: Ints
    """(1, P): 0 while it obeys; else 1 + place in ``Remedy`` of the furthest remedy that was called for."""
    since_s: Floats
    """(1, P)"""
    drawn_a: Floats
    """(1, P)"""
    kept_s: Floats
    """(1, P)"""
    relapsing: Bools
    """(1, P)"""
    noted: Bools
    """(1, P): of whom there is anything to remember."""


@record
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
    layout: Layout, facts: Facts, estimate: Estimate, conduct: Conduct | None, word_a: Floats, now_s: float
) -> tuple[Verdict, Conduct]:
    """Judge every charger by what it was measured to draw.

    Args:
        layout: the site.
        facts: the snapshot.
        estimate: what flows now; its ``disobeys`` says who draws well above a limit that has had time.
        conduct: what the last judgement left; None at first.
        word_a: (1, P) what the last decision gave to each point, NaN where it gave none [A].
        now_s: monotonic seconds.
    """
    conduct = _remembering([Case()] * layout.size) if conduct is None else conduct
    denied = _denied(facts, estimate, word_a)
    looked_at = conduct.noted | estimate.disobeys | denied
    if not anything(looked_at):
        return Verdict(estimate.disobeys, looked_at), conduct
    cases, events = _cases(conduct), []
    for place in np.flatnonzero(looked_at[0]).tolist():
        evidence = _evidence(facts, estimate, denied, place, now_s)
        cases[place], why = judged(cases[place], evidence, now_s, layout.site.control.settle_s)
        if why:
            events.append(_event(f"point:{layout.point_ids[place]}", cases[place].stage, why))
    conduct = _remembering(cases)
    named = zip(layout.point_ids, cases, strict=True)
    remedies = {point: remedy for point, case in named if (remedy := _REMEDIES[case.stage]) is not None}
    shut = (conduct.stage >= SHUT) & facts.steered
    return Verdict(estimate.disobeys | (conduct.stage > 0), shut, remedies, tuple(events)), conduct


def _denied(facts: Facts, estimate: Estimate, word_a: Floats) -> Bools:
    """Who draws without having been given anything, by a charger that cannot be paused (1, P)."""
    unpausable = ~facts.pausable
    if not anything(unpausable):
        return unpausable
    drawing = estimate.told & facts.steered & (largest_phase(facts.measured_a) > FLOWS_A)
    return drawing & unpausable & (word_a < facts.min_a - TOLERANCE_A)


def _evidence(facts: Facts, estimate: Estimate, denied: Bools, place: int, now_s: float) -> Evidence:
    """What is known of one point."""
    age_s, drawn_a = float(facts.measured_age_s[0, place]), float(facts.measured_a[0, place].max())
    steered, told = bool(facts.steered[0, place]), bool(estimate.told[0, place])
    over, refused = bool(estimate.disobeys[0, place]), bool(denied[0, place])
    alone = not steered and drawn_a > FLOWS_A and age_s <= STALE_IDLE_S
    return Evidence(
        offline=bool(facts.offline[0, place]),
        absent=bool(facts.state[0, place] == _AVAILABLE) and not alone,
        steered=steered,
        draws=(over and drawn_a > FLOWS_A) or refused or alone,
        keeps=(told and not over and not refused) if steered else not alone,
        denied=refused,
        drawn_a=drawn_a,
        limit_a=float(facts.commanded_a[0, place]),
        reported_s=now_s - age_s,
    )


def _event(subject: str, stage: int, why: str) -> Event:
    if stage == 0:
        return Event("limit_ignored_ended", subject, why)
    return Event("limit_ignored", subject, f"{why}; it is counted at what it draws", Severity.ALARM)


def _cases(conduct: Conduct) -> list[Case]:
    rows = (conduct.stage, conduct.since_s, conduct.drawn_a, conduct.kept_s, conduct.relapsing)
    return [Case(*row) for row in zip(*(row[0].tolist() for row in rows), strict=True)]


def _remembering(cases: Sequence[Case]) -> Conduct:
    return Conduct(
        stage=np.array([[case.stage for case in cases]], dtype=np.int64),
        since_s=np.array([[case.since_s for case in cases]], dtype=np.float64),
        drawn_a=np.array([[case.drawn_a for case in cases]], dtype=np.float64),
        kept_s=np.array([[case.kept_s for case in cases]], dtype=np.float64),
        relapsing=np.array([[case.relapsing for case in cases]], dtype=bool),
        noted=np.array([[not case.empty for case in cases]], dtype=bool),
    )
