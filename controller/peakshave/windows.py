"""Demand windows: the mean power of fixed stretches of the clock, as the grid operator's meter forms them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from controller.units import finite

METER_GAP: Final = "meter_gap"
CLOCK_JUMP: Final = "clock_jump"
RESTART: Final = "restart"
METER_CLOCK: Final = "meter_clock"
"""The meter's own windows begin at other moments than ours."""
MARKS: Final = (METER_GAP, CLOCK_JUMP, RESTART, METER_CLOCK)

HOUR_S: Final = 3600


def aligned(at_s: float, length_s: int, zone: tzinfo) -> float:
    """When this moment's window begins by the local clock, which may lie 30 or 45 minutes beside UTC (Unix time [s]).

    >>> aligned(1_700_003_700.0, 900, UTC)
    1700003700.0
    """
    offset = datetime.fromtimestamp(at_s, zone).utcoffset() or timedelta()
    offset_s = offset.total_seconds()
    return math.floor((at_s + offset_s) / length_s) * length_s - offset_s


@dataclass(frozen=True, slots=True)
class Window:
    """A demand window that has ended, or as far as it has come."""

    begins_at: datetime
    """UTC."""
    length_s: int
    energy_wh: float
    """Signed sum of the phases, import positive, with what was assumed [Wh]."""
    covered_s: float
    """How much of it was measured [s]."""
    marks: tuple[str, ...] = ()
    """What went wrong in it, of ``MARKS``."""
    assumed_wh: float = 0.0
    """The part of ``energy_wh`` that nobody measured [Wh]."""

    @property
    def mean_w(self) -> float:
        """Mean power over the whole window [W]; negative where more was exported."""
        return self.energy_wh * HOUR_S / self.length_s

    @property
    def measured_w(self) -> float:
        """Mean power without what was assumed: so much it was for certain [W]."""
        return (self.energy_wh - self.assumed_wh) * HOUR_S / self.length_s


@dataclass(frozen=True, slots=True)
class Filling:
    """The running window; plain numbers and words, so that it can be stored and recorded."""

    begins_s: float
    """Unix time [s]."""
    length_s: int
    counted_wh: float
    """Our own count, with what was assumed [Wh]."""
    guessed_wh: float
    """The part of it that was assumed [Wh]."""
    covered_s: float
    marks: str
    """Separated by spaces."""
    at_s: float
    """Up to when it is filled: Unix time [s]."""
    monotonic_s: float
    """The same moment on the monotonic clock [s]."""
    power_w: float
    """The last reading [W]."""
    read_s: float
    """When it came: monotonic [s]."""
    own_wh: float
    """What the meter itself last counted in this window, negative before it did [Wh]."""
    shift_wh: float
    """By how much the meter's count was above ours [Wh]."""
    excused_wh: float
    """The part of ``guessed_wh`` that the meter's count stands in for [Wh]."""
    told_s: float
    """Windows that begin before this have been told: Unix time [s]."""
    running: bool = True
    """Whether ``monotonic_s`` is of this run of the program."""

    @property
    def ends_s(self) -> float:
        """Unix time [s]."""
        return self.begins_s + self.length_s

    @property
    def energy_wh(self) -> float:
        """What has flowed since the beginning, by the meter's own count where it is believed [Wh]."""
        return self.counted_wh + self.shift_wh

    @property
    def assumed_wh(self) -> float:
        """The part of ``energy_wh`` that nobody measured [Wh]."""
        return self.guessed_wh - self.excused_wh

    @property
    def so_far(self) -> Window:
        """The running window as far as it has come."""
        begins_at = datetime.fromtimestamp(self.begins_s, UTC)
        marks = tuple(self.marks.split())
        return Window(begins_at, self.length_s, self.energy_wh, self.covered_s, marks, self.assumed_wh)

    def to_dict(self) -> dict[str, Any]:
        """A document for the store."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Filling:
        """Take up a stored window after a restart; the next ``fill`` counts the gap as assumed.

        Raises:
            ValueError: it is not a stored window; the message names the field.
        """
        words = {"marks": str, "running": bool}
        for field in fields(cls):
            value = document.get(field.name)
            if field.name not in words:
                finite(value, field.name)  # type: ignore[arg-type]  # refuses what is no number
            elif not isinstance(value, words[field.name]):
                raise ValueError(f"{field.name}: expected a {words[field.name].__name__}, got {value!r}")
        if document["length_s"] <= 0:
            raise ValueError(f"length_s: expected a positive length, got {document['length_s']!r}")
        return cls(**{field.name: document[field.name] for field in fields(cls)} | {"running": False})
