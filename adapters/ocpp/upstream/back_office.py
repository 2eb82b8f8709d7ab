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
