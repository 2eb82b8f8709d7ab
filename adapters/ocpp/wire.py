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
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final, NamedTuple

MAX_FRAME_BYTES: Final = 512 * 1024
"""A StopTransaction with the transactionData of a night fits (one value of 170 bytes every 10 s, 8 h); to refuse it
would lose the session. A compression bomb does not fit. Reading one that large takes a tenth of a second."""

MAX_MESSAGE_ID: Final = 64
"""OCPP-J 1.6 §4.1.4 allows 36; chargers that take a longer one do no harm."""

_MAX_DEPTH: Final = 16
"""Containers within containers; the deepest OCPP 1.6 message has 7."""

_MAX_INTEGER: Final = 2**63 - 1
"""What a database takes."""

_MODEST_DIGITS: Final = 18
"""So many, with the sign, are never too large."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")

_REMEMBERED_ANSWERS: Final = 32
"""A repetition follows its original closely; more would only let sloppy ids of different messages collide."""

_REMEMBERED_CHARACTERS: Final = 2048
"""Of a call that was answered; of a longer one a digest."""


class Kind(IntEnum):
    """Message types (OCPP-J 1.6 §4.1.3; OCPP 2.1 part 4 §4.1.3)."""

    CALL = 2
    RESULT = 3
    ERROR = 4
    RESULT_ERROR = 5
    """An answer of ours was not what it should be; 2.1 only."""
    SEND = 6
    """Nobody waits for an answer to it; 2.1 only."""


_KINDS: Final[Mapping[int, Kind]] = {int(kind): kind for kind in Kind}


class Frame(NamedTuple):
    """A frame that is safe to hand on."""

    kind: Kind
    message_id: str
    text: str
    action: str = ""
    payload: Mapping[str, Any] = MappingProxyType({})
    """What a call or a result says; not to be changed."""

    @property
    def fingerprint(self) -> bytes:
        """Tells a repetition of a call from another call with the same id."""
        return _fingerprint(self.text)


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
        message, harmless = _read(text)
    except (ValueError, RecursionError, _UnacceptableError):  # ValueError: also bad UTF-8 and endless integers
        return Refused("not JSON")
    if not isinstance(message, list) or len(message) < 3:  # the shortest is a CALLRESULT
        return Refused("not an OCPP frame")
    return _framed(message, text, harmless=harmless)


def _framed(message: list[Any], text: str, *, harmless: bool) -> Frame | Refused:
    kind, message_id = _KINDS.get(message[0]) if type(message[0]) is int else None, message[1]
    if kind is None:
        return Refused("unknown message type")
    if not isinstance(message_id, str) or len(message_id) > MAX_MESSAGE_ID or not (harmless or _plain(message_id)):
        return Refused("unusable message id")
    if kind is Kind.RESULT_ERROR or kind is Kind.SEND:
        return Frame(kind, message_id, text)
    read = _call if kind is Kind.CALL else _result if kind is Kind.RESULT else _error
    return read(message_id, message, text, harmless=harmless)


def _read(text: str) -> tuple[Any, bool]:
    """What a text says; and whether it is plain to see that ``_inspect`` would object to nothing in it.

    Raises:
        ValueError, RecursionError, _UnacceptableError: it is not JSON.
    """
    if "\\u" not in text and (text.isascii() or _SURROGATE.search(text) is None):
        try:
            message, end = _MODEST.raw_decode(text)
        except (ValueError, RecursionError, _UnacceptableError):
            end = -1  # the other finds out what is wrong
        if end == len(text):
            return message, text.count("[") + text.count("{") <= _MAX_DEPTH or _shallow(message, _MAX_DEPTH - 1)
    return _DECODER.decode(text), False


def _call(message_id: str, message: list[Any], text: str, *, harmless: bool) -> Frame | Refused:
    if len(message) != 4 or not isinstance(message[2], str):  # type, id, action, payload
        return _refused_call(message_id, "FormationViolation", "a call has four elements: type, id, action, payload")
    action, payload = message[2], message[3]
    if payload is None:  # OCPP-J 1.6 §4.2.1 allows null for an empty payload
        payload = {}
        text = json.dumps([Kind.CALL, message_id, action, payload])
    if not isinstance(payload, dict):
        return _refused_call(message_id, "FormationViolation", "the payload must be an object")
    if not harmless and (problem := _inspect([action, payload])):
        return _refused_call(message_id, "PropertyConstraintViolation", problem)
    return Frame(Kind.CALL, message_id, text, action, payload)


def _refused_call(message_id: str, code: str, description: str) -> Refused:
    return Refused(description, call_error(message_id, code, description))


def _result(message_id: str, message: list[Any], text: str, *, harmless: bool) -> Frame | Refused:
    """Bring a result to its proper form: chargers leave out what is empty."""
    payload = message[2]
    if payload is None:
        payload = {}
        text = json.dumps([Kind.RESULT, message_id, payload])
    if not harmless and (problem := _inspect([payload])):
        return Refused(problem)
    if len(message) != 3 or not isinstance(payload, dict):  # type, id, payload
        return Refused("a malformed answer")
    return Frame(Kind.RESULT, message_id, text, payload=payload)


def _error(message_id: str, message: list[Any], text: str, *, harmless: bool) -> Frame | Refused:
    """Bring an error to its proper form likewise."""
    code, description, details = (*message[2:5], "", {})[:3]
    proper = [Kind.ERROR, message_id, code, description or "", details or {}]
    if not harmless and (problem := _inspect(proper[2:])):
        return Refused(problem)
    if not isinstance(code, str):
        return Refused("a malformed answer")
    return Frame(Kind.ERROR, message_id, text if proper == message else json.dumps(proper))


def _no_constant(name: str) -> float:
    raise _UnacceptableError(name)


def _modest_integer(digits: str) -> int:
    if len(digits) > _MODEST_DIGITS:
        raise _UnacceptableError
    return int(digits)


def _modest_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _UnacceptableError
    return number


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant)
_MODEST: Final = json.JSONDecoder(parse_constant=_no_constant, parse_int=_modest_integer, parse_float=_modest_float)
"""Takes no number that could be too large; one that it does not take may still be sound."""


def _plain(text: str) -> bool:
    """Whether every store and encoding takes the text: no half surrogate pairs, no NUL."""
    return "\0" not in text and (text.isascii() or _SURROGATE.search(text) is None)


def _shallow(container: Any, most: int) -> bool:
    """Whether containers lie no deeper in one another than this."""
    inner = container.values() if isinstance(container, dict) else container
    return most >= 0 and all(_shallow(one, most - 1) for one in inner if isinstance(one, dict | list))


def _inspect(content: list[Any]) -> str | None:
    """Walk through JSON values without recursion; what is wrong with them: too deep, a number or a text of no use."""
    open_values: list[tuple[Any, int]] = [(content, 0)]
    while open_values:
        value, depth = open_values.pop()
        if depth > _MAX_DEPTH:
            return "nested too deeply"
        if isinstance(value, dict):
            open_values += [(key, depth) for key in value]
            open_values += [(item, depth + 1) for item in value.values()]
        elif isinstance(value, list):
            open_values += [(item, depth + 1) for item in value]
        elif isinstance(value, str):
            if not _plain(value):
                return "text with characters that cannot be stored"
        elif isinstance(value, float):
            if not math.isfinite(value):
                return "a number that is not finite"
        elif isinstance(value, int) and abs(value) > _MAX_INTEGER:
            return "a number too large"
    return None


def _fingerprint(text: str) -> bytes:
    """The same for any two texts of a sound call that say the same, but for the id."""
    content = json.dumps(json.loads(text)[2:], sort_keys=True).encode()
    return blake2b(content, digest_size=16).digest()


class Answers:
    """The latest answers on one connection, so that a repeated call gets the answer that it got the first time.

    Only results are kept: a call that was answered with an error had no effect and is tried again.
    """

    def __init__(self) -> None:
        self._answers: OrderedDict[str, tuple[str | bytes, str]] = OrderedDict()

    def has(self, call: Frame) -> bool:
        """Whether a call with this id was answered."""
        return call.message_id in self._answers

    def keep(self, call: Frame, answer: str) -> None:
        """Remember what a call was answered."""
        said = call.text if len(call.text) <= _REMEMBERED_CHARACTERS else call.fingerprint
        self._answers.pop(call.message_id, None)
        self._answers[call.message_id] = (said, answer)
        if len(self._answers) > _REMEMBERED_ANSWERS:
            self._answers.popitem(last=False)

    def repeated(self, call: Frame) -> str | Refused | None:
        """Return the stored answer, None for a call with a new id, a refusal for another call under a used id."""
        known = self._answers.get(call.message_id)
        if known is None:
            return None
        said, answer = known
        if said == call.text or (_fingerprint(said) if isinstance(said, str) else said) == call.fingerprint:
            return answer
        description = "this message id was used for another call"
        return Refused(description, call_error(call.message_id, "SecurityError", description))
