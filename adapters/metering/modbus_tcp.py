"""A meter on Modbus TCP, polled on a steady beat."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import datetime
from typing import Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from adapters.cancellation import end_if_cancelled
from adapters.metering.intake import Intake
from adapters.metering.plausibility import Bounds, Judge
from adapters.metering.registers import Block, register_map
from adapters.metering.sample import Sample
from controller.ports import Clock, EventSink, Meter
from controller.snapshot import Reading

ANSWER_S: Final = 0.8
"""An answer that takes longer would be too old for a control loop of one second; devices need 10 to 300 ms."""
RECONNECT_FIRST_S: Final = 0.25
RECONNECT_LAST_S: Final = 2.0
"""Between attempts to connect: soon enough to recover within two polls, seldom enough for a gateway that boots."""

_NO_SUCH_REGISTERS: Final = (2, 3)
"""Illegal data address, illegal data value (MODBUS Application Protocol V1.1b3, §7)."""


def next_beat(beat: int, passed_s: float, poll_s: float) -> tuple[int, float]:
    """The beat that follows ``beat`` when ``passed_s`` have passed since beat 0, and how long to wait for it [s].

    Beats lie at whole multiples of ``poll_s``, so they do not drift; those that were missed are left out.
    """
    following = max(beat + 1, math.ceil(passed_s / poll_s))
    return following, following * poll_s - passed_s


class _NoAnswerError(Exception):
    """The meter could not be reached, or did not answer properly."""


class ModbusTcpMeter(Meter):
    """Reads one meter every ``poll_s`` for as long as ``run`` runs.

    A reading's age counts from the moment at which its (first) request was sent. A missed beat is not made up for.

    Args:
        id: the meter's name in the site.
        host: name or address of the meter or its gateway.
        port: TCP port.
        unit: Modbus unit identifier, 0 to 255.
        model: name of a register map, see ``registers.models``.
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
        model: str,
        poll_s: float,
        clock: Clock,
        on_event: EventSink,
        ceiling_a: float,
        on_reading: Callable[[], None] | None = None,
        nominal_voltage_v: float = 230.0,
    ) -> None:
        self.id = id
        self._host, self._port, self._unit = host, port, unit
        self._poll_s = poll_s
        self._clock = clock
        self._map = register_map(model)
        self._blocks = self._map.blocks
        self._intake = Intake(id, Judge(Bounds(ceiling_a, nominal_voltage_v)), clock, on_event, on_reading)
        self._client: AsyncModbusTcpClient | None = None
        self._retry_at_s = -math.inf
        self._retry_after_s = RECONNECT_FIRST_S

    def reading(self, now: datetime, monotonic_s: float) -> Reading | None:
        """The last good reading, dated ``now`` minus its age; None when there has been none."""
        return self._intake.reading(now, monotonic_s)

    async def run(self) -> None:
        """Read until cancelled. Whatever the meter does becomes an event, never an exception."""
        start_s = self._clock.monotonic_s()
        try:
            beat = 0
            while True:
                await self._poll()
                end_if_cancelled()
                beat, wait_s = next_beat(beat, self._clock.monotonic_s() - start_s, self._poll_s)
                await asyncio.sleep(wait_s)
        finally:
            self._disconnect()

    async def _poll(self) -> None:
        try:
            client = await self._connected()
            sent_s = self._clock.monotonic_s()
            registers: dict[int, int] = {}
            for block in self._blocks:
                registers |= await self._read(client, block)
        except _NoAnswerError as error:
            self._intake.miss(f"{self._host}:{self._port} unit {self._unit}: {error}")
        else:
            self._intake.take(Sample.of(self._map.decode(registers)), sent_s)

    async def _connected(self) -> AsyncModbusTcpClient:
        if self._client is not None and self._client.connected:
            return self._client
        self._disconnect()
        if self._clock.monotonic_s() < self._retry_at_s:
            raise _NoAnswerError("cannot connect")
        # Our own attempts in place of the library's: its back-off starts over with every request.
        client = AsyncModbusTcpClient(
            self._host, port=self._port, name=self.id, timeout=ANSWER_S, retries=0, reconnect_delay=0
        )
        if not await client.connect():
            self._retry_at_s = self._clock.monotonic_s() + self._retry_after_s
            self._retry_after_s = min(2 * self._retry_after_s, RECONNECT_LAST_S)
            raise _NoAnswerError("cannot connect")
        self._client = client
        self._retry_after_s = RECONNECT_FIRST_S
        return client

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _read(self, client: AsyncModbusTcpClient, block: Block) -> dict[int, int]:
        read = client.read_input_registers if self._map.function == "input" else client.read_holding_registers
        try:
            answer = await read(block.address, count=block.count, device_id=self._unit)
        except (ModbusException, OSError, TimeoutError) as error:
            # A late answer must not meet the next question, nor a half-open connection swallow it.
            self._disconnect()
            raise _NoAnswerError(f"no answer within {ANSWER_S} s") from error
        if isinstance(answer, ExceptionResponse):
            raise self._refused(answer)
        return self._registers(answer, block)

    def _refused(self, answer: ExceptionResponse) -> _NoAnswerError:
        if answer.exception_code in _NO_SUCH_REGISTERS:
            self._blocks = self._map.blocks_without_gaps
        return _NoAnswerError(f"Modbus exception {answer.exception_code}")

    def _registers(self, answer: ModbusPDU, block: Block) -> dict[int, int]:
        if len(answer.registers) != block.count:
            self._disconnect()
            raise _NoAnswerError(f"{len(answer.registers)} registers instead of {block.count}")
        return dict(enumerate(answer.registers, block.address))
