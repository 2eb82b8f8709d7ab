"""What is on record, as files: straight from the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.store import SqlLedger, open_ledger
from controller.peakshave.evidence import Evidence, Happening
from controller.peakshave.grid_operator import Limit
from controller.peakshave.peak_facts import ClosedWindow
from controller.peakshave.windows import Window
from controller.plan import Event
from tests.support.command import Loadstar
from tests.support.site_files import write_site

MIDNIGHT = datetime(2026, 11, 30, 23, tzinfo=UTC)
"""Of the first of December, in Amsterdam."""
DECEMBER = ("--since", "2026-12-01", "--until", "2027-01-01")


def open_book(site: Path) -> SqlLedger:
    """The ledger as the service has it open."""
    url = f"sqlite:///{site.parent / 'loadstar.db'}"
    return open_ledger(url, currency="EUR", price_per_kwh=None, on_event=list[Event]().append)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = write_site(tmp_path)
    path.write_text(path.read_text().replace('id = "test"', 'id = "test"\ntime_zone = "Europe/Amsterdam"'))
    return path


@pytest.fixture
def kept(site: Path) -> Path:
    """Two quarters of an hour around midnight, and a limit that came in between."""
    ledger = open_book(site)
    windows = [Window(MIDNIGHT + timedelta(minutes=15 * n), 900, 2_500.0 + n, 900.0, ()) for n in (-1, 0)]
    ledger.demand.keep_windows([ClosedWindow(window, None, 0.0) for window in windows]).result()
    limit = Limit("main", 5_000.0, "grid_operator", MIDNIGHT)
    ledger.limit_log.limit_evidence([Evidence(MIDNIGHT, Happening.RECEIVED, limit, by="mqtt")]).result()
    ledger.close()
    return site


def test_windows_of_a_month_at_the_site_can_be_billed(loadstar: Loadstar, kept: Path, tmp_path: Path):
    ended = loadstar("export", "demand_windows", "--config", kept, *DECEMBER)
    assert (ended.code, ended.err) == (0, "")
    assert [line.split(",")[:3] for line in ended.out.splitlines()[1:]] == [["2026-11-30T23:00:00Z", "900", "2500.0"]]
    file = tmp_path / "windows.csv"
    assert loadstar("export", "demand_windows", "--config", kept, *DECEMBER, "--out", file).out == ""
    assert file.read_text() == ended.out
    bill = loadstar(
        "demand-bill", file, "--model", "month_peak", "--price", "per_kw_month=4", "--zone", "Europe/Brussels"
    )
    assert "40.00" in bill.out, "2.5 kWh in a quarter of an hour are 10 kW"


def test_limits_are_exported_while_the_service_runs(loadstar: Loadstar, kept: Path):
    running = open_book(kept)
    ended = loadstar("export", "limits", "--config", kept, *DECEMBER)
    running.close()
    header, row = ended.out.splitlines()
    assert header.startswith("at,happening,circuit")
    assert row.startswith("2026-11-30T23:00:00Z,received,main,grid_operator")
    later = ("--since", "2026-12-01T00:00:01+01:00", "--until", "2027-01-01")
    assert loadstar("export", "limits", "--config", kept, *later).out.splitlines() == [header]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("limits", "--since", "yesterday", "--until", "2027-01-01"), "expected a time such as 2026-12-01"),
        (("limits", "--since", "2027-01-01", "--until", "2026-12-01"), "expected a time after --since"),
        (("sessions", *DECEMBER), "sessions"),
        (("limits", *DECEMBER, "--out", "/no/such/folder/file.csv"), "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_told(loadstar: Loadstar, kept: Path, arguments: tuple[str, ...], complaint: str):
    ended = loadstar("export", *arguments, "--config", kept)
    assert (ended.code, ended.out) == (2, "")
    assert complaint in ended.err


def test_without_a_ledger_nothing_is_made_up_nor_created(loadstar: Loadstar, site: Path):
    ended = loadstar("export", "limits", "--config", site, *DECEMBER)
    assert (ended.code, ended.out) == (2, "")
    assert "there is no ledger" in ended.err
    assert not (site.parent / "loadstar.db").exists()


def test_a_file_that_is_no_ledger_is_refused(loadstar: Loadstar, site: Path):
    (site.parent / "loadstar.db").write_text("something else entirely, and rather long " * 50)
    ended = loadstar("export", "limits", "--config", site, *DECEMBER)
    assert ended.code == 2
    assert "cannot read the ledger" in ended.err
    (site.parent / "loadstar.db").write_bytes(b"")
    assert "is of revision None" in loadstar("export", "limits", "--config", site, *DECEMBER).err
