"""What every test leaves as it found it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tests.support.thorough import LONG

settings.register_profile(
    "loadstar",
    deadline=None,  # what else runs on a machine is no reason to fail
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=not LONG,  # what passes here passes everywhere; a campaign looks for other examples
    print_blob=True,
)
settings.load_profile("loadstar")

REAL_TIME: Final = ("real time", "real time beside it")
TOGETHER: Final = {
    "tests/service/test_survival.py": REAL_TIME[1],
    "tests/service/test_demo.py": REAL_TIME[1],
    "tests/simulations/test_demo.py": REAL_TIME[1],
    "tests/simulations/test_site_process.py": REAL_TIME[1],
    "tests/simulations/wire": REAL_TIME[1],
    "tests/service": REAL_TIME[0],
    "tests/browser": "browser",
    "tests/simulations/report/test_in_browser.py": "browser",
    "tests/store": "database",
}
"""What one process runs one after the other: services in real time, and what shares a program that starts slowly."""

COURTESY: Final = 5
"""By so much everything else is nicer where tests run side by side."""

_NICE: Final = os.nice(0)


class Together(LoadScopeScheduling):
    """Hands out tests one by one, and those that belong together to one process.

    The marks that xdist 3.8 has for this do not reach pytest 9.2, whose tests' ids cannot be changed.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid) or nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Keep together what belongs together, where tests run side by side (``pytest -n 4 --dist loadgroup``)."""
    return Together(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Step back behind what runs in real time: two processes begin with it, and mostly wait."""
    if "PYTEST_XDIST_WORKER" in os.environ and os.nice(0) == _NICE and _group(item.nodeid) not in REAL_TIME:
        os.nice(COURTESY)


def _group(nodeid: str) -> str | None:
    return next((group for place, group in TOGETHER.items() if nodeid.startswith(place)), None)


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Programs under test send the log where they like; later tests must not write into their closed files."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
