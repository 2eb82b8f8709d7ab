"""How the building's load goes: its recent peaks, how restless it is, and what its rise will have added.

Shapes: B sites in a batch, one in the service; C circuits.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from controller.loadbalance.layout import Bools, Floats, anything
from controller.record import record

PEAK_BUCKET_S: Final = 5.0
PEAK_BUCKETS: Final = 3
"""Raises reckon with the highest background of the last 10 to 15 s: longer than chargers take to report."""

NOISE_SMOOTHING: Final = 0.05
NOISE_CLIP_A: Final = 1.0
"""A step larger than this is a change of load, not noise."""

QUICK_S: Final = 3.0
SLOW_S: Final = 10.0
LEAD: Final = 1.2
LEAD_FROM_A: Final = 0.3
LEAD_FROM_NOISE: Final = 2.5
LEAD_MOST_A: Final = 2.0
"""A rising background is met ahead: chargers and cars answer up to ten seconds late. Two running means tell its slope
(their distance is the slope times the difference of their times); what noise can explain is left out."""


@record
class Trend:
    """What is remembered of the building."""

    at_s: float
    """When it was looked at last (monotonic) [s]."""
    background_a: Floats
    """(B, C, 3)"""
    peaks_a: Floats
    """(``PEAK_BUCKETS``, B, C, 3): highest background of each of the last buckets of time, the newest first."""
    bucket_s: float
    """When the newest bucket began [s]."""
    noise_a: Floats
    """(B, C, 3): mean absolute step of the background from one observation to the next."""
    quick_a: Floats
    slow_a: Floats
    """(B, C, 3): running means of the background."""
    measured: Bools
    """(B, C, 3): whether the background was measured or assumed."""

    @property
    def coming_a(self) -> Floats:
        """(B, C, 3): the background with what its rise will have added by the time that chargers answer."""
        least = np.maximum(LEAD_FROM_A, LEAD_FROM_NOISE * self.noise_a)
        rise = np.maximum(LEAD * (self.quick_a - self.slow_a) - least, 0.0)
        coming: Floats = self.background_a + np.minimum(rise, LEAD_MOST_A)
        return coming


def followed(before: Trend | None, background: Floats, measured: Bools, now_s: float) -> Trend:
    """The trend with one more background (B, C, 3) [A]; ``measured`` says where it is not merely assumed."""
    if before is None:
        peaks = np.repeat(background[None], PEAK_BUCKETS, axis=0)
        return Trend(now_s, background, peaks, now_s, np.zeros_like(background), background, background, measured)
    begins = measured & ~before.measured
    if anything(begins):
        before = _forgetting(before, begins, background)
    passed_s = max(0.0, now_s - before.at_s)
    quick = before.quick_a + min(1.0, passed_s / QUICK_S) * (background - before.quick_a)
    slow = before.slow_a + min(1.0, passed_s / SLOW_S) * (background - before.slow_a)
    step = np.minimum(np.abs(background - before.background_a), NOISE_CLIP_A)
    noise = before.noise_a + NOISE_SMOOTHING * (step - before.noise_a)
    return Trend(now_s, background, *_peaks(before, background, now_s), noise, quick, slow, measured)


def _forgetting(before: Trend, begins: Bools, background: Floats) -> Trend:
    """Where a meter has begun to speak, what was assumed until then is no history of the background."""
    return replace(
        before,
        background_a=np.where(begins, background, before.background_a),
        peaks_a=np.where(begins, background, before.peaks_a),
        quick_a=np.where(begins, background, before.quick_a),
        slow_a=np.where(begins, background, before.slow_a),
    )


def _peaks(before: Trend, background: Floats, now_s: float) -> tuple[Floats, float]:
    """The highest recent backgrounds, and when the newest bucket began."""
    if now_s - before.bucket_s >= PEAK_BUCKET_S:
        return np.concatenate([background[None], before.peaks_a[:-1]]), now_s
    peaks = before.peaks_a.copy()
    peaks[0] = np.maximum(peaks[0], background)
    return peaks, before.bucket_s
