"""Meters for tests: a hand clock, recorded values, and a foreign Modbus server that serves them."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from pyModbusTCP.server import DataBank, DataHandler, ModbusServer

from adapters.metering.registers import RegisterMap
from adapters.metering.sample import Sample
from controller.plan import Event
from controller.ports.devices import Meter
from tests.support.processes import free_port, until

BEGIN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

RECORDED: Mapping[str, float] = {
    "l1_v": 231.4, "l2_v": 229.8, "l3_v": 230.6,
    "l1_a": 24.31, "l2_a": 18.02, "l3_a": 9.77,
    "l1_w": 5512.0, "l2_w": 4058.0, "l3_w": 2207.0,
    "l1_pf": 0.98, "l2_pf": 0.98, "l3_pf": 0.98,
    "total_w": 11777.0, "frequency_hz": 49.98,
}  # fmt: skip
"""An ordinary moment at a grid connection of 63 A."""


@asynccontextmanager
async def running(meter: Meter) -> AsyncIterator[None]:
    task = asyncio.create_task(meter.run())
    try:
        yield
        assert not task.done(), "a meter never ends by itself"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class HandClock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.elapsed_s)

    def monotonic_s(self) -> float:
        return 1000.0 + self.elapsed_s


class FastClock:
    """Time runs about six times as fast, so that what takes seconds need not be waited for.

    It goes on with the event loop: when this process is held up, time is held up as well.
    """

    BEAT_S, STEP_S = 0.01, 0.06

    def __init__(self) -> None:
        self._elapsed_s = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.monotonic_s())

    def monotonic_s(self) -> float:
        with suppress(RuntimeError):  # without a loop it stands still
            loop = asyncio.get_running_loop()
            if loop is not self._loop:
                self._loop = loop
                loop.call_later(self.BEAT_S, self._beat, loop)
        return self._elapsed_s

    async def passes(self, seconds: float) -> None:
        """Wait until so many of its seconds have passed."""
        end_s = self.monotonic_s() + seconds
        await until(lambda: self.monotonic_s() >= end_s, f"{seconds:g} s to pass")

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        self._elapsed_s += self.STEP_S
        loop.call_later(self.BEAT_S, self._beat, loop)


class Events(list[Event]):
    """An event sink that remembers."""

    def __call__(self, event: Event) -> None:
        self.append(event)

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self]


def recorded(**changes: float | None) -> Sample:
    """The recorded moment, with some values changed; a changed current brings its phase power along."""
    values: dict[str, float | None] = {**RECORDED, **changes}
    for phase in ("l1", "l2", "l3"):
        current_a, voltage_v = changes.get(f"{phase}_a"), values[f"{phase}_v"]
        if f"{phase}_w" not in changes and current_a is not None and voltage_v is not None:
            values[f"{phase}_w"] = current_a * voltage_v
    powers = [values["l1_w"], values["l2_w"], values["l3_w"]]
    if "total_w" not in changes:
        values["total_w"] = sum(power_w or 0.0 for power_w in powers)
    return Sample.of(values)


def encoded(model: RegisterMap, values: Mapping[str, float]) -> dict[int, int]:
    """Registers, by address, of a meter of that model that measures ``values`` (written apart from the decoder)."""
    registers: dict[int, int] = {}
    for name, register in model.quantities.items():
        raw = values[name] / register.scale
        letter = {"float32": "f", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I"}[register.type]
        octets = struct.pack(f">{letter}", raw if letter == "f" else round(raw))
        words = [int.from_bytes(octets[i : i + 2], "big") for i in range(0, len(octets), 2)]
        if model.word_order == "little":
            words.reverse()
        registers.update(enumerate(words, register.address))
    return registers


class _Handler(DataHandler):
    """Answers from the data bank, or with an exception code while it has one."""

    exception: int = 0
    refuses: range = range(0)
    """Registers that it knows nothing of."""

    def read_i_regs(self, address: int, count: int, srv_info: Any) -> DataHandler.Return:
        if any(address + offset in self.refuses for offset in range(count)):
            return DataHandler.Return(2)
        if self.exception:
            return DataHandler.Return(self.exception)
        return super().read_i_regs(address, count, srv_info)


class ForeignServer:
    """pyModbusTCP, in threads of its own, as somebody else's Modbus device."""

    def __init__(self) -> None:
        self.port = free_port()
        self.bank = DataBank()
        self.handler = _Handler(self.bank)
        self._server: ModbusServer | None = None

    def start(self) -> None:
        self._server = ModbusServer("127.0.0.1", self.port, no_block=True, data_hdl=self.handler)
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def serve(self, model: RegisterMap, **changes: float) -> None:
        for address, word in encoded(model, {**RECORDED, **changes}).items():
            if model.function == "input":
                self.bank.set_input_registers(address, [word])
            else:
                self.bank.set_holding_registers(address, [word])
