"""The demonstration as a newcomer runs it: the console script, its summary on stdout, the promise kept.

It runs for as long as it is told to, whatever the machine can do: three demonstrations at once take no longer than one.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Ended
from tests.support.service import loadstar

pytestmark = pytest.mark.timeout(240)

DEMONSTRATIONS = {
    "usual": ("--points", "20", "--duration", "90", "--seed", "702"),
    "meter_lost": ("--points", "20", "--duration", "40", "--fault", "meter_lost", "--seed", "2"),
    "secure": ("--points", "4", "--duration", "15", "--secure"),
}


@dataclass(frozen=True)
class Demonstration:
    ended: Ended
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "loadstar.log").read_text()

    @property
    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = json.loads(self.ended.out)  # stdout holds nothing else
        return summary


async def test_demonstrations_keep_what_they_promise(tmp_path: Path):
    folders = {name: tmp_path / name for name in DEMONSTRATIONS}
    all_ended = await asyncio.gather(*(demo(folders[name], *told) for name, told in DEMONSTRATIONS.items()))
    demonstrations = {
        name: Demonstration(ended, folders[name]) for name, ended in zip(DEMONSTRATIONS, all_ended, strict=True)
    }
    for name in DEMONSTRATIONS:
        keeps_the_fuse_and_its_books(demonstrations, name)
    for name in ("usual", "meter_lost"):
        sees_many_sessions_that_are_priced(demonstrations, name)
    drivers_leave_with_what_they_asked_for(demonstrations)
    a_meter_that_is_lost_is_told_and_the_worst_assumed(demonstrations)
    only_the_secure_one_hides_its_site_file_and_is_served_over_tls(demonstrations)


async def demo(folder: Path, *arguments: str) -> Ended:
    ports = ("--web-port", "0", "--ocpp-port", "0")
    return await loadstar("demo", *ports, "--directory", folder, *arguments, within_s=150.0)


def keeps_the_fuse_and_its_books(demonstrations: Mapping[str, Demonstration], name: str) -> None:
    demonstration = demonstrations[name]
    assert demonstration.ended.code == 0, demonstration.ended.err
    assert "Traceback" not in demonstration.log, demonstration.log
    summary = demonstration.summary
    assert summary["points_connected"] == int(DEMONSTRATIONS[name][1])
    assert summary["profiles_accepted"] >= summary["points_connected"]
    assert summary["fuse_violation_as"] == 0
    assert summary["undelivered"] == 0
    assert summary["sessions_recorded"] == summary["metered_sessions"] > 0
    assert summary["energy_wh"] == summary["metered_wh"]


def sees_many_sessions_that_are_priced(demonstrations: Mapping[str, Demonstration], name: str) -> None:
    summary = demonstrations[name].summary
    assert summary["sessions_recorded"] >= 10
    assert summary["energy_wh"] > 20
    assert Decimal(summary["cost"]) > 0
    assert Decimal(summary["cost"]) == sum_of_records(demonstrations[name].folder, summary["sessions_recorded"])


def sum_of_records(folder: Path, sessions: int) -> Decimal:
    """What drivers owe by the records: every session has one."""
    with closing(sqlite3.connect(folder / "loadstar.db")) as ledger:
        records = [json.loads(row[0]) for row in ledger.execute("SELECT document FROM charge_records")]
    assert len(records) == sessions
    retail = [leg["rated"]["total"] for record in records for leg in record["legs"] if leg["leg"] == "retail"]
    assert len(retail) == sessions
    return sum((Decimal(total["after_tax"]) for total in retail), Decimal(0))


def drivers_leave_with_what_they_asked_for(demonstrations: Mapping[str, Demonstration]) -> None:
    usual = demonstrations["usual"].summary
    assert usual["needs_met"] >= usual["needs_total"] - 1 >= 1


def a_meter_that_is_lost_is_told_and_the_worst_assumed(demonstrations: Mapping[str, Demonstration]) -> None:
    assert '"event": "meter_lost"' in demonstrations["meter_lost"].log
    assert '"event": "worst_case_assumed"' in demonstrations["meter_lost"].log


def only_the_secure_one_hides_its_site_file_and_is_served_over_tls(demonstrations: Mapping[str, Demonstration]) -> None:
    secure, usual = demonstrations["secure"], demonstrations["usual"]
    assert (secure.folder / "site.toml").stat().st_mode & 0o077 == 0
    assert "https" in secure.ended.err
    assert "https" not in usual.ended.err
