"""How chargers behave, as data: the obedient one, and what is met in the field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Temperament:
    """What makes a charger differ from one that does what the standard asks; the defaults do not differ."""

    meaning: str
    source: str
    """Where it was seen: repository and number of an issue on GitHub, a manual, or a standard."""
    answer_s: float = 0.0
    """From the arrival of a request to its execution and answer [s]."""
    update_s: float | None = None
    """How often it looks at its limit [s]; None: as its connectors are built."""
    resolution_a: float | None = None
    """Steps of its pilot signal [A]; None: as its connectors are built."""
    deaf: bool = False
    """It accepts limits and always offers all that its hardware allows; asked, it says so."""
    ignores_stop: bool = False
    """It accepts to end a transaction, and goes on."""
    lies_about_status: bool = False
    """It says Charging while it withholds current, and SuspendedEVSE while it charges."""
    lies_about_current: bool = False
    """It reports the current that it offers as the current that flows."""
    writes_per_day: int | None = None
    """Beyond this number of profiles a day, by its own clock in UTC, it refuses them."""
    least_limit_a: float = 0.0
    """It refuses a profile with a lower limit in any of its periods [A]."""
    report_s: float | None = None
    """How often it sends meter values, whatever it is asked [s]; None: as it is asked; infinite: never."""
    forgets: bool = False
    """When it loses its connection it drops every profile, and so charges with all that its hardware allows."""
    spike_s: float = 0.0
    """After each new profile it offers all that its hardware allows, for this long [s]."""
    ends_at_zero: bool = False
    """It ends the transaction when its limit leaves no current."""
    clock_ahead_s: float = 0.0
    """How far its clock is ahead [s], whatever time it is told; negative: behind."""


OBEDIENT: Final = Temperament("does what the standard asks", "OCPP 1.6 edition 2; IEC 61851-1")

TEMPERAMENTS: Final[Mapping[str, Temperament]] = {
    "obedient": OBEDIENT,
    "slow": Temperament(
        "answers after 3 s and sets its pilot signal every 5 s",
        "IEC 61851-1 table A.6 (5 s); evcc-io/evcc#18885",
        answer_s=3.0,
        update_s=5.0,
    ),
    "deaf": Temperament(
        "accepts limits and charges with all that its hardware allows", "goecharger/go-eCharger-API-v2#105", deaf=True
    ),
    "headstrong": Temperament(
        "accepts limits and to end its transaction, and goes on with all that its hardware allows",
        "found in no public report; the worst that a deaf charger can do",
        deaf=True,
        ignores_stop=True,
    ),
    "lying_status": Temperament(
        "says SuspendedEVSE while it charges, and Charging while it withholds",
        "evcc-io/evcc#33911",
        lies_about_status=True,
    ),
    "lying_measurement": Temperament(
        "reports the current that it offers, whatever the car takes",
        "found in no public report; the worst that measurements can do while the status is right",
        lies_about_current=True,
    ),
    "write_limited": Temperament(
        "refuses more than 25 charging profiles a day",
        "Easee, developer.easee.com/docs/ocpp-smart-charging (more than 25 a day are advised against)",
        writes_per_day=25,
    ),
    "whole_amperes": Temperament(
        "knows whole amperes only, and rounds down", "common; IEC 61851-1 leaves the steps open", resolution_a=1.0
    ),
    "slow_reports": Temperament(
        "sends meter values once a minute", "Mennekes Smart T, evcc-io/evcc#19271", report_s=60.0
    ),
    "silent": Temperament("never sends meter values", "OCPP 1.6 §4.7 leaves it to the charger", report_s=math.inf),
    "forgets_on_reconnect": Temperament(
        "drops its profiles when it loses its connection, and charges at full power",
        "goecharger/go-eCharger-API-v2#217",
        forgets=True,
    ),
    "spikes": Temperament(
        "goes to full current for 3 s at each new profile", "Wallbox, lbbrhzn/ocpp#1684, #2152", spike_s=3.0
    ),
    "ends_at_zero": Temperament(
        "ends the transaction at 0 A", "Huawei SCharger, evcc-io/evcc#29272; NEcharge, #33020", ends_at_zero=True
    ),
    "refuses_below_min": Temperament(
        "refuses limits below 6 A, 0 A among them", "evcc-io/evcc#16768", least_limit_a=6.0
    ),
    "clock_behind": Temperament(
        "has a clock that is 45 s behind",
        "evcc-io/evcc#16430 (schedules start a minute early for it)",
        clock_ahead_s=-45.0,
    ),
}
