"""Ids in the paths of requests, whatever they hold: `/tokens/AB%2F12` is the token ``AB/12``, and nothing below ``AB``.

Servers decode a path as a whole, after which a slash in an id looks like one between two parts. Here each part is
decoded by itself, and a slash or per cent sign in it stays encoded until a route takes it (RFC 3986 §2.4, §3.3).
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

_KEPT: Final = (("%", "%25"), ("/", "%2F"))


class WholeIds:
    """ASGI middleware, the outermost: all that look at a path see the same one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its path decoded part by part."""
        if scope["type"] == "http" and (raw := scope.get("raw_path")):
            parts = raw.decode("latin-1").split("/")
            scope = {**scope, "path": "/".join(_encoded(unquote(part)) for part in parts)}
        await self._app(scope, receive, send)


class IdConvertor(Convertor[str]):
    """What stands in a path for an id: `{uid:id}`."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        """The id."""
        for sign, encoded in reversed(_KEPT):
            value = value.replace(encoded, sign)
        return value

    def to_string(self, value: str) -> str:
        """The part of a path that means this id."""
        return _encoded(value)


def _encoded(part: str) -> str:
    for sign, encoded in _KEPT:
        part = part.replace(sign, encoded)
    return part


register_url_convertor("id", IdConvertor())
