"""A station's calls, answered by the handlers that its class has for them.

The OCPP library (ocpp 2.1.0) would do that as well, but reads the frame again, looks at the handler's signature, and
writes the names in each answer anew: that takes longer than all the rest. What handlers see and give is the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from ocpp.exceptions import OCPPError
from ocpp.messages import Call, validate_payload

from adapters.ocpp.names import camel_case, snake_case
from adapters.ocpp.wire import Frame, Kind, call_error

_WRITE: Final = json.JSONEncoder(separators=(",", ":")).encode


class Reply(NamedTuple):
    """What a call is answered."""

    message_id: str
    payload: Mapping[str, Any] = MappingProxyType({})
    code: str = ""
    """Of an error; empty for a result."""
    description: str = ""

    @property
    def text(self) -> str:
        """The whole frame."""
        if self.code:
            return call_error(self.message_id, self.code, self.description)
        return _WRITE([Kind.RESULT, self.message_id, self.payload])


class Answering:
    """Answers the calls of one station."""

    def __init__(
        self,
        handlers: Mapping[str, Mapping[str, Any]],
        version: str,
        actions: frozenset[str],
        spelling: Mapping[str, str],
        on_error: Callable[[Exception], None],
    ) -> None:
        """Prepare.

        Args:
            handlers: by action, as the library's ``create_route_map`` finds them.
            version: of the protocol, as the library calls it.
            actions: all that the version knows.
            spelling: error codes that it spells otherwise than the library.
            on_error: told of what a handler raises.
        """
        self._handlers, self._version, self._actions = handlers, version, actions
        self._spelling, self._on_error = spelling, on_error

    async def answer(self, call: Frame) -> Reply:
        """Have a call answered."""
        found = self._handlers.get(call.action)
        if found is None:
            # OCPP-J 1.6 §4.2.3: not known at all, or known and not served.
            return Reply(call.message_id, code="NotSupported" if call.action in self._actions else "NotImplemented")
        try:
            if not found["_skip_schema_validation"]:
                await validate_payload(Call(call.message_id, call.action, call.payload), self._version)
            return Reply(call.message_id, _written(await found["_on_action"](**snake_case(call.payload))))
        except OCPPError as error:
            self._on_error(error)
            code = str(error.code)  # no details: they would repeat the message, tags and all
            return Reply(call.message_id, {}, self._spelling.get(code, code), str(error.description or ""))
        except Exception as error:
            self._on_error(error)
            return Reply(call.message_id, {}, "InternalError", "An unexpected error occurred.")


def _written(value: Any) -> Any:
    """A handler's answer, or a part of it, as it goes over the wire: what is None is left out."""
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, list):
        return [_written(one) for one in value if one is not None]
    if isinstance(value, dict):
        return {name: _written(one) for name, one in camel_case(value).items() if one is not None}
    told = [(camel, getattr(value, name)) for name, camel in _names(value.__class__)]
    return {camel: _written(one) for camel, one in told if one is not None}


@lru_cache
def _names(kind: Any) -> list[tuple[str, str]]:
    """The names of a message's fields, here and on the wire."""
    return [(field.name, *camel_case({field.name: None})) for field in fields(kind)]
