"""A session, cut into parts in which every price stays the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from controller.tariffs.compiled import Choice
from controller.tariffs.registers import Register, Registers
from controller.tariffs.session_facts import Activity

RESERVED: Final = frozenset({Activity.RESERVATION, Activity.RESERVATION_EXPIRED})
"""What happens before there is a session: it has no energy, and durations do not count from it."""


class Span(NamedTuple):
    """A part of a session in which every price stays the same, from its beginning to before its end."""

    begins_us: int
    ends_us: int
    activity: Activity
    begins: Register
    ends: Register
    choice: Choice
    """What costs something; of time only what is counted in this activity."""
    per_kwh: Decimal | None
    """None: energy costs nothing, or its price is unknown."""

    @property
    def duration_us(self) -> int:
        """How long it lasts [us]."""
        return self.ends_us - self.begins_us

    @property
    def energy_kwh(self) -> Decimal:
        """What was delivered in it."""
        return self.ends.kwh - self.begins.kwh

    @property
    def reserved(self) -> bool:
        """Whether a reservation held."""
        return self.activity in RESERVED


class Split(NamedTuple):
    """A session, cut."""

    spans: list[Span]
    """In order; each begins where the one before ends."""
    registers: Registers
    session_us: int
    """When it began after its reservation [us]; its end where there was nothing but that."""
    delivered: bool
    """Whether there was energy; where no register is known, whether the car was charging."""
    served: bool
    """Whether it got what the tariff sells: energy, or time of charging that has a price."""
    unknown_draw: bool
    """Whether a price depends on a power or current that nobody measured."""
