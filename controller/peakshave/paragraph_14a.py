"""What a grid operator in Germany must leave to controllable devices when it dims them (§14a EnWG).

The rules are those of the regulator's decision BK6-22-300, annex 1, no. 4.5. They are about what the devices take from
the grid together: a building's other load is no part of it, and what a PV plant or a battery gives may come on top.
"""

from __future__ import annotations

from typing import Final

DEVICE_W: Final = 4_200.0
"""What each device keeps when the operator dims it directly, and what the first one keeps behind an energy manager."""
_SIMULTANEITY: Final = {1: 1.0, 2: 0.80, 3: 0.75, 4: 0.70, 5: 0.65, 6: 0.60, 7: 0.55, 8: 0.50}
_MANY: Final = 0.45
"""From nine devices on."""
_OF_A_LARGE_ONE: Final = 0.4
"""Heat pumps and air conditioners above 11 kW keep this share of their connected power."""


def least_power_w(devices: int, heat_pumps_w: float = 0.0, air_conditioners_w: float = 0.0) -> float:
    """What all controllable devices behind an energy manager may draw together while they are dimmed [W].

    Args:
        devices: how many there are, charging points and all others.
        heat_pumps_w: connected power of the heat pumps above 11 kW, together [W].
        air_conditioners_w: the same of air conditioners [W].

    Raises:
        ValueError: there is no device, or a power is negative.

    >>> [round(least_power_w(n)) for n in (1, 2, 4, 10)]
    [4200, 7560, 13020, 21210]
    >>> round(least_power_w(6, heat_pumps_w=14_000))
    18200
    """
    if devices < 1:
        raise ValueError(f"devices: expected at least 1, got {devices}")
    if not (heat_pumps_w >= 0 and air_conditioners_w >= 0):
        raise ValueError("heat_pumps_w, air_conditioners_w: expected at least 0 W")
    large_w = max(heat_pumps_w, air_conditioners_w)
    first_w = _OF_A_LARGE_ONE * large_w if large_w > 0 else DEVICE_W
    return first_w + (devices - 1) * _SIMULTANEITY.get(devices, _MANY) * DEVICE_W
