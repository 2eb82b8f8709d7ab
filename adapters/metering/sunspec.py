"""SunSpec meters: where the registers are is found out on the device, by walking its chain of models.

Source: SunSpec Alliance, Device Information Model; models 201 to 204 and 211 to 214 (github.com/sunspec/models).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from adapters.metering.modbus_link import ModbusLink, NoAnswerError, RefusedError
from adapters.metering.sample import PHASE_CURRENTS, PHASE_POWERS, PHASE_VOLTAGES

BASES: Final = (40000, 50000, 0)
"""Where a map may begin, in the order in which they are tried."""
MARK: Final = [0x5375, 0x6E53]
"""``SunS``."""
END_OF_MODELS: Final = 0xFFFF
MODELS_MOST: Final = 100
"""No device has more; a chain that does not end is none."""

_HEAD: Final = 2
"""Registers of a model before its points: its id, and its length without these two."""
_NOT_THERE: Final = -0x8000
"""What an int16 or a scale factor says that has no value."""
_LAST_INTEGER, _LAST_FLOAT = 22, 35
_FLOATS: Final = {
    **dict(zip(PHASE_CURRENTS, (4, 6, 8), strict=True)),
    **dict(zip(PHASE_VOLTAGES, (12, 14, 16), strict=True)),
    **dict(zip(PHASE_POWERS, (30, 32, 34), strict=True)),
    "frequency_hz": 26,
    "total_w": 28,
}
_INTEGERS: Final = {
    **dict(zip(PHASE_CURRENTS, ((3, 6), (4, 6), (5, 6)), strict=True)),
    **dict(zip(PHASE_VOLTAGES, ((8, 15), (9, 15), (10, 15)), strict=True)),
    **dict(zip(PHASE_POWERS, ((19, 22), (20, 22), (21, 22)), strict=True)),
    "frequency_hz": (16, 17),
    "total_w": (18, 22),
}
"""By quantity, the offsets of the point and of its scale factor."""


@dataclass(frozen=True, slots=True)
class _Place:
    address: int
    """Of the model's id."""
    floats: bool

    @property
    def count(self) -> int:
        return (_LAST_FLOAT if self.floats else _LAST_INTEGER) + 1


class SunSpecRegisters:
    """Reads one device; it is looked through once, and again after it could not be read."""

    def __init__(self) -> None:
        self._place: _Place | None = None

    async def read(self, link: ModbusLink) -> dict[str, float | None]:
        """The quantities of a connected device; None where it has no value.

        Raises:
            NoAnswerError: it cannot be read, or has no meter.
        """
        try:
            self._place = self._place or await _found(link)
            return decode(await link.read("holding", self._place.address, self._place.count), floats=self._place.floats)
        except NoAnswerError:
            self._place = None
            raise


def decode(registers: Sequence[int], *, floats: bool) -> dict[str, float | None]:
    """Make quantities of a model's registers, from its id on.

    >>> decode([203, 105, 0, 101, 102, 0x8000, 65535] + 16 * [0x8000], floats=False)["l1_a"]
    10.1
    """
    if floats:
        return {name: _float(registers[at], registers[at + 1]) for name, at in _FLOATS.items()}
    return {name: _scaled(registers[at], registers[factor]) for name, (at, factor) in _INTEGERS.items()}


def _float(high: int, low: int) -> float | None:
    value: float = struct.unpack(">f", struct.pack(">HH", high, low))[0]
    return value if math.isfinite(value) else None


def _scaled(raw: int, factor: int) -> float | None:
    value, exponent = _signed(raw), _signed(factor)
    if _NOT_THERE in (value, exponent) or abs(exponent) > 10:
        return None
    return float(value * 10**exponent if exponent >= 0 else value / 10**-exponent)


def _signed(word: int) -> int:
    return word - 0x10000 if word & 0x8000 else word


async def _found(link: ModbusLink) -> _Place:
    for base in BASES:
        try:
            if await link.read("holding", base, len(MARK)) == MARK:
                return await _meter(link, base + len(MARK))
        except RefusedError:
            continue
    raise NoAnswerError("it does not speak SunSpec: there is no map at 40000, 50000 or 0")


async def _meter(link: ModbusLink, address: int) -> _Place:
    for _ in range(MODELS_MOST):
        model, length = await link.read("holding", address, _HEAD)
        if model == END_OF_MODELS:
            break
        floats = 211 <= model <= 214
        if floats or 201 <= model <= 204:
            return _Place(address, floats)
        address += _HEAD + length
        if address >= END_OF_MODELS:
            break
    raise NoAnswerError("it has no meter: none of the models 201 to 204 and 211 to 214")
