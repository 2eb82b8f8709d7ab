"""What drivers ask for, and what they leave with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

ENOUGH: Final = 0.99
"""Who leaves with this part of what was asked for has what was asked for: meters count whole watt-hours."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One driver's wish."""

    energy_wh: float
    """Wanted in the session [Wh]."""
    departs_s: float
    """Until this time [Unix s]."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A wish whose driver has left."""

    point: str
    asked_wh: float
    got_wh: float

    @property
    def met(self) -> bool:
        """Whether the driver left with what was asked for."""
        return self.got_wh >= ENOUGH * self.asked_wh


class Asking:
    """The wishes at every point. Whoever is sent home before the time that was said is not counted."""

    def __init__(self) -> None:
        self._open: dict[str, Asked] = {}
        self.answered: list[Answered] = []

    def comes(self, point: str, asked: Asked | None) -> None:
        """A car has come, and its driver asks for something, or for nothing."""
        self._open.pop(point, None)
        if asked is not None:
            self._open[point] = asked

    def leaves(self, point: str, got_wh: float) -> None:
        """The driver takes the car away, as was said."""
        asked = self._open.pop(point, None)
        if asked is not None:
            self.answered.append(Answered(point, asked.energy_wh, got_wh))

    def of(self, point: str) -> dict[str, Any] | None:
        """What the driver at a point asks for; None: nothing, or there is nobody."""
        asked = self._open.get(point)
        return None if asked is None else asdict(asked)

    def to_json(self) -> dict[str, Any]:
        """What has come of all wishes so far."""
        return {
            "needs_total": len(self.answered),
            "needs_met": sum(one.met for one in self.answered),
            "needs": [asdict(one) for one in self.answered],
        }
