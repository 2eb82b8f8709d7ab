"""Frames that are sound, taken apart and put together; what does not change keeps its every byte."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from adapters.ocpp.wire import Kind


def payload_of(text: str, at: int = 3) -> Mapping[str, Any]:
    """The payload of a call, or with ``at=2`` of a result; nothing where it is no object."""
    message = json.loads(text)
    payload = message[at] if len(message) > at else None
    return payload if isinstance(payload, dict) else {}


def with_payload(text: str, payload: Mapping[str, Any]) -> str:
    """A call with another payload."""
    return _written([*json.loads(text)[:3], payload])


def answered(message_id: str, payload: Mapping[str, Any]) -> str:
    """A result."""
    return _written([Kind.RESULT, message_id, payload])


def token_info(payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a payload says of a token (IdTagInfo of 1.6, IdTokenInfo of 2.x)."""
    info = payload.get("idTagInfo") or payload.get("idTokenInfo")
    return info if isinstance(info, Mapping) else None


def with_status(text: str, status: str) -> str:
    """A result that says this of its token.

    >>> with_status('[3,"1",{"transactionId":7,"idTagInfo":{"status":"Accepted"}}]', "Invalid")
    '[3,"1",{"transactionId":7,"idTagInfo":{"status":"Invalid"}}]'
    """
    kind, message_id, payload = json.loads(text)
    name = "idTagInfo" if "idTagInfo" in payload else "idTokenInfo"
    return _written([kind, message_id, {**payload, name: {"status": status}}])


def _written(message: list[Any]) -> str:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)
