"""A connection to a Modbus TCP device that is asked on a steady beat."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any, Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from adapters.cancellation import end_if_cancelled
from controller.ports.common import Clock

ANSWER_S: Final = 0.8
"""An answer that takes longer would be too old for a control loop of one second; devices need 10 to 300 ms."""
RECONNECT_FIRST_S: Final = 0.25
RECONNECT_LAST_S: Final = 2.0
"""Between attempts to connect: soon enough to recover within two polls, seldom enough for a gateway that boots."""


def next_beat(beat: int, passed_s: float, poll_s: float) -> tuple[int, float]:
    """The beat that follows ``beat`` when ``passed_s`` have passed since beat 0, and how long to wait for it [s].

    Beats lie at whole multiples of ``poll_s``, so they do not drift; those that were missed are left out.
    """
    following = max(beat + 1, math.ceil(passed_s / poll_s))
    return following, following * poll_s - passed_s


class NoAnswerError(Exception):
    """The device could not be reached, or did not answer properly."""


class RefusedError(NoAnswerError):
    """It answered with an exception."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


class ModbusLink:
    """One connection, made anew when it is needed and may be tried again."""

    def __init__(self, host: str, port: int, unit: int, name: str, clock: Clock) -> None:
        self._host, self._port, self._unit, self._name, self._clock = host, port, unit, name, clock
        self._client: AsyncModbusTcpClient | None = None
        self._retry_at_s = -math.inf
        self._retry_after_s = RECONNECT_FIRST_S

    def __str__(self) -> str:
        return f"{self._host}:{self._port} unit {self._unit}"

    async def connect(self) -> None:
        """Be connected.

        Raises:
            NoAnswerError: it cannot be reached, or it is too early to try again.
        """
        if self._client is not None and self._client.connected:
            return
        self.close()
        if self._clock.monotonic_s() < self._retry_at_s:
            raise NoAnswerError("cannot connect")
        # Our own attempts in place of the library's: its back-off starts over with every request.
        client = AsyncModbusTcpClient(
            self._host, port=self._port, name=self._name, timeout=ANSWER_S, retries=0, reconnect_delay=0
        )
        if not await client.connect():
            self._retry_at_s = self._clock.monotonic_s() + self._retry_after_s
            self._retry_after_s = min(2 * self._retry_after_s, RECONNECT_LAST_S)
            raise NoAnswerError("cannot connect")
        self._client = client
        self._retry_after_s = RECONNECT_FIRST_S

    async def attend(self, poll: Callable[[], Awaitable[None]], every_s: float) -> None:
        """Poll the device on a steady beat until cancelled, then let go of it."""
        start_s, beat = self._clock.monotonic_s(), 0
        try:
            while True:
                await poll()
                end_if_cancelled()
                beat, wait_s = next_beat(beat, self._clock.monotonic_s() - start_s, every_s)
                await asyncio.sleep(wait_s)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def read(self, kind: str, address: int, count: int) -> list[int]:
        """Read ``count`` values of a connected device from an address on.

        Args:
            kind: ``coil``, ``discrete``, ``holding`` or ``input``.
            address: the first one, counted from 0.
            count: how many.

        Raises:
            NoAnswerError: there is no good answer in time.
            RefusedError: the device refuses.
        """
        assert self._client is not None, "connect() comes first"
        try:
            answer = await self._reader(kind)(address, count=count, device_id=self._unit)
        except (ModbusException, OSError, TimeoutError) as error:
            # A late answer must not meet the next question, nor a half-open connection swallow it.
            self.close()
            raise NoAnswerError(f"no answer within {ANSWER_S} s") from error
        if isinstance(answer, ExceptionResponse):
            raise RefusedError(answer.exception_code)
        return self._values(answer, kind, count)

    def _reader(self, kind: str) -> Callable[..., Any]:
        client = self._client
        assert client is not None
        return {
            "coil": client.read_coils,
            "discrete": client.read_discrete_inputs,
            "holding": client.read_holding_registers,
            "input": client.read_input_registers,
        }[kind]

    def _values(self, answer: ModbusPDU, kind: str, count: int) -> list[int]:
        """Bits come in whole bytes, so there may be more of them than were asked for."""
        bits = kind in ("coil", "discrete")
        found = [int(bit) for bit in answer.bits[:count]] if bits else list(answer.registers)
        if len(found) != count:
            self.close()
            raise NoAnswerError(f"{len(found)} {'bits' if bits else 'registers'} instead of {count}")
        return found
