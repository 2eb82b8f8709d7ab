"""A back office, and what is needed to deal with it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

from adapters.ocpp.surroundings import Premises
from controller.away import AuthoriseAway, UpstreamMemory
from controller.hub_satellite.outbox import Outbox
from controller.ports.devices import FrameSink


@dataclass(frozen=True, slots=True)
class BackOffice:
    """Who is told of charging, and how it is reached."""

    id: str
    url: str
    """ws:// or wss://; an identity is appended."""
    primary: bool = True
    """Whether its answers reach the chargers."""
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    keep_local: bool = True
    """Whether chargers stay connected while it is away."""
    authorise_away: AuthoriseAway = AuthoriseAway.KNOWN
    version: str = "1.6"
    """Spoken as long as the station has not shown what it speaks."""
    tokens: tuple[str, ...] = ()
    """Whose it answers for; ``*`` ends what is only a beginning."""
    groups: tuple[str, ...] = ()
    """Of tokens that the site knows, likewise."""

    @property
    def by_token(self) -> bool:
        """Whether it answers for some tokens and their transactions only, beside the one that answers for the rest."""
        return bool(self.tokens or self.groups)

    @property
    def leads(self) -> bool:
        """Whether it is the one that answers for the station."""
        return self.primary and not self.by_token


@dataclass(frozen=True, slots=True)
class Desk:
    """What dealing with back offices rests on."""

    premises: Premises
    outbox: Outbox
    memory: UpstreamMemory
    on_frame: FrameSink | None = None
    """Told of every frame, under the name ``OFFICE:STATION``; ``IN`` is from the back office."""
    call_timeout_s: float = 30.0
    """How long a back office may take to answer."""


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A station's connection with a back office as pages and metrics see it."""

    upstream: str
    station: str
    primary: bool
    connected: bool
    ready: bool
    """Whether it takes messages: it has accepted the station."""
    trouble: str | None
    """Why there is no connection."""
