"""Each folder of tests/golden/tariff_files is a command with bad or odd files, and all that is told of them."""

import json
from pathlib import Path

import pytest

from tests.support.command import Loadstar, loadstar

__all__ = ["loadstar"]

GOLDEN = Path(__file__).parents[2] / "golden" / "tariff_files"
CASES = sorted(folder.name for folder in GOLDEN.iterdir())


@pytest.mark.parametrize("name", CASES)
def test_everything_that_is_wrong_is_told_with_its_place(
    loadstar: Loadstar, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(GOLDEN / name)
    case = json.loads(Path("case.json").read_text())
    ended = loadstar(*case["arguments"])
    told = ended.out if case["arguments"][0] == "tariff-check" else ended.err
    assert told == Path("expected.txt").read_text("utf-8")
    assert ended.code == case["code"]
    assert Path("why.md").read_text().startswith("# ")
