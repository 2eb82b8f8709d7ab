"""Tokens, the stations' passwords and the users: the site file is the beginning, the ledger has the last word."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import create_engine, update

from adapters.passwords import hashed, matches
from adapters.store.ledger import SqlLedger
from adapters.store.schema import station_credentials, tokens, users
from controller.ports.tokens import Token
from tests.store.conftest import OpenLedger
from tests.support.sessions import at


def meanwhile(url: str, statement: object) -> None:
    """What a later feature, or an operator, does to the ledger."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(statement)
    engine.dispose()


@pytest.mark.parametrize("uid", ["04a2b3c4", "04A2B3C4", "04A2b3c4"])
async def test_a_token_is_found_in_whatever_case(ledger: SqlLedger, uid: str):
    seeded = Token("04A2b3C4", "Pool car 1", valid_until=at(600))
    ledger.seed([seeded, Token("OTHER", blocked=True)], {})
    assert await ledger.token(uid) == seeded
    assert await ledger.token("other") == Token("OTHER", blocked=True)
    assert await ledger.token("unknown") is None
    assert await ledger.token("\0\ud800") is None


async def test_a_token_listed_twice_in_the_site_file_is_one_token(ledger: SqlLedger):
    ledger.seed([Token("AA", "first"), Token("aa", "second")], {})
    assert await ledger.token("Aa") == Token("AA", "first")


async def test_a_token_that_was_blocked_stays_blocked_when_the_site_file_is_read_again(opened: OpenLedger, url: str):
    site_file = [Token("04A2", "Pool car 1")]
    opened().seed(site_file, {})
    meanwhile(url, update(tokens).values(blocked=True))
    ledger = opened()
    ledger.seed([*site_file, Token("NEW")], {})
    assert await ledger.token("04A2") == Token("04A2", "Pool car 1", blocked=True)
    assert await ledger.token("NEW") == Token("NEW")


async def test_a_stations_password_is_stored_hashed(ledger: SqlLedger):
    ledger.seed([], {"CP01": "correct horse battery"})
    stored = await ledger.password_hash("CP01")
    assert stored is not None
    assert "horse" not in stored
    assert matches("correct horse battery", stored)
    assert await ledger.password_hash("CP02") is None


async def test_an_unchanged_password_is_not_hashed_anew_and_an_edited_one_counts(opened: OpenLedger):
    opened().seed([], {"CP01": "old password 0123", "CP02": "other password 01"})
    before = [await opened().password_hash(station) for station in ("CP01", "CP02")]
    ledger = opened()
    ledger.seed([], {"CP01": "new password 0123", "CP02": "other password 01"})
    after = [await ledger.password_hash(station) for station in ("CP01", "CP02")]
    assert matches("new password 0123", after[0])
    assert not matches("old password 0123", after[0])
    assert after[1] == before[1]


async def test_a_password_that_was_rotated_survives_an_old_site_file(opened: OpenLedger, url: str):
    opened().seed([], {"CP01": "from the file 01"})
    meanwhile(url, update(station_credentials).values(password_hash=hashed("rotated since 01")))
    ledger = opened()
    ledger.seed([], {"CP01": "from the file 01"})
    assert matches("rotated since 01", await ledger.password_hash("CP01"))


async def test_a_key_that_was_given_on_the_page_outlives_the_site_file(opened: OpenLedger):
    ledger = opened()
    ledger.seed([], {"CP01": "from the file"})
    ledger.keys.set_key("CP01", "from the page")
    ledger.keys.set_key("CP02", "the first of its own")
    assert ledger.keys.stations_with_key() == {"CP01", "CP02"}
    ledger = opened()
    ledger.seed([], {"CP01": "from the file"})
    assert matches("from the page", await ledger.password_hash("CP01"))
    assert matches("the first of its own", await ledger.password_hash("CP02"))


def test_the_first_user_is_made_once_and_its_password_told_once(opened: OpenLedger):
    password = opened().keys.ensure_first_user()
    ledger = opened()
    assert password is not None
    assert ledger.keys.ensure_first_user() is None
    assert ledger.keys.check_user("admin", password) == "installer"
    assert ledger.keys.check_user("admin", password + "x") is None
    assert ledger.keys.check_user("nobody", password) is None
    assert ledger.keys.check_user("admin\0", "\ud800") is None


@dataclass(frozen=True)
class SiteUser:
    name: str
    password: str
    role: str


def test_users_of_the_site_file_follow_its_edits_and_nothing_else(opened: OpenLedger, url: str):
    ledger = opened()
    ledger.seed([], {}, [SiteUser("ann", "first password 1", "viewer"), SiteUser("bob", "bobs password 12", "viewer")])
    assert ledger.keys.check_user("ann", "first password 1") == "viewer"
    assert ledger.keys.ensure_first_user() is None, "with users in the site file nobody else is made up"

    meanwhile(url, update(users).where(users.c.name == "bob").values(password_hash=hashed("bob changed it 1")))
    ledger = opened()
    ledger.seed(
        [], {}, [SiteUser("ann", "first password 1", "operator"), SiteUser("bob", "bobs password 12", "viewer")]
    )
    assert ledger.keys.check_user("ann", "first password 1") == "operator"
    assert ledger.keys.check_user("bob", "bob changed it 1") == "viewer"
    ledger.seed([], {}, [SiteUser("ann", "second password", "operator")])
    assert ledger.keys.check_user("ann", "first password 1") is None
    assert ledger.keys.check_user("ann", "second password") == "operator"
    assert ledger.keys.check_user("bob", "bob changed it 1") == "viewer"


def test_the_site_file_can_name_the_first_user(ledger: SqlLedger):
    told_once = ledger.keys.ensure_first_user()
    assert told_once is not None
    ledger.seed([], {}, [SiteUser("admin", "from the file 01", "viewer")])
    assert ledger.keys.check_user("admin", told_once) is None
    assert ledger.keys.check_user("admin", "from the file 01") == "viewer"
