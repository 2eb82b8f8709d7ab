"""kill -9 at random moments: every answer that a charger got is in the ledger afterwards, once."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

ROUNDS = 6
MOST_ANSWERS = 300
"""A round is killed after at most this many answers, so that time plays no part."""


def killed_after(answers: int, url: str, run: str) -> list[list[object]]:
    """Let a site run until it has given so many answers, kill it, and return all that it gave."""
    command = [sys.executable, "-m", "tests.durability.charging_site", url, run]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as site:
        assert site.stdout is not None
        lines = [site.stdout.readline() for _ in range(answers)]
        site.kill()
        lines += site.stdout.readlines()
    assert len(lines) >= answers
    return [json.loads(line) for line in lines]


def test_no_acknowledged_message_is_lost_or_doubled_by_kill_9(tmp_path: Path):
    rng = random.Random(17)
    database = tmp_path / "ledger.db"
    told: list[list[object]] = []
    for number in range(ROUNDS):
        told += killed_after(rng.randrange(1, MOST_ANSWERS), f"sqlite:///{database}", f"RUN{number}")
        with closing(sqlite3.connect(database)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            rows = connection.execute("SELECT id, transaction_id, energy_wh FROM sessions").fetchall()
            messages = connection.execute("SELECT session_id, kind FROM transaction_messages").fetchall()
        ids = {session: transaction for session, transaction, _ in rows}
        energies = {session: energy_wh for session, _, energy_wh in rows}
        for kind, session, value in told:
            assert (ids if kind == "start" else energies)[session] == value
        assert len(messages) == len(set(messages)) == len(rows) + sum(wh is not None for wh in energies.values())
    assert len(told) > ROUNDS
