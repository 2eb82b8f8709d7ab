"""Opening a ledger: migrations, and what is said when it cannot be opened."""

from __future__ import annotations

import logging
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

import adapters.store.migrations
from adapters.store.database import HEAD
from adapters.store.ledger import open_ledger
from adapters.store.schema import metadata
from controller.ports.ledger import LedgerUnavailable
from tests.store.conftest import OpenLedger


def test_the_migrations_lead_to_exactly_the_tables_that_the_code_uses(opened: OpenLedger, url: str):
    opened()
    engine = create_engine(url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_the_newest_revision_is_the_one_that_the_code_expects():
    directory = ScriptDirectory(str(Path(adapters.store.migrations.__file__).parent))
    assert directory.get_current_head() == HEAD


def test_migrating_leaves_the_programs_logging_alone(opened: OpenLedger):
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.getLogger("adapters").disabled)
    opened()
    assert (root.level, list(root.handlers), logging.getLogger("adapters").disabled) == before


def test_a_ledger_of_a_newer_version_is_left_alone(opened: OpenLedger, url: str):
    opened()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(LedgerUnavailable, match="newer version"):
        opened()


def test_a_second_start_needs_no_migration_tool_in_memory(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    program = (
        "import sys; from adapters.store.ledger import open_ledger\n"
        f"open_ledger({url!r}, currency='EUR', price_per_kwh=None, on_event=print).close()\n"
        "print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", program]
    runs = [subprocess.run(command, check=False, capture_output=True, text=True) for _ in range(2)]
    assert [run.stdout.strip() for run in runs] == ["True", "False"], [run.stderr for run in runs]


def test_only_its_owner_can_read_a_new_ledger(tmp_path: Path):
    path = tmp_path / "ledger.db"
    open_ledger(f"sqlite:///{path}", currency="EUR", price_per_kwh=None, on_event=print).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_directory_and_a_file_that_is_no_database_are_named(tmp_path: Path):
    for path, content in ((tmp_path / "missing" / "ledger.db", None), (tmp_path / "letter.txt", "Dear Sir\n" * 500)):
        if content is not None:
            path.write_text(content)
        with pytest.raises(LedgerUnavailable, match=path.name):
            open_ledger(f"sqlite:///{path}", currency="EUR", price_per_kwh=None, on_event=print)
    assert (tmp_path / "letter.txt").read_text().startswith("Dear Sir")


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path):
    url = f"postgresql+psycopg://charging:secret@/ledger?host={tmp_path}"
    with pytest.raises(LedgerUnavailable) as refusal:
        open_ledger(url, currency="EUR", price_per_kwh=None, on_event=print)
    assert "secret" not in str(refusal.value)
    assert "charging" in str(refusal.value)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_ledger_in_memory_is_refused(url: str):
    with pytest.raises(ValueError, match="names no file"):
        open_ledger(url, currency="EUR", price_per_kwh=None, on_event=print)
