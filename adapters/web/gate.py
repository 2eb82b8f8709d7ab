"""What every request passes before anything else looks at it: headers, size, origin, login."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.web.access import Login, Logins

COOKIE: Final = "loadstar_session"
BODY_MAX: Final = 256 * 1024
"""No request of this API comes near it, but for tables."""
TABLE_MAX: Final = 1024 * 1024
"""As many rows as a table may have, as a form sends them."""
TABLE_PATHS: Final = frozenset(
    {"/api/v1/tariff-codes/import", "/api/v1/tokens/import", "/prices/codes", "/tokens/table"}
)
OPEN_PATHS: Final = frozenset({"/healthz", "/login", "/api/v1/login"})
OPEN_PREFIX: Final = "/static/"
DRIVERS_PREFIX: Final = "/p/"
PAGES: Final = frozenset({"/", "/prices", "/tokens", "/accounts", "/statements", "/stations"})
"""Who is not logged in is sent to the login from these."""

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, nothing inline, and in nobody's frame."""
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send our own form with "Origin: null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Gate:
    """ASGI middleware; refuses by default: a new route needs a login unless it is listed as open here."""

    def __init__(self, app: ASGIApp, logins: Logins, lab: bool) -> None:
        self._app = app
        self._logins = logins
        self._lab = lab

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request here, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        fenced = _with_headers(scope["path"], send)
        request = Request(scope, receive)
        refusal = _foreign(request) or self._anonymous(request)
        if refusal is None:
            try:
                most = TABLE_MAX if scope["path"] in TABLE_PATHS else BODY_MAX
                body = await _body(request, most)
            except ClientDisconnect:
                return
            if body is None:
                refusal = JSONResponse({"detail": f"the body is larger than {most} bytes"}, 413)
            else:
                await self._app(scope, _replay(body, receive), fenced)
                return
        await refusal(scope, receive, fenced)

    def _anonymous(self, request: Request) -> Response | None:
        """The refusal of somebody who is not logged in; None for everybody else."""
        login = presented(request, self._logins)
        request.scope["login"] = login
        path = request.scope["path"]
        if self._lab or login or path in OPEN_PATHS or path.startswith((OPEN_PREFIX, DRIVERS_PREFIX)):
            return None
        if path in PAGES and request.method == "GET":
            return RedirectResponse("/login", 303)
        return JSONResponse({"detail": "log in first"}, 401, headers={"WWW-Authenticate": "Bearer"})


def token_of(request: Request) -> str | None:
    """The token that a request carries, as bearer or as cookie."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip() or None
    return request.cookies.get(COOKIE)


def presented(request: Request, logins: Logins) -> Login | None:
    """Whose token the request carries; None without a valid one."""
    token = token_of(request)
    return None if token is None else logins.holder(token)


def _foreign(request: Request) -> Response | None:
    """The refusal of a change that another site's page asks for; None for everything else."""
    origin = request.headers.get("origin")
    if request.method in {"GET", "HEAD", "OPTIONS"} or origin is None:
        return None
    if origin.partition("://")[2] == request.headers.get("host"):
        return None
    return JSONResponse({"detail": f"requests from pages of {origin} are not accepted"}, 403)


async def _body(request: Request, most: int) -> bytes | None:
    """The whole body, which is small; None when it is not."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        return None
    if not declared and "transfer-encoding" not in request.headers:
        return b""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body that was read already, then what the client does next."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _with_headers(path: str, send: Send) -> Send:
    """A ``send`` that adds the security headers, and keeps live data out of caches."""
    caching = "no-cache" if path.startswith(OPEN_PREFIX) else "no-store"

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", caching)
        await send(message)

    return sending
