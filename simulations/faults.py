"""The faults that a demonstration can show, as commands to the simulated site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and how it ends."""

    meaning: str
    begin: Mapping[str, Any]
    """A command of ``site_process``; ``point`` is filled in with the first point where it is None."""
    end: Mapping[str, Any] | None = None
    lasts_s: float = 20.0


FAULTS: Final[Mapping[str, Fault]] = {
    "meter_lost": Fault(
        "the grid meter answers nothing for 20 s", {"cmd": "meter", "fault": "silent"}, {"cmd": "meter", "fault": None}
    ),
    "meter_frozen": Fault(
        "the grid meter repeats one value for 20 s",
        {"cmd": "meter", "fault": "frozen"},
        {"cmd": "meter", "fault": None},
    ),
    "meter_nan": Fault(
        "the grid meter says 'not a number' for 20 s", {"cmd": "meter", "fault": "nan"}, {"cmd": "meter", "fault": None}
    ),
    "charger_offline": Fault(
        "the first charger leaves the network for 20 s", {"cmd": "offline", "point": None, "seconds": 20.0}
    ),
    "charger_deaf": Fault(
        "the first charger accepts limits and ignores them from then on", {"cmd": "deaf", "point": None, "value": True}
    ),
    "building_step": Fault(
        "the building draws 15 A more on every phase for 20 s",
        {"cmd": "step_building", "a": [15.0, 15.0, 15.0]},
        {"cmd": "step_building", "a": [0.0, 0.0, 0.0]},
    ),
}
