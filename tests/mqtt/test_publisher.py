"""The publisher and a real Mosquitto."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.clock import SystemClock
from adapters.mqtt import publisher as publishing
from adapters.mqtt.publisher import EVENTS_KEPT, MqttPublisher
from controller.plan import Event, Severity
from controller.ports.tick import Tick
from tests.support.meters import Events
from tests.support.mosquitto import Listener, Mosquitto, mosquitto
from tests.support.processes import free_port, program, until
from tests.support.web import Seen, made_tick, small_site

SITE = small_site()
HQ = "loadstar/hq"


@pytest.fixture(autouse=True)
def _soon_stable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "STABLE_S", 0.2)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
def events() -> Events:
    return Events()


def a_publisher(url: str, events: Events) -> MqttPublisher:
    return MqttPublisher(url=url, site=SITE, clock=SystemClock(), on_event=events)


def a_tick(limit_a: float = 10.0, second: float = 0.0) -> Tick:
    return made_tick(SITE, second, {"P01": Seen(limit_a=limit_a)})


@asynccontextmanager
async def running(publisher: MqttPublisher) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(publisher.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_values_are_published_and_retained(broker: Mosquitto, events: Events):
    publisher = a_publisher(broker.url, events)
    publisher.publish(a_tick())
    async with running(publisher):
        async with Listener(broker, f"{HQ}/#") as live:
            await live.sees(lambda seen: f"{HQ}/state" in seen, "the document")
        async with Listener(broker, f"{HQ}/#") as later:
            await later.sees(lambda seen: live.latest.items() <= seen.items(), "all that was published, retained")
            await later.sees(lambda seen: seen.get(f"{HQ}/status") == "online", "the status")
            assert later.latest[f"{HQ}/point/P01/limit_a"] == "10.0"
            assert later.latest[f"{HQ}/point/P01/state"] == "charging"
            assert later.latest[f"{HQ}/meter/grid/l1_a"] == "23.8"
            assert f"{HQ}/point/P02/session/energy_wh" not in later.latest
            assert json.loads(later.latest[f"{HQ}/state"])["point"]["P01"]["limit_a"] == 10.0
            assert all(message.retain for message in later.messages)
    assert events == []


async def test_only_what_has_changed_is_sent(broker: Mosquitto, events: Events):
    publisher = a_publisher(broker.url, events)
    publisher.publish(a_tick())
    async with Listener(broker, f"{HQ}/#") as listener, running(publisher):
        await listener.sees(lambda seen: f"{HQ}/state" in seen, "the document, which comes after the values")
        listener.messages.clear()
        publisher.publish(a_tick(limit_a=8.5))
        await listener.sees(lambda seen: seen[f"{HQ}/point/P01/limit_a"] == "8.5", "the change")
        publisher.publish(a_tick(limit_a=9.0))
        await listener.sees(lambda seen: seen[f"{HQ}/point/P01/limit_a"] == "9.0", "the next change")
        values = {message.topic.value for message in listener.messages} - {f"{HQ}/state"}
        assert values == {f"{HQ}/point/P01/limit_a"}


async def test_a_session_that_ends_is_taken_off_its_topics(broker: Mosquitto, events: Events):
    publisher = a_publisher(broker.url, events)
    publisher.publish(a_tick())
    energy = f"{HQ}/point/P01/session/energy_wh"
    async with running(publisher), Listener(broker, f"{HQ}/#") as listener:
        await listener.sees(lambda seen: seen.get(energy) == "5300", "the session")
        publisher.publish(made_tick(SITE, 1.0, {}))
        await listener.sees(lambda seen: energy not in seen, "the end of the session")


async def test_what_an_earlier_life_left_behind_is_taken_away(broker: Mosquitto, events: Events):
    stale = f"{HQ}/point/P02/session/energy_wh"
    async with broker.client() as client:
        await client.publish(stale, "777", retain=True, qos=1)
    async with Listener(broker, f"{HQ}/#") as listener:
        await listener.sees(lambda seen: seen.get(stale) == "777", "the old value")
        publisher = a_publisher(broker.url, events)
        publisher.publish(a_tick())
        async with running(publisher):
            await listener.sees(lambda seen: stale not in seen, "its end")


async def test_the_whole_document_comes_at_most_once_a_second_and_the_last_one_always(
    broker: Mosquitto, events: Events
):
    publisher = a_publisher(broker.url, events)
    async with running(publisher), Listener(broker, f"{HQ}/#") as listener:
        for n in range(30):
            publisher.publish(a_tick(limit_a=6.0 + n))
            await listener.sees(lambda seen, n=n: seen.get(f"{HQ}/point/P01/limit_a") == str(6.0 + n), "a tick")
        await listener.sees(
            lambda seen: (
                json.loads(seen.get(f"{HQ}/state", '{"point": {"P01": {"limit_a": 0}}}'))["point"]["P01"]["limit_a"]
                == 35.0
            ),
            "the newest document",
        )
        assert len(listener.payloads(f"{HQ}/state")) < 30


async def test_home_assistant_finds_the_site_and_its_points(broker: Mosquitto, events: Events):
    publisher = a_publisher(broker.url, events)
    found = "homeassistant/device/loadstar_hq"
    async with running(publisher), Listener(broker, "homeassistant/#") as listener:
        await listener.sees(lambda seen: f"{found}_P02/config" in seen, "every point")
    site, point = (json.loads(listener.latest[f"{found}{which}/config"]) for which in ("", "_P01"))
    assert point["device"]["via_device"] in site["device"]["identifiers"]
    assert site["components"]["meter_grid_l1_a"] == {
        "unique_id": "loadstar_hq_meter_grid_l1_a",
        "platform": "sensor",
        "name": "grid l1 current",
        "state_topic": f"{HQ}/meter/grid/l1_a",
        "device_class": "current",
        "state_class": "measurement",
        "unit_of_measurement": "A",
    }
    assert point["components"]["session_energy_wh"]["state_class"] == "total_increasing"
    assert point["components"]["limit_a_set"]["command_topic"] == f"{HQ}/point/P01/limit_a/set"
    for device in (site, point):
        assert device["availability"][0]["topic"] == f"{HQ}/status"
        assert device["origin"]["name"] == "Loadstar"
        ids = [component["unique_id"] for component in device["components"].values()]
        assert len(set(ids)) == len(ids)


async def test_events_are_published_and_not_retained(broker: Mosquitto, events: Events):
    publisher = a_publisher(broker.url, events)
    async with running(publisher), Listener(broker, f"{HQ}/event") as listener:
        publisher.publish_event(Event("meter_lost", "meter:grid", "no answer", Severity.ALARM, a_tick().at))
        await listener.sees(lambda seen: seen, "the event")
        assert json.loads(listener.latest[f"{HQ}/event"]) == {
            "at": "2026-11-20T09:00:00Z",
            "kind": "meter_lost",
            "subject": "meter:grid",
            "severity": "alarm",
            "message": "no answer",
        }
        async with Listener(broker, f"{HQ}/#") as later:
            await later.sees(lambda seen: f"{HQ}/status" in seen, "retained values")
            assert f"{HQ}/event" not in later.latest


async def test_a_broker_that_restarts_gets_everything_again(broker: Mosquitto, events: Events):
    publisher = a_publisher(broker.url, events)
    publisher.publish(a_tick())
    async with running(publisher):
        async with Listener(broker, f"{HQ}/#") as listener:
            await listener.sees(lambda seen: f"{HQ}/state" in seen, "the first tick")
            broker.stop()  # it forgets what it retained
        second = 0.0
        while not events:
            second += 1.0
            publisher.publish(a_tick(second=second))
            await asyncio.sleep(0.05)
        for n in range(EVENTS_KEPT + 50):
            publisher.publish_event(Event("test", f"number:{n}", "while away"))
        publisher.publish(a_tick(limit_a=7.0))
        broker.start()
        async with Listener(broker, f"{HQ}/#") as listener:
            await listener.sees(lambda seen: seen.get(f"{HQ}/point/P01/limit_a") == "7.0", "the newest tick")
            await listener.sees(lambda seen: seen.get(f"{HQ}/status") == "online", "the status")
            await listener.sees(lambda seen: f"{HQ}/point/P04/state" in seen, "what has not changed")
        while "mqtt_back" not in events.kinds:
            publisher.publish(a_tick(limit_a=7.0))
            await asyncio.sleep(0.05)
    assert events.kinds == ["mqtt_lost", "mqtt_back"]


async def test_while_the_broker_is_away_little_is_kept(events: Events):
    publisher = a_publisher(f"mqtt://127.0.0.1:{free_port()}", events)
    async with running(publisher):
        await until(lambda: events, "the loss to be noticed")
        for n in range(1000):
            publisher.publish(a_tick(second=float(n)))
            publisher.publish_event(Event("test", f"number:{n}", "while away"))
        assert len(publisher._events) == EVENTS_KEPT
        assert publisher._events[-1].subject == "number:999"
    assert events.kinds == ["mqtt_lost"]


async def test_events_from_an_outage_arrive_in_order(broker: Mosquitto, events: Events):
    broker.stop()
    publisher = a_publisher(broker.url, events)
    async with running(publisher):
        await until(lambda: events, "the loss to be noticed")
        for n in range(5):
            publisher.publish_event(Event("test", f"number:{n}", "while away"))
        broker.start()
        async with Listener(broker, f"{HQ}/event") as listener:
            for n in range(5):
                publisher.publish_event(Event("test", f"after:{n}", "listened to"))
            await listener.sees(lambda seen: "after:4" in seen.get(f"{HQ}/event", ""), "the last event")
    subjects = [json.loads(payload)["subject"] for payload in listener.payloads(f"{HQ}/event")]
    assert subjects[-5:] == [f"after:{n}" for n in range(5)]
    # What came before the listener stood is not retained; what it did hear is in order and without gaps.
    assert subjects == [*(f"number:{n}" for n in range(5)), *(f"after:{n}" for n in range(5))][-len(subjects) :]


async def test_a_publisher_that_dies_is_offline_by_its_last_will(broker: Mosquitto, events: Events):
    publisher = a_publisher(broker.url, events)
    async with Listener(broker, f"{HQ}/status") as listener:
        async with running(publisher):
            await listener.sees(lambda seen: seen.get(f"{HQ}/status") == "online", "the publisher")
        await listener.sees(lambda seen: seen.get(f"{HQ}/status") == "offline", "the goodbye")
        script = Path(__file__).with_name("dying_publisher.py")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(script),
            broker.url,
        )
        try:
            await listener.sees(lambda seen: seen.get(f"{HQ}/status") == "online", "the other process")
        finally:
            process.kill()
            await process.wait()
        await listener.sees(lambda seen: seen.get(f"{HQ}/status") == "offline", "the last will")


async def test_a_broker_that_takes_connections_and_says_nothing_disturbs_nobody(
    events: Events, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("adapters.broker.TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        publisher = a_publisher(f"mqtt://127.0.0.1:{silent.getsockname()[1]}", events)
        async with running(publisher) as task:
            publisher.publish(a_tick())
            await until(lambda: events, "the loss to be noticed")
            assert not task.done()
    assert events.kinds == ["mqtt_lost"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    directory = tmp_path_factory.mktemp("tls")
    certificate, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(
        [
            program("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return certificate, key


@pytest.fixture
def tls_broker(tmp_path: Path, certificate: tuple[Path, Path]) -> Iterator[Mosquitto]:
    passwords = tmp_path / "passwords"
    tool = program("mosquitto_passwd", "mosquitto")
    subprocess.run([tool, "-b", "-c", str(passwords), "hq", "s3cret"], check=True)
    lines = f"certfile {certificate[0]}\nkeyfile {certificate[1]}\npassword_file {passwords}"
    with mosquitto(tmp_path, lines, anonymous=False) as running:
        yield running


async def test_tls_and_a_password(
    tls_broker: Mosquitto, certificate: tuple[Path, Path], events: Events, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    publisher = a_publisher(f"mqtts://hq:s3cret@localhost:{tls_broker.port}", events)
    publisher.publish(a_tick())
    async with running(publisher):
        trusting = ssl.create_default_context(cafile=str(certificate[0]))
        options = {"username": "hq", "password": "s3cret", "tls_context": trusting}
        async with Listener(tls_broker, f"{HQ}/#", host="localhost", **options) as listener:
            await listener.sees(lambda seen: seen.get(f"{HQ}/point/P01/limit_a") == "10.0", "the values")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves that socket to the gc
async def test_a_broker_with_an_unknown_certificate_is_not_trusted(tls_broker: Mosquitto, events: Events):
    publisher = a_publisher(f"mqtts://hq:s3cret@localhost:{tls_broker.port}", events)
    async with running(publisher):
        await until(lambda: events, "the refusal")
    gc.collect()
    assert "certificate" in events[0].message.lower()
    assert "s3cret" not in events[0].message


async def test_a_reading_that_vanishes_is_taken_off_its_topics(broker: Mosquitto, events: Events):
    publisher = a_publisher(broker.url, events)
    publisher.publish(a_tick())
    async with running(publisher), Listener(broker, f"{HQ}/meter/#") as listener:
        await listener.sees(lambda seen: f"{HQ}/meter/grid/l3_a" in seen, "the meter")
        publisher.publish(replace(a_tick(second=1.0), meters={}))
        await listener.sees(lambda seen: not seen, "its end")
