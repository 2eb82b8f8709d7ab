"""Fuses warm by what they bear, cool by and by, and say so."""

from __future__ import annotations

import numpy as np
import pytest

from controller.peakshave.warmth import Warmth, cold, warmed
from controller.site import Circuit, Site

SITE = Site(
    "S",
    (
        Circuit("main", None, (63.0, 63.0, 63.0), meter="grid"),
        Circuit("garage", "main", (32.0, 32.0, 32.0), fuse_curve="B"),
    ),
    (),
)
FUSE_A = np.array([[63.0] * 3, [32.0] * 3])


def borne(
    current_a: list[list[float]], seconds: int, start_s: float = 0.0, warmth: Warmth | None = None
) -> tuple[Warmth, list[tuple[str, str]]]:
    """The states after so many seconds, and the kinds of what was told."""
    warmth = warmth or cold(SITE, start_s)
    told = []
    for second in range(1, seconds + 1):
        warmth, events = warmed(SITE, warmth, FUSE_A, np.array(current_a), start_s + second)
        told += [(event.kind, event.subject) for event in events]
    return warmth, told


def test_what_a_fuse_stands_for_ever_leaves_it_as_it_is() -> None:
    warmth, told = borne([[75.0, 60.0, 0.0], [20.0, 0.0, 0.0]], 600)
    assert not warmth.state.any()
    assert told == []


def test_an_overload_warms_its_phase_alone_and_the_alarm_ends_when_it_has_cooled() -> None:
    warmth, told = borne([[10.0, 189.0, 10.0], [0.0, 0.0, 0.0]], 25)
    assert warmth.state[0, 1] == pytest.approx(25 / 67.5, rel=0.01), "135 s is the mean of what melts it, half counts"
    assert warmth.state[0, [0, 2]].tolist() == [0.0, 0.0]
    assert told == [("fuse_warm", "circuit:main")]
    warmth, told = borne([[10.0] * 3, [0.0] * 3], 300, 25.0, warmth)
    assert told == []
    warmth, told = borne([[10.0] * 3, [0.0] * 3], 600, 325.0, warmth)
    assert told == [("fuse_cooled", "circuit:main")]


def test_a_breaker_is_sooner_warm_than_a_fuse() -> None:
    warmth, _ = borne([[0.0] * 3, [46.4, 0.0, 0.0]], 5)
    fuse, _ = borne([[91.35, 0.0, 0.0], [0.0] * 3], 5)
    assert warmth.state[1, 0] > fuse.state[0, 0] > 0.0, "both at 1.45 times their rating"


def test_what_is_not_known_neither_warms_nor_cools() -> None:
    warmth, _ = borne([[126.0, 0.0, 0.0], [0.0] * 3], 10)
    later, _ = borne([[np.nan] * 3, [0.0] * 3], 600, 10.0, warmth)
    assert later.state[0, 0] == warmth.state[0, 0]


def test_a_long_silence_counts_for_a_few_seconds() -> None:
    warmth, _ = warmed(SITE, cold(SITE, 0.0), FUSE_A, np.array([[126.0, 0.0, 0.0], [0.0] * 3]), 3600.0)
    assert warmth.state[0, 0] == pytest.approx(5.0 / 584.5, rel=0.01)
