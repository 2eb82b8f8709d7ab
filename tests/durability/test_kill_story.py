"""kill -9, again and again at one point of a story, at each of 40 points: both back offices' books are the meters'.

The story: two chargers, of OCPP 1.6 and 2.0.1, which one back office sees as themselves and another as connectors of a
hub; sessions while these are there, while they are away, and across both. ``LOADSTAR_CAMPAIGN=1`` (``make campaign``)
tries every point, and each 20 times.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack, suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.support.back_office import BackOffice, back_office
from tests.support.forwarded import MeteredCharger, untold
from tests.support.hubbed import HUB, _new_ledger
from tests.support.metered2 import MeteredStation
from tests.support.processes import free_port
from tests.support.thorough import LONG, thorough

ROOT = Path(__file__).parents[2]
DRAINED_S = 90.0
DEATHS = thorough(2, 20)
ROUNDS_MOST = 4 * DEATHS

_16 = ("StartTransaction", "MeterValues", "StopTransaction")
_FORWARD = [
    *product(("heard", "answered", "told", "taken"), (*_16, "TransactionEvent")),
    *product(("told", "taken"), ("BootNotification",)),
]
_HUB = product(("hub told", "hub taken"), (*_16, "BootNotification"))
_RECORD = product(("before", "after"), ("start_transaction", "stop_transaction", "post", "mapping", "hub mapping"))
LABELS = [
    *(" ".join(pair) for pair in (*_FORWARD, *_HUB, *_RECORD)),
    "after hub post",
    "uncommitted event",
    "uncommitted settle",
    "committed",
]
FEW = ["uncommitted event"]


class Mortal:
    """The site's process, and how often it has died."""

    def __init__(self, folder: Path, office: BackOffice, audit: BackOffice, label: str) -> None:
        self.folder, self.port, self.deaths = folder, free_port(), 0
        self._arguments = (str(folder), str(self.port), office.url, audit.url, label, str(DEATHS))

    async def run(self) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.durability.mortal_site",
            *self._arguments,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            assert process.stdout is not None
            while await process.stdout.readline():
                self.deaths += 1
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def drained(self) -> None:
        async with asyncio.timeout(DRAINED_S):
            while untold(self.folder / "ledger.db"):  # noqa: ASYNC110 - it is another process's
                await asyncio.sleep(0.1)


async def tell_a_round(site: Mortal, chargers: list[MeteredCharger], offices: list[BackOffice]) -> None:
    """A session while the back offices are there, two while they are away, and one that they come back to."""

    async def alone(charger: MeteredCharger) -> None:
        await charger.session()
        await charger.begin()

    async def together(charger: MeteredCharger) -> None:
        await charger.measure(context="Trigger")
        await charger.end()

    for charger in chargers:
        await charger.deliver("BootNotification", boot_of(charger))
    await asyncio.gather(*(charger.session() for charger in chargers))
    await asyncio.gather(*(office.kill() for office in offices))
    await asyncio.gather(*(alone(charger) for charger in chargers))
    await asyncio.gather(*(office.start() for office in offices))
    await asyncio.gather(*(together(charger) for charger in chargers))
    await site.drained()


def boot_of(charger: MeteredCharger) -> dict[str, Any]:
    if charger.subprotocol == "ocpp1.6":
        return {"chargePointVendor": "v", "chargePointModel": "m"}
    return {"chargingStation": {"model": "m", "vendorName": "v"}, "reason": "PowerUp"}


@pytest.mark.parametrize("label", LABELS if LONG else FEW)
async def test_whenever_and_however_often_it_is_killed_the_books_are_the_meters(tmp_path: Path, label: str):
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "ledger.db").write_bytes(_new_ledger())
    async with AsyncExitStack() as stack:
        offices = [await stack.enter_async_context(back_office(folder)) for folder in (tmp_path, other)]
        site = Mortal(tmp_path, *offices, label)
        living = asyncio.create_task(site.run())
        try:
            url = f"ws://127.0.0.1:{site.port}/ocpp"
            one = await stack.enter_async_context(MeteredCharger(url, "CP01"))
            two = await stack.enter_async_context(MeteredStation(url, "CP02", register_wh=500_000))
            for _ in range(ROUNDS_MOST):
                await tell_a_round(site, [one, two], offices)
                if site.deaths >= DEATHS:
                    break
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
    assert site.deaths == DEATHS
    check_forwarded(offices[0], one, two)
    check_hub(offices[1], one, two)


def check_forwarded(office: BackOffice, one: MeteredCharger, two: MeteredStation) -> None:
    assert office.failures == []
    assert office.sessions("CP01") == one.sessions
    told = [row for row in office.book["sessions"].values() if row["station"] == "CP02"]
    assert [(row["meterStart"], row["meterStop"]) for row in told] == two.sessions
    for row in told:
        assert row["events"] == [["Started", 0], ["Updated", 1], ["Ended", 2]] or row["events"] == [
            ["Started", 0],
            ["Ended", 1],
        ]
    in_order(office, "CP01")
    in_order(office, "CP02")


def check_hub(audit: BackOffice, one: MeteredCharger, two: MeteredStation) -> None:
    assert audit.failures == []
    for connector, charger in enumerate((one, two), start=1):
        rows = [row for row in audit.book["sessions"].values() if row["connectorId"] == connector]
        assert [(row["meterStart"], row["meterStop"]) for row in rows] == charger.sessions
        assert all(row["stops"] == 1 for row in rows)
    assert not [row for row in audit.book["order"] if row[0] == HUB and row[1] == "unknown transaction"]


def in_order(office: BackOffice, station: str) -> None:
    rows = [row for row in office.book["order"] if row[0] == station]
    assert not [row for row in rows if row[1] == "unknown transaction"]
    stamps = [row[2] for row in rows]
    assert stamps == sorted(stamps)
