"""Who may open a connection: the identity in the URL, its password, and patience with wrong ones.

HTTP Basic authentication with the station's identity as the user name (OCPP 1.6 security white paper, A00).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote_to_bytes, urlsplit

from websockets.http11 import Request

from adapters import passwords
from adapters.ocpp.surroundings import Surroundings
from controller.plan import Severity
from controller.ports.ledger import LedgerUnavailable

PATH: Final = "/ocpp/"
MAX_IDENTITY: Final = 48
"""Characters (OCPP 2.0.1 part 4 §3.1.1); also no colon, for the sake of Basic authentication."""

MAX_PASSWORD_BYTES: Final = 64
"""1.6 has 20 bytes, 40 when written in hex; 2.0.1 has 40 characters."""

FREE_TRIES: Final = 5
"""Wrong passwords for one identity from one address before it has to wait."""

FREE_TRIES_OF_ADDRESS: Final = 40
"""The same for all identities together: many honest stations may share an address."""

_FIRST_PAUSE_S: Final = 1.0
_LAST_PAUSE_S: Final = 60.0
_FORGIVEN_AFTER_S: Final = 600.0
_MAX_OFFENDERS: Final = 4096
"""Remembered at once; the oldest are forgotten first."""

_VERIFICATIONS_AT_ONCE: Final = 2
"""Each takes 19 MiB and a core for some hundredths of a second; control must not feel it."""


@dataclass(frozen=True, slots=True)
class Denied:
    """Why a connection is not opened."""

    status: HTTPStatus
    reason: str
    retry_after_s: float | None = None


class Patience:
    """Counts failures by whatever tells offenders apart, and says how long each has to wait."""

    def __init__(self, free_tries: int) -> None:
        self._free_tries = free_tries
        self._failures: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    def wait_s(self, who: Hashable, monotonic_s: float) -> float:
        """Return how long ``who`` must still wait [s]."""
        count, last_s = self._failures.get(who, (0, 0.0))
        if count < self._free_tries:
            return 0.0
        pause_s = min(_LAST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(count - self._free_tries, 10))
        return max(0.0, last_s + pause_s - monotonic_s)

    def failed(self, who: Hashable, monotonic_s: float) -> None:
        """Count one failure."""
        count, last_s = self._failures.pop(who, (0, monotonic_s))
        if monotonic_s - last_s > _FORGIVEN_AFTER_S:
            count = 0
        self._failures[who] = (count + 1, monotonic_s)
        while len(self._failures) > _MAX_OFFENDERS:
            self._failures.popitem(last=False)

    def succeeded(self, who: Hashable) -> None:
        """Forget the failures."""
        self._failures.pop(who, None)


class Doorkeeper:
    """Decides on requests to open a connection."""

    def __init__(self, around: Surroundings, identities: frozenset[str]) -> None:
        self._around = around
        self._identities = identities
        self._of_identity = Patience(FREE_TRIES)
        self._of_address = Patience(FREE_TRIES_OF_ADDRESS)
        self._reports = Patience(free_tries=1)
        self._verifying = asyncio.Semaphore(_VERIFICATIONS_AT_ONCE)

    async def admit(self, request: Request, address: str) -> str | Denied:
        """Return the identity that may connect, or why it may not."""
        identity = identity_of(request.path)
        if identity is None or identity not in self._identities:
            self._report_refusal(address, f"the site has no station {identity!r}" if identity else "a wrong path")
            return Denied(HTTPStatus.NOT_FOUND, "no such charging station")  # OCPP-J 1.6 §3.2
        try:
            stored = await self._around.ledger.password_hash(identity)
        except LedgerUnavailable:
            return Denied(HTTPStatus.SERVICE_UNAVAILABLE, "try again later")
        header = request.headers.get("Authorization") if len(request.headers.get_all("Authorization")) == 1 else None
        if self._around.lab and (header is None or stored is None):
            return identity
        if header is None:
            self._report_refusal(address, f"station {identity!r} gave no password")
            return Denied(HTTPStatus.UNAUTHORIZED, "a password is needed")
        return await self._authenticate(identity, header, stored, address)

    def _report_refusal(self, address: str, reason: str) -> None:
        """Report a refused connection, ever less often for one address: strangers can knock all day."""
        now_s = self._around.clock.monotonic_s()
        if self._reports.wait_s(address, now_s) <= 0:
            self._reports.failed(address, now_s)
            message = f"a connection from {address} was refused: {reason}"
            self._around.report("connection_refused", "ocpp", message, Severity.WARNING)

    async def _authenticate(self, identity: str, header: str, stored: str | None, address: str) -> str | Denied:
        pair = (identity, address)
        user, password = credentials(header) or ("", b"")
        async with self._verifying:  # judged only here, or tries made at the same time would slip through together
            now_s = self._around.clock.monotonic_s()
            wait_s = max(self._of_identity.wait_s(pair, now_s), self._of_address.wait_s(address, now_s))
            if wait_s > 0:
                return Denied(HTTPStatus.TOO_MANY_REQUESTS, "too many wrong passwords", wait_s)
            if await asyncio.to_thread(password_matches, password, stored) and user == identity:
                self._of_identity.succeeded(pair)
                self._of_address.succeeded(address)
                return identity
            self._of_identity.failed(pair, now_s)
            self._of_address.failed(address, now_s)
        message = f"a wrong user name or password was given from {address}"
        self._around.report("authentication_failed", f"station:{identity}", message, Severity.WARNING)
        return Denied(HTTPStatus.UNAUTHORIZED, "wrong user name or password")


def identity_of(path: str) -> str | None:
    """Return the identity in a request's path, or None where there is none.

    A slash too many is taken for what it is: a URL that was put together carelessly.

    >>> identity_of("/ocpp/CP%2001?x=1"), identity_of("/ocpp/"), identity_of("/ocpp/A/B"), identity_of("/CP01")
    ('CP 01', None, None, None)
    >>> identity_of("/ocpp//CP01"), identity_of("/ocpp/CP01/")
    ('CP01', 'CP01')
    """
    try:
        plain = urlsplit(path).path
        encoded = plain.removeprefix(PATH).strip("/")
        if not plain.startswith(PATH) or "/" in encoded:
            return None
        identity = unquote_to_bytes(encoded).decode()
    except ValueError:  # not a URL, or not UTF-8
        return None
    return identity if identity.isprintable() and 0 < len(identity) <= MAX_IDENTITY and ":" not in identity else None


def credentials(header: str) -> tuple[str, bytes] | None:
    """Return user name and password of a Basic Authorization header, or None where it is none (RFC 7617).

    The password stays bytes: a 1.6 charger may send any (see ``password_matches``).
    """
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (user.decode(), password) if colon else None
    except (binascii.Error, ValueError):
        return None


def password_matches(password: bytes, stored: str | None) -> bool:
    """Whether a password is the stored one. Slow by intent; call it in a thread.

    A 1.6 AuthorizationKey is configured as hex digits. Some chargers send that text as their password, others
    the bytes that it stands for (OCPP-J 1.6 §6.2.2 means the bytes); both are accepted, in either case of the digits.
    """
    if not 0 < len(password) <= MAX_PASSWORD_BYTES:
        return False
    texts = [password, password.hex().encode(), password.hex().upper().encode()]
    return any(passwords.matches(text, stored) for text in texts)
