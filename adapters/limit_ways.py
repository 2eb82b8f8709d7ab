"""The part of the composition root that brings in what others say: who may set limits, and what listens for them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from adapters.configuration import Configuration, LimitInput
from adapters.configuration.peak_assembly import SCHEDULE
from adapters.limits.limiting import Admission, Limits, Way, full_power_w
from adapters.limits.scheduled import ScheduledLimits
from adapters.metering.contact import ModbusContact
from adapters.mqtt.commands import LimitSink, MqttCommands, limit_commands, point_commands, price_command
from controller.peakshave.grid_operator import Rules
from controller.ports.common import Clock, EventSink


def admission(configuration: Configuration) -> Admission:
    """Who may set limits by which way, as the site file has it."""
    grid_operator, site = configuration.grid_operator, configuration.site
    sources = {source.id: source for source in grid_operator.sources}
    by = {
        Way.REST: grid_operator.rest,
        Way.MQTT: frozenset({grid_operator.mqtt} if grid_operator.mqtt else ()),
        Way.INPUT: frozenset(row.source for row in grid_operator.inputs),
        Way.SCHEDULE: frozenset({SCHEDULE} & sources.keys()),
    }
    return Admission(Rules(sources, full_power_w(site), grid_operator.release_s), by)


def listeners(
    configuration: Configuration, limits: Limits, clock: Clock, on_event: EventSink
) -> Iterator[Coroutine[Any, Any, None]]:
    """What listens for limits besides the REST API; each runs until it is cancelled."""
    settings, site = configuration.grid_operator, configuration.site
    for row in settings.inputs:
        yield _contact(row, limits, clock, on_event).run()
    if (path := settings.schedule_file) is not None:
        schedule = ScheduledLimits(path, SCHEDULE, site=site, limits=limits, clock=clock, on_event=on_event)
        yield schedule.run()


@dataclass(frozen=True, slots=True)
class Said:
    """Who takes what is said by MQTT."""

    limits: Limits
    point_limit: LimitSink
    prices: Callable[[bytes], None]


def commands(configuration: Configuration, said: Said, clock: Clock, on_event: EventSink) -> MqttCommands | None:
    """What listens for commands by MQTT; None where there is no broker."""
    if configuration.mqtt_url is None:
        return None
    source = configuration.grid_operator.mqtt
    topics = point_commands(configuration.site, said.point_limit)
    if source is not None:
        topics |= limit_commands(configuration.site, partial(_say, said.limits, source))
    if configuration.prices_by_mqtt:
        topics |= price_command(configuration.site, said.prices)
    return MqttCommands(url=configuration.mqtt_url, topics=topics, clock=clock, on_event=on_event)


def _say(limits: Limits, source: str, circuit: str, limit_w: float | None) -> None:
    limits.say(source, circuit, limit_w, Way.MQTT)


def _contact(row: LimitInput, limits: Limits, clock: Clock, on_event: EventSink) -> ModbusContact:
    return ModbusContact(
        name=row.source,
        host=row.host,
        port=row.port,
        unit=row.unit,
        kind=row.kind,
        address=row.address,
        poll_s=row.poll_s,
        clock=clock,
        on_event=on_event,
        on_read=partial(_say_contact, limits, row),
    )


def _say_contact(limits: Limits, row: LimitInput, closed: bool) -> None:
    limit_w = row.limit_w if closed == row.closed else None
    limits.say(row.source, row.circuit, limit_w, Way.INPUT, f"{row.host}:{row.port}")
