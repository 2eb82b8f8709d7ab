"""The web server on a real socket: streams, slow clients, start and stop."""

import contextlib
import gc
import json
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastapi.responses import PlainTextResponse

from adapters.live import Live
from adapters.web import server as server_module
from adapters.web import stream as stream_module
from adapters.web.server import STOP_TIMEOUT_S, ServerError, WebServer
from tests.support.web import HandClock, Seen, made_app, made_tick, small_site


class Running:
    """A server with a live site behind it."""

    def __init__(self) -> None:
        self.site = small_site()
        self.live = Live(self.site, HandClock())
        self.server = WebServer(made_app(self.site, self.live), "127.0.0.1", 0)

    def publish(self, second: float) -> None:
        self.live.publish(made_tick(self.site, second, {"P01": Seen(draw_a=second)}))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.port), timeout=30)


@pytest.fixture
def running():
    started = Running()
    started.server.start()
    yield started
    started.server.stop()


def ticks(response: httpx.Response):
    """The documents of a stream as they arrive."""
    for line in response.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def test_a_stream_begins_with_the_newest_tick_and_goes_on(running: Running):
    running.publish(1)
    with httpx.stream("GET", f"{running.url}/api/v1/stream", timeout=30) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        documents = ticks(response)
        first = next(documents)
        assert first == httpx.get(f"{running.url}/api/v1/site").json()
        running.publish(2)
        assert next(documents)["points"][0]["measured_a"] == [2, 2, 2]


def test_all_clients_get_every_tick_though_one_comes_late(running: Running):
    running.publish(1)
    url = f"{running.url}/api/v1/stream"
    with httpx.stream("GET", url, timeout=30) as early:
        watching = ticks(early)
        next(watching)
        running.publish(2)
        with httpx.stream("GET", url, timeout=30) as late:
            assert next(ticks(late))["points"][0]["measured_a"][0] in (1, 2)
            assert next(watching)["points"][0]["measured_a"] == [2, 2, 2]


def test_a_quiet_stream_beats_now_and_then(running: Running, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream_module, "HEARTBEAT_S", 0.3)
    with httpx.stream("GET", f"{running.url}/api/v1/stream", timeout=30) as response:
        assert any(line.startswith(":") for line in response.iter_lines())


def test_streams_have_a_bounded_number_of_places(running: Running, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream_module, "CLIENTS_MAX", 1)
    running.publish(1)
    url = f"{running.url}/api/v1/stream"
    with httpx.stream("GET", url, timeout=30) as response:
        documents = ticks(response)
        next(documents)
        refused = httpx.get(url)
        assert (refused.status_code, refused.json()) == (503, {"detail": "too many streams are open"})
        assert refused.headers["retry-after"]
    deadline = time.monotonic() + 30
    status = 503
    while status == 503 and time.monotonic() < deadline:
        with httpx.stream("GET", url, timeout=30) as again:
            status = again.status_code
    assert status == 200, "the place was not given free"


def test_our_own_bug_in_a_document_ends_the_streams_instead_of_freezing_them(
    running: Running, monkeypatch: pytest.MonkeyPatch
):
    running.publish(1)
    with httpx.stream("GET", f"{running.url}/api/v1/stream", timeout=30) as response:
        documents = ticks(response)
        next(documents)
        monkeypatch.setattr(running.live, "last_event_number", lambda: "no number")
        running.publish(3)
        with pytest.raises(httpx.RemoteProtocolError):
            list(documents)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
    ],
    ids=["silent", "half a head", "half a body"],
)
def test_a_request_that_does_not_arrive_is_cut_off(monkeypatch: pytest.MonkeyPatch, sent: bytes):
    monkeypatch.setattr(server_module, "REQUEST_TIMEOUT_S", 0.3)
    started = Running()
    started.server.start()
    try:
        with started.connect() as client:
            client.sendall(sent)
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(1000) == b""
        monkeypatch.undo()
        assert httpx.get(f"{started.url}/api/v1/site").status_code == 200
    finally:
        started.server.stop()


def test_a_kept_connection_is_guarded_again_at_its_next_request(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server_module, "REQUEST_TIMEOUT_S", 1.0)
    started = Running()
    started.server.start()
    try:
        with started.connect() as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while b"starting" not in answer:
                received = client.recv(10_000)
                assert received, "closed in the middle of an answer"
                answer += received
            client.sendall(b"GET /healthz HT")
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(1000) == b""
    finally:
        started.server.stop()


def test_a_client_that_never_reads_is_cut_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server_module, "SEND_TIMEOUT_S", 0.3)
    started = Running()
    started.server.start()
    try:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", started.server.port))
            client.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
            broadcast = started.server._app.state.broadcast
            deadline = time.monotonic() + 30
            while broadcast._clients == 0 and time.monotonic() < deadline:
                time.sleep(0.01)
            broadcast._document = lambda: "x" * 1_000_000
            second = 0
            while broadcast._clients == 1 and time.monotonic() < deadline:
                second += 1
                started.publish(second)
                time.sleep(0.05)
            assert broadcast._clients == 0
    finally:
        started.server.stop()


def test_stop_ends_streams_and_frees_the_port(running: Running):
    running.publish(1)
    with httpx.stream("GET", f"{running.url}/api/v1/stream", timeout=30) as response:
        documents = ticks(response)
        next(documents)
        running.server.stop()
        assert list(documents) == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(running.url)
    again = WebServer(made_app(running.site, running.live), "127.0.0.1", running.server.port)
    again.start()
    again.stop()


def test_a_connection_that_arrives_while_the_server_stops_is_closed_at_once(running: Running):
    held, released = threading.Event(), threading.Event()

    async def hold() -> None:
        held.set()
        released.wait(30)

    running.server._app.add_api_route("/api/v1/hold", hold)
    with running.connect() as holding:
        holding.sendall(b"GET /api/v1/hold HTTP/1.1\r\nHost: x\r\n\r\n")
        assert held.wait(30), "the event loop is held up by the request"
        with running.connect() as late:
            stopping = threading.Thread(target=running.server.stop)
            stopping.start()
            time.sleep(0.2)  # so long that the server looks whether it shall end in the turn in which it accepts
            released.set()
            begun_s = time.monotonic()
            assert late.recv(1000) == b""
            stopping.join()
            assert time.monotonic() - begun_s < STOP_TIMEOUT_S, "it was waited for"


def test_a_client_that_takes_nothing_of_its_answer_does_not_outlive_the_server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server_module, "STOP_TIMEOUT_S", 1.0)
    started = Running()
    started.server.start()
    started.server._app.add_api_route("/api/v1/much", lambda: PlainTextResponse("x" * 20_000_000))
    with started.connect() as client:
        client.sendall(b"GET /api/v1/much HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(10).startswith(b"HTTP/1.1")
        started.server.stop()
        gc.collect()  # a socket that was left open complains
        received = 0
        while more := client.recv(1_000_000):
            received += len(more)
        assert received < 20_000_000


def test_a_taken_port_is_an_error_at_start(running: Running):
    second = WebServer(made_app(running.site, running.live), "127.0.0.1", running.server.port)
    with pytest.raises(OSError, match="in use"):
        second.start()
    second.stop()


def test_garbage_is_answered_with_400(running: Running):
    with running.connect() as client:
        client.sendall(b"\x16\x03\x01\x02\x00\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 400")


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loadstar.test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, secret


def test_with_a_certificate_the_server_speaks_https(tmp_path: Path):
    chain, secret = certificate(tmp_path)
    site = small_site()
    server = WebServer(made_app(site, Live(site, HandClock()), lab=False), "127.0.0.1", 0, chain, secret)
    server.start()
    try:
        trusted = ssl.create_default_context(cafile=str(chain))
        answer = httpx.post(
            f"https://127.0.0.1:{server.port}/api/v1/login",
            json={"username": "ada", "password": "correct horse"},
            verify=trusted,
        )
        assert answer.status_code == 200
        assert "secure" in answer.headers["set-cookie"].lower()
    finally:
        server.stop()


def test_a_certificate_that_is_missing_is_an_error_before_anything_listens(tmp_path: Path):
    site = small_site()
    server = WebServer(
        made_app(site, Live(site, HandClock())), "127.0.0.1", 0, tmp_path / "none.pem", tmp_path / "none.key"
    )
    with pytest.raises(ServerError) as raised:
        server.start()
    assert isinstance(raised.value.__cause__, FileNotFoundError)
    server.stop()
