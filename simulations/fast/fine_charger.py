"""A charging station in virtual time: between its physics and the service stand no wire and no text.

What the firmware and the OCPP client do in the wire depth happens here at once: transactions begin and end, statuses
are told when they change, measurements at their intervals; what happens without a connection is told after it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from ocpp.v16.datatypes import ChargingProfile as OcppProfile

from adapters.ocpp.connector import SAMPLE_INTERVAL_S
from adapters.ocpp.meter_values import Measured
from controller.units import Phases
from simulations.cars import Car
from simulations.chargers import ChargingStation
from simulations.clock import VirtualClock
from simulations.connectors import Connector, Status, Transaction
from simulations.profiles import ChargingProfile, Period, ProfileRefusedError


class Hub(Protocol):
    """Whoever a charger talks to."""

    def started(self, station: str, number: int, transaction: Transaction) -> None:
        """A transaction has begun: it gets an id."""
        ...

    def stopped(self, station: str, transaction: Transaction) -> None:
        """A transaction has ended."""
        ...

    def status(self, station: str, number: int, status: Status, told_at: datetime) -> None:
        """A connector says what it is doing."""
        ...

    def measured(self, station: str, number: int, measured: Measured) -> None:
        """A connector has measured."""
        ...


class FineCharger:
    """One station.

    Args:
        station: its physics.
        clock: virtual time.
        start_s: when that begins, on the world's clock [Unix s].
    """

    def __init__(self, station: ChargingStation, clock: VirtualClock, start_s: float) -> None:
        self.station = station
        self.reachable = True
        """Whether it is on the network."""
        self._clock = clock
        self._start_s = start_s
        self._hub: Hub | None = None
        self._told: dict[int, Status] = {}
        self._untold: list[Callable[[Hub], None]] = []
        """Transaction messages that wait for a connection."""
        self._newest: dict[int, Measured] = {}
        """The last measurements that nobody heard: older ones would be overtaken by them."""

    @property
    def now_s(self) -> float:
        """The world's time [Unix s]."""
        return self._start_s + self._clock.monotonic_s()

    @property
    def connected(self) -> bool:
        """Whether somebody listens."""
        return self._hub is not None

    def connect(self, hub: Hub) -> None:
        """Tell what has happened meanwhile."""
        self._hub = hub
        self._told.clear()
        self.observe()
        for message in self._untold:
            message(hub)
        for number, measured in self._newest.items():
            hub.measured(self.station.identity, number, measured)
        self._untold, self._newest = [], {}

    def disconnect(self) -> None:
        """Nobody listens any more."""
        if self._hub is not None:
            self._hub = None
            self.station.connection_lost()

    def plug_in(self, number: int, car: Car, token: str, *, allowed: bool) -> None:
        """A driver plugs in and presents a token; where it is not allowed, the car stays without a transaction."""
        connector = self.station.connectors[number]
        connector.plug_in(car)
        if not allowed or not connector.available:
            return
        transaction = Transaction(token, self.now_s, int(connector.register_wh))
        connector.begin(transaction)
        self._say(lambda hub: hub.started(self.station.identity, number, transaction))
        self._measure_later(connector, transaction)

    def leave(self, number: int) -> None:
        """The driver unplugs."""
        self.stop(number)
        self.station.connectors[number].unplug()

    def stop(self, number: int) -> None:
        """End the transaction on a connector, if there is one."""
        connector = self.station.connectors[number]
        transaction = connector.transaction
        if transaction is None:
            return
        connector.end()
        self.station.profiles.end_transaction(number)
        self._say(lambda hub: hub.stopped(self.station.identity, transaction))

    def remote_stop(self, number: int) -> str:
        """Do as RemoteStopTransaction asks, if its temperament lets it; returns its answer."""
        if not self.station.temperament.ignores_stop:
            self.stop(number)
        return "Accepted"

    def change_availability(self, number: int, *, operative: bool) -> str:
        """Do as ChangeAvailability asks; returns its answer."""
        scheduled = self.station.connectors[number].change_availability(operative)
        self.observe()
        return "Scheduled" if scheduled else "Accepted"

    def composite(self, number: int, duration_s: float) -> dict[str, Any]:
        """What it says that it holds, as a ChargingSchedule with its keys in snake case."""
        rows = self.station.composite(number, self.now_s, duration_s)
        periods = [{"start_period": start_s, "limit": limit_a} for start_s, limit_a in rows]
        return {"charging_rate_unit": "A", "charging_schedule_period": periods}

    def install(self, number: int, profile: OcppProfile) -> bool:
        """Take a profile as it came; whether it was accepted."""
        transaction = self.station.connectors[number].transaction
        running = None if transaction is None else transaction.id
        try:
            self.station.install(number, _profile(profile), self.now_s, running)
        except ProfileRefusedError:
            return False
        return True

    def observe(self) -> None:
        """Look at the connectors after a step of the world, and tell what has changed."""
        for number, connector in self.station.connectors.items():
            if connector.gives_up:
                self.stop(number)
            status = connector.status
            if self._hub is not None and self._told.get(number) is not status:
                self._told[number] = status
                self._hub.status(self.station.identity, number, status, self._own_time())

    def _own_time(self) -> datetime:
        return datetime.fromtimestamp(self.station.clock_s(self.now_s), UTC)

    def _measure_later(self, connector: Connector, transaction: Transaction) -> None:
        own_s = self.station.temperament.report_s
        interval_s = SAMPLE_INTERVAL_S if own_s is None else own_s
        if math.isfinite(interval_s):
            self._clock.at(self._clock.monotonic_s() + interval_s, lambda: self._measure(connector, transaction))

    def _measure(self, connector: Connector, transaction: Transaction) -> None:
        if connector.transaction is not transaction:
            return
        measured = Measured(_grid_a(connector), register_wh=int(connector.register_wh), at=self._own_time())
        if self._hub is not None:
            self._hub.measured(self.station.identity, connector.number, measured)
        else:
            self._newest[connector.number] = measured
        self._measure_later(connector, transaction)

    def _say(self, message: Callable[[Hub], None]) -> None:
        if self._hub is not None:
            message(self._hub)
        else:
            self._untold.append(message)


def _grid_a(connector: Connector) -> Phases:
    """What a connector measures, in the order of the grid's phases."""
    row = [0.0, 0.0, 0.0]
    for phase, current_a in zip(connector.wiring, connector.measured_a(), strict=True):
        row[phase] = round(current_a, 2)
    return row[0], row[1], row[2]


def _profile(profile: OcppProfile) -> ChargingProfile:
    """The profile as the charger works with it."""
    schedule = profile.charging_schedule
    periods: list[Mapping[str, float]] = [vars(period) for period in schedule.charging_schedule_period]
    return ChargingProfile(
        id=profile.charging_profile_id,
        stack_level=profile.stack_level,
        purpose=str(profile.charging_profile_purpose),
        kind=str(profile.charging_profile_kind),
        unit=str(schedule.charging_rate_unit),
        periods=tuple(Period(period["start_period"], period["limit"]) for period in periods),
        start_at_s=datetime.fromisoformat(schedule.start_schedule).timestamp(),
        transaction_id=profile.transaction_id,
    )
