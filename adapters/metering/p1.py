"""A smart meter's P1 port: telegrams that come by themselves, over TCP or a serial device."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from adapters.broker import Patience
from adapters.cancellation import end_if_cancelled
from adapters.metering.intake import HOLD_S, Intake
from adapters.metering.p1_line import SerialLine, TcpLine
from adapters.metering.p1_telegram import Cutter, TelegramError, decode
from adapters.metering.plausibility import Bounds, Judge, Trouble
from controller.ports.common import Clock, EventSink
from controller.ports.devices import Meter
from controller.snapshot import Reading

SILENT_S: Final = 15.0
"""A connection that brings nothing for so long is made anew: half of it may be gone, and DSMR 4 speaks every 10 s."""
SLOW_AFTER: Final = 3
"""Pauses in a row, each longer than a reading is believed, that tell a slow meter from a bad line."""
CHUNK: Final = 4096


class P1Meter(Meter):
    """Listens to one meter for as long as ``run`` runs.

    A reading's age counts from the first byte of its telegram. A meter that speaks too seldom (DSMR 4: every 10 s)
    gives none: limits that follow it for 3 s and the worst case for 7 would only go up and down.

    Args:
        id: the meter's name in the site.
        line: where telegrams come from.
        clock: where times come from.
        on_event: hears of troubles when they begin and when they are over.
        on_reading: called after each good reading, e.g. to decide at once.
        ceiling_a: no current can be larger than this, e.g. ten times the fuse [A].
        nominal_voltage_v: of the site [V].
    """

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the port's name for it
        line: TcpLine | SerialLine,
        clock: Clock,
        on_event: EventSink,
        ceiling_a: float,
        on_reading: Callable[[], None] | None = None,
        nominal_voltage_v: float = 230.0,
    ) -> None:
        self.id = id
        self._line = line
        self._clock = clock
        self._intake = Intake(id, Judge(Bounds(ceiling_a, nominal_voltage_v)), clock, on_event, on_reading)
        self._silent_because = "not connected yet"
        self._stamp: datetime | None = None
        self._began_s: float | None = None
        self._pauses = 0

    def reading(self, now: datetime, monotonic_s: float) -> Reading | None:
        """The last good reading, dated ``now`` minus its age; None when there has been none."""
        return self._intake.reading(now, monotonic_s)

    async def run(self) -> None:
        """Listen until cancelled. Whatever meter and line do becomes an event, never an exception."""
        await self._intake.attend(self._listen(), lambda: f"{self._line}: {self._silent_because}")

    async def _listen(self) -> None:
        patience = Patience()
        while True:
            try:
                reader, transport = await self._line.open()
            except (OSError, UnicodeError) as error:
                self._silent_because = str(error) or "no connection in time"
            else:
                try:
                    await self._hear(reader, patience)
                except OSError as error:
                    self._silent_because = str(error) or f"not a byte for {SILENT_S:.0f} s"
                finally:
                    transport.close()
            end_if_cancelled()
            await patience.wait()

    async def _hear(self, reader: asyncio.StreamReader, patience: Patience) -> None:
        cutter, self._began_s = Cutter(), None
        self._silent_because = "connected, but no telegram"
        while True:
            async with asyncio.timeout(SILENT_S):
                data = await reader.read(CHUNK)
            end_if_cancelled()
            if not data:
                self._silent_because = "the other end has closed the connection"
                return
            telegrams = cutter.feed(data, self._clock.monotonic_s())
            if telegrams:  # of several that were held up on the way, the newest counts
                patience.reset()
                self._take(*telegrams[-1])

    def _take(self, raw: bytes, began_s: float) -> None:
        try:
            telegram = decode(raw)
        except TelegramError as error:  # as good as silence: one is lost now and then
            self._silent_because = str(error)
            return
        if telegram.stamp is not None and telegram.stamp == self._stamp:
            self._silent_because = "the same telegram again and again"
            return
        pause_s = 0.0 if self._began_s is None else began_s - self._began_s
        self._pauses = self._pauses + 1 if pause_s > HOLD_S else 0
        self._stamp, self._began_s, self._silent_because = telegram.stamp, began_s, "no telegram any more"
        if self._pauses < SLOW_AFTER:
            self._intake.take(telegram.sample, began_s)
        else:
            reason = f"{self._line}: a telegram every {pause_s:.0f} s, and a reading counts for {HOLD_S:.0f} s only"
            self._intake.refuse(reason, Trouble.TOO_SLOW)
