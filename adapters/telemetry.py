"""The part of the composition root that tells others what goes on: the site file's MQTT broker and InfluxDB."""

from __future__ import annotations

from adapters.configuration import Configuration
from adapters.influx import InfluxWriter
from adapters.mqtt.publisher import MqttPublisher
from adapters.on_loop import OnLoop
from controller.plan import Event
from controller.ports.common import Clock, EventSink
from controller.ports.tick import Tick


class Telemetry:
    """The telemetry of one site; made on the control loop's thread.

    Args:
        configuration: a checked site.
        clock: time.
        on_event: hears when a server is lost and when it is back.
        on_loop: the way to the event loop that ``run`` runs on.
    """

    def __init__(self, configuration: Configuration, clock: Clock, on_event: EventSink, on_loop: OnLoop) -> None:
        site, influx = configuration.site, configuration.influx
        self._on_loop = on_loop
        self._mqtt: MqttPublisher | None = None
        self._influx: InfluxWriter | None = None
        if configuration.mqtt_url is not None:
            self._mqtt = MqttPublisher(url=configuration.mqtt_url, site=site, clock=clock, on_event=on_event)
        if influx is not None:
            self._influx = InfluxWriter(
                url=influx.url,
                org=influx.org,
                bucket=influx.bucket,
                token=influx.token,
                site=site,
                on_event=on_event,
            )

    async def run(self) -> None:
        """Publish until cancelled, where there is a broker."""
        if self._mqtt is not None:
            await self._mqtt.run()

    def publish(self, tick: Tick) -> None:
        """Tell of a turn of the control loop; on its thread. Returns at once."""
        if self._mqtt is not None:
            self._mqtt.publish(tick)
        if self._influx is not None:
            self._influx.write(tick)

    def report(self, event: Event) -> None:
        """Tell of an event; from any thread. Returns at once."""
        if self._mqtt is not None:
            self._on_loop.call(self._mqtt.publish_event, event)

    def close(self) -> None:
        """Write what is left; blocks for a few seconds at the most."""
        if self._influx is not None:
            self._influx.close()
