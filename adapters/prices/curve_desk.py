"""Publications of prices that change with time, by file, MQTT and REST: on record, or refused whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

import structlog

from adapters.json_text import DocumentError
from adapters.prices.curves import read_curve_file, read_curve_message
from controller.plan import Event, Severity
from controller.ports.common import Clock, EventSink
from controller.ports.ledger import LedgerUnavailable
from controller.tariffs.rules import RuleRefused
from controller.tariffs.tariff import PriceCurve

LOOK_EVERY_S: Final = 10.0
WAITING_MOST: Final = 100
"""Messages that wait for the ledger; the day's prices come once or twice."""

log = structlog.get_logger(__name__)


class CurveBook(Protocol):
    """Where publications are kept."""

    def publish_curve(self, curve: PriceCurve) -> None:
        """Put one on record; ``RuleRefused`` where that version is on record already."""
        ...


class CurveDesk:
    """Takes publications for one site.

    Args:
        book: where they are kept.
        files: CSV files by the curve that they hold; looked at again whenever they change.
        clock: time.
        on_event: hears what is published, and what is refused.
        on_change: called after something was published; from whatever thread.
    """

    def __init__(
        self,
        book: CurveBook,
        files: Mapping[str, Path],
        clock: Clock,
        on_event: EventSink,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._book, self._files, self._clock = book, files, clock
        self._on_event, self._on_change = on_event, on_change
        self._messages: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MOST)
        self._stamps: dict[str, tuple[int, int]] = {}
        self._wrong: dict[str, str] = {}

    def heard(self, message: bytes) -> None:
        """Take a message; it is looked at in a moment. Call it on the event loop.

        Raises:
            ValueError: too many wait.
        """
        try:
            self._messages.put_nowait(message)
        except asyncio.QueueFull:
            raise ValueError("too many publications wait for the ledger") from None

    def publish(self, message: bytes) -> PriceCurve:
        """Put the publication in a message on record. Blocks for milliseconds; for any thread.

        Raises:
            DocumentError: with everything that is wrong with it.
            RuleRefused: that version is on record already.
            LedgerUnavailable: it could not be written.
        """
        curve = read_curve_message(message, self._clock.now())
        self._keep(curve)
        return curve

    async def run(self) -> None:
        """Follow files and messages until cancelled; never raises for what they hold."""
        while True:
            await asyncio.to_thread(self.look)
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    while True:
                        await self._take(await self._messages.get())
            except TimeoutError:
                continue

    def look(self) -> None:
        """Take up the files that have changed. Blocks for milliseconds."""
        for curve, path in self._files.items():
            try:
                seen = path.stat()
            except OSError as error:
                self._refuse(curve, f"{path.name}: cannot be read: {error.strerror}")
                continue
            stamp = (seen.st_mtime_ns, seen.st_size)
            if stamp == self._stamps.get(curve):
                continue
            try:
                self._keep(read_curve_file(path, curve, self._clock.now()))
            except DocumentError as error:
                self._refuse(curve, "; ".join(error.problems))
            except RuleRefused:
                pass  # the same prices as before
            except LedgerUnavailable:
                continue  # the next look may succeed
            self._stamps[curve] = stamp

    async def _take(self, message: bytes) -> None:
        try:
            await asyncio.to_thread(self.publish, message)
        except DocumentError as error:
            self._refuse("", f"price/set: {'; '.join(error.problems)}")
        except RuleRefused:
            log.info("prices_known")
        except LedgerUnavailable:
            self._refuse("", "price/set: the ledger cannot be written; publish it again")

    def _keep(self, curve: PriceCurve) -> None:
        self._book.publish_curve(curve)
        self._wrong.pop(curve.id, None)
        text = f"{len(curve.periods)} prices until {curve.periods[-1].ends_at:%FT%H:%MZ} are published"
        self._on_event(Event("prices_published", f"price:{curve.id}", text, at=self._clock.now()))
        self._on_change()

    def _refuse(self, curve: str, text: str) -> None:
        if self._wrong.get(curve) != text:
            self._wrong[curve] = text
            subject = f"price:{curve}" if curve else "price"
            self._on_event(Event("prices_refused", subject, text, Severity.WARNING, self._clock.now()))
