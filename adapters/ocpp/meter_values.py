"""What a MeterValues message says of one connector, in the grid's phase order.

Chargers differ: currents per phase, one current for all phases, or only a power; phases called ``L1`` or
``L1-N``; Wh or kWh, or (in OCPP 2.x) a unit with a power of ten. What cannot be read, or cannot be true, is left out
and counted; nothing is guessed as zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from adapters.ocpp.fields import read_time
from controller.site import ChargingPoint
from controller.units import Phases

MAX_VALUES: Final = 500
"""Sampled values read of one message; a message of ordinary size has fewer."""

_MAX_CURRENT_A: Final = 1_000.0
"""No AC charging point draws more: beyond it a value is a unit's or a meter's mistake."""

_MAX_MULTIPLIER: Final = 12
"""A power of ten beyond any that a unit needs."""

_MAX_REGISTER_WH: Final = 2**53
_VOLTAGES_V: Final = (80.0, 300.0)
"""Phase to neutral anywhere in the world; others are between phases, or wrong."""

_OWN_PHASE: Final[Mapping[str | None, int | None]] = {
    None: None,
    "L1": 0,
    "L2": 1,
    "L3": 2,
    "L1-N": 0,
    "L2-N": 1,
    "L3-N": 2,
}
"""The charger's own phase; None for all of them. Other labels (N, L1-L2) say nothing of a phase's load."""

_UNITS: Final[Mapping[str, Mapping[str | None, float]]] = {
    "Current.Import": {None: 1.0, "A": 1.0},
    "Power.Active.Import": {None: 1.0, "W": 1.0, "kW": 1000.0},
    "Energy.Active.Import.Register": {None: 1.0, "Wh": 1.0, "kWh": 1000.0},
    "Voltage": {None: 1.0, "V": 1.0},
}
"""The measurands that count, and what each unit is in A, W, Wh and V (defaults: OCPP 1.6 §7.43)."""

_ByPhase = dict[int | None, float]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one message said; None where it said nothing."""

    current_a: Phases | None = None
    power_w: float | None = None
    register_wh: int | None = None
    at: datetime | None = None
    """By the charger's clock, which control does not trust."""
    unreadable: int = 0


@dataclass(slots=True)
class _Values:
    """The usable values of one message by measurand; a later one replaces an earlier one."""

    by_measurand: dict[str, _ByPhase] = field(default_factory=dict)
    at: datetime | None = None
    unreadable: int = 0


def read_meter_values(meter_value: Any, point: ChargingPoint, nominal_voltage_v: float) -> Measured:
    """Read the ``meterValue`` list of a message about a point. Raises nothing, whatever it holds."""
    values = _collect(meter_value)
    currents = values.by_measurand.get("Current.Import")
    powers = values.by_measurand.get("Power.Active.Import", {})
    if not currents and powers:
        currents = _currents_from_power(powers, values.by_measurand.get("Voltage", {}), point, nominal_voltage_v)
    current_a = _on_grid_phases(currents, point) if currents else None
    registers = values.by_measurand.get("Energy.Active.Import.Register", {})
    register_wh = _total(registers)
    return Measured(
        current_a=current_a,
        power_w=_total(powers),
        register_wh=None if register_wh is None else round(register_wh),
        at=values.at,
        unreadable=values.unreadable,
    )


def read_register(meter_value: Any, context: str | None = None) -> int | None:
    """Return the last register, or the one that was read in a context such as ``Transaction.Begin`` [Wh], if any."""
    total = _total(_collect(meter_value, context).by_measurand.get("Energy.Active.Import.Register", {}))
    return None if total is None else round(total)


def _collect(meter_value: Any, context: str | None = None) -> _Values:
    values, dated = _Values(), None
    for entry, sample in samples(meter_value):
        if context is not None and sample.get("context") != context:
            continue
        if entry is not dated:
            values.at, dated = read_time(entry.get("timestamp")) or values.at, entry
        measurand = sample.get("measurand") or "Energy.Active.Import.Register"
        units = _UNITS.get(measurand) if isinstance(measurand, str) else None
        if units is None:
            continue
        number = _number(sample, units)
        phase = sample.get("phase")
        if number is None or not _possible(measurand, number):
            values.unreadable += 1
        elif isinstance(phase, str | None) and phase in _OWN_PHASE:
            values.by_measurand.setdefault(measurand, {})[_OWN_PHASE[phase]] = number
    return values


def samples(meter_value: Any) -> Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each sampled value with the entry that it is part of, of a bounded number of them."""
    left = MAX_VALUES
    for entry in meter_value if isinstance(meter_value, list) else []:
        sampled = entry.get("sampled_value") if isinstance(entry, dict) else None
        for sample in sampled if isinstance(sampled, list) else []:
            if left == 0:
                return
            left -= 1
            if isinstance(sample, dict):
                yield entry, sample


def _number(sample: Mapping[str, Any], units: Mapping[str | None, float]) -> float | None:
    unit, value, multiplier = sample.get("unit"), sample.get("value"), 0
    if isinstance(in_2x := sample.get("unit_of_measure"), dict):
        unit, multiplier = in_2x.get("unit"), in_2x.get("multiplier") or 0
    if sample.get("format") == "SignedData" or not isinstance(unit, str | None) or unit not in units:
        return None
    if type(multiplier) is not int or abs(multiplier) > _MAX_MULTIPLIER:
        return None
    try:
        number = float(value) * units[unit] * 10.0**multiplier  # type: ignore[arg-type]  # whatever is no number raises
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _possible(measurand: str, number: float) -> bool:
    if measurand == "Current.Import":
        return 0 <= number <= _MAX_CURRENT_A
    if measurand == "Energy.Active.Import.Register":
        return 0 <= number <= _MAX_REGISTER_WH
    if measurand == "Voltage":
        return _VOLTAGES_V[0] <= number <= _VOLTAGES_V[1]
    return 0 <= number <= _MAX_CURRENT_A * 3 * _VOLTAGES_V[1]


def _total(by_phase: _ByPhase) -> float | None:
    """Return the value for all phases, or the sum of the phases."""
    phases = [value for phase, value in by_phase.items() if phase is not None]
    return by_phase[None] if None in by_phase else sum(phases) if phases else None


def _currents_from_power(powers: _ByPhase, volts: _ByPhase, point: ChargingPoint, nominal_v: float) -> _ByPhase:
    """Return the currents behind active powers, at the charger's voltages where it reports them.

    A total is divided evenly over the point's phases, which is wrong for a car that uses fewer of them: such
    chargers should report currents.
    """
    fallback_v = volts.get(None, nominal_v)
    by_phase = {phase: watts for phase, watts in powers.items() if phase is not None}
    if by_phase:
        return {phase: watts / volts.get(phase, fallback_v) for phase, watts in by_phase.items()}
    own_volts = [value for phase, value in volts.items() if phase is not None] or [fallback_v]
    volts_v = sum(own_volts) / len(own_volts)
    return {None: powers[None] / (len(point.phases) * volts_v)}


def _on_grid_phases(currents: _ByPhase, point: ChargingPoint) -> Phases:
    """Map the charger's own phases onto those of the grid that they are wired to.

    A phase that the message does not name counts as the largest that it names: a charger that reports its L1 only, or
    each phase in a message of its own, has not said that nothing flows on the others.
    """
    own = {phase: amperes for phase, amperes in currents.items() if phase is not None}
    largest_a = max(own.values()) if own else currents[None]
    grid = [0.0, 0.0, 0.0]
    for phase, wired in enumerate(point.phases):
        # some call their only phase by its name on the grid
        grid[wired] = largest_a if len(point.phases) == 1 else own.get(phase, largest_a)
    return (grid[0], grid[1], grid[2])
