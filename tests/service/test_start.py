"""How ``loadstar run`` begins: what is wrong is said in a line, with the right code; what is missing is lived with.

What is refused is refused before anything has begun, so that most of these runs need no process of their own.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import Ended, Loadstar
from tests.support.service import LAB, eventually, running_service, write_site
from tests.support.service import loadstar as loadstar_process

BAD_INPUT = 2


def points(count: int = 2) -> dict[str, dict[str, float]]:
    return {f"P0{number}": {} for number in range(1, count + 1)}


def refused(ended: Ended) -> Ended:
    """How that ended which cannot start, having looked for what a person must not be shown."""
    assert "Traceback" not in ended.err
    assert "internal error" not in ended.err
    assert ended.out == ""
    assert ended.code == BAD_INPUT, ended.err
    return ended


SERVERS = pytest.mark.parametrize("server", ["web", "ocpp"])


def port_of(server: str, path: Path) -> int:
    found = re.search(rf"\[{server}\]\nport = (\d+)", path.read_text())
    assert found is not None
    return int(found[1])


def is_named(port: int, path: Path, ended: Ended) -> None:
    last = refused(ended).err.splitlines()[-1]
    assert last.startswith(f"loadstar: cannot run {path}: ")
    assert str(port) in last
    assert "already in use" in last


@SERVERS
def test_a_busy_port_is_named(loadstar: Loadstar, tmp_path: Path, server: str):
    path = write_site(tmp_path, points())
    port = port_of(server, path)
    with socket.create_server(("127.0.0.1", port)):
        is_named(port, path, loadstar("run", "--config", path, LAB))


async def test_a_process_that_cannot_start_ends(tmp_path: Path):
    path = write_site(tmp_path, points())
    port = port_of("ocpp", path)
    with socket.create_server(("127.0.0.1", port)):
        is_named(port, path, await loadstar_process("run", "--config", path, LAB, within_s=60))


def nonsense(ledger: Path) -> None:
    ledger.write_bytes(b"This was a ledger once.\n" * 400)


def folder(ledger: Path) -> None:
    ledger.mkdir()


@pytest.mark.parametrize("spoil", [nonsense, folder])
def test_a_ledger_that_is_none_is_refused_and_left_as_it_is(
    loadstar: Loadstar, tmp_path: Path, spoil: Callable[[Path], None]
):
    path, ledger = write_site(tmp_path, points()), tmp_path / "loadstar.db"
    spoil(ledger)
    before = ledger.read_bytes() if ledger.is_file() else None
    ended = refused(loadstar("run", "--config", path, LAB))
    assert ended.err.splitlines()[-1].startswith(f"loadstar: cannot run {path}: cannot open the ledger")
    assert str(ledger) in ended.err
    assert ledger.is_dir() or ledger.read_bytes() == before


def test_a_site_that_is_not_safe_unattended_is_refused_with_circuit_and_excess(loadstar: Loadstar, tmp_path: Path):
    path = write_site(tmp_path, {f"P0{n}": {"fallback_a": 16} for n in (1, 2, 3)}, fuse_a=63, base_load_a=20)
    ended = refused(loadstar("run", "--config", path, LAB))
    lines = ended.err.splitlines()
    assert [line.split(", ")[1][:2] for line in lines] == ["L1", "L2", "L3"]
    assert all(line.startswith(f"{path}:") and "exceed the fuse of 63.0 A by 5.0 A" in line for line in lines)


def test_a_laboratory_is_open_to_this_machine_only(loadstar: Loadstar, tmp_path: Path):
    path = write_site(tmp_path, points())
    path.write_text(re.sub(r"\[(ocpp|web)\]\n", r'[\1]\nhost = "0.0.0.0"\n', path.read_text()))
    ended = refused(loadstar("run", "--config", path, LAB))
    assert [line.split(": ")[1] for line in ended.err.splitlines()] == ["ocpp.host", "web.host"]


@SERVERS
def test_a_certificate_that_is_none_is_named(loadstar: Loadstar, tmp_path: Path, server: str):
    path = write_site(tmp_path, points())
    (tmp_path / "chain.pem").write_text("-----BEGIN NOTHING-----\n")
    (tmp_path / "key.pem").write_text("")
    tls = 'tls_certificate = "chain.pem"\ntls_key = "key.pem"'
    path.write_text(path.read_text().replace(f"[{server}]\n", f"[{server}]\n{tls}\n"))
    ended = refused(loadstar("run", "--config", path))
    (only,) = ended.err.splitlines()
    assert only.startswith(f"loadstar: cannot run {path}: {tmp_path / 'chain.pem'}")


async def test_without_meter_broker_and_database_it_starts_and_assumes_the_worst(tmp_path: Path):
    more = '[mqtt]\nurl = "mqtt://127.0.0.1:9"\n\n[influx]\nurl = "http://127.0.0.1:9"'
    path = write_site(tmp_path, points(), fuse_a=40, base_load_a=[25, 20, 15], more=more)
    async with running_service(path, LAB) as service:

        async def told() -> bool:
            return {"meter_lost", "mqtt_lost", "influx_lost"} <= await service.event_kinds()

        await eventually(told, "everything that is missing to be told")
        events = (await service.get("/events"))["items"]
        (lost,) = (event for event in events if event["kind"] == "meter_lost")
        assert (lost["subject"], lost["severity"]) == ("meter:grid", "alarm")
        assert "cannot connect" in lost["message"]
        (circuit,) = (await service.get("/site"))["circuits"]
        assert not circuit["fresh"]
        assert circuit["background_a"] == [25, 20, 15]
        assert circuit["headroom_a"] == [14, 19, 24]
        assert (await service.http.get("/healthz")).json()["status"] == "ok"
        assert await service.terminate() == 0
