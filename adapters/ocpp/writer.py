"""Brings what is desired into one station's chargers: one call after the other, the most urgent first.

There is no queue. Whenever a call has been answered, the next is chosen from what is desired by then, so a
charger that answers slowly is never given limits that have been overtaken.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Final

from adapters.ocpp.connector import Call, Connector
from adapters.ocpp.errands import CallFailedError, Errands, Step
from adapters.ocpp.limits import permanent
from adapters.ocpp.phrases import Phrases, Purpose, Setting
from adapters.ocpp.station import Station
from adapters.ocpp.surroundings import Surroundings
from controller.hub_satellite.connector import Status
from controller.hub_satellite.deadman import Schedule
from controller.plan import Severity
from controller.ports.measurements import HeldLimit

REMEDY_ANSWER_S: Final = 5.0
"""One call is under way per station at a time (OCPP-J 1.6 §4.1.1), so a charger in trouble that does not answer what
it is asked about that must not keep limits waiting, its other connectors' least of all."""


class Writer:
    """Everything that we ask of one station on one connection."""

    def __init__(
        self, station: Station, around: Surroundings, phrases: Phrases, ask: Callable[..., Awaitable[Any]]
    ) -> None:
        """Prepare for a connection.

        Args:
            station: whom it is about.
            around: the ports and settings.
            phrases: the words of its version of the protocol.
            ask: sends one call and returns its answer, as ``Conversation`` does; raises CallFailedError.
        """
        self._station = station
        self._around = around
        self._phrases = phrases
        self._ask = ask
        self._wake = asyncio.Event()
        self._spoken = asyncio.Event()
        self.errands = Errands()
        self._chores: deque[Step] = deque()
        self._greeted = False
        self._way_out: Any = None
        """What may make room for a profile that was refused."""

    def wake(self) -> None:
        """Look for something to do."""
        self._wake.set()

    def heard(self) -> None:
        """The charger has spoken and was answered: it takes calls now, and what it said may call for one."""
        self._spoken.set()
        if self._anything_to_do():
            self._wake.set()

    def _anything_to_do(self) -> bool:
        """Whether ``_next`` would find something; to ask costs less than to wake whoever looks."""
        if (
            self.errands
            or self._chores
            or self._way_out is not None
            or not (self._station.configured and self._greeted)
        ):
            return True
        return self._station.next_call(self._around.clock.monotonic_s()) is not None

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.timeout(self._around.boot_wait_s):
                await self._spoken.wait()
        except TimeoutError:
            pass  # a charger that reconnects need not say anything (OCPP-J 1.6 §5.4)
        while True:
            self._wake.clear()
            while step := self._next():
                await step()
            await self._wake.wait()

    def _next(self) -> Step | None:
        """Choose the next call: what the controller wants, then an errand, and where all that is done, a chore."""
        chosen = self._station.next_call(self._around.clock.monotonic_s())
        if chosen is None:
            return self.errands.next() or self._next_chore()
        wanted, connector = chosen
        work = {
            Call.LIMIT: self._write_limit,
            Call.DEFAULT: self._write_default,
            Call.STOP: self._stop,
            Call.SERVICE: self._change_service,
            Call.COMPARE: self._compare,
        }
        return partial(work[wanted], connector)

    async def _write_limit(self, connector: Connector) -> None:
        """Write the limit of a running transaction."""
        around, transaction = self._around, connector.transaction
        now, now_s = around.clock.now(), around.clock.monotonic_s()
        target_a = connector.target_a(now_s)
        if transaction is None or target_a is None:
            return
        skew_s = self._station.skew_s
        before_a = connector.commanded_a(now_s, skew_s)
        write, held = connector.send(target_a, now, now_s, skew_s)
        # After a crash from here on, the charger may be holding either.
        around.measurements.hold(HeldLimit(connector.point.id, max(before_a, write.limit_a), now))
        if write.in_default:
            accepted, certain = await self._write(connector, Purpose.DEFAULT, held)
        else:
            accepted, certain = await self._write(connector, Purpose.TRANSACTION, held, transaction.id)
        if connector.transaction is not transaction:
            return
        answered_s = around.clock.monotonic_s()
        if accepted:
            connector.accept(write)
            around.measurements.hold(HeldLimit(connector.point.id, write.limit_a, now))
        elif certain:
            connector.refuse(write, answered_s, skew_s)
        else:
            connector.limits.unanswered(write, answered_s)
        another_way = certain and not accepted and connector.limits.due(target_a, answered_s)
        if connector.target_a(answered_s) == target_a and not another_way:
            connector.settle(accepted=accepted)

    async def _write_default(self, connector: Connector) -> None:
        """Write the permanent default of a connector."""
        connector.default.asked(self._around.clock.monotonic_s())
        accepted, certain = await self._write(connector, Purpose.DEFAULT, permanent(connector.fallback_a))
        connector.default_answered(self._around.clock.monotonic_s(), accepted=accepted, certain=certain)

    async def _write(
        self, connector: Connector, purpose: Purpose, held: Schedule, transaction_id: str | None = None
    ) -> tuple[bool, bool]:
        """Send one profile; returns whether it was accepted, and whether that is certain."""
        self._station.count_write()
        request = self._phrases.limit(connector.point.connector, purpose, held, transaction_id)
        try:
            answer = await self._ask(request)
        except CallFailedError as failure:
            self._station.rejected(connector, purpose, str(failure))
            return False, failure.refused
        if answer.status == "Accepted":
            return True, True
        self._station.rejected(connector, purpose, str(answer.status))
        self._way_out = self._phrases.way_out(connector.point.connector, purpose, answer)
        return False, True

    async def _stop(self, connector: Connector) -> None:
        """Ask a charger to end a transaction: one that nobody authorised, or that ignores its limit."""
        transaction = connector.transaction
        if transaction is None:
            return
        transaction.stop_asked, connector.treatment.stop = True, False
        self._station.stop_answered(connector, (await self._try(self._phrases.stop(transaction.id)))[0])

    async def _change_service(self, connector: Connector) -> None:
        """Take a connector out of service, or put it back."""
        in_service = connector.wants_service(self._around.clock.monotonic_s())
        if in_service is None:
            return
        if connector.treatment.taking_out:  # after a crash from here on, it may be out of service on our account
            await self._around.keep_withdrawal(connector.point.id, connector.treatment.withdrawal)
        request = self._phrases.service(connector.point.connector, in_service=in_service)
        self._station.service_answered(connector, (await self._try(request))[0], in_service=in_service)
        if in_service:
            await self._around.keep_withdrawal(connector.point.id, connector.treatment.withdrawal)

    async def _compare(self, connector: Connector) -> None:
        """Ask what a charger holds that does not keep to its limit."""
        connector.treatment.compare = False
        status, answer = await self._try(self._phrases.composite(connector.point.connector), lenient=True)
        self._station.compared(connector, status, self._phrases.held(answer))

    async def _try(self, request: Any, *, lenient: bool = False) -> tuple[str, Any]:
        """Ask; returns the status, or why there is none, and the answer."""
        try:
            answer = await self._ask(request, REMEDY_ANSWER_S, lenient=lenient)
        except CallFailedError as failure:
            return str(failure), None
        return str(answer.status), answer

    def _next_chore(self) -> Step | None:
        if self._way_out is not None:
            request, self._way_out = self._way_out, None
            return partial(self._mention, request)
        if not self._station.configured:
            self._station.configured = True
            self._chores.clear()  # whatever was left over belongs to the time before it started
            self._chores.extend(partial(self._set, setting) for setting in self._phrases.settings)
        if not self._greeted:
            self._greeted = True
            self._chores.extend(partial(self._mention, question) for question in self._questions())
        return self._chores.popleft() if self._chores else None

    def _questions(self) -> Iterable[Any]:
        """What a charger that reconnects, or a service that was restarted, leaves untold."""
        if self._station.vendor is None:
            yield self._phrases.boot_question()
        for number, connector in self._station.connectors.items():
            if connector.status is Status.UNKNOWN:
                yield from self._phrases.status_questions(number, in_transaction=connector.transaction is not None)

    async def _mention(self, request: Any) -> None:
        """Ask what not every charger knows, and do without an answer."""
        with suppress(CallFailedError):
            await self._ask(request)

    async def _set(self, setting: Setting) -> None:
        for request in setting.requests:
            with suppress(CallFailedError):
                if self._phrases.taken(await self._ask(request)):
                    return
        self._around.report("setting_rejected", self._station.subject, setting.refusal, Severity.WARNING)
