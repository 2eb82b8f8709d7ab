"""What happens at a hub's satellites, in the messages of the OCPP version that its back office speaks.

The satellites may speak another version: everything here begins with facts, never with another message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from controller.hub_satellite.connector import Status
from controller.hub_satellite.hub_sessions import Ending, HubSession, Measurement
from controller.site import ChargingPoint

MEASURANDS: Final = ("Energy.Active.Import.Register", "Power.Active.Import", "Current.Import")
"""What a hub relays of measurements, as far as its satellites measure it."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to a back office."""

    action: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Identity:
    """What a hub says of itself."""

    vendor: str
    model: str
    firmware: str
    serial: str


class Dialect(Protocol):
    """One version's messages. Whatever returns None is not told in it."""

    needs_complete_start: bool
    """Whether a start waits for its token and its register."""

    def boot(self, identity: Identity, reason: str) -> Message:
        """The hub has started; ``reason`` by the words of 2.x."""
        ...

    def status(self, connector: int, status: Status, at: datetime) -> Message | None:
        """The status of a connector; 0: of the whole."""
        ...

    def start(self, session: HubSession, *, offline: bool) -> Message:
        """A session has begun."""
        ...

    def authorised(self, session: HubSession, at: datetime, *, offline: bool) -> Message | None:
        """It has got its token only now."""
        ...

    def changed(self, session: HubSession, state: Status, at: datetime, *, offline: bool) -> Message | None:
        """Its car does something else."""
        ...

    def measured(
        self, session: HubSession, point: ChargingPoint, sample: Measurement, *, triggered: bool, offline: bool
    ) -> Message:
        """Something was measured during it."""
        ...

    def measured_outside(self, connector: int, point: ChargingPoint, sample: Measurement) -> Message:
        """Something was measured while no session runs."""
        ...

    def stop(self, session: HubSession, end: Ending, *, offline: bool) -> Message:
        """It has ended."""
        ...


def written(at: datetime) -> str:
    """A time as OCPP writes it: UTC, whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sampled(point: ChargingPoint, sample: Measurement) -> list[tuple[str, str, float, str | None]]:
    """The values of a measurement: measurand, unit, value, and the connector's own phase.

    The site keeps currents by the phases of the grid; the back office gets them by those of the connector.
    """
    values: list[tuple[str, str, float, str | None]] = []
    if sample.register_wh is not None:
        values.append((MEASURANDS[0], "Wh", sample.register_wh, None))
    if sample.power_w is not None:
        values.append((MEASURANDS[1], "W", round(sample.power_w, 1), None))
    if sample.current_a is not None:
        values += [
            (MEASURANDS[2], "A", round(sample.current_a[grid], 2), f"L{own}")
            for own, grid in enumerate(point.phases, start=1)
        ]
    return values
