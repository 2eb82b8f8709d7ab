"""A simulated Eastron SDM630 energy meter, served over Modbus TCP.

Registers: float32, high word first, function code 4 (input registers); addresses as in the meter's register map.
"""

from __future__ import annotations

import asyncio
import math
import random
import struct
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from controller.units import Phases

LAST_REGISTER: Final = 0x0181
MOST_PER_READ: Final = 80
"""The meter answers no request for more registers (40 values)."""
_VOLTAGE, _CURRENT, _POWER, _APPARENT, _REACTIVE, _FACTOR = 0x00, 0x06, 0x0C, 0x12, 0x18, 0x1E
_SUM_POWER, _SUM_APPARENT, _SUM_REACTIVE, _SUM_FACTOR = 0x34, 0x38, 0x3C, 0x3E
_FREQUENCY, _IMPORT_KWH, _EXPORT_KWH, _TOTAL_KWH = 0x46, 0x48, 0x4A, 0x156
_POWER_FACTOR: Final = 0.98
_SUPPLY_OHM: Final = 0.03
"""Impedance of the supply: what makes the voltage sag a little under load."""


class MeterFault(StrEnum):
    """How a meter may fail."""

    SILENT = "silent"
    """It takes requests and never answers."""
    FROZEN = "frozen"
    """It answers with the last values before the fault."""
    NAN = "nan"
    """Every value is not a number."""


class SimulatedSdm630:
    """The meter and its server.

    Args:
        source: gives the signed phase currents [A] and the imported energy [Wh] at the moment of a request.
        rng: for the measurement noise.
        noise_a: standard deviation of a current reading [A].
        voltage_v: phase to neutral without load [V].
        unit: Modbus unit id.
    """

    def __init__(
        self,
        source: Callable[[], tuple[Phases, float]],
        rng: random.Random,
        noise_a: float = 0.0,
        voltage_v: float = 230.0,
        unit: int = 1,
    ) -> None:
        self.fault: MeterFault | None = None
        self._source = source
        self._rng = rng
        self._noise_a = noise_a
        self._voltage_v = voltage_v
        self._unit = unit
        self._server: ModbusTcpServer | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; returns the port.

        Raises:
            OSError: the port is taken.
        """
        unused = SimData(0, values=0, datatype=DataType.REGISTERS)
        measured = SimData(0, count=LAST_REGISTER + 1, values=0, datatype=DataType.REGISTERS)
        bits = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
        device = SimDevice(self._unit, simdata=(bits, bits, [unused], [measured]), action=self._answer)
        server = ModbusTcpServer(device, address=(host, port), trace_packet=self._mute)
        if not await server.listen() or not isinstance(server.transport, asyncio.Server):
            raise OSError(f"the simulated meter cannot listen on {host}:{port}")
        self._server = server
        return int(server.transport.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _mute(self, sending: bool, data: bytes) -> bytes:
        return b"" if sending and self.fault is MeterFault.SILENT else data

    async def _answer(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        del address
        if values is not None or function != 4:
            return ExcCodes.ILLEGAL_FUNCTION
        if count > MOST_PER_READ:
            return ExcCodes.ILLEGAL_VALUE
        if self.fault is not MeterFault.FROZEN:
            for register, value in self._values().items():
                words = struct.unpack(">HH", struct.pack(">f", math.nan if self.fault is MeterFault.NAN else value))
                registers[register - start : register - start + 2] = words
        return None

    def _values(self) -> dict[int, float]:
        true_a, imported_wh = self._source()
        values: dict[int, float] = {}
        powers_w, apparents_va = [], []
        for phase, exact_a in enumerate(true_a):
            current_a = exact_a + self._rng.gauss(0.0, self._noise_a)
            voltage_v = self._voltage_v - _SUPPLY_OHM * current_a
            apparents_va.append(voltage_v * abs(current_a))
            powers_w.append(math.copysign(apparents_va[-1] * _POWER_FACTOR, current_a))
            rows = (voltage_v, abs(current_a), powers_w[-1], apparents_va[-1], _reactive(apparents_va[-1]))
            starts = (_VOLTAGE, _CURRENT, _POWER, _APPARENT, _REACTIVE)
            values.update({start + 2 * phase: value for start, value in zip(starts, rows, strict=True)})
            values[_FACTOR + 2 * phase] = _POWER_FACTOR
        apparent_va = sum(apparents_va)
        imported_kwh = imported_wh / 1000.0
        return values | {
            _SUM_POWER: sum(powers_w),
            _SUM_APPARENT: apparent_va,
            _SUM_REACTIVE: _reactive(apparent_va),
            _SUM_FACTOR: _POWER_FACTOR,
            _FREQUENCY: 50.0,
            _IMPORT_KWH: imported_kwh,
            _EXPORT_KWH: 0.0,
            _TOTAL_KWH: imported_kwh,
        }


def _reactive(apparent_va: float) -> float:
    return apparent_va * math.sqrt(1.0 - _POWER_FACTOR**2)
