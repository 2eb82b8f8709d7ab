"""What every test leaves as it found it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
REAL_TIME: Final = (
    "tests/service",
    "tests/simulations/test_demo.py",
    "tests/simulations/test_site_process.py",
)
"""Twenty chargers and a service in real time: one after the other, so that they have a core for themselves."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what runs in real time together, where tests run on several cores (``pytest -n 2 --dist loadgroup``)."""
    for item in items:
        if item.path.relative_to(ROOT).as_posix().startswith(REAL_TIME):
            item.add_marker(pytest.mark.xdist_group("real time"))


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Programs under test send the log where they like; later tests must not write into their closed files."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
