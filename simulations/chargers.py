"""Charging stations: the profiles that their connectors obey, and their clocks. No wire: ``step`` moves them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from controller.units import TOLERANCE_A
from simulations.connectors import Connector
from simulations.profiles import ChargingProfile, ProfileRefusedError, ProfileStore
from simulations.temperaments import OBEDIENT, Temperament

_DAY_S: Final = 86_400.0


class ChargingStation:
    """One station with its connectors, its profiles and its clock.

    Args:
        identity: its OCPP identity.
        connectors: in any order, numbered from 1.
        voltage_v: phase to neutral [V].
        temperament: how it departs from what it should do; its connectors' should be the same.
    """

    def __init__(
        self,
        identity: str,
        connectors: Sequence[Connector],
        voltage_v: float,
        temperament: Temperament = OBEDIENT,
    ) -> None:
        self.identity = identity
        self.connectors = {connector.number: connector for connector in connectors}
        self.profiles = ProfileStore()
        self.voltage_v = voltage_v
        self.temperament = temperament
        self.clock_offset_s = 0.0
        """How far it believes that its clock is ahead of the world's [s]."""
        self.deaf = False
        """A fault: it accepts profiles, says so, and goes on with what it did."""
        self._spikes_until_s = -math.inf
        self._writes: tuple[float, int] = (-math.inf, 0)
        """Profiles taken on that day."""

    def clock_s(self, now_s: float) -> float:
        """What its clock shows [Unix s]."""
        return now_s + self.clock_offset_s + self.temperament.clock_ahead_s

    def install(self, number: int, profile: ChargingProfile, now_s: float, transaction_id: int | str | None) -> None:
        """Accept a charging profile; arguments as of ``ProfileStore.install``, but for the world's time.

        Raises:
            ProfileRefusedError: the standard forbids it, or the temperament does.
        """
        self._refuse_by_temperament(profile, now_s)
        self.profiles.install(number, profile, self.clock_s(now_s), transaction_id)
        day, count = self._writes_today(now_s)
        self._writes = (day, count + 1)
        if self.temperament.spike_s:
            self._spikes_until_s = now_s + self.temperament.spike_s
            for connector in self.connectors.values():
                connector.look_at(now_s)

    def connection_lost(self) -> None:
        """The central system is out of reach."""
        if self.temperament.forgets:
            self.profiles.clear(None, None, None, None)

    def limit_a(self, number: int, now_s: float) -> float | None:
        """What the installed profiles allow on a connector [A]; None: nothing."""
        transaction = self.connectors[number].transaction
        started_at_s = None if transaction is None else self.clock_s(transaction.started_at_s)
        return self.profiles.limit_a(number, self.clock_s(now_s), started_at_s, self.voltage_v)

    def composite(self, number: int, now_s: float, duration_s: float) -> list[tuple[float, float]]:
        """What it says that it will allow on a connector, as (seconds from now, limit [A])."""
        connector = self.connectors[number]
        if self.temperament.deaf:
            return [(0.0, connector.model.max_a)]
        started_at_s = None if connector.transaction is None else self.clock_s(connector.transaction.started_at_s)
        rows = self.profiles.composite(number, self.clock_s(now_s), duration_s, started_at_s, self.voltage_v)
        most_a = connector.model.max_a
        return [(start_s, most_a if limit_a is None else min(limit_a, most_a)) for start_s, limit_a in rows]

    def step(self, now_s: float, dt: float) -> None:
        """Live through ``dt`` seconds that end at ``now_s``."""
        for number, connector in self.connectors.items():
            if connector.transaction is None:
                continue
            limit_a: float | None = connector.pilot_a
            if now_s - dt < self._spikes_until_s <= now_s:
                connector.look_at(now_s)
            if now_s < self._spikes_until_s or self.temperament.deaf:
                limit_a = None
            elif not self.deaf and connector.looks(now_s):
                limit_a = self.limit_a(number, now_s)
            connector.step(now_s, dt, limit_a, self.voltage_v)

    def _refuse_by_temperament(self, profile: ChargingProfile, now_s: float) -> None:
        least_a = min(
            period.limit if profile.unit == "A" else period.limit / (self.voltage_v * period.number_phases)
            for period in profile.periods
        )
        if least_a < self.temperament.least_limit_a - TOLERANCE_A:
            raise ProfileRefusedError(f"a limit below {self.temperament.least_limit_a:g} A")
        budget = self.temperament.writes_per_day
        if budget is not None and self._writes_today(now_s)[1] >= budget:
            raise ProfileRefusedError(f"more than {budget} profiles in a day")

    def _writes_today(self, now_s: float) -> tuple[float, int]:
        day = self.clock_s(now_s) // _DAY_S
        return (day, self._writes[1] if day <= self._writes[0] else 0)
