"""The mechanics of one conversation, whatever the version: reads and answers through the library, asks in between."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import fields
from functools import partial
from typing import Any, Final
from uuid import uuid4

import ocpp.messages
from ocpp.charge_point import ChargePoint
from ocpp.exceptions import OCPPError, UnknownCallErrorCodeError, ValidationError
from websockets.asyncio.server import ServerConnection
from websockets.frames import CloseCode

from adapters.cancellation import end_if_cancelled
from adapters.ocpp.answering import Answering
from adapters.ocpp.connector import Connector
from adapters.ocpp.cost_display import CostDisplay, CostWords
from adapters.ocpp.errands import CallFailedError
from adapters.ocpp.fields import written_time
from adapters.ocpp.forward import Forward
from adapters.ocpp.inbox import Inbox
from adapters.ocpp.link import ExpectedReply, Link, LinkClosedError, Version
from adapters.ocpp.names import camel_case
from adapters.ocpp.orders import Orders, done, status_of
from adapters.ocpp.phrases import Phrases
from adapters.ocpp.reception import Reception
from adapters.ocpp.station import Station
from adapters.ocpp.surroundings import Surroundings
from adapters.ocpp.wire import Frame, Kind
from adapters.ocpp.writer import Writer
from controller.commands import Availability, Command, CommandResult, ReadSettings
from controller.plan import Severity
from controller.ports.ledger import LedgerUnavailable

ocpp.messages.ASYNC_VALIDATION = False  # a thread for each message costs more than the validation itself

ERRAND_ANSWER_S: Final = 10.0
"""How long what people ask, and what is only shown, may keep limits waiting."""

CALLS_OPEN_MOST: Final = 4
"""Calls of a station that wait while a back office is asked; a station sends one and waits for its answer."""

_LOG: Final = logging.getLogger("loadstar.ocpp")


class _Silence:
    """Takes the library's log: it holds every frame with its id tags."""

    def info(self, *_arguments: object) -> None:
        """Drop it."""

    warning = error = exception = info


class Conversation(ChargePoint):  # type: ignore[misc]  # the library has no types
    """A station on its live connection; a subclass holds the handlers that answer what it says.

    The subclass also derives from the library's ``ChargePoint`` of its version.
    """

    version: Version
    phrases: Phrases
    orders: Orders
    cost_words: CostWords

    def __init__(self, station: Station, socket: ServerConnection, around: Surroundings) -> None:
        on_frame = around.on_frame and partial(around.on_frame, station.id)
        takes = None if around.forward is None else around.forward.takes
        self._link = Link(socket, self.version, self._misbehaved, on_frame, takes)
        self.subprotocol = str(socket.subprotocol)
        super().__init__(station.id, self._link, around.call_timeout_s, _Silence())
        self._answering = Answering(
            self.route_map, self._ocpp_version, self.version.actions, self.version.spelling, self._failed
        )
        self._station = station
        self._around = around
        self._reception = Reception(station, around)
        self._writer = Writer(station, around, self.phrases, self._ask)
        self._display = CostDisplay(
            station,
            around,
            self.cost_words,
            self._writer.errands,
            partial(self._ask, within_s=ERRAND_ANSWER_S),
            lambda: written_time(around.clock.now()),
        )
        self._misbehaviours: set[str] = set()
        self._patience: asyncio.Timeout | None = None
        """What bounds the wait for the answer to our call."""
        self._calls = Inbox[Frame | None](CALLS_OPEN_MOST)

    async def converse(self) -> None:
        """Talk until the connection ends. Raises nothing for what the station does."""
        writing = asyncio.create_task(self._write(), name=f"ocpp-writer-{self._station.id}")
        try:
            with suppress(LinkClosedError):
                await (self._listen() if self._around.forward is None else self._listen_forwarded(self._around.forward))
        finally:
            writing.cancel()
            self._writer.errands.close()
            await asyncio.gather(writing, return_exceptions=True)

    async def carry_out(self, command: Command, connector: Connector) -> CommandResult:
        """Do what people ask, after what the controller wants. Raises nothing for what the station does."""
        transaction_id = None if connector.transaction is None else connector.transaction.id
        request = self.orders.request(command, connector.point.connector, transaction_id)
        if request is None:
            return CommandResult(accepted=False, status="NotPossible")
        lenient = isinstance(command, ReadSettings)  # many chargers' answers to that break the schema
        try:
            waiting = self._writer.errands.add(partial(self._ask, request, ERRAND_ANSWER_S, lenient=lenient))
            self._writer.wake()
            answer = await waiting
        except CallFailedError as failure:
            return CommandResult(accepted=False, status=str(failure))
        status = status_of(answer)
        if isinstance(command, Availability) and done(status):
            connector.treatment.ordered(in_service=command.in_service)
            await self._around.keep_withdrawal(connector.point.id, connector.treatment.withdrawal)
        return CommandResult(done(status), status, self.orders.settings(answer))

    async def pass_on(self, message_id: str, text: str) -> str:
        """Give the station a call that is not ours; returns the text of its answer as it came.

        Raises:
            CallFailedError: there is no answer.
        """
        waiting = self._writer.errands.add(partial(self._pass_on, message_id, text))
        self._writer.wake()
        answer: str = await waiting
        return answer

    async def tell(self, text: str) -> None:
        """Give the station a frame that nobody answers; it is lost where the station has gone."""
        with suppress(LinkClosedError):
            await self._link.send(text)

    async def hang_up(self, reason: str) -> None:
        """Close this connection; the station makes a newer one."""
        await self._link.close(CloseCode.TRY_AGAIN_LATER, reason)

    async def replace(self) -> None:
        """Close this connection: the station has made a newer one."""
        await self._link.close(CloseCode.NORMAL_CLOSURE, "replaced by a newer connection")

    def wake(self) -> None:
        """Look for something to send."""
        self._writer.wake()

    async def _listen(self) -> None:
        """Take what comes; only when a call has been answered may we ask something."""
        while True:
            frame = await self._link.recv()
            if frame.kind is not Kind.CALL:
                await self.route_message(frame.text)
            elif self._around.forward is None:
                await self._link.answer(frame, (await self._answering.answer(frame)).text)
            else:
                await self._calls.put(frame)
                continue
            self._writer.heard()

    async def _listen_forwarded(self, forward: Forward) -> None:
        """Listen likewise, and go on while a back office is asked: answers to our own calls must not wait."""
        answering = asyncio.create_task(self._answer_calls(forward), name=f"ocpp-calls-{self._station.id}")
        forward.connected(self)
        try:
            await self._listen()
        finally:
            forward.disconnected(self)
            await self._calls.put(None)
            await answering  # what it has announced is still recorded

    async def _answer_calls(self, forward: Forward) -> None:
        while (call := await self._calls.get()) is not None:
            try:
                if (told := await forward.pass_by(call)) is None:
                    forward.hears(call)
                    told = await forward.answer(call, await self._answering.answer(call))
                await self._link.answer(call, told)
                self._writer.heard()
            except LinkClosedError:
                pass  # the reader sees it too
            except Exception:
                await self._fail("a message could not be passed on")

    def _failed(self, error: Exception) -> None:
        """A call was not answered: by a charger's mistake, by the ledger's state, or by our bug."""
        if isinstance(error, LedgerUnavailable):
            message = "a charger's message could not be recorded; the charger sends it again"
            self._around.report("ledger_unavailable", "ledger", message, Severity.ALARM)
        elif not isinstance(error, OCPPError):
            _LOG.error("%s: a message could not be handled", self._station.id, exc_info=error)
            message = "a message could not be handled: a fault of this program, see its log"
            self._around.report("internal_error", self._station.subject, message, Severity.ALARM)

    async def _write(self) -> None:
        try:
            await self._writer.run()
        except LinkClosedError:
            pass  # the reader sees it too
        except Exception:
            await self._fail("writing to it has failed")

    async def _fail(self, what: str) -> None:
        """Say what went wrong here, and begin anew with another connection; for an exception that is at hand."""
        _LOG.exception("%s: %s", self._station.id, what)
        message = f"{what}: a fault of this program, see its log"
        self._around.report("internal_error", self._station.subject, message, Severity.ALARM)
        await self._link.close(CloseCode.INTERNAL_ERROR, "")

    async def _pass_on(self, message_id: str, text: str) -> str:
        answer = asyncio.get_running_loop().create_future()
        self._link.expected = ExpectedReply(message_id, (), answer)
        try:
            async with asyncio.timeout(self._around.call_timeout_s) as self._patience:
                await self._link.send(text)
                told: str = await answer
                end_if_cancelled()
                return told
        except TimeoutError:
            raise CallFailedError("no answer") from None
        finally:
            self._link.expected = self._patience = None

    async def _ask(self, request: Any, within_s: float | None = None, *, lenient: bool = False) -> Any:
        """Send a call and return its answer.

        Args:
            request: the call.
            within_s: how long it may take [s]; None: as long as any call.
            lenient: whatever its schema says of the answer, whoever asks reads it with care.

        Raises:
            CallFailedError: there is no usable answer.
            LinkClosedError: the station has gone.
        """
        answer = getattr(self._call_result, type(request).__name__)
        known = camel_case({field.name: None for field in fields(answer)})
        reply = self._link.expected = ExpectedReply(str(uuid4()), frozenset(known))
        try:
            # The library's timeout starts when the frame is out; a peer that does not read blocks before that.
            async with asyncio.timeout(within_s or 2 * self._around.call_timeout_s) as self._patience:
                told = await self.call(
                    request, suppress=False, unique_id=reply.message_id, skip_schema_validation=lenient
                )
                end_if_cancelled()
                return told
        except TimeoutError:
            raise CallFailedError("no answer") from None
        except TypeError as error:
            if not lenient:
                raise
            raise CallFailedError("an answer that lacks what it must have") from error
        except (OCPPError, UnknownCallErrorCodeError, ValidationError) as error:
            code = getattr(error, "code", "unknown error code")
            raise CallFailedError(code, refused=reply.is_error) from None
        finally:
            self._link.expected = self._patience = None

    def _give_up(self) -> None:
        """Wait no longer for an answer to our call: the station has started anew, or was not ready for it."""
        if self._patience is not None and not self._patience.expired():
            self._patience.reschedule(asyncio.get_running_loop().time())

    def _misbehaved(self, kind: str, reason: str) -> None:
        self._station.frames_refused += 1
        if kind not in self._misbehaviours:  # once per connection: a flood of frames is no flood of events
            self._misbehaviours.add(kind)
            self._around.report(kind, self._station.subject, f"a frame was refused: {reason}", Severity.WARNING)
