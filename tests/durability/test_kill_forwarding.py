"""kill -9 at labelled points between a charger and its back office: nothing is lost, doubled or out of order.

``LOADSTAR_CAMPAIGN=1`` (``make campaign``) tries every label, for its first and its later passing.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import product
from pathlib import Path

import pytest

from tests.support.back_office import BackOffice, back_office
from tests.support.forwarded import MeteredCharger, untold
from tests.support.processes import free_port
from tests.support.thorough import LONG

ROOT = Path(__file__).parents[2]
DRAINED_S = 90.0

_FRAMES = product(("heard", "answered", "told", "taken"), ("StartTransaction", "MeterValues", "StopTransaction"))
_COMMITS = product(("before", "after"), ("start_transaction", "stop_transaction", "post", "settle"))
LABELS = [" ".join(pair) for pair in (*_FRAMES, *_COMMITS)]
EVERY = list(product(LABELS, (1, 2))) + [(label, 3) for label in LABELS if "Meter" not in label]
FEW = [("after start_transaction", 1), ("told StopTransaction", 2)]


class MortalSite:
    """A site that is started again whenever it is dead; only its first life has a fate."""

    def __init__(self, folder: Path, office: BackOffice, label: str, number: int) -> None:
        self.folder, self.port, self.lives = folder, free_port(), 0
        self._command = [
            sys.executable,
            "-m",
            "tests.durability.forwarding_site",
            str(folder),
            str(self.port),
            office.url,
        ]
        self._fate = [label, str(number)]

    async def run(self) -> None:
        while True:
            fate = self._fate if self.lives == 0 else []
            process = await asyncio.create_subprocess_exec(*self._command, *fate, cwd=ROOT)
            self.lives += 1
            try:
                await process.wait()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()

    async def drained(self) -> None:
        """Wait until nothing waits for the back office."""
        async with asyncio.timeout(DRAINED_S):
            while untold(self.folder / "ledger.db"):  # noqa: ASYNC110 - it is another process's
                await asyncio.sleep(0.1)


async def live_through(charger: MeteredCharger, office: BackOffice) -> None:
    """A session while the back office is there, two while it is away, and one that it comes back to."""
    await charger.deliver("BootNotification", {"chargePointVendor": "v", "chargePointModel": "m"})
    await asyncio.sleep(0.5)
    await charger.session()
    await office.kill()
    await charger.session()
    await charger.session()
    await charger.begin()
    await office.start()
    await charger.measure(context="Trigger")
    await charger.end()
    await charger.session()


async def outlived(site: MortalSite, office: BackOffice) -> MeteredCharger:
    """The charger after all of it, when the site was killed on the way and has told everything, in order."""
    living = asyncio.create_task(site.run())
    try:
        async with MeteredCharger(f"ws://127.0.0.1:{site.port}/ocpp") as charger:
            await live_through(charger, office)
            await site.drained()
    finally:
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
    assert site.lives == 2, "it passed the label, and was killed"
    stamps = [row[2] for row in office.book["order"]]
    assert stamps == sorted(stamps)
    assert not [row for row in office.book["order"] if row[1] == "unknown transaction"]
    return charger


@pytest.mark.parametrize(("label", "number"), EVERY if LONG else FEW)
async def test_whenever_the_site_is_killed_the_book_is_that_of_the_meter(tmp_path: Path, label: str, number: int):
    async with back_office(tmp_path) as office:
        site = MortalSite(tmp_path, office, label, number)
        charger = await outlived(site, office)
    assert office.sessions("CP01") == charger.sessions
    assert office.failures == []
