"""The demonstration as a newcomer runs it: the console script, its summary on stdout, the promise kept."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.support.service import loadstar


async def demo(folder: Path, *arguments: str) -> dict[str, Any]:
    ports = ("--web-port", "0", "--ocpp-port", "0")
    ended = await loadstar("demo", *ports, "--directory", folder, *arguments, within_s=150.0)
    assert ended.code == 0, ended.err
    log = (folder / "loadstar.log").read_text()
    assert "Traceback" not in log, log
    summary: dict[str, Any] = json.loads(ended.out)  # stdout holds nothing else
    return summary


def books_agree_with_the_meters(summary: dict[str, Any]) -> None:
    assert summary["undelivered"] == 0
    assert summary["sessions_recorded"] == summary["metered_sessions"]
    assert summary["energy_wh"] == summary["metered_wh"]


async def test_twenty_points_keep_the_fuse_and_lose_no_session_and_neither_do_they_without_their_meter(tmp_path: Path):
    usual, meter_lost = await asyncio.gather(
        demo(tmp_path / "usual", "--points", "20", "--duration", "80", "--seed", "702"),
        demo(tmp_path / "meter_lost", "--points", "20", "--duration", "40", "--fault", "meter_lost", "--seed", "2"),
    )
    for summary in (usual, meter_lost):
        assert summary["points_connected"] == 20
        assert summary["profiles_accepted"] >= 20
        assert summary["sessions_recorded"] >= 10
        assert summary["energy_wh"] > 20
        assert Decimal(summary["cost"]) > 0
        assert summary["fuse_violation_as"] == 0
        books_agree_with_the_meters(summary)
    assert usual["needs_met"] >= usual["needs_total"] - 1 >= 1, "drivers leave with what they asked for"
    events = (tmp_path / "meter_lost" / "loadstar.log").read_text()
    assert '"event": "meter_lost"' in events
    assert '"event": "worst_case_assumed"' in events
