"""The ``[[meters]]`` of a site file: one table for each kind."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from adapters.configuration.values import Host, Id, JsonPath, MqttUrl, Port, Topic
from adapters.strict import StrictModel

LATER_METERS: Final = ("modbus_rtu",)
"""Kinds of meters, likewise."""


def _device(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError("expected the path of a serial device, such as /dev/ttyUSB0")
    return path


class QuantityTable(StrictModel):
    """Where one quantity of an MQTT meter is found."""

    topic: Topic
    """Topic of the message."""
    path: JsonPath = ""
    """Way to the number in a JSON payload, such as data.l1.current or phases[0].a; empty: the payload is the number."""


class QuantitiesTable(StrictModel):
    """The quantities of an MQTT meter: the currents, and more where it tells more."""

    l1_a: QuantityTable
    """Current of L1 [A], import positive."""
    l2_a: QuantityTable
    """Current of L2 [A]."""
    l3_a: QuantityTable
    """Current of L3 [A]."""
    l1_v: QuantityTable | None = None
    """Voltage of L1 to neutral [V]."""
    l2_v: QuantityTable | None = None
    """Voltage of L2 to neutral [V]."""
    l3_v: QuantityTable | None = None
    """Voltage of L3 to neutral [V]."""
    l1_w: QuantityTable | None = None
    """Active power of L1 [W], import positive."""
    l2_w: QuantityTable | None = None
    """Active power of L2 [W]."""
    l3_w: QuantityTable | None = None
    """Active power of L3 [W]."""
    l1_pf: QuantityTable | None = None
    """Power factor of L1."""
    l2_pf: QuantityTable | None = None
    """Power factor of L2."""
    l3_pf: QuantityTable | None = None
    """Power factor of L3."""
    total_w: QuantityTable | None = None
    """Active power of all phases together [W]."""
    frequency_hz: QuantityTable | None = None
    """Frequency of the grid [Hz]."""
    demand_w: QuantityTable | None = None
    """The meter's own count of the running quarter of an hour: energy so far over the whole quarter [W]."""
    month_peak_w: QuantityTable | None = None
    """The meter's own highest quarter of the running month [W]; needs demand_w."""


class ModbusTcpMeterTable(StrictModel):
    """A meter that is read over Modbus TCP."""

    id: Id
    """Name of the meter."""
    kind: Literal["modbus_tcp"]
    """Kind of meter."""
    host: Host
    """Address of the meter or of its gateway."""
    port: Port = 502
    """TCP port."""
    unit: int = Field(1, ge=0, le=255)
    """Modbus unit identifier."""
    model: str
    """Model of the meter: the register map to use."""
    poll_s: float = Field(1.0, ge=0.1, le=3.0)
    """Time between two readings [s]; a reading older than 3 s counts as lost."""


class SunSpecMeterTable(StrictModel):
    """A SunSpec meter over Modbus TCP, such as those of many inverters: it says itself where its registers are."""

    id: Id
    """Name of the meter."""
    kind: Literal["sunspec"]
    """Kind of meter."""
    host: Host
    """Address of the meter, or of the inverter that it belongs to."""
    port: Port = 502
    """TCP port."""
    unit: int = Field(1, ge=0, le=255)
    """Modbus unit identifier."""
    poll_s: float = Field(1.0, ge=0.1, le=3.0)
    """Time between two readings [s]; a reading older than 3 s counts as lost."""


class MqttMeterTable(StrictModel):
    """A meter whose values arrive over MQTT."""

    id: Id
    """Name of the meter."""
    kind: Literal["mqtt"]
    """Kind of meter."""
    url: MqttUrl | None = None
    """The broker; default: that of [mqtt]."""
    timestamp_path: JsonPath | None = None
    """Way to the time of measurement in each JSON payload; without it the arrival counts."""
    quantities: QuantitiesTable | None = None
    """Where each quantity is found; without it, energy systems say whole readings on `meter/<id>/set`."""


class P1MeterTable(StrictModel):
    """A smart meter's P1 port (DSMR 4 and later, Belgium included): by host and port, or by device."""

    id: Id
    """Name of the meter."""
    kind: Literal["p1"]
    """Kind of meter."""
    host: Host | None = None
    """Address of a bridge that sends the telegrams to whoever connects, such as ser2net."""
    port: Port | None = None
    """Its TCP port."""
    device: Annotated[str, AfterValidator(_device)] | None = None
    """Path of a serial device with a P1 cable, such as /dev/ttyUSB0."""


MeterTable = Annotated[
    ModbusTcpMeterTable | SunSpecMeterTable | MqttMeterTable | P1MeterTable, Field(discriminator="kind")
]
