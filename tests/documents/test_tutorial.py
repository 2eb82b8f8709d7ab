"""The tutorial, as somebody follows it: its files are saved, its commands run, and what it says is so."""

import csv
import json
import re
import shlex
from pathlib import Path

import pytest

from tests.support.command import Loadstar, loadstar

__all__ = ["loadstar"]

PAGE = (Path(__file__).parents[2] / "docs" / "tutorials" / "which-fuse.md").read_text("utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_from_my_site_to_the_fuse_that_it_needs(
    loadstar: Loadstar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in zip(("site.toml", "mill.toml"), blocks("toml"), strict=True):
        assert f"`{name}`" in PAGE
        (tmp_path / name).write_text(text)
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 4
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "loadstar"
        ended = loadstar(*arguments)
        assert ended.code == 0, f"{command}: {ended.err}"
    assert "first-look/report.html" in PAGE
    assert (tmp_path / "first-look" / "report.html").stat().st_size > 1_000_000
    assert (tmp_path / "fuses" / "sweep.html").exists()
    with (tmp_path / "fuses" / "settings.csv").open() as file:
        settings = {row["circuits.main.fuse_a"]: row for row in csv.DictReader(file)}
    assert set(settings) == {"40", "50", "63", "80"}
    cost = {fuse: float(row["cost_mean"]) for fuse, row in settings.items()}
    assert min(cost, key=lambda fuse: cost[fuse]) == "63", "the answer of the page"
    morning = json.loads((tmp_path / "morning" / "summary.json").read_text())
    assert morning["fuse_violation_as"] == 0
