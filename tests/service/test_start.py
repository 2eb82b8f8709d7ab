"""How ``loadstar run`` begins: what is wrong is said in a line, with the right code; what is missing is lived with."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.service import LAB, Ended, eventually, loadstar, running_service, write_site

BAD_INPUT = 2


def points(count: int = 2) -> dict[str, dict[str, float]]:
    return {f"P0{number}": {} for number in range(1, count + 1)}


async def refused(path: Path, *arguments: str) -> Ended:
    """Start what cannot start; returns how it ended, having looked for what a person must not be shown."""
    ended = await loadstar("run", "--config", path, *arguments, within_s=60)
    assert "Traceback" not in ended.err
    assert "internal error" not in ended.err
    assert ended.out == ""
    assert ended.code == BAD_INPUT, ended.err
    return ended


SERVERS = pytest.mark.parametrize("server", ["web", "ocpp"])


@SERVERS
async def test_a_busy_port_is_named(tmp_path: Path, server: str):
    path = write_site(tmp_path, points())
    found = re.search(rf"\[{server}\]\nport = (\d+)", path.read_text())
    assert found is not None
    port = int(found[1])
    with socket.create_server(("127.0.0.1", port)):
        ended = await refused(path, LAB)
    last = ended.err.splitlines()[-1]
    assert last.startswith(f"loadstar: cannot run {path}: ")
    assert str(port) in last
    assert "in use" in last


def nonsense(ledger: Path) -> None:
    ledger.write_bytes(b"This was a ledger once.\n" * 400)


def folder(ledger: Path) -> None:
    ledger.mkdir()


@pytest.mark.parametrize("spoil", [nonsense, folder])
async def test_a_ledger_that_is_none_is_refused_and_left_as_it_is(tmp_path: Path, spoil: Callable[[Path], None]):
    path, ledger = write_site(tmp_path, points()), tmp_path / "loadstar.db"
    spoil(ledger)
    before = ledger.read_bytes() if ledger.is_file() else None
    ended = await refused(path, LAB)
    assert ended.err.splitlines()[-1].startswith(f"loadstar: cannot run {path}: cannot open the ledger")
    assert str(ledger) in ended.err
    assert ledger.is_dir() or ledger.read_bytes() == before


async def test_a_site_that_is_not_safe_unattended_is_refused_with_circuit_and_excess(tmp_path: Path):
    path = write_site(tmp_path, {f"P0{n}": {"fallback_a": 16} for n in (1, 2, 3)}, fuse_a=63, base_load_a=20)
    ended = await refused(path, LAB)
    lines = ended.err.splitlines()
    assert [line.split(", ")[1][:2] for line in lines] == ["L1", "L2", "L3"]
    assert all(line.startswith(f"{path}:") and "exceed the fuse of 63.0 A by 5.0 A" in line for line in lines)


async def test_a_laboratory_is_open_to_this_machine_only(tmp_path: Path):
    path = write_site(tmp_path, points())
    path.write_text(re.sub(r"\[(ocpp|web)\]\n", r'[\1]\nhost = "0.0.0.0"\n', path.read_text()))
    ended = await refused(path, LAB)
    assert [line.split(": ")[1] for line in ended.err.splitlines()] == ["ocpp.host", "web.host"]


@SERVERS
async def test_a_certificate_that_is_none_is_named(tmp_path: Path, server: str):
    path = write_site(tmp_path, points())
    (tmp_path / "chain.pem").write_text("-----BEGIN NOTHING-----\n")
    (tmp_path / "key.pem").write_text("")
    tls = 'tls_certificate = "chain.pem"\ntls_key = "key.pem"'
    path.write_text(path.read_text().replace(f"[{server}]\n", f"[{server}]\n{tls}\n"))
    ended = await refused(path)
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
