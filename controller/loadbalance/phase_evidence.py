"""How well each way of wiring a point explains a step of the meter.

A point reports its current by its own phases, and every way of wiring them predicts on which of the grid's phases the
meter must have seen the same step. What the building did meanwhile is heavy-tailed: mostly nothing, now and then a
machine. Residuals are therefore judged by Student's t with two degrees of freedom, which rather believes in one large
disturbance on one phase than in small ones on several (Lange, Little and Taylor, 1989, J. Am. Stat. Assoc. 84, 881).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from typing import Final

from controller.units import PHASE_NAMES, Phases

MOST_CANDIDATES: Final = 7
"""The six ways to wire three phases, and none of them."""

LEAST_NOISE_A: Final = 0.4
"""What two readings of a meter differ by when nothing happens."""
SCALE_ERROR: Final = 0.15
"""Charger and meter agree on a step this well: they measure at different moments, and phase angles differ."""

EVENT_CAP: Final = 3.0
"""The most that one step may say against a wiring (natural logarithm of odds): a coincidence decides nothing."""
EVIDENCE_CAP: Final = 12.0
"""The most that is held against a wiring: a point that is rewired is noticed after some more steps."""

SAME_DIRECTION: Final = -3.0
MIRRORED: Final = -4.0
NONE_OF_THEM: Final = -4.0
"""Log odds against what the site file says, before any step: installers turn phases from point to point, and seldom
swap two of them, which turns the field round."""


LEAST_STEPS: Final = 3
LEAST_CONFIDENCE: Final = 0.99
"""A suspicion begins with so many steps that tell the wirings apart, and so sure."""
OUT_OF_MIND: Final = 0.5
"""It ends when the configured wiring is this probable again."""
TELLS: Final = 1.0
"""A step whose odds differ by less (natural logarithm) does not tell the wirings apart."""
NONE_SUSPECTED: Final = -1


@dataclass(frozen=True, slots=True)
class Candidates:
    """The ways in which a point may be wired; the last candidate, without a wiring, is that no step is ever seen."""

    wirings: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    configured: int
    """Place of what the site file says."""
    prior: tuple[float, ...]
    """Log odds before any step, one more than there are wirings."""
    moved_to: tuple[tuple[int | None, int | None, int | None], ...]
    """By wiring and phase of the grid, the phase of the grid under which the configured wiring reports its current."""

    def mirrored(self, one: int, other: int) -> bool:
        """Whether two wirings of three phases differ by a swap of two."""
        return len(self.wirings[one]) == 3 and _turns(self.wirings[one]) != _turns(self.wirings[other])

    def predicted(self, place: int, step_a: Sequence[float]) -> Phases:
        """What the meter sees of a step that was reported under the configured wiring [A]."""
        one, two, three = (0.0 if source is None else step_a[source] for source in self.moved_to[place])
        return one, two, three


@lru_cache(maxsize=64)
def candidates_of(phases: tuple[int, ...]) -> Candidates:
    """The candidates for a point that is configured so."""
    wirings = tuple(permutations(range(3), len(phases)))
    odds = [SAME_DIRECTION if len(phases) < 3 or _turns(w) == _turns(phases) else MIRRORED for w in wirings]
    configured = wirings.index(phases)
    odds[configured] = 0.0
    sources = [{grid: phases[own] for own, grid in enumerate(wiring)} for wiring in wirings]
    return Candidates(
        wirings=wirings,
        names=tuple("".join(PHASE_NAMES[phase] for phase in wiring) for wiring in wirings),
        configured=configured,
        prior=(*odds, NONE_OF_THEM),
        moved_to=tuple((source.get(0), source.get(1), source.get(2)) for source in sources),
    )


def _turns(wiring: tuple[int, ...]) -> bool:
    """Whether the field turns as that of the grid."""
    return len(wiring) == 3 and (wiring[1] - wiring[0]) % 3 == 1


def judged(
    candidates: Candidates,
    step_a: Sequence[float],
    seen_a: Sequence[float],
    usual_a: Sequence[float],
    doubt_a: float,
) -> list[float]:
    """Judge the candidates by one step: log-likelihoods, 0 for the best one and at least ``-EVENT_CAP``.

    Args:
        candidates: of the point.
        step_a: what the point reports to have changed, by grid phase under the configured wiring [A].
        seen_a: what the meter saw, less what the other points did; NaN on a phase that is not known [A].
        usual_a: what the building does in such a time, by grid phase [A].
        doubt_a: what the other points may have done besides, or elsewhere [A].
    """
    largest = max(abs(step) for step in step_a)
    common = LEAST_NOISE_A**2 + (SCALE_ERROR * largest) ** 2 + doubt_a**2
    widths = [2.0 * (common + usual**2) for usual in usual_a]

    def likelihood(predicted: Phases) -> float:
        residuals = zip(seen_a, predicted, widths, strict=True)
        return -1.5 * sum(math.log1p((seen - a) ** 2 / width) for seen, a, width in residuals if not math.isnan(seen))

    found = [likelihood(candidates.predicted(place, step_a)) for place in range(len(candidates.wirings))]
    found.append(likelihood((0.0, 0.0, 0.0)))
    best = max(found)
    return [max(one - best, -EVENT_CAP) for one in found]


def tells_apart(candidates: Candidates, found: Sequence[float]) -> bool:
    """Whether a step says anything about the wirings; one that is alike on all phases does not."""
    wirings = found[: len(candidates.wirings)]
    return max(wirings) - min(wirings) >= TELLS


def added(evidence: Sequence[float], found: Sequence[float]) -> list[float]:
    """The evidence so far with that of one more step: 0 for the best candidate and at least ``-EVIDENCE_CAP``."""
    total = [before + now for before, now in zip(evidence, found, strict=False)]
    best = max(total)
    return [max(one - best, -EVIDENCE_CAP) for one in total]


def confidence(candidates: Candidates, evidence: Sequence[float], wiring: int) -> tuple[float, int | None]:
    """Return the probability of a wiring, and its twin if it has one.

    A car on one phase of three shows where that one is, and not how the other two follow. Then a wiring and one of its
    mirror images stay equally good; the probability is that of the two together.
    """
    share = posterior(candidates, evidence)
    twins = [place for place in range(len(candidates.wirings)) if candidates.mirrored(wiring, place)]
    twin = max(twins, key=lambda place: share[place], default=candidates.configured)
    if twin == candidates.configured or share[twin] <= 1.0 - LEAST_CONFIDENCE:
        return share[wiring], None
    return share[wiring] + share[twin], twin


def suspect(candidates: Candidates, evidence: Sequence[float], steps: int, suspected: int) -> int:
    """Return the wiring that is suspected now, if ``suspected`` was until now; ``NONE_SUSPECTED`` for none."""
    share = posterior(candidates, evidence)
    others = [place for place in range(len(candidates.wirings)) if place != candidates.configured]
    best = max(others, key=lambda place: share[place])
    if steps >= LEAST_STEPS and confidence(candidates, evidence, best)[0] >= LEAST_CONFIDENCE:
        return best
    return NONE_SUSPECTED if share[candidates.configured] >= OUT_OF_MIND else suspected


def posterior(candidates: Candidates, evidence: Sequence[float]) -> list[float]:
    """Return the probability of each candidate, the prior included."""
    odds = [math.exp(prior + one) for prior, one in zip(candidates.prior, evidence, strict=False)]
    total = sum(odds)
    return [one / total for one in odds]
