"""The common case with prices and a peak to pay for, and what its controller may know of the weeks before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final

import numpy as np

from simulations.fast import run
from simulations.judging.bound import bound_of
from simulations.judging.metrics import metrics_of
from simulations.judging.model import Metrics
from simulations.quality import common_case
from simulations.scenario.model import DemandCharge, Judging, Planning, PriceCurve, Scenario
from simulations.visits import Visit

STEP_S: Final = 900.0
DAYS: Final = 14
PERIODS_BEFORE: Final = 2
"""So many periods before the judged one are what a hint is learned from."""
HINT_MARGIN: Final = 1.05
"""A learned peak is taken so much higher: a hint that is too low costs several times what one too high does."""

MONTH_ENDS_S: Final = 1_803_859_200.0
"""2027-03-01T00:00:00Z, a Monday: whole weeks that end with it lie in one month, whose peak is decided in them."""
PER_KW: Final = 2.5
"""The peak of the whole trace costs so much per kW."""
UNMET_PER_KWH: Final = 1.0
_HOURLY: Final = [0.16] * 8 + [0.24] * 4 + [0.38] * 6 + [0.24] * 5 + [0.16]
"""What a kWh costs by the hour of the day; the hours are those of Southern California Edison's TOU-EV-4, by which the
work on adaptive charging networks reckons (caltech-netlab/acnportal-experiments, notebook 2.2)."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is measured of each seed's trace."""

    name: str
    knows: str
    """What the controller is told, for people."""
    at_most_pct: float
    """What is promised of the median over the seeds."""
    real: bool = False
    """With a minimum of 6 A, three phases and taper, instead of one phase and any current."""
    hint: bool = False
    """Whether the peaks of earlier weeks are known."""


IDEAL: Final = Planning(early_s=0.0)
"""For batteries that take whatever they are offered until they are full."""
_PRESENT: Final = "prices; energy, departure and maximum of the cars that are there"
QUESTIONS: Final = (
    Question("regret_no_hint_pct", _PRESENT, 2.0),
    Question("regret_hint_pct", f"{_PRESENT}; best peaks of the periods before", 1.0, hint=True),
    Question("regret_real_pct", f"{_PRESENT}, not its taper; best peaks before", 3.0, real=True, hint=True),
)


def answer(question: Question, seed: int, days: int) -> Metrics:
    """Run a question's case of one seed, beside its bound."""
    case = trace(seed, days, real=question.real)
    plan = Planning() if question.real else IDEAL
    if question.hint:
        plan = replace(plan, peak="hint", peak_hint_kw=learned_hint_kw(seed, days, real=question.real))
    return metrics_of(run(replace(case, plan=plan)), bound_of(case))


def trace(seed: int, days: int, *, real: bool, before: int = 0) -> Scenario:
    """``days`` of a seed's weeks: the judged ones, or those a number of periods before them."""
    whole = common_case.scenario(seed, (PERIODS_BEFORE + 1) * days, real=real, step_s=STEP_S)
    begins_s = common_case.DAY_S * days * (PERIODS_BEFORE - before)
    ends_s = begins_s + common_case.DAY_S * days
    return replace(
        whole,
        site=whole.site if real else common_case.site(min_a=0.0),
        start_s=MONTH_ENDS_S - (ends_s - begins_s),
        duration_s=ends_s - begins_s,
        visits=tuple(_moved(v, begins_s, real) for v in whole.visits if begins_s <= v.arrives_s < ends_s),
        price=PriceCurve(3600.0 * np.arange(24.0 * (days + 3)), np.tile(np.array(_HOURLY), days + 3)),
        demand=DemandCharge(PER_KW),
        judging=Judging(unmet_per_kwh=UNMET_PER_KWH),
    )


def _moved(visit: Visit, begins_s: float, real: bool) -> Visit:
    leaves_s = visit.leaves_s - begins_s
    car = visit.car if real else replace(visit.car, min_a=0.0)
    return replace(visit, arrives_s=visit.arrives_s - begins_s, leaves_s=leaves_s, stated_leaves_s=leaves_s, car=car)


def learned_hint_kw(seed: int, days: int, *, real: bool) -> float:
    """The mean of the peaks that perfect information would have had in each earlier period, with a margin [kW]."""
    before = (bound_of(trace(seed, days, real=real, before=n)) for n in range(1, PERIODS_BEFORE + 1))
    return HINT_MARGIN * fmean(bound.peak_w for bound in before) / 1000.0
