"""Who is let in by password: charging stations, and the users of the pages and the API."""

from __future__ import annotations

import secrets

from adapters.passwords import hashed
from adapters.store import access
from adapters.store.tariff_book import Reads, Writes


class KeyBook:
    """Keys and passwords, hashed, on record.

    Every method may be called from any thread, takes tens of milliseconds, and raises ``LedgerUnavailable`` when the
    database cannot be read or written.
    """

    def __init__(self, read: Reads, write: Writes) -> None:
        self._read = read
        self._write = write

    def stations_with_key(self) -> frozenset[str]:
        """The stations that have a password."""
        return self._read(access.stations_with_password)

    def set_key(self, station: str, key: str) -> None:
        """Let a station in with this password, and with no other from now on."""
        password_hash = hashed(key)
        self._write(lambda connection: access.set_password(connection, station, password_hash)).result()

    def ensure_first_user(self) -> str | None:
        """Create the user ``admin`` if there is none at all; its password is returned this once, else None."""
        password = secrets.token_urlsafe(12)
        password_hash = hashed(password)
        created = self._write(lambda connection: access.add_first_user(connection, password_hash)).result()
        return password if created else None

    def check_user(self, name: str, password: str) -> str | None:
        """The role of the user, or None when name or password is wrong."""
        return self._read(lambda connection: access.find_role(connection, name, password))
