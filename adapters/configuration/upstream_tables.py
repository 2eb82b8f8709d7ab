"""The tables of back offices, as they are written."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from adapters.configuration.values import Id, Identity, TokenName, Variable, WebSocketUrl
from adapters.strict import StrictModel


class UpstreamTable(StrictModel):
    """A back office that is told of charging, and may act on it."""

    id: Id
    """Name of the back office."""
    url: WebSocketUrl
    """ws:// or wss://; the identity is appended to it."""
    mode: Literal["forward", "hub"] = "forward"
    """forward: each station is seen as itself. hub: all points are connectors of one station."""
    identity: Identity | None = None
    """Identity of the one station; hub mode only."""
    version: Literal["1.6", "2.0.1", "2.1"] = "1.6"
    """Version of OCPP that is spoken in hub mode; in forward mode it is the station's own."""
    role: Literal["primary", "secondary"] = "primary"
    """primary: its answers reach the chargers. secondary: it only receives."""
    points: list[Id] | None = Field(default=None, min_length=1)
    """The points that it sees; in hub mode their order gives the connectors 1, 2, ...; default: all."""
    tokens: list[TokenName] | None = Field(default=None, min_length=1)
    """It answers for these tokens and their transactions only, beside the primary that answers for the rest: uids, or
    beginnings of uids with * at the end (upper and lower case are the same); forward mode only."""
    groups: list[Id] | None = Field(default=None, min_length=1)
    """Likewise for the tokens of these groups."""
    password_env: Variable | None = None
    """Name of the environment variable that holds the password of Basic authentication."""
    tls_authorities: str | None = Field(default=None, min_length=1)
    """PEM file with whom to trust for wss; default: whom the system trusts."""
    tls_certificate: str | None = Field(default=None, min_length=1)
    """PEM file with the certificate that is shown to it; default: none."""
    tls_key: str | None = Field(default=None, min_length=1)
    """PEM file with the key of that certificate."""
    when_away: Literal["keep_local", "spec_close"] = "keep_local"
    """keep_local: while it is away the chargers stay connected and are answered here. spec_close: their connections are
    closed, as OCPP 2.0.1 part 4 §6.3 asks."""
    authorise_away: Literal["known", "all", "none"] = "known"
    """Who may charge while it is away: tokens that are known here or were accepted by it, everybody, or nobody."""
