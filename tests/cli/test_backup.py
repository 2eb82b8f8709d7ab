"""The ledger and the site file in one file, and back."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.store import SqlLedger, open_ledger
from controller.peakshave.evidence import Evidence, Happening
from controller.peakshave.grid_operator import Limit
from tests.support.command import Loadstar
from tests.support.site_files import write_site

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
DAY = ("--since", "2026-11-20", "--until", "2026-11-21")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "old").mkdir()
    return write_site(tmp_path / "old")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    (tmp_path / "new").mkdir()
    return tmp_path / "new" / "site.toml"


def open_book(site: Path) -> SqlLedger:
    url = f"sqlite:///{site.parent / 'loadstar.db'}"
    return open_ledger(url, currency="EUR", price_per_kwh=None, on_event=lambda _: None)


def note(ledger: SqlLedger, limit_w: float) -> None:
    limit = Limit("main", limit_w, "grid_operator", AT)
    ledger.limit_log.limit_evidence([Evidence(AT, Happening.RECEIVED, limit, by="mqtt")]).result()


def backed_up(loadstar: Loadstar, site: Path) -> Path:
    """A backup from under the hands of a service that runs, and that goes on afterwards."""
    ledger, file = open_book(site), site.parent / "backup"
    note(ledger, 5000)
    assert loadstar("backup", file, "--config", site) == (0, "", "")
    note(ledger, 6000)
    ledger.close()
    return file


def test_what_is_on_record_comes_back_as_it_was_when_it_was_backed_up(loadstar: Loadstar, site: Path, empty: Path):
    file = backed_up(loadstar, site)
    assert file.stat().st_mode & 0o077 == 0, "it holds passwords"
    assert loadstar("restore", file, "--config", empty) == (0, "", "")
    assert empty.read_text() == site.read_text()
    assert sorted(path.name for path in empty.parent.iterdir()) == ["loadstar.db", "site.toml"]
    exported = loadstar("export", "limits", "--config", empty, *DAY)
    assert [row["limit_w"] for row in csv.DictReader(exported.out.splitlines())] == ["5000"]


def test_nothing_that_is_there_is_ever_overwritten(loadstar: Loadstar, site: Path, empty: Path):
    file = backed_up(loadstar, site)
    ended = loadstar("restore", file, "--config", site)
    assert (ended.code, "there is a ledger already" in ended.err) == (2, True)
    empty.write_text(site.read_text() + "# mine\n")
    ended = loadstar("restore", file, "--config", empty)
    assert (ended.code, "move it away first" in ended.err) == (2, True)
    assert [path.name for path in empty.parent.iterdir()] == ["site.toml"]


def test_a_backup_that_is_damaged_is_refused_and_leaves_nothing(loadstar: Loadstar, site: Path, empty: Path):
    whole = backed_up(loadstar, site).read_bytes()
    damaged = site.parent / "damaged"
    middle = len(whole) // 2
    torn = whole[:middle] + bytes(64) + whole[middle + 64 :]
    for content in (whole[:middle], torn, whole[:-40] + bytes(40), b"no archive", b""):
        damaged.write_bytes(content)
        ended = loadstar("restore", damaged, "--config", empty)
        assert ended.code == 2
        assert "is no backup" in ended.err or "is not what was backed up" in ended.err
        assert list(empty.parent.iterdir()) == []


def test_without_a_ledger_there_is_nothing_to_back_up(loadstar: Loadstar, site: Path):
    ended = loadstar("backup", site.parent / "backup", "--config", site)
    assert (ended.code, "there is no ledger" in ended.err) == (2, True)
    assert [path.name for path in site.parent.iterdir()] == ["site.toml"]
