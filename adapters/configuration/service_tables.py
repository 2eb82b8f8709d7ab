"""The tables of a site file that say where the service listens, where it keeps things and whom it tells."""

from __future__ import annotations

from pydantic import Field

from adapters.configuration.values import Host, HttpUrl, ListeningPort, MqttUrl, StoreUrl, Variable
from adapters.strict import StrictModel


class OcppTable(StrictModel):
    """Where charging stations connect."""

    host: Host = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all."""
    port: ListeningPort = 9000
    """TCP port; 0 for any free one."""
    tls_certificate: str | None = None
    """Path of the certificate chain (PEM); with tls_key it makes the connection wss."""
    tls_key: str | None = None
    """Path of the certificate's private key (PEM)."""


class WebTable(StrictModel):
    """Where pages and the REST interface are served."""

    host: Host = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all."""
    port: ListeningPort = 8080
    """TCP port; 0 for any free one."""
    tls_certificate: str | None = None
    """Path of the certificate chain (PEM); with tls_key it makes the connection https."""
    tls_key: str | None = None
    """Path of the certificate's private key (PEM)."""


class StoreTable(StrictModel):
    """Where sessions are kept."""

    url: StoreUrl = "sqlite:///loadstar.db"
    """sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE."""


class MqttTable(StrictModel):
    """The MQTT broker to publish to."""

    url: MqttUrl
    """mqtt://HOST:1883 or mqtts://HOST:8883, with USER:PASSWORD@ before the host where the broker asks for them."""


class InfluxTable(StrictModel):
    """The InfluxDB to send telemetry to."""

    url: HttpUrl
    """Its address."""
    org: str = ""
    """Organisation."""
    bucket: str = Field("loadstar", min_length=1)
    """Bucket."""
    token_env: Variable | None = None
    """Name of the environment variable that holds the access token."""


class RecordingTable(StrictModel):
    """Keeps every decision with all that it saw, and the chargers' messages, so that `loadstar replay` can tell why."""

    directory: str = Field(min_length=1)
    """Folder of the recordings; it is made where it is missing."""
    keep_days: int = Field(7, ge=1, le=3650)
    """Recordings that began longer ago are deleted."""
