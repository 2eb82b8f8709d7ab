"""What can go wrong: one vocabulary for scenarios and demonstrations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and how a demonstration shows it."""

    meaning: str
    at_a_point: bool = False
    """Whether it strikes a point's charger, and so the whole station."""
    begin: Mapping[str, Any] = field(default_factory=dict)
    """A command of ``site_process``; ``point`` is filled in with the first point where it is None.
    Empty: what fails is no equipment, and no demonstration shows it."""
    end: Mapping[str, Any] | None = None
    lasts_s: float = 20.0
    """In a demonstration [s]."""


_METER_WELL: Final = {"cmd": "meter", "fault": None}

SCENARIO_FAULTS: Final[Mapping[str, Fault]] = {
    "meter_lost": Fault("the grid meter answers nothing", begin={"cmd": "meter", "fault": "silent"}, end=_METER_WELL),
    "meter_frozen": Fault(
        "the grid meter repeats one value", begin={"cmd": "meter", "fault": "frozen"}, end=_METER_WELL
    ),
    "meter_nan": Fault("the grid meter says 'not a number'", begin={"cmd": "meter", "fault": "nan"}, end=_METER_WELL),
    "charger_offline": Fault(
        "a charger leaves the network", at_a_point=True, begin={"cmd": "offline", "point": None, "seconds": 20.0}
    ),
    "charger_deaf": Fault(
        "a charger accepts limits and ignores them",
        at_a_point=True,
        begin={"cmd": "deaf", "point": None, "value": True},
    ),
    "building_step": Fault(
        "the building draws more (in a demonstration 15 A on every phase)",
        begin={"cmd": "step_building", "a": [15.0, 15.0, 15.0]},
        end={"cmd": "step_building", "a": [0.0, 0.0, 0.0]},
    ),
    "controller_down": Fault(
        "the controller is away: chargers fall back by themselves, and it comes back without its memory"
    ),
    "back_office_away": Fault("the back office is away: tokens that the site does not know are not let in"),
}
"""By the ``kind`` of a ``TimedFault``. The meters of all circuits fail together."""

FAULTS: Final[Mapping[str, Fault]] = {name: fault for name, fault in SCENARIO_FAULTS.items() if fault.begin}
"""What a demonstration can show, for ``lasts_s`` seconds."""
