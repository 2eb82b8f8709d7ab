"""The part of the composition root that constructs meters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from adapters.configuration import Meter, ModbusTcpMeter, P1Meter
from adapters.metering.messages import Quantity
from adapters.metering.modbus_tcp import ModbusTcpMeter as ModbusTcp
from adapters.metering.mqtt import MqttMeter
from adapters.metering.p1 import P1Meter as P1Port
from adapters.metering.p1_line import SerialLine, TcpLine
from adapters.mqtt.commands import SET
from adapters.mqtt.topics import topic
from controller.ports import devices
from controller.ports.common import Clock, EventSink
from controller.site import Site

CEILING: Final = 10.0
"""No meter can see more than this many times the rating of the grid connection: the fuse would be long gone."""


def made_meter(
    meter: Meter, site: Site, clock: Clock, on_event: EventSink, on_reading: Callable[[], None]
) -> devices.Meter:
    """A meter of the site file; it reads itself once it runs.

    Args:
        meter: its table.
        site: what it measures.
        clock: time.
        on_event: hears of trouble and its end.
        on_reading: called after each reading.
    """
    shared: dict[str, Any] = {
        "id": meter.id,
        "clock": clock,
        "on_event": on_event,
        "on_reading": on_reading,
        "ceiling_a": CEILING * _rating_a(site),
        "nominal_voltage_v": site.nominal_voltage_v,
    }
    if isinstance(meter, ModbusTcpMeter):
        return ModbusTcp(
            host=meter.host, port=meter.port, unit=meter.unit, model=meter.model, poll_s=meter.poll_s, **shared
        )
    if isinstance(meter, P1Meter):
        line = SerialLine(meter.device) if meter.device else TcpLine(meter.host or "", meter.port or 0)
        return P1Port(line=line, **shared)
    if meter.quantities is None:
        return MqttMeter(url=meter.url, quantities=None, said_on=topic(site.id, "meter", meter.id, SET), **shared)
    quantities = {name: Quantity(q.topic, q.path) for name, q in meter.quantities.items()}
    return MqttMeter(url=meter.url, quantities=quantities, timestamp_path=meter.timestamp_path, **shared)


def _rating_a(site: Site) -> float:
    return max(max(circuit.fuse_a) for circuit in site.circuits if circuit.parent is None)
