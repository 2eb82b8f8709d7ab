"""A charger's socket as the OCPP library is allowed to see it: only sound frames, each call once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from adapters.ocpp.sending import send_text
from adapters.ocpp.wire import Answers, Frame, Kind, Refused, call_error, kind_of, read_frame
from controller.ports.devices import Direction

MAX_UNANSWERABLE: Final = 20
"""Frames that are no OCPP at all: a charger in trouble sends a few, a stranger many. Then the socket is closed."""


@dataclass(frozen=True, slots=True)
class Version:
    """What sets the frames of one version of the protocol apart."""

    actions: frozenset[str]
    """All that it knows, in both directions."""
    spelling: Mapping[str, str]
    """Error codes that it spells otherwise than another does."""
    one_way: bool = False
    """Whether it has messages that nobody answers."""


class LinkClosedError(Exception):
    """The conversation is over: the charger has gone, was replaced or was shown the door."""


@dataclass(slots=True)
class ExpectedReply:
    """The answer to a call of ours."""

    message_id: str
    fields: Collection[str]
    """The names that its payload may have."""
    as_it_came: asyncio.Future[str] | None = None
    """For a call of somebody else: takes the answer's text, which then goes no further."""
    is_error: bool = False
    """Whether it was a CALLERROR: the charger says itself that it has not done what it was asked."""


class Link:
    """Stands between a socket and whoever answers what comes on it, and the library, which sends our calls."""

    def __init__(
        self,
        socket: ServerConnection,
        version: Version,
        on_misbehaviour: Callable[[str, str], None],
        on_frame: Callable[[Direction, str | bytes], None] | None = None,
        takes: Callable[[Frame], bool] | None = None,
    ) -> None:
        """Take over a socket.

        Args:
            socket: an open connection, its frames limited in size.
            version: what is spoken on it.
            on_misbehaviour: told (event kind, what) of frames that go no further.
            on_frame: told of every frame as it went over the wire.
            takes: takes what nobody answers (2.1); returns whether somebody is to hear it.
        """
        self.closed = False
        self.expected: ExpectedReply | None = None
        """What our own call is waiting for; any other answer is dropped."""
        self._socket, self._version = socket, version
        self._on_misbehaviour, self._on_frame, self._takes = on_misbehaviour, on_frame, takes
        self._answers = Answers()
        self._open: dict[str, Frame] = {}
        """Calls that are being answered, by id."""
        self._unanswerable = 0

    async def recv(self) -> Frame:
        """Return the next call that is to be answered, or answer to a call of ours.

        Raises:
            LinkClosedError: there will be none.
        """
        while True:
            try:
                raw = await self._socket.recv()
            except ConnectionClosed as closed:
                self.closed = True
                raise LinkClosedError from closed
            if self.closed:
                raise LinkClosedError
            if self._on_frame is not None:
                self._on_frame(Direction.IN, raw)
            frame = read_frame(raw)
            if isinstance(frame, Refused):
                await self._refuse("malformed_frame", frame)
            elif frame.kind is Kind.CALL:
                if not self._answers.has(frame) and frame.message_id not in self._open:
                    self._open[frame.message_id] = frame
                    return frame
                await self._repeat(frame)
            elif frame.kind is Kind.RESULT_ERROR or frame.kind is Kind.SEND:
                await self._one_way(frame)
            elif (answer := self._expected_answer(frame, raw)) is not None:
                return answer

    async def send(self, text: str) -> None:
        """Send a frame of ours.

        Raises:
            LinkClosedError: the charger has gone.
        """
        if self._on_frame is not None:
            self._on_frame(Direction.OUT, text)
        try:
            await send_text(self._socket, text)
        except ConnectionClosed as closed:
            self.closed = True
            raise LinkClosedError from closed

    async def answer(self, call: Frame, text: str) -> None:
        """Send the answer to a call.

        Raises:
            LinkClosedError: the charger has gone.
        """
        self._open.pop(call.message_id, None)
        if kind_of(text) == Kind.RESULT:
            self._answers.keep(call, text)
        await self.send(text)

    async def close(self, code: CloseCode, reason: str) -> None:
        """End the conversation. Nothing that still arrives is looked at."""
        self.closed = True
        await self._socket.close(code, reason)

    def _expected_answer(self, frame: Frame, raw: str | bytes) -> Frame | None:
        """Return an answer to our own call with what the library is to see of it; None for any other."""
        expected = self.expected
        if expected is None or frame.message_id != expected.message_id:
            return None
        self.expected = None
        if expected.as_it_came is not None:
            expected.as_it_came.set_result(raw if isinstance(raw, str) else raw.decode())
            return None
        expected.is_error = frame.kind is Kind.ERROR
        return frame if expected.is_error else _pruned(frame, expected.fields)

    async def _repeat(self, call: Frame) -> None:
        """Answer a call whose id has come before as it was answered; one that is being answered will be."""
        known, under_way = self._answers.repeated(call), self._open.get(call.message_id)
        if known is None and under_way is not None and under_way.fingerprint != call.fingerprint:
            known = Refused("a message id was used twice")
        if isinstance(known, Refused):
            await self._refuse("message_id_reused", known)
        elif known is not None:
            await self.send(known)

    async def _one_way(self, frame: Frame) -> None:
        """Take what nobody answers: a stream, and we have asked for none; or a word that our answer was wrong."""
        if not self._version.one_way:
            await self._refuse("malformed_frame", Refused("unknown message type"))
        elif self._takes is not None and self._takes(frame):
            return
        elif frame.kind is Kind.RESULT_ERROR:
            self._on_misbehaviour("answer_refused", "it does not take an answer of ours")

    async def _refuse(self, kind: str, refused: Refused) -> None:
        self._on_misbehaviour(kind, refused.reason)
        if refused.answer is not None:
            await self.send(_proper_error(refused.answer, self._version.spelling))
            return
        self._unanswerable += 1
        if self._unanswerable >= MAX_UNANSWERABLE:
            await self.close(CloseCode.POLICY_VIOLATION, "this is not OCPP-J")
            raise LinkClosedError


def _pruned(result: Frame, fields: Collection[str]) -> Frame:
    """Return a CALLRESULT with the fields that its schema knows: a charger's additions change nothing it said."""
    payload = {name: value for name, value in result.payload.items() if name in fields}
    return result._replace(text=json.dumps([Kind.RESULT, result.message_id, payload]), payload=payload)


def _proper_error(text: str, spelling: Mapping[str, str]) -> str:
    """Return a CALLERROR in the version's spelling, without details: the library's repeat the message, tags and all."""
    message: list[Any] = json.loads(text)
    code = str(message[2])
    return call_error(str(message[1]), spelling.get(code, code), str(message[3] or ""))
