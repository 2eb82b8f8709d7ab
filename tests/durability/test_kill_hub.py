"""kill -9 at labelled points of a hub: its back office's book is that of the meter, each session once and in order.

``LOADSTAR_CAMPAIGN=1`` (``make campaign``) tries every label, for its first and its later passing.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from tests.durability.test_kill_forwarding import LABELS, MortalSite, outlived
from tests.support.back_office import BackOffice, back_office
from tests.support.hubbed import HUB
from tests.support.thorough import LONG

_SELDOM = frozenset({"told MeterValues", "taken MeterValues", "before post", "after post"})
"""A hub relays measurements as often as they are wanted, not as often as they come: sessions as short have none."""

PASSED = [label for label in LABELS if label not in _SELDOM]

EVERY = [*product(PASSED, (1, 2)), *((label, 3) for label in PASSED if "Meter" not in label)]
FEW = [("after start_transaction", 2), ("taken StartTransaction", 1)]


class MortalHub(MortalSite):
    """Likewise, as a hub."""

    def __init__(self, folder: Path, office: BackOffice, label: str, number: int) -> None:
        super().__init__(folder, office, label, number)
        self._command[self._command.index("tests.durability.forwarding_site")] = "tests.durability.hub_site"


@pytest.mark.parametrize(("label", "number"), EVERY if LONG else FEW)
async def test_whenever_the_hub_is_killed_the_book_is_that_of_the_meter(tmp_path: Path, label: str, number: int):
    async with back_office(tmp_path) as office:
        site = MortalHub(tmp_path, office, label, number)
        charger = await outlived(site, office)
    assert office.sessions(HUB) == charger.sessions
    assert all(row["stops"] == 1 for row in office.book["sessions"].values())
    assert office.failures == []
