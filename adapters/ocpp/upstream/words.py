"""Frames that are sound, taken apart and put together; what does not change keeps its every byte."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from adapters.ocpp.wire import Kind
from controller.away import Heard

_ID: Final = re.compile(r'^(\s*\[\s*\d+\s*,\s*)"(?:[^"\\]|\\.)*"')
"""The beginning of a frame, up to its id and with it."""


def payload_of(text: str, at: int = 3) -> Mapping[str, Any]:
    """The payload of a call, or with ``at=2`` of a result; nothing where it is no object."""
    message = json.loads(text)
    payload = message[at] if len(message) > at else None
    return payload if isinstance(payload, dict) else {}


def with_payload(text: str, payload: Mapping[str, Any]) -> str:
    """A call with another payload."""
    return _written([*json.loads(text)[:3], payload])


def new_call(action: str, payload: Mapping[str, Any]) -> tuple[str, str]:
    """A call of our own: its id, and its text."""
    message_id = str(uuid4())
    return message_id, _written([Kind.CALL, message_id, action, payload])


def called_anew(text: str) -> tuple[str, str]:
    """A call under an id of its own: the id, and its text, of which nothing else is changed.

    >>> message_id, text = called_anew('[2, "a",  "DataTransfer", {"data": 1.50 }]')
    >>> text.replace(message_id, "b")
    '[2, "b",  "DataTransfer", {"data": 1.50 }]'
    """
    message_id = str(uuid4())
    return message_id, _ID.sub(rf'\g<1>"{message_id}"', text, count=1)


def answered(message_id: str, payload: Mapping[str, Any]) -> str:
    """A result."""
    return _written([Kind.RESULT, message_id, payload])


def token_info(payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a payload says of a token (IdTagInfo of 1.6, IdTokenInfo of 2.x)."""
    info = payload.get("idTagInfo") or payload.get("idTokenInfo")
    return info if isinstance(info, Mapping) else None


def uid_of(payload: Mapping[str, Any]) -> str | None:
    """The token that a call names: its uid, or what stands for one that has none (2.x C02); None: it names none.

    >>> uid_of({"idTag": "04A2"}), uid_of({"idToken": {"idToken": "", "type": "NoAuthorization"}}), uid_of({})
    ('04A2', 'NoAuthorization', None)
    """
    token = payload.get("idToken")
    uid = payload.get("idTag") or (isinstance(token, Mapping) and (token.get("idToken") or token.get("type")))
    return uid if isinstance(uid, str) and uid else None


def transaction_of(payload: Mapping[str, Any]) -> str | None:
    """The transaction that a call is about, as text; None: of none, or of one that it asks an id for.

    >>> transaction_of({"transactionId": 7}), transaction_of({"transactionInfo": {"transactionId": "T1"}})
    ('7', 'T1')
    """
    info = payload.get("transactionInfo")
    named = payload.get("transactionId", info.get("transactionId") if isinstance(info, Mapping) else None)
    return None if named is None else str(named)


def heard_of(uid: str, info: Mapping[str, Any]) -> Heard:
    """What a back office says of a token, by its IdTagInfo or IdTokenInfo."""
    of_group = info.get("groupIdToken")
    group = info.get("parentIdTag") or (of_group.get("idToken") if isinstance(of_group, Mapping) else None)
    until = info.get("expiryDate") or info.get("cacheExpiryDateTime")
    expires_at = None
    with suppress(ValueError, TypeError):
        expires_at = datetime.fromisoformat(until) if until else None
    if expires_at is not None and expires_at.tzinfo is None:
        expires_at = None
    return Heard(uid, str(info.get("status")), None if group is None else str(group), expires_at)


def listed_tokens(asked: Mapping[str, Any]) -> list[Heard]:
    """The tokens of a SendLocalList; one that it takes from the list has no status."""
    rows = asked.get("localAuthorizationList")
    heard = []
    for row in rows if isinstance(rows, list) else []:
        info = token_info(row)
        uid = row.get("idTag") or (row.get("idToken") or {}).get("idToken")
        if uid:
            told = Heard(str(uid), "", listed=True) if info is None else heard_of(str(uid), info)
            heard.append(replace(told, listed=True))
    return heard


def with_transaction(text: str, transaction: int) -> str:
    """A result that gives a transaction this id.

    >>> with_transaction('[3,"1",{"transactionId":7}]', 12)
    '[3,"1",{"transactionId":12}]'
    """
    kind, message_id, payload = json.loads(text)
    return _written([kind, message_id, {**payload, "transactionId": transaction}])


def with_token_info(text: str, info: Mapping[str, Any]) -> str:
    """A result that says this of its token.

    >>> with_token_info('[3,"1",{"transactionId":7,"idTagInfo":{"status":"Accepted"}}]', {"status": "Invalid"})
    '[3,"1",{"transactionId":7,"idTagInfo":{"status":"Invalid"}}]'
    """
    kind, message_id, payload = json.loads(text)
    name = "idTagInfo" if "idTagInfo" in payload else "idTokenInfo"
    return _written([kind, message_id, {**payload, name: info}])


def _written(message: list[Any]) -> str:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)
