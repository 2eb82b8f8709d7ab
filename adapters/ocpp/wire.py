"""Which frames may reach the OCPP library, and what the others are answered.

The library (ocpp 2.1.0) is killed by some frames (deep nesting, a list as action), repeats a message's effect
when its id comes twice, takes NaN for a number and queues answers that nobody waits for. So every frame passes
here first. Whatever bytes come in, `read_frame` returns a frame or a refusal and raises nothing: a peer's
misbehaviour is a value here, never an exception.

Framing: OCPP-J 1.6 §4.
"""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from typing import Any, Final

MAX_FRAME_BYTES: Final = 512 * 1024
"""A StopTransaction with the transactionData of a night fits (one value of 170 bytes every 10 s, 8 h); to refuse it
would lose the session. A compression bomb does not fit. Reading one that large takes a tenth of a second."""

MAX_MESSAGE_ID: Final = 64
"""OCPP-J 1.6 §4.1.4 allows 36; chargers that take a longer one do no harm."""

_MAX_DEPTH: Final = 16
"""Containers within containers; the deepest OCPP 1.6 message has 7."""

_MAX_INTEGER: Final = 2**63 - 1
"""What a database takes."""

_REMEMBERED_ANSWERS: Final = 32
"""A repetition follows its original closely; more would only let sloppy ids of different messages collide."""


class Kind(IntEnum):
    """Message types (OCPP-J 1.6 §4.1.3; OCPP 2.1 part 4 §4.1.3)."""

    CALL = 2
    RESULT = 3
    ERROR = 4
    RESULT_ERROR = 5
    """An answer of ours was not what it should be; 2.1 only."""
    SEND = 6
    """Nobody waits for an answer to it; 2.1 only."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that is safe to hand on."""

    kind: Kind
    message_id: str
    text: str
    action: str = ""
    fingerprint: bytes = b""
    """Tells a repetition of a call from another call with the same id."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A frame that goes no further."""

    reason: str
    """For the log; says nothing of the frame's content."""
    answer: str | None = None
    """The CALLERROR to send, where the frame says whom to answer."""


class _UnacceptableError(Exception):
    """A value that must not go further."""


def call_error(message_id: str, code: str, description: str = "") -> str:
    """Return a CALLERROR frame (OCPP-J 1.6 §4.2.3). Its details stay empty: they would echo the message."""
    return json.dumps([Kind.ERROR, message_id, code, description, {}], separators=(",", ":"))


def kind_of(text: str) -> int:
    """What kind of frame this is; of a frame that is sound.

    >>> kind_of('[ 3, "a", {}]')
    3
    """
    return int(text.lstrip("[ \t\r\n")[0])


def read_frame(raw: str | bytes) -> Frame | Refused:
    """Check one WebSocket message. Raises nothing."""
    if len(raw) > MAX_FRAME_BYTES:
        return Refused("larger than any OCPP message")
    try:
        text = raw if isinstance(raw, str) else raw.decode()
        message = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError, _UnacceptableError):  # ValueError: also bad UTF-8 and endless integers
        return Refused("not JSON")
    if not isinstance(message, list) or len(message) < 3:  # the shortest is a CALLRESULT
        return Refused("not an OCPP frame")
    return _framed(message, text)


def _framed(message: list[Any], text: str) -> Frame | Refused:
    kind, message_id = message[0], message[1]
    if type(kind) is not int or kind not in tuple(Kind):
        return Refused("unknown message type")
    if not isinstance(message_id, str) or len(message_id) > MAX_MESSAGE_ID or not _plain(message_id):
        return Refused("unusable message id")
    if kind in {Kind.RESULT_ERROR, Kind.SEND}:
        return Frame(Kind(kind), message_id, text)
    return _call(message_id, message, text) if kind == Kind.CALL else _reply(Kind(kind), message_id, message, text)


def _call(message_id: str, message: list[Any], text: str) -> Frame | Refused:
    if len(message) != 4 or not isinstance(message[2], str):  # type, id, action, payload
        return _refused_call(message_id, "FormationViolation", "a call has four elements: type, id, action, payload")
    action, payload = message[2], message[3]
    if payload is None:  # OCPP-J 1.6 §4.2.1 allows null for an empty payload
        payload = {}
        text = json.dumps([Kind.CALL, message_id, action, payload])
    if not isinstance(payload, dict):
        return _refused_call(message_id, "FormationViolation", "the payload must be an object")
    try:
        _inspect([action, payload])
    except _UnacceptableError as problem:
        return _refused_call(message_id, "PropertyConstraintViolation", str(problem))
    content = json.dumps([action, payload], sort_keys=True).encode()
    return Frame(Kind.CALL, message_id, text, action, blake2b(content, digest_size=16).digest())


def _refused_call(message_id: str, code: str, description: str) -> Refused:
    return Refused(description, call_error(message_id, code, description))


def _reply(kind: Kind, message_id: str, message: list[Any], text: str) -> Frame | Refused:
    """Bring an answer to its proper form: chargers leave out what is empty."""
    if kind == Kind.RESULT:
        proper = [kind, message_id, {} if message[2] is None else message[2]]
        sound = len(message) == 3 and isinstance(proper[2], dict)  # type, id, payload
    else:
        code, description, details = (*message[2:5], "", {})[:3]
        proper = [kind, message_id, code, description or "", details or {}]
        sound = isinstance(code, str)
    try:
        _inspect(proper[2:])
    except _UnacceptableError as problem:
        return Refused(str(problem))
    if not sound:
        return Refused("a malformed answer")
    return Frame(kind, message_id, text if proper == message else json.dumps(proper))


def _no_constant(name: str) -> float:
    raise _UnacceptableError(name)


def _plain(text: str) -> bool:
    """Whether every store and encoding takes the text: no half surrogate pairs, no NUL."""
    return "\0" not in text and (text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text))


def _inspect(content: Any) -> None:
    """Walk through JSON values without recursion.

    Raises:
        _UnacceptableError: too deep, a number that is not finite or too large, or text that cannot be stored.
    """
    open_values: list[tuple[Any, int]] = [(content, 0)]
    while open_values:
        value, depth = open_values.pop()
        if depth > _MAX_DEPTH:
            raise _UnacceptableError("nested too deeply")
        if isinstance(value, dict):
            open_values += [(key, depth) for key in value]
            open_values += [(item, depth + 1) for item in value.values()]
        elif isinstance(value, list):
            open_values += [(item, depth + 1) for item in value]
        elif isinstance(value, str):
            if not _plain(value):
                raise _UnacceptableError("text with characters that cannot be stored")
        elif isinstance(value, float):
            if not math.isfinite(value):
                raise _UnacceptableError("a number that is not finite")
        elif isinstance(value, int) and abs(value) > _MAX_INTEGER:
            raise _UnacceptableError("a number too large")


class Answers:
    """The latest answers on one connection, so that a repeated call gets the answer that it got the first time.

    Only results are kept: a call that was answered with an error had no effect and is tried again.
    """

    def __init__(self) -> None:
        self._answers: OrderedDict[str, tuple[bytes, str]] = OrderedDict()

    def keep(self, call: Frame, answer: str) -> None:
        """Remember what a call was answered."""
        self._answers[call.message_id] = (call.fingerprint, answer)
        self._answers.move_to_end(call.message_id)
        while len(self._answers) > _REMEMBERED_ANSWERS:
            self._answers.popitem(last=False)

    def repeated(self, call: Frame) -> str | Refused | None:
        """Return the stored answer, None for a call with a new id, a refusal for another call under a used id."""
        known = self._answers.get(call.message_id)
        if known is None:
            return None
        fingerprint, answer = known
        if fingerprint == call.fingerprint:
            return answer
        description = "this message id was used for another call"
        return Refused(description, call_error(call.message_id, "SecurityError", description))
