"""How warm the protection devices of a site are: one accumulator for each phase of each circuit, followed live.

Shapes: C circuits in the site's order, 3 phases of the grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from controller.peakshave import thermal
from controller.plan import Event, Severity
from controller.site import Circuit, Site
from controller.units import NO_CURRENT, PHASE_NAMES, Phases

ALARM: Final = 0.3
"""An alarm from this state on; it ends once the device has cooled to half of it."""
MOST: Final = 0.5
"""Nothing that is decided here may ever take a device past this state."""
LONGEST_STEP_S: Final = 5.0
"""What flowed during a longer silence is not known: a current counts for no longer than this."""


@dataclass(frozen=True, slots=True)
class Warmth:
    """States by circuit id and phase: 0 is cold, 1 is open (``controller.peakshave.thermal``)."""

    state: Mapping[str, Phases]
    alarmed: frozenset[str] = frozenset()
    """The circuits whose alarm has not ended."""


def cold(site: Site) -> Warmth:
    """Where nothing has been heard of a site yet."""
    return Warmth({circuit.id: NO_CURRENT for circuit in site.circuits})


def warmed(
    site: Site, warmth: Warmth, current_a: Mapping[str, Phases | None], seconds: float
) -> tuple[Warmth, tuple[Event, ...]]:
    """The states after ``seconds`` of these currents, and what has begun or ended with it.

    Args:
        site: its circuits' ratings and curves count.
        warmth: the states before.
        current_a: magnitudes by circuit id [A]; a circuit of which nothing is known keeps its state.
        seconds: since the states before; counted up to ``LONGEST_STEP_S``.

    >>> from controller.site import Circuit, Site
    >>> site = Site("S", (Circuit("main", None, (63.0, 63.0, 63.0)),), ())
    >>> warmth, events = warmed(site, cold(site), {"main": (126.0, 0.0, 0.0)}, 5.0)
    >>> [round(phase, 4) for phase in warmth.state["main"]], events
    ([0.0086, 0.0, 0.0], ())
    """
    step_s = min(max(0.0, seconds), LONGEST_STEP_S)
    state = {c.id: _after(c, warmth.state[c.id], current_a.get(c.id), step_s) for c in site.circuits}
    hot = {name for name, phases in state.items() if max(phases) >= (ALARM / 2 if name in warmth.alarmed else ALARM)}
    events = tuple(_events(site.circuits, state, hot, warmth.alarmed))
    return Warmth(state, frozenset(hot)), events


def _after(circuit: Circuit, before: Phases, current_a: Phases | None, seconds: float) -> Phases:
    if current_a is None:
        return before
    one, two, three = (
        thermal.advance(state, flow, rating, seconds, circuit.fuse_curve) if state > 0.0 or abs(flow) > rating else 0.0
        for state, flow, rating in zip(before, current_a, circuit.fuse_a, strict=True)
    )
    return (one, two, three)


def _events(
    circuits: Iterable[Circuit], state: Mapping[str, Phases], hot: set[str], before: frozenset[str]
) -> Iterable[Event]:
    for circuit in circuits:
        name, phases = circuit.id, state[circuit.id]
        if name in hot and name not in before:
            phase = max(range(3), key=phases.__getitem__)
            text = (
                f"the {circuit.fuse_a[phase]:.0f} A {circuit.fuse_curve} device on {PHASE_NAMES[phase]} has borne "
                f"{phases[phase]:.0%} of what opens it"
            )
            yield Event("fuse_warm", f"circuit:{name}", text, Severity.ALARM)
        elif name in before and name not in hot:
            yield Event("fuse_cooled", f"circuit:{name}", f"its protection device is back at {max(phases):.0%}")
