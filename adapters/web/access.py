"""Who is logged in: sessions of people and programs, and a brake on guessing passwords."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

LOGINS_MAX: Final = 256
"""Far more than a site has people and programs; beyond it the one unused for longest must log in again."""
IDLE_S: Final = 12 * 3600.0
"""A login ends when it has not been used for a working day."""
LIFETIME_S: Final = 30 * 86400.0
"""And after a month in any case, so that a stolen token does not work for ever."""
TOKEN_BYTES: Final = 32

FREE_TRIES: Final = 5
"""Wrong passwords that an address may enter before it has to wait."""
TRY_EVERY_S: Final = 5.0
"""From then on one more try per this time."""
ADDRESSES_MAX: Final = 1024
"""Addresses remembered for the brake; an attacker with more of them has a network of his own."""
HASHING_AT_ONCE: Final = 2
"""Verifying a password costs tens of megabytes and milliseconds on purpose: not more than two at a time."""


class RefusedError(Exception):
    """The name or the password is wrong; which of them is not said."""


class TooManyTriesError(Exception):
    """The address, or the site as a whole, has to wait before the next try."""


@dataclass(frozen=True, slots=True)
class Login:
    """One person or program that proved who it is."""

    user: str
    role: str
    since_s: float
    used_s: float


class Logins:
    """Logins by token, bounded and expiring. Only digests of tokens are kept. Thread-safe."""

    def __init__(self, authenticate: Callable[[str, str], str | None], monotonic_s: Callable[[], float]) -> None:
        self._authenticate = authenticate
        self._now_s = monotonic_s
        self._lock = threading.Lock()
        self._logins: OrderedDict[bytes, Login] = OrderedDict()
        self._brake = Brake(monotonic_s)
        self._hashing = threading.BoundedSemaphore(HASHING_AT_ONCE)

    def log_in(self, user: str, password: str, address: str) -> tuple[str, Login]:
        """Check a password, which takes a while, and return a new token.

        Raises:
            RefusedError: wrong name or password.
            TooManyTriesError: not now.
        """
        self._brake.take(address)
        if not self._hashing.acquire(blocking=False):
            self._brake.give_back(address)
            raise TooManyTriesError
        try:
            role = self._authenticate(user, password)
        finally:
            self._hashing.release()
        if role is None:
            raise RefusedError
        self._brake.give_back(address)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        login = Login(user, role, self._now_s(), self._now_s())
        with self._lock:
            self._logins[_digest(token)] = login
            while len(self._logins) > LOGINS_MAX:
                self._logins.popitem(last=False)
        return token, login

    def holder(self, token: str) -> Login | None:
        """Who holds this token; None when nobody does any more. Using it keeps it alive."""
        key, now_s = _digest(token), self._now_s()
        with self._lock:
            login = self._logins.pop(key, None)
            if login is None or now_s - login.used_s > IDLE_S or now_s - login.since_s > LIFETIME_S:
                return None
            self._logins[key] = login = replace(login, used_s=now_s)
            return login

    def log_out(self, token: str) -> None:
        """End this login; nothing happens when there is none."""
        with self._lock:
            self._logins.pop(_digest(token), None)


class Brake:
    """Slows down guessing, by address: a few free tries, then one every few seconds. Thread-safe."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._now_s = monotonic_s
        self._lock = threading.Lock()
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> None:
        """Spend one try.

        Raises:
            TooManyTriesError: none is left for now.
        """
        with self._lock:
            spent = self._worn_off(address)
            if spent + 1 > FREE_TRIES:
                raise TooManyTriesError
            self._keep(address, spent + 1)

    def give_back(self, address: str) -> None:
        """The try was not a guess."""
        with self._lock:
            self._keep(address, max(0.0, self._worn_off(address) - 1))

    def _worn_off(self, address: str) -> float:
        spent, at_s = self._spent.get(_network(address), (0.0, 0.0))
        return max(0.0, spent - (self._now_s() - at_s) / TRY_EVERY_S)

    def _keep(self, address: str, spent: float) -> None:
        key = _network(address)
        self._spent[key] = (spent, self._now_s())
        self._spent.move_to_end(key)
        while len(self._spent) > ADDRESSES_MAX:
            self._spent.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _network(address: str) -> str:
    """The address, or for IPv6 its /64: one household or host has a whole one to itself."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
