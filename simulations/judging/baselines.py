"""How others divide current: the rules that a run is compared with.

Sorted rules (first come, earliest deadline, least laxity) give each car, in order, the most that still fits; round
robin raises all in turns. Both are meant as in ACN-Sim (Lee, Sharma, Johansson, Low: ACN-Sim, arXiv 2012.02809). Here a
limit is also 0 or at least the point's minimum, as IEC 61851-1 wants it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from controller.units import TOLERANCE_A
from simulations.judging.policy import Floats, Picture, Policy
from simulations.judging.room import fitting, largest_rate

INCREMENT_A: Final = 1.0
"""By how much round robin raises a limit when its turn comes."""


def _most_a(picture: Picture) -> Floats:
    """(B, P) what each could use in this step: its maximum, or what fills its need, but not below the minimum [A]."""
    to_end_a = np.divide(
        picture.left_wh * 3600.0 / picture.step_s,
        picture.w_per_a,
        out=np.full(picture.left_wh.shape, np.inf),
        where=(picture.left_wh > 0.0) & (picture.w_per_a > 0.0),
    )
    usable = picture.active & (picture.max_a >= picture.min_a - TOLERANCE_A)
    return np.where(usable, np.minimum(picture.max_a, np.maximum(picture.min_a, to_end_a)), 0.0)


@dataclass(frozen=True, slots=True)
class Uncontrolled:
    """Every car takes what it can; no fuse is looked at."""

    name: str = "uncontrolled"

    def limits(self, picture: Picture) -> Floats:
        """Each its own maximum."""
        return np.where(picture.active & (picture.max_a >= picture.min_a), picture.max_a, 0.0)


@dataclass(frozen=True, slots=True)
class EqualSplit:
    """What is free on each circuit, divided by the number of cars below it that want current.

    What one car does not use, no other gets. While shares fall below the minimum, the last to come gets nothing.
    """

    name: str = "equal_split"

    def limits(self, picture: Picture) -> Floats:
        """The least of the shares of the circuits above each point, up to its maximum."""
        rows = np.abs(picture.rows)
        uses = rows > 0.0
        per_a = np.where(uses, rows, 1.0)
        taking = picture.active & (picture.max_a >= picture.min_a - TOLERANCE_A)
        min_a = np.broadcast_to(picture.min_a, taking.shape)
        while True:
            sharers = np.maximum(taking.astype(np.float64) @ uses.T, 1.0)
            shares = np.where(uses, (picture.free_a / sharers)[:, :, np.newaxis] / per_a, np.inf).min(axis=1)
            short = taking & (shares < min_a - TOLERANCE_A)
            if not short.any():
                return np.where(taking, np.clip(shares, 0.0, picture.max_a), 0.0)
            came_s = np.where(short, picture.arrived_s, -np.inf)
            last = came_s.shape[1] - 1 - np.argmax(came_s[:, ::-1], axis=1)
            taking[np.flatnonzero(short.any(axis=1)), last[short.any(axis=1)]] = False


@dataclass(frozen=True, slots=True)
class Sorted:
    """One after the other, by a rank: each gets the most that fits beside those before it."""

    name: str
    rank: Callable[[Picture], Floats]
    """(B, P) the lowest is served first; equal ones in the points' order."""

    def limits(self, picture: Picture) -> Floats:
        """A car that has what was stated, yet wants more, comes last."""
        most_a = _most_a(picture)
        limit_a = most_a.copy()
        if np.isrealobj(picture.rows):
            crowded = np.flatnonzero((most_a @ picture.rows.T > picture.free_a + TOLERANCE_A).any(axis=1))
        else:  # phasors may cancel one another only once all are served: the order matters
            crowded = np.arange(len(most_a))
        if crowded.size:
            order = np.lexsort((self.rank(picture), picture.left_wh <= 0.0, most_a <= 0.0))[crowded]
            limit_a[crowded] = _in_order(picture, crowded, order, most_a[crowded])
        return limit_a


def _in_order(picture: Picture, sites: np.ndarray, order: np.ndarray, most_a: Floats) -> Floats:
    """(S, P) the division of some of the sites, each in its own order."""
    uses = picture.rows.T
    free_a = picture.free_a[sites]
    min_a = np.broadcast_to(picture.min_a, picture.active.shape)[sites]
    used = np.zeros(free_a.shape, dtype=uses.dtype)
    limit_a = np.zeros(most_a.shape)
    every = np.arange(len(sites))
    for place in order.T[: int((most_a > 0.0).sum(axis=1).max(initial=0))]:
        use = uses[place]
        given_a = np.minimum(most_a[every, place], largest_rate(use, used, free_a))
        given_a[given_a < min_a[every, place] - TOLERANCE_A] = 0.0
        limit_a[every, place] = given_a
        used += use * given_a[:, np.newaxis]
    return limit_a


@dataclass(frozen=True, slots=True)
class RoundRobin:
    """All in turns, by arrival: first the minimum, then an increment each, until nothing fits any more."""

    name: str = "round_robin"

    def limits(self, picture: Picture) -> Floats:
        """Whole rounds are taken at once while every increment in them fits."""
        min_a = np.broadcast_to(picture.min_a, picture.active.shape)
        above_a = np.maximum(_most_a(picture) - min_a, 0.0)
        steps_a = INCREMENT_A * np.ceil(above_a / INCREMENT_A - TOLERANCE_A)
        most_a = np.where(_most_a(picture) > 0.0, np.minimum(picture.max_a, min_a + steps_a), 0.0)
        order = np.argsort(np.where(most_a > 0.0, picture.arrived_s, np.nan), axis=1, kind="stable")
        order = order[:, : int((most_a > 0.0).sum(axis=1).max(initial=0))]
        limit_a = np.zeros(most_a.shape)
        first_a = np.where(min_a > 0.0, min_a, INCREMENT_A)
        taking = _one_turn(picture, order, limit_a, np.where(most_a > 0.0, first_a, np.inf), most_a)
        while taking.any():
            fit = largest_rate(taking @ picture.rows.T, limit_a @ picture.rows.T, picture.free_a)
            fit = np.floor(fit / INCREMENT_A + TOLERANCE_A)
            own = np.where(taking, np.floor((most_a - limit_a + TOLERANCE_A) / INCREMENT_A), np.inf).min(axis=1)
            rounds = np.where(taking.any(axis=1), np.minimum(fit, own), 0.0)
            limit_a += np.where(taking, INCREMENT_A * rounds[:, np.newaxis], 0.0)
            taking &= limit_a + INCREMENT_A <= most_a + TOLERANCE_A
            if (fit < own).any():  # some row is full before some car is: who comes first gets the rest
                taking = _one_turn(picture, order, limit_a, np.where(taking, INCREMENT_A, np.inf), most_a)
        return limit_a


def _one_turn(picture: Picture, order: np.ndarray, limit_a: Floats, raise_a: Floats, most_a: Floats) -> np.ndarray:
    """Raise each limit, in order, if that fits; (B, P) whose turn it was not in vain."""
    uses = picture.rows.T
    used = limit_a @ uses
    raised = np.zeros(limit_a.shape, dtype=bool)
    every = np.arange(len(limit_a))
    for place in order.T:
        wanted_a = raise_a[every, place]
        more_a = np.where(limit_a[every, place] + wanted_a <= most_a[every, place] + TOLERANCE_A, wanted_a, 0.0)
        use = uses[place]
        more_a[~fitting(use, used + use * more_a[:, np.newaxis], picture.free_a)] = 0.0
        limit_a[every, place] += more_a
        used += use * more_a[:, np.newaxis]
        raised[every, place] = more_a > 0.0
    return raised


def _arrival_s(picture: Picture) -> Floats:
    return picture.arrived_s


def _deadline_s(picture: Picture) -> Floats:
    return picture.leaves_s


def _laxity_s(picture: Picture) -> Floats:
    """Time to departure, less the time that charging at full power would still take [s]."""
    full_w = picture.max_a * picture.w_per_a
    charging_s = np.divide(3600.0 * picture.left_wh, full_w, out=np.zeros(full_w.shape), where=full_w > 0.0)
    return picture.leaves_s - picture.now_s - charging_s


BASELINES: Final[Mapping[str, Policy]] = MappingProxyType(
    {
        policy.name: policy
        for policy in (
            Uncontrolled(),
            EqualSplit(),
            Sorted("first_come", _arrival_s),
            Sorted("earliest_deadline", _deadline_s),
            Sorted("least_laxity", _laxity_s),
            RoundRobin(),
        )
    }
)
"""By name, as a scenario's ``judging.policies`` knows them."""
