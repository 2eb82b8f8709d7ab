"""The command line as a person meets it: arguments in, exit code, stdout and stderr out."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from adapters.log import TALKATIVE
from tests.support.command import loadstar

__all__ = ["loadstar"]


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    """Commands set up the log of the whole process; other tests shall not meet it."""
    loggers = [logging.getLogger(name) for name in (None, *TALKATIVE)]
    before = [(logger, logger.handlers, logger.level) for logger in loggers]
    yield
    for logger, handlers, level in before:
        logger.handlers = handlers
        logger.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Three three-phase points and one with a small write budget behind 63 A."""
    path = tmp_path / "site.toml"
    points = "".join(f'[[points]]\nid = "P{n}"\ncircuit = "main"\nstation = "CP{n}"\n' for n in range(4))
    path.write_text(
        '[site]\nid = "hq"\nname = "[/red] & Söhne"\n'
        '[[circuits]]\nid = "main"\nfuse_a = 63\nbase_load_a = 25\nmeter = "grid"\n'
        '[[meters]]\nid = "grid"\nkind = "modbus_tcp"\nhost = "meter"\nmodel = "eastron_sdm630"\n'
        f'{points}[[stations]]\nid = "CP3"\nwrites_per_day = 25\n',
        encoding="utf-8",
    )
    return path
