"""What is known of the power that a limit is about, and whether the chargers hold it."""

from __future__ import annotations

from controller.peakshave.evidence import Power
from controller.peakshave.grid_operator import Reach
from controller.ports.tick import Tick
from controller.site import Site
from controller.units import RESOLUTION_A, Phases


def power_of(site: Site, tick: Tick, reach: Reach) -> Power:
    """What is known of the power on a circuit, of what charges below it, or of the point there that draws most."""
    circuit, charging_only, per_point = reach
    points = site.points_below[circuit]
    accepted = all(_follows(tick, point.id) for point in points)
    meter = site.circuit[circuit].meter
    reading = tick.meters.get(meter) if meter is not None else None
    volts = _volts(site, tick, circuit)
    if charging_only:
        drawn = [state.measured_a for p in points if (state := tick.points.get(p.id)) and state.measured_a]
        drawn_w = [sum(a * v for a, v in zip(phases, volts, strict=True)) for phases in drawn]
        return Power(accepted, max(drawn_w, default=0.0) if per_point else sum(drawn_w))
    seen = tick.circuits.get(circuit)
    if seen is None or seen.current_a is None or not seen.fresh:
        return Power(accepted, None)
    if reading is not None and reading.power_w is not None:
        return Power(accepted, sum(reading.power_w))
    return Power(accepted, sum(a * v for a, v in zip(seen.current_a, volts, strict=True)))


def estimated_w(site: Site, tick: Tick, circuit: str) -> float:
    """What charges below a circuit, at the moment at which its meter was read [W]; chargers report later than that."""
    if tick.turn is None:
        return 0.0
    drawn, volts = tick.turn.decision.draw_a, _volts(site, tick, circuit)
    return sum(a * v for point in site.points_below[circuit] for a, v in zip(drawn[point.id], volts, strict=True))


def _volts(site: Site, tick: Tick, circuit: str) -> Phases:
    meter = site.circuit[circuit].meter
    reading = tick.meters.get(meter) if meter is not None else None
    return (reading.voltage_v if reading is not None else None) or (site.nominal_voltage_v,) * 3


def _follows(tick: Tick, point: str) -> bool:
    """Whether its charger holds no more than it is told now; one that nobody can tell anything holds nobody up."""
    setpoint, state = tick.plan.setpoints.get(point), tick.points.get(point)
    if setpoint is None or state is None or state.commanded_a is None:
        return True
    return state.commanded_a <= setpoint.limit_a + RESOLUTION_A / 2
