"""A meter on MQTT, with a real Mosquitto between it and us."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import aiomqtt
import pytest

from adapters.clock import SystemClock
from adapters.metering.messages import Quantity
from adapters.metering.mqtt import MqttMeter
from controller.snapshot import Reading
from tests.support.meters import Events, running
from tests.support.mosquitto import Mosquitto, mosquitto
from tests.support.processes import free_port, program, until

CLOCK = SystemClock()
TOPIC = "meters/grid"
QUANTITIES = {f"l{n}_a": Quantity(TOPIC, f"l{n}.current") for n in (1, 2, 3)}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
def events() -> Events:
    return Events()


def made_meter(
    url: str, events: Events, timestamp_path: str | None = None, quantities: dict[str, Quantity] | None = None
) -> MqttMeter:
    return MqttMeter(
        id="grid",
        url=url,
        quantities=quantities or QUANTITIES,
        timestamp_path=timestamp_path,
        clock=CLOCK,
        on_event=events,
        ceiling_a=630.0,
    )


def now(meter: MqttMeter) -> Reading | None:
    return meter.reading(CLOCK.now(), CLOCK.monotonic_s())


def payload(current_a: float, age_s: float = 0.0) -> str:
    stamp = datetime.now(UTC) - timedelta(seconds=age_s)
    return json.dumps({"time": stamp.isoformat(), **{f"l{n}": {"current": current_a} for n in (1, 2, 3)}})


class Publisher:
    """The device: says the same again and again, as meters do, whatever becomes of the broker."""

    def __init__(self, broker: Mosquitto) -> None:
        self.current_a = 10.0
        self.raw: str | None = None
        self._broker = broker

    async def _run(self) -> None:
        while True:
            try:
                async with self._broker.client() as client:
                    while True:
                        await client.publish(TOPIC, self.raw or payload(self.current_a))
                        await asyncio.sleep(0.05)
            except aiomqtt.MqttError:
                await asyncio.sleep(0.1)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_values_on_a_topic_become_readings(broker: Mosquitto, events: Events):
    meter = made_meter(broker.url, events)
    assert now(meter) is None
    async with Publisher(broker) as device, running(meter):
        await until(lambda: now(meter), "the first reading")
        device.current_a = -4.5
        await until(lambda: (r := now(meter)) and r.current_a == (-4.5, -4.5, -4.5), "the new value")
    assert "meter_implausible" not in events.kinds


async def test_a_stale_retained_message_is_never_a_reading(broker: Mosquitto, events: Events):
    async with broker.client() as client:
        await client.publish(TOPIC, payload(99.0, age_s=3600), retain=True, qos=1)
    stamped, unstamped = made_meter(broker.url, events, timestamp_path="time"), made_meter(broker.url, Events())
    async with running(stamped), running(unstamped):
        await until(lambda: events, "the loss to be noticed")
        assert events.kinds == ["meter_lost"]
        assert f"{TOPIC}: its newest message is 36" in events[0].message
        assert now(stamped) is None
        assert now(unstamped) is None


async def test_a_fresh_retained_message_with_its_own_time_is_a_reading(broker: Mosquitto, events: Events):
    async with broker.client() as client:
        await client.publish(TOPIC, payload(12.0, age_s=-1.0), retain=True, qos=1)
    meter = made_meter(broker.url, events, timestamp_path="time")
    async with running(meter):
        await until(lambda: now(meter), "the reading")


async def test_a_broker_that_restarts_is_found_again(broker: Mosquitto, events: Events):
    meter = made_meter(broker.url, events)
    async with Publisher(broker) as device, running(meter):
        await until(lambda: now(meter), "the first reading")
        broker.stop()
        await until(lambda: "meter_lost" in events.kinds, "the loss to be noticed")
        broker.start()
        device.current_a = 20.0
        await until(lambda: (r := now(meter)) and r.current_a[0] == 20.0, "a reading after the restart")
        await until(lambda: "meter_back" in events.kinds, "the return to be noticed")
    assert events.kinds == ["meter_lost", "meter_back"]


async def test_a_broker_that_is_not_there_at_first_is_found_later(broker: Mosquitto, events: Events):
    broker.stop()
    meter = made_meter(broker.url, events)
    async with Publisher(broker), running(meter):
        await until(lambda: events, "the loss to be noticed")
        assert f"broker 127.0.0.1:{broker.port}" in events[0].message
        broker.start()
        await until(lambda: now(meter), "the first reading")


async def test_nonsense_is_refused_and_told_once(broker: Mosquitto, events: Events):
    meter = made_meter(broker.url, events)
    async with Publisher(broker) as device, running(meter):
        await until(lambda: now(meter), "the first reading")
        device.raw = '{"l1": '
        await until(lambda: events, "the refusal")
        device.raw = '{"l1": {"current": "broken"}}'
        await asyncio.sleep(0.5)  # several more refusals, for another reason
        assert events.kinds == ["meter_implausible"]
        assert events[0].message == "meter grid: meters/grid: not a number or a JSON document"
        device.raw = None
        await until(lambda: len(events) > 1, "the meter to be believed again")
        assert events.kinds == ["meter_implausible", "meter_back"]


async def test_a_clock_that_runs_ahead_is_refused(broker: Mosquitto, events: Events):
    meter = made_meter(broker.url, events, timestamp_path="time")
    async with Publisher(broker) as device, running(meter):
        device.raw = payload(10.0, age_s=-3600)
        await until(lambda: any("in the future" in event.message for event in events), "the refusal")
        device.raw = None
        await until(lambda: now(meter), "a reading")


async def test_quantities_may_come_on_topics_of_their_own(broker: Mosquitto, events: Events):
    quantities = {f"l{n}_a": Quantity(f"grid/l{n}/current") for n in (1, 2, 3)}
    quantities |= {f"l{n}_v": Quantity("grid/voltages", f"[{n - 1}]") for n in (1, 2, 3)}
    quantities |= {f"l{n}_w": Quantity(f"grid/l{n}/power") for n in (1, 2, 3)}
    meter = made_meter(broker.url, events, quantities=quantities)
    async with running(meter), broker.client() as client:
        while now(meter) is None:
            await client.publish("grid/voltages", "[231, 229.5, 230]")
            for n, current_a in enumerate((5.0, 6.0, 7.0), start=1):
                await client.publish(f"grid/l{n}/power", str(-228 * current_a if n == 2 else 228 * current_a))
                await client.publish(f"grid/l{n}/current", str(current_a))
            await asyncio.sleep(0.05)
        reading = now(meter)
        assert reading is not None
        assert reading.current_a == (5.0, -6.0, 7.0)
        assert reading.voltage_v == (231.0, 229.5, 230.0)


async def test_a_broker_with_passwords_lets_in_who_knows_one(tmp_path: Path, events: Events):
    passwords = tmp_path / "passwords"
    tool = program("mosquitto_passwd", "mosquitto")
    subprocess.run(  # noqa: ASYNC221 - before anything runs
        [tool, "-b", "-c", str(passwords), "load@star", "p:ss/w rd"], check=True
    )
    with mosquitto(tmp_path, f"password_file {passwords}", anonymous=False) as broker:
        stranger, friend = Events(), Events()
        wrong = made_meter(f"mqtt://load%40star:guess@127.0.0.1:{broker.port}", stranger)
        right = made_meter(f"mqtt://load%40star:p%3Ass%2Fw%20rd@127.0.0.1:{broker.port}", friend)
        async with running(wrong), running(right), broker.client(username="load@star", password="p:ss/w rd") as client:
            while now(right) is None:
                await client.publish(TOPIC, payload(10.0))
                await asyncio.sleep(0.05)
            await until(lambda: stranger, "the refusal")
        assert "guess" not in stranger[0].message
        assert now(wrong) is None


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1883", "mqtt://", "127.0.0.1:1883", "mqtt://a..b", "mqtt://host:99999", "mqtt://host/topic"],
)
def test_a_wrong_url_is_refused_without_repeating_its_password(url: str):
    with pytest.raises(ValueError, match="expected mqtt://host:port") as refusal:
        made_meter(url.replace("://", "://user:secret@"), Events())
    assert "secret" not in str(refusal.value)


def test_wrong_quantities_are_refused_together():
    with pytest.raises(ValueError, match=r"at least one of l1_a.*quantities\.l9_a: unknown quantity"):
        made_meter(f"mqtt://127.0.0.1:{free_port()}", Events(), quantities={"l9_a": Quantity("a", "b")})
