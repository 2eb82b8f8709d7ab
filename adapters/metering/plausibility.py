"""Whether a meter can be believed: physics on one sample, and the story that the samples tell one after another.

Pure: no clock, no I/O. A wrong word order, a wrong scale, a gateway that answers zeros, a spike and a meter that
repeats itself for ever are all told from a measurement here, before a number can reach the controller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from adapters.metering.sample import UNKNOWN, PerPhase, Sample
from controller.units import PHASE_NAMES

VOLTAGE_BAND: Final = 0.25
"""EN 50160 allows a supply 15 % off for moments; beyond 25 % it is a wrong scale, not a bad grid."""
DEAD_PHASE_V: Final = 50.0
"""Below this (IEC 60449: extra-low voltage) a conductor is not connected to the grid."""
FREQUENCY_HZ: Final = (45.0, 65.0)
POWER_FACTOR_BOUND: Final = 1.01
"""1, and the last digit of a meter that rounds."""
POWER_SHARE: Final = 0.05
POWER_SLACK_W: Final = 200.0
"""Phases and total are not sampled at quite the same instant: 5 % and 200 W may lie between them."""
PHASE_SLACK_W: Final = 100.0
"""What |P| may exceed 1.05 V I by: rounding of small currents."""
SPIKE_SHARE: Final = 0.2
"""A step of more than this share of the ceiling (twice the fuse, where the ceiling is ten times the fuse) must
show twice. Anything a building really does is smaller, and passes at once: a delay here would cost the fuse."""
FROZEN_S: Final = 30.0
"""Bit-identical values for longer than this, from a meter that was alive, are a copy of the past."""
ALIVE_GAP_S: Final = 5.0
ALIVE_CHANGES: Final = 20
"""A meter is alive when its values have changed this often in a row with no longer pause than ``ALIVE_GAP_S``.
A coarse meter in a quiet house never is, and is never called frozen."""


class Trouble(StrEnum):
    """What can be wrong with a meter; each is the kind of an event."""

    LOST = "meter_lost"
    IMPLAUSIBLE = "meter_implausible"
    FROZEN = "meter_frozen"
    PHASE_LOST = "meter_phase_lost"
    TOO_SLOW = "meter_too_slow"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be believed of a sample, and what was wrong with it."""

    sample: Sample | None
    """None when nothing of it may be believed."""
    trouble: Trouble | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is physically possible at this meter."""

    ceiling_a: float
    """No current can be larger, e.g. ten times the fuse [A]."""
    nominal_voltage_v: float = 230.0


def impossible(sample: Sample, bounds: Bounds) -> str | None:
    """Why this sample cannot have been measured; None when it can."""
    return next((reason for check in _CHECKS for reason in check(sample, bounds)), None)


def _currents(sample: Sample, bounds: Bounds) -> Iterator[str]:
    for phase, current_a in _known(sample.current_a):
        if abs(current_a) > bounds.ceiling_a:
            yield f"{phase}: {current_a:.6g} A is more than the {bounds.ceiling_a:.6g} A that can flow there"


def _voltages(sample: Sample, bounds: Bounds) -> Iterator[str]:
    low_v = bounds.nominal_voltage_v * (1 - VOLTAGE_BAND)
    high_v = bounds.nominal_voltage_v * (1 + VOLTAGE_BAND)
    for phase, voltage_v in _known(sample.voltage_v):
        if not low_v <= voltage_v <= high_v:
            yield f"{phase}: {voltage_v:.6g} V is outside {low_v:.0f} to {high_v:.0f} V"


def _frequency(sample: Sample, _: Bounds) -> Iterator[str]:
    low_hz, high_hz = FREQUENCY_HZ
    if sample.frequency_hz is not None and not low_hz <= sample.frequency_hz <= high_hz:
        yield f"{sample.frequency_hz:.6g} Hz is outside {low_hz:.0f} to {high_hz:.0f} Hz"


def _power_factors(sample: Sample, _: Bounds) -> Iterator[str]:
    for phase, factor in _known(sample.power_factor):
        if abs(factor) > POWER_FACTOR_BOUND:
            yield f"{phase}: a power factor of {factor:.6g} is outside -1 to 1"


def _phase_powers(sample: Sample, _: Bounds) -> Iterator[str]:
    rows = zip(PHASE_NAMES, sample.power_w, sample.voltage_v, sample.current_a, strict=True)
    for phase, power_w, voltage_v, current_a in rows:
        if power_w is None or voltage_v is None or current_a is None:
            continue
        apparent_va = voltage_v * abs(current_a)
        if abs(power_w) > apparent_va * (1 + POWER_SHARE) + PHASE_SLACK_W:
            yield f"{phase}: {power_w:.6g} W is more than {voltage_v:.6g} V times {current_a:.6g} A"


def _total_power(sample: Sample, _: Bounds) -> Iterator[str]:
    powers_w = [power_w for _, power_w in _known(sample.power_w)]
    if sample.total_w is None or len(powers_w) < len(PHASE_NAMES):
        return
    if abs(sum(powers_w) - sample.total_w) > POWER_SHARE * abs(sample.total_w) + POWER_SLACK_W:
        yield f"the phases add up to {sum(powers_w):.6g} W, the total says {sample.total_w:.6g} W"


_CHECKS: Final[tuple[Callable[[Sample, Bounds], Iterator[str]], ...]] = (
    _currents,
    _voltages,
    _frequency,
    _power_factors,
    _phase_powers,
    _total_power,
)


def _known(values: PerPhase) -> Iterator[tuple[str, float]]:
    return ((phase, value) for phase, value in zip(PHASE_NAMES, values, strict=True) if value is not None)


def _without_blanks(sample: Sample) -> Sample:
    """Turn what the meter merely left empty into unknowns.

    Registers that a device does not fill read as zero: a total or a frequency of exactly zero says nothing, nor do
    three such voltages beside a current. A phase without voltage and current is not connected, and unknown.
    """
    if not any(sample.voltage_v) and any(sample.current_a):
        sample = replace(sample, voltage_v=UNKNOWN)
    dead = [
        voltage_v is not None and abs(voltage_v) < DEAD_PHASE_V and abs(current_a or 0.0) * DEAD_PHASE_V < 1.0
        for voltage_v, current_a in zip(sample.voltage_v, sample.current_a, strict=True)
    ]

    def living(values: PerPhase) -> PerPhase:
        first, second, third = (None if gone else value for gone, value in zip(dead, values, strict=True))
        return (first, second, third)

    return replace(
        sample,
        current_a=living(sample.current_a),
        voltage_v=living(sample.voltage_v),
        power_w=living(sample.power_w),
        power_factor=living(sample.power_factor),
        total_w=sample.total_w or None,
        frequency_hz=sample.frequency_hz or None,
    )


class Judge:
    """Judges the samples of one meter, in the order in which they were measured.

    Args:
        bounds: what is possible there.
        phases: the phases that this meter is meant to measure (0, 1, 2); only these can be lost.
    """

    def __init__(self, bounds: Bounds, phases: tuple[int, ...] = (0, 1, 2)) -> None:
        self._bounds = bounds
        self._phases = phases
        self._believed: PerPhase = UNKNOWN
        self._suspected = False
        self._pulse = _Pulse()

    def verdict(self, sample: Sample, measured_s: float) -> Verdict:
        """What may be believed of ``sample``, measured at ``measured_s`` on the monotonic clock."""
        frozen_s = self._pulse.still_s(sample, measured_s)
        sample = _without_blanks(sample)
        lost = [PHASE_NAMES[phase] for phase in self._phases if sample.current_a[phase] is None]
        if len(lost) == len(self._phases):
            return Verdict(None, Trouble.IMPLAUSIBLE, "no phase has a current")
        reason = impossible(sample, self._bounds)
        if reason is not None:
            return Verdict(None, Trouble.IMPLAUSIBLE, reason)
        spike = self._spike(sample)
        if spike is not None:
            return Verdict(None, Trouble.IMPLAUSIBLE, spike)
        if frozen_s > FROZEN_S:
            return Verdict(None, Trouble.FROZEN, f"nothing has changed for {frozen_s:.0f} s")
        if lost:
            return Verdict(sample, Trouble.PHASE_LOST, f"no current on {', '.join(lost)}")
        return Verdict(sample)

    def _spike(self, sample: Sample) -> str | None:
        step_a = SPIKE_SHARE * self._bounds.ceiling_a
        for phase, before_a, now_a in zip(PHASE_NAMES, self._believed, sample.current_a, strict=True):
            if before_a is None or now_a is None or abs(now_a - before_a) <= step_a or self._suspected:
                continue
            self._suspected = True  # the next one is believed: a fault may repeat itself, noise does not
            return f"{phase}: a jump from {before_a:.6g} A to {now_a:.6g} A, waiting for a second one"
        self._suspected = False
        self._believed = sample.current_a
        return None


class _Pulse:
    """Whether a meter's values move."""

    def __init__(self) -> None:
        self._sample: Sample | None = None
        self._since_s = 0.0
        self._changes = 0

    def still_s(self, sample: Sample, measured_s: float) -> float:
        """For how long a meter that was alive has repeated itself to the last bit [s]; 0 when it moves."""
        if sample != self._sample:
            quick = measured_s - self._since_s <= ALIVE_GAP_S
            self._changes = self._changes + 1 if quick else 0
            self._sample, self._since_s = sample, measured_s
        return measured_s - self._since_s if self._changes >= ALIVE_CHANGES else 0.0
