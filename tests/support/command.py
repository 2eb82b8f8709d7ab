"""The command line as a person meets it: arguments in, exit code, stdout and stderr out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from adapters.cli import execute
from simulations.cli import app


class Ended(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Loadstar = Callable[..., Ended]


@pytest.fixture
def loadstar(capsys: pytest.CaptureFixture[str]) -> Loadstar:
    """``loadstar`` in this process."""

    def run(*arguments: str | Path) -> Ended:
        code = execute(app, [str(argument) for argument in arguments])
        written = capsys.readouterr()
        return Ended(code, written.out, written.err)

    return run
