"""A station's calls, answered by the handlers that its class has for them.

The OCPP library (ocpp 2.1.0) would do that as well, but reads the frame again, looks at the handler's signature, and
writes the names in each answer anew: that takes longer than all the rest. What handlers see and give is the same.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, Final

from ocpp.exceptions import OCPPError
from ocpp.messages import Call, validate_payload

from adapters.ocpp.names import camel_case, snake_case
from adapters.ocpp.wire import Frame, Kind, call_error

_WRITE: Final = json.JSONEncoder(separators=(",", ":")).encode


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

    async def answer(self, call: Frame) -> str:
        """The text of the answer, a CALLRESULT or a CALLERROR."""
        found = self._handlers.get(call.action)
        if found is None:
            # OCPP-J 1.6 §4.2.3: not known at all, or known and not served.
            return call_error(call.message_id, "NotSupported" if call.action in self._actions else "NotImplemented")
        try:
            if not found["_skip_schema_validation"]:
                await validate_payload(Call(call.message_id, call.action, call.payload), self._version)
            told = found["_on_action"](**snake_case(call.payload))
            if isinstance(told, Awaitable):
                told = await told
            return _WRITE([Kind.RESULT, call.message_id, _written(told)])
        except OCPPError as error:
            self._on_error(error)
            code = str(error.code)  # no details: they would repeat the message, tags and all
            return call_error(call.message_id, self._spelling.get(code, code), str(error.description or ""))
        except Exception as error:
            self._on_error(error)
            return call_error(call.message_id, "InternalError", "An unexpected error occurred.")


def _written(value: Any) -> Any:
    """A handler's answer, or a part of it, as it goes over the wire: what is None is left out."""
    if is_dataclass(value):
        told = [(camel, getattr(value, name)) for name, camel in _names(value.__class__)]
        return {camel: _written(one) for camel, one in told if one is not None}
    if isinstance(value, dict):
        return {name: _written(one) for name, one in camel_case(value).items() if one is not None}
    return [_written(one) for one in value if one is not None] if isinstance(value, list) else value


@lru_cache
def _names(kind: Any) -> list[tuple[str, str]]:
    """The names of a message's fields, here and on the wire."""
    return [(field.name, *camel_case({field.name: None})) for field in fields(kind)]
