"""What is entered on a charger so that it finds its way here, and whether it has."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from controller.site import Site

KEY_BYTES: Final = 16
"""In hexadecimal digits a key fits OCPP 1.6 (security whitepaper: at most 20 bytes) and 2.x (16 to 40 characters)."""


class View(Protocol):
    """A station as the central system sees it."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def online(self) -> bool: ...  # noqa: D102
    @property
    def vendor(self) -> str | None: ...  # noqa: D102
    @property
    def model(self) -> str | None: ...  # noqa: D102
    @property
    def firmware(self) -> str | None: ...  # noqa: D102
    @property
    def protocol(self) -> str | None: ...  # noqa: D102


class Keys(Protocol):
    """Where the keys of stations are kept, hashed. Blocks for tens of milliseconds; for any thread."""

    def stations_with_key(self) -> frozenset[str]:
        """Those that have one."""
        ...

    def set_key(self, station: str, key: str) -> None:
        """Let a station in with this key, and with no other from now on."""
        ...


@dataclass(frozen=True, slots=True)
class StationSeen:
    """One station of the site."""

    id: str
    points: tuple[str, ...]
    url: str
    """What is entered on it."""
    has_key: bool
    view: View | None

    @property
    def heard(self) -> bool:
        """Whether it has been here since the start of the service."""
        return self.view is not None and (self.view.online or self.view.protocol is not None)


class Onboarding:
    """Brings the stations of one site in.

    Args:
        site: names them.
        views: what the central system sees.
        keys: where keys are kept.
        scheme: ``ws`` or ``wss``.
        port: where stations connect.
        open_to_all: stations need no key (laboratory mode).
    """

    def __init__(
        self,
        site: Site,
        views: Callable[[], Sequence[View]],
        keys: Keys,
        *,
        scheme: str,
        port: Callable[[], int],
        open_to_all: bool,
    ) -> None:
        self._site, self._views, self._keys = site, views, keys
        self._scheme, self._port = scheme, port
        self.open_to_all = open_to_all

    def stations(self, host: str) -> list[StationSeen]:
        """Every station of the site, in the order of the site file.

        Args:
            host: the name by which this machine is known to who asks.
        """
        views, with_key = {view.id: view for view in self._views()}, self._keys.stations_with_key()
        points: dict[str, list[str]] = {}
        for point in self._site.points:
            points.setdefault(point.station, []).append(point.id)
        named = f"[{host}]" if ":" in host else host
        return [
            StationSeen(
                station,
                tuple(at),
                f"{self._scheme}://{named}:{self._port()}/ocpp/{station}",
                station in with_key,
                views.get(station),
            )
            for station, at in points.items()
        ]

    def new_key(self, station: str) -> str:
        """A new key of a station; the one before it is of no use from now on. It is told this once.

        Raises:
            KeyError: the site has no such station.
            LedgerUnavailable: it could not be kept.
        """
        if station not in {point.station for point in self._site.points}:
            raise KeyError(station)
        key = secrets.token_hex(KEY_BYTES)
        self._keys.set_key(station, key)
        return key
