"""A meter on Modbus TCP, polled on a steady beat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from adapters.metering.intake import Intake
from adapters.metering.modbus_link import ModbusLink, NoAnswerError, RefusedError
from adapters.metering.plausibility import Bounds, Judge
from adapters.metering.registers import Block, RegisterMap, register_map
from adapters.metering.sample import Sample
from adapters.metering.sunspec import SunSpecRegisters
from controller.ports.common import Clock, EventSink
from controller.ports.devices import Meter
from controller.snapshot import Reading

_NO_SUCH_REGISTERS: Final = (2, 3)
"""Illegal data address, illegal data value (MODBUS Application Protocol V1.1b3, §7)."""


class ModbusTcpMeter(Meter):
    """Reads one meter every ``poll_s`` for as long as ``run`` runs.

    A reading's age counts from the moment at which its (first) request was sent. A missed beat is not made up for.

    Args:
        id: the meter's name in the site.
        host: name or address of the meter or its gateway.
        port: TCP port.
        unit: Modbus unit identifier, 0 to 255.
        model: name of a register map, see ``registers.models``; None: it speaks SunSpec.
        poll_s: time between two readings [s].
        clock: where times come from.
        on_event: hears of troubles when they begin and when they are over.
        on_reading: called after each good reading, e.g. to decide at once.
        ceiling_a: no current can be larger than this, e.g. ten times the fuse [A].
        nominal_voltage_v: of the site [V].

    Raises:
        UnknownModelError: there is no such register map.
    """

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the port's name for it
        host: str,
        port: int,
        unit: int,
        model: str | None,
        poll_s: float,
        clock: Clock,
        on_event: EventSink,
        ceiling_a: float,
        on_reading: Callable[[], None] | None = None,
        nominal_voltage_v: float = 230.0,
    ) -> None:
        self.id = id
        self._link = ModbusLink(host, port, unit, id, clock)
        self._poll_s = poll_s
        self._clock = clock
        self._registers = SunSpecRegisters() if model is None else MappedRegisters(register_map(model))
        self._intake = Intake(id, Judge(Bounds(ceiling_a, nominal_voltage_v)), clock, on_event, on_reading)

    def reading(self, now: datetime, monotonic_s: float) -> Reading | None:
        """The last good reading, dated ``now`` minus its age; None when there has been none."""
        return self._intake.reading(now, monotonic_s)

    async def run(self) -> None:
        """Read until cancelled. Whatever the meter does becomes an event, never an exception."""
        await self._link.attend(self._poll, self._poll_s)

    async def _poll(self) -> None:
        try:
            await self._link.connect()
            sent_s = self._clock.monotonic_s()
            values = await self._registers.read(self._link)
        except NoAnswerError as error:
            self._intake.miss(f"{self._link}: {error}")
        else:
            self._intake.take(Sample.of(values), sent_s)


class MappedRegisters:
    """Reads a device whose registers are known beforehand."""

    def __init__(self, registers: RegisterMap) -> None:
        self._map = registers
        self._blocks = registers.blocks

    async def read(self, link: ModbusLink) -> dict[str, float | None]:
        """The quantities of a connected device; raises ``NoAnswerError``."""
        found: dict[int, int] = {}
        for block in self._blocks:
            found |= await self._read(link, block)
        return self._map.decode(found)

    async def _read(self, link: ModbusLink, block: Block) -> dict[int, int]:
        try:
            values = await link.read(self._map.function, block.address, block.count)
        except RefusedError as error:
            if error.code in _NO_SUCH_REGISTERS:
                self._blocks = self._map.blocks_without_gaps
            raise
        return dict(enumerate(values, block.address))
