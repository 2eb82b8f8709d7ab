"""The log: one JSON object per line for machines, readable lines for people, and never a secret."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

TOKEN_TAIL: Final = 4
"""Characters of a token that stay visible, so that a person can tell tokens apart."""
TOKEN_LEAST: Final = 2 * TOKEN_TAIL
"""Shorter tokens are hidden whole: their end would give away most of them."""
DEPTH_MAX: Final = 8
"""Levels searched for secrets; what lies deeper is not logged."""

_HIDDEN: Final = "***"
_SECRETS: Final = frozenset(
    {"password", "newpassword", "authorization", "authorizationkey", "cookie", "secret", "apikey", "tlskey"}
)
_TOKENS: Final = frozenset({"token", "idtag", "idtoken", "uid", "parentidtag", "accesstoken", "sessiontoken"})
_LOGIN_IN_URL: Final = re.compile(r"://[^\s\"']*@")
_IN_TEXT: Final = re.compile(
    r"(?P<before>[\"']?\b(?P<key>[A-Za-z_-]+)[\"']?\s*[:=]\s*[\"'])(?P<value>[^\"']*)(?=[\"'])"
)
"""``key="value"`` as it stands in JSON and in the representation of Python objects."""

TALKATIVE: Final = ("alembic", "ocpp", "websockets", "pymodbus", "aiomqtt", "paho", "uvicorn.access", "asyncio")
"""Libraries that log every frame or request: their warnings are enough, with or without ``debug``."""


def configure_logging(*, debug: bool = False, stream: TextIO | None = None) -> None:
    """Send all logging, ours through structlog and the libraries', to one stream.

    Args:
        debug: Also what only helps to find our own mistakes.
        stream: Default: stderr. A terminal gets readable lines, anything else gets JSON.
    """
    out = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_rendering(out.isatty()))
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def _rendering(for_people: bool) -> list[Processor]:
    # Redaction comes after exceptions have become text, so that it sees what they say.
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        redact,
        structlog.dev.ConsoleRenderer() if for_people else structlog.processors.JSONRenderer(),
    ]


def without_login(text: str) -> str:
    """Hide the user and the password of every URL in a text.

    >>> without_login("cannot reach postgresql://me:secret@db/ledger")
    'cannot reach postgresql://***@db/ledger'
    """
    return _LOGIN_IN_URL.sub("://***@", text)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide passwords, shorten tokens and cut logins out of URLs, wherever they stand (a structlog processor)."""
    return {key: _redacted(key, value, DEPTH_MAX) for key, value in event.items()}


def _redacted(key: str, value: Any, depth: int) -> Any:
    if value is None:
        return None
    if isinstance(value, bool | int | float):
        return value if _kind(key) is None else _HIDDEN
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        return {str(k): _redacted(str(k), v, depth - 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(key, item, depth - 1) for item in value]
    return _hidden(key, value if isinstance(value, str) else str(value))


def _hidden(key: str, text: str) -> str:
    kind = _kind(key)
    if kind is _SECRETS:
        return _HIDDEN
    if kind is _TOKENS:
        return f"…{text[-TOKEN_TAIL:]}" if len(text) >= TOKEN_LEAST else _HIDDEN
    return _IN_TEXT.sub(_hidden_in_text, without_login(text))


def _hidden_in_text(found: re.Match[str]) -> str:
    key, value = found["key"], found["value"]
    return found["before"] + (_hidden(key, value) if _kind(key) is not None else value)


def _kind(key: str) -> frozenset[str] | None:
    plain = key.replace("_", "").replace("-", "").lower()
    return next((kind for kind in (_SECRETS, _TOKENS) if plain in kind), None)
