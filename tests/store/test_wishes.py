"""What tokens need and what is asked for sessions: on record, whatever restarts and however old the ledger is."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, select, text, update

from adapters import store
from adapters.store.ledger import SqlLedger
from adapters.store.schema import tokens, wishes
from controller.ports.tokens import Token
from controller.wishes import Asked, Asker, Needs, NoSuchSession, Wish
from tests.store.conftest import OpenLedger
from tests.support.sessions import a_start, a_stop, at

DRIVER, MANAGER = Asker.DRIVER, Asker.MANAGER


async def a_session(ledger: SqlLedger, station: str = "CP01") -> tuple[str, int]:
    started = await ledger.start_transaction(a_start(station))
    return started.session_id, started.transaction_id


async def test_wishes_survive_a_restart(opened: OpenLedger):
    session, _ = await a_session(opened())
    asked = {"departs_at": at(600), "energy_wh": 40_000, "least_wh": 9_000, "priority": -3, "weight": 2.5, "max_a": 9.9}
    opened().wish(session, DRIVER, "ada", asked, at(1))
    assert list(opened().wishes()) == [Wish(session, DRIVER, Asked(**asked))]


async def test_a_wish_adds_to_the_one_before_and_none_takes_back(ledger: SqlLedger):
    session, _ = await a_session(ledger)
    ledger.wish(session, DRIVER, "ada", {"energy_wh": 40_000, "priority": 1}, at(1))
    now = ledger.wish(session, DRIVER, "ada", {"priority": None, "departs_at": at(90)}, at(2))
    assert now == Wish(session, DRIVER, Asked(departs_at=at(90), energy_wh=40_000))
    assert list(ledger.wishes()) == [now]


async def test_the_manager_and_the_driver_do_not_overwrite_each_other(ledger: SqlLedger):
    session, _ = await a_session(ledger)
    other, _ = await a_session(ledger, "CP02")
    ledger.wish(session, DRIVER, "app", {"energy_wh": 40_000}, at(1))
    ledger.wish(session, MANAGER, "ada", {"energy_wh": 5_000}, at(2))
    ledger.wish(other, MANAGER, "ada", {"max_a": 8.0}, at(3))
    assert {(wish.session, wish.by): wish.asked for wish in ledger.wishes()} == {
        (session, DRIVER): Asked(energy_wh=40_000),
        (session, MANAGER): Asked(energy_wh=5_000),
        (other, MANAGER): Asked(max_a=8.0),
    }


async def test_who_asked_what_and_when_stays_on_record(ledger: SqlLedger, url: str):
    session, _ = await a_session(ledger)
    ledger.wish(session, MANAGER, "ada\0", {"priority": 1}, at(1))
    ledger.wish(session, MANAGER, "bob", {"priority": None}, at(2))
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(select(wishes).order_by(wishes.c.id)).all()
    engine.dispose()
    assert [(row.user_name, row.asked_at, row.priority) for row in rows] == [
        ("ada\N{REPLACEMENT CHARACTER}", at(1), 1),
        ("bob", at(2), None),
    ]


async def test_nothing_can_be_asked_for_a_session_that_has_ended_or_never_was(ledger: SqlLedger):
    session, transaction = await a_session(ledger)
    ledger.wish(session, DRIVER, "ada", {"priority": 1}, at(1))
    await ledger.stop_transaction(a_stop(transaction))
    assert list(ledger.wishes()) == []
    for gone in (session, "no such session", "\0\ud800"):
        with pytest.raises(NoSuchSession):
            ledger.wish(gone, DRIVER, "ada", {"priority": 1}, at(70))


async def test_tokens_keep_their_group_and_needs(opened: OpenLedger):
    pool = Token("04A2", group="pool", needs=Needs(2, 1.5, time(7, 30), (0, 4), 20_000, 8_000))
    plain = Token("04B3")
    opened().seed([pool, plain], {})
    ledger = opened()
    assert ledger.tokens(["04a2", "04B3", "unknown"]) == {"04a2": pool, "04B3": plain}
    assert ledger.tokens([]) == {}


async def test_needs_that_the_site_file_changes_count_and_those_that_it_repeats_do_not(opened: OpenLedger, url: str):
    site_file = [Token("04A2", needs=Needs(energy_wh=10_000))]
    opened().seed(site_file, {})
    engine = create_engine(url)
    with engine.begin() as connection:  # as somebody will do who manages tokens in the ledger
        connection.execute(update(tokens).values(needs={"energy_wh": 99_000}, blocked=True))
    engine.dispose()
    ledger = opened()
    ledger.seed(site_file, {})
    assert ledger.tokens(["04A2"])["04A2"].needs == Needs(energy_wh=99_000)
    ledger.seed([Token("04A2", group="pool")], {})
    assert ledger.tokens(["04A2"])["04A2"] == Token("04A2", blocked=True, group="pool")


async def test_a_ledger_of_the_first_version_gains_needs_and_wishes(opened: OpenLedger, url: str):
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        old = "INSERT INTO tokens (uid_folded, uid, description, blocked) VALUES ('04a2', '04A2', 'Pool car', TRUE)"
        connection.execute(text(old))
    engine.dispose()
    ledger = opened()
    assert await ledger.token("04A2") == Token("04A2", "Pool car", blocked=True)
    ledger.seed([Token("04A2", group="pool")], {})
    assert (await ledger.token("04a2")).group == "pool"
    session, _ = await a_session(ledger)
    ledger.wish(session, DRIVER, "ada", {"energy_wh": 1}, at(1))
    assert len(ledger.wishes()) == 1
