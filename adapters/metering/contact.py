"""A contact that a Modbus TCP device reads, such as the relay of a ripple-control receiver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from adapters.metering.modbus_link import ModbusLink, NoAnswerError
from controller.plan import Event, Severity
from controller.ports.common import Clock, EventSink

LOST_AFTER: Final = 3
"""Polls in a row without an answer that make it lost; one is lost now and then."""


class ModbusContact:
    """Reads one contact every ``poll_s`` for as long as ``run`` runs.

    Args:
        name: what it is called in events.
        host: name or address of the device or its gateway.
        port: TCP port.
        unit: Modbus unit identifier, 0 to 255.
        kind: ``coil``, ``discrete``, ``holding`` or ``input``; a register is closed when it is not 0.
        address: counted from 0.
        poll_s: time between two readings [s].
        clock: where times come from.
        on_event: hears when it is lost and when it is back.
        on_read: told with every reading whether it is closed; never blocks, never raises.
    """

    def __init__(
        self,
        *,
        name: str,
        host: str,
        port: int,
        unit: int,
        kind: str,
        address: int,
        poll_s: float,
        clock: Clock,
        on_event: EventSink,
        on_read: Callable[[bool], None],
    ) -> None:
        self._name, self._kind, self._address, self._poll_s = name, kind, address, poll_s
        self._clock, self._on_event, self._on_read = clock, on_event, on_read
        self._link = ModbusLink(host, port, unit, name, clock)
        self._missed = 0

    async def run(self) -> None:
        """Read until cancelled. Whatever the device does becomes an event, never an exception."""
        await self._link.attend(self._poll, self._poll_s)

    async def _poll(self) -> None:
        try:
            await self._link.connect()
            (value,) = await self._link.read(self._kind, self._address, 1)
        except NoAnswerError as error:
            self._missed += 1
            if self._missed == LOST_AFTER:
                self._tell("contact_lost", f"{self._link}: {error}; what it said last holds", Severity.ALARM)
            return
        if self._missed >= LOST_AFTER:
            self._tell("contact_back", f"{self._link}: it answers again", Severity.INFO)
        self._missed = 0
        self._on_read(value != 0)

    def _tell(self, kind: str, text: str, severity: Severity) -> None:
        self._on_event(Event(kind, f"contact:{self._name}", text, severity, self._clock.now()))
