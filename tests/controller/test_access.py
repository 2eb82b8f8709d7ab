"""Who may charge, decided from what is known of a token."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from controller.access import Usage, authorise, limit_passed, month_begins
from controller.ports.tokens import Token, Verdict
from controller.tariffs.book import Contract, TokenKind, TokenLimits

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
CARD = Token("04A2", kind=TokenKind.EMPLOYEE)
POOL = Contract("pool", "fleet", valid_from=NOW - HOUR, valid_until=NOW + HOUR)
LIMITS = TokenLimits(energy_wh_per_month=50_000, amount_per_month=Decimal(20), session_s=3600)


@pytest.mark.parametrize(
    ("token", "verdict"),
    [
        (CARD, Verdict.ACCEPTED),
        (replace(CARD, valid_until=NOW + HOUR), Verdict.ACCEPTED),
        (replace(CARD, blocked=True, valid_until=NOW - HOUR), Verdict.BLOCKED),
        (replace(CARD, valid_until=NOW), Verdict.EXPIRED),
        (replace(CARD, valid_from=NOW + HOUR), Verdict.NOT_YET_VALID),
        (replace(CARD, valid_from=NOW), Verdict.ACCEPTED),
    ],
)
def test_a_token_may_charge_while_it_is_valid_and_not_blocked(token: Token, verdict: Verdict):
    answer = authorise(token, NOW)
    assert (answer.verdict, answer.kind) == (verdict, TokenKind.EMPLOYEE)
    assert answer.accepted == (verdict is Verdict.ACCEPTED)


def test_nobodys_token_is_a_guests_where_guests_may_charge():
    assert authorise(None, NOW).verdict is Verdict.UNKNOWN
    guest = authorise(None, NOW, open_to_guests=True)
    assert (guest.accepted, guest.kind) == (True, TokenKind.GUEST)
    assert not authorise(replace(CARD, blocked=True), NOW, open_to_guests=True).accepted, "a blocked token is no guest"


def test_a_token_charges_as_long_as_its_contract_holds():
    token = replace(CARD, contract="pool")
    assert authorise(token, NOW).verdict is Verdict.CONTRACT_ENDED
    answer = authorise(token, NOW, contract=POOL)
    assert (answer.accepted, answer.valid_until) == (True, NOW + HOUR)
    assert authorise(token, NOW + HOUR, contract=POOL).verdict is Verdict.CONTRACT_ENDED
    assert authorise(token, NOW - 2 * HOUR, contract=POOL).verdict is Verdict.CONTRACT_ENDED


@pytest.mark.parametrize(
    ("used", "passed"),
    [
        (Usage(), None),
        (Usage(49_999, Decimal("19.99")), None),
        (Usage(50_000), "50 kWh a month are used"),
        (Usage(0, Decimal(20)), "20 a month are used"),
    ],
)
def test_a_token_that_has_used_up_its_month_begins_no_session(used: Usage, passed: str | None):
    token = replace(CARD, limits=LIMITS)
    answer = authorise(token, NOW, used=used)
    assert answer.verdict is (Verdict.ACCEPTED if passed is None else Verdict.USED_UP)
    assert limit_passed(LIMITS, used) == passed


def test_a_session_that_has_lasted_too_long_is_past_its_limit():
    assert limit_passed(LIMITS, Usage(), 3599.9) is None
    assert limit_passed(LIMITS, Usage(), 3600) == "1 h of one session are over"
    assert limit_passed(TokenLimits(), Usage(10**9, Decimal(10**6)), 1e9) is None


def test_a_month_begins_on_the_clock_of_the_site():
    assert (
        month_begins(datetime(2026, 10, 25, 12, tzinfo=UTC), "Europe/Amsterdam").isoformat()
        == "2026-09-30T22:00:00+00:00"
    )
    assert (
        month_begins(datetime(2026, 11, 1, tzinfo=UTC), "America/New_York").isoformat() == "2026-10-01T04:00:00+00:00"
    )
