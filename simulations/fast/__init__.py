"""The core against a simulated world on a virtual clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from simulations.fast.coarse import batch_key, coarsened, run_coarse
from simulations.fast.shaving import unshaved
from simulations.judging.baselines import BASELINES
from simulations.judging.policy import UNSHAVED
from simulations.results import Results
from simulations.scenario.checks import FINE_STEP_S
from simulations.scenario.model import Scenario

__all__ = ["batch_key", "run", "run_batch"]


def run(scenario: Scenario, policy: str = "loadstar", progress: Callable[[float], None] | None = None) -> Results:
    """Run one scenario.

    Args:
        scenario: what to run.
        policy: ``loadstar``, ``without_peak_shaving``, or the name of a baseline. Baselines are run in long steps,
            whatever the scenario's step.
        progress: told the part that is done, from 0 to 1, now and then.
    """
    return run_batch([scenario], policy, progress)[0]


def run_batch(
    scenarios: Sequence[Scenario], policy: str = "loadstar", progress: Callable[[float], None] | None = None
) -> list[Results]:
    """Run several scenarios of one structure: in long steps all at once, in short ones one after the other."""
    if policy not in BASELINES and scenarios[0].step_s <= FINE_STEP_S:
        return [_fine(scenario, policy, progress) for scenario in scenarios]
    return run_coarse([coarsened(scenario) for scenario in scenarios], policy, progress)


def _fine(scenario: Scenario, policy: str, progress: Callable[[float], None] | None) -> Results:
    # It brings the service's side of OCPP with it, which long steps do without.
    from simulations.fast.fine import run_fine  # noqa: PLC0415

    steered = unshaved(scenario) if policy == UNSHAVED else scenario
    return replace(run_fine(steered, progress=progress), scenario=scenario, policy=policy)
