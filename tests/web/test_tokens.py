"""Tokens, contracts, parties and public points through the REST API: who may charge, on whose account."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from controller.ports.tokens import Verdict
from controller.tariffs.book import OperatorTerms
from tests.support.books import Office, a_tariff, in_hours

FLEET = {"id": "fleet", "kind": "employer", "name": "Fleet", "iban": "NL91 ABNA 0417 1643 00"}
DRIVER = {"id": "driver", "kind": "employee", "name": "A driver"}


async def verdict(office: Office, token: str, *points: str) -> Verdict:
    return (await office.ledger.authorise(token, points or ("P01",), office.clock.now())).verdict


async def test_a_card_of_any_brand_is_let_in_changed_and_ended_and_stays_on_record(office: Office):
    card = {"uid": "04A2B3C4", "description": "Pool car 1", "group": "pool", "valid_until": in_hours(48)}
    made = await office.ask("POST", "/tokens", card, 201)
    assert {name: made[name] for name in ("uid", "description", "group", "kind")} == {
        "uid": "04A2B3C4",
        "description": "Pool car 1",
        "group": "pool",
        "kind": "own",
    }
    assert await verdict(office, "04a2b3c4") is Verdict.ACCEPTED
    assert (await office.ask("PUT", "/tokens/04a2b3c4", {"blocked": True}))["blocked"]
    assert await verdict(office, "04A2B3C4") is Verdict.BLOCKED
    await office.ask("PUT", "/tokens/04A2B3C4", {"description": "Pool car 1"})
    await office.ask("DELETE", "/tokens/04A2B3C4")
    assert await verdict(office, "04A2B3C4") is Verdict.EXPIRED
    assert (await office.ask("GET", "/tokens"))["items"] == []
    assert [one["uid"] for one in (await office.ask("GET", "/tokens", all=True))["items"]] == ["04A2B3C4"]
    changes = (await office.ask("GET", "/tokens/04A2B3C4/history"))["items"]
    assert [change["to"]["blocked"] for change in changes] == [False, True, False, False]
    assert "PUT" in (await office.ask("POST", "/tokens", {"uid": "04a2b3c4"}, 409))["detail"]


async def test_a_token_charges_for_nothing_or_by_its_own_tariff(office: Office):
    await office.ask("POST", "/tariffs", a_tariff("friends", "0.10"), 201, approve=True)
    await office.ask("POST", "/tokens", {"uid": "FREE", "zero_rate": True}, 201)
    made = await office.ask("POST", "/tokens", {"uid": "FRIEND", "tariff": "friends"}, 201)
    assert made["tariff"] == "friends"
    free = await office.retail(await office.charge("P01", "free"))
    assert (free["zero_rate"], free["tariff"]) == (True, None)
    friend = await office.retail(await office.charge("P02", "friend"))
    assert (friend["scope"], friend["tariff"]) == ("token", "friends")
    assert (await office.ask("PUT", "/tokens/FRIEND", {"description": "B"}))["tariff"] == "friends", "it stays"
    state = await office.ask("GET", "/tokens/FRIEND")
    assert await office.ask("PUT", "/tokens/friend", state) == state, "what is told may be said again"
    await office.ask("PUT", "/tokens/FRIEND", {"uid": "FOE"}, 422)
    assert (await office.ask("PUT", "/tokens/FRIEND", {"tariff": None}))["tariff"] is None
    assert (await office.retail(await office.charge("P03", "FRIEND")))["tariff"] == "site-file"


async def test_an_employee_charges_at_home_on_a_contract_that_is_exempt(office: Office):
    for party in (FLEET, DRIVER):
        await office.ask("POST", "/parties", party, 201)
    exempt = {"state": "exempt", "reason": "home charging of a private person"}
    contract = {"id": "home", "party": "driver", "employer": "fleet", "tax": exempt, "home_charging": True}
    made = await office.ask("POST", "/contracts", contract, 201)
    assert (made["tax"]["percent"], made["tax"]["source"]) == ("0", "contract")
    await office.ask("POST", "/tokens", {"uid": "HOME", "kind": "employee", "contract": "home"}, 201)
    await office.ask("POST", "/tariffs", a_tariff("back"), 201, approve=True)
    rule = {"scope": "contract", "key": "home", "leg": "reimbursement", "tariff": "back"}
    await office.ask("POST", "/rules", rule, 201, approve=True)
    session = await office.charge("P01", "HOME")
    terms = {one["leg"]: one for one in (await office.ask("GET", f"/sessions/{session}/terms"))["items"]}
    assert (terms["retail"]["tariff"], terms["reimbursement"]["tariff"]) == ("site-file", "back")
    assert terms["reimbursement"]["tax"]["reason"] == "home charging of a private person"
    assert terms["reimbursement"]["contract"] == "home"
    assert "home" in (await office.ask("DELETE", "/parties/fleet", status=422))["detail"]
    await office.ask("DELETE", "/contracts/home", status=204)
    assert await verdict(office, "HOME") is Verdict.CONTRACT_ENDED
    still = (await office.ask("GET", f"/sessions/{session}/terms"))["items"]
    assert still[0]["contract"] == "home", "it is charged as it began"


async def test_a_token_that_has_used_its_month_is_refused_and_its_session_told(office: Office):
    limits = {"energy_kwh_per_month": 1.5}
    made = await office.ask("POST", "/tokens", {"uid": "LITTLE", "limits": limits}, 201)
    assert made["limits"] == {"energy_kwh_per_month": 1.5, "amount_per_month": None, "session_h": None}
    await office.ask("POST", "/tokens", {"uid": "SHORT", "limits": {"session_h": 2}}, 201)
    assert await verdict(office, "LITTLE") is Verdict.ACCEPTED
    first, second = await office.charge("P01", "LITTLE"), await office.charge("P02", "SHORT")
    assert await verdict(office, "little") is Verdict.USED_UP, "it has taken 2 kWh"
    passed = office.ledger.passed_limits(office.clock.now(), {})
    assert passed == {first: "1.5 kWh a month are used"}
    office.clock.elapsed_s = 7200
    assert office.ledger.passed_limits(office.clock.now(), {})[second] == "2 h of one session are over"


async def test_what_a_session_has_cost_so_far_counts_for_the_amount_of_its_token(office: Office):
    await office.ask("POST", "/tariffs", a_tariff("idle"), 201, approve=True)
    made = {"uid": "PURSE", "tariff": "idle", "limits": {"amount_per_month": "5"}}
    await office.ask("POST", "/tokens", made, 201)
    office.clock.elapsed_s = 1
    session = await office.charge("P01", "PURSE")
    assert office.ledger.passed_limits(office.clock.now(), {}) == {}
    assert office.ledger.passed_limits(office.clock.now(), {session: Decimal("4.99")}) == {}
    assert office.ledger.passed_limits(office.clock.now(), {session: Decimal(5)}) == {session: "5 a month are used"}


@pytest.mark.parametrize("operator", [OperatorTerms(guests=True)])
async def test_a_guest_may_charge_only_where_the_site_takes_guests_and_the_point_is_public(office: Office):
    assert await verdict(office, "nobody's") is Verdict.ACCEPTED
    shown = await office.ask("PUT", "/public-points/P01", {"public": False})
    assert shown == {"point": "P01", "public": False}
    assert await verdict(office, "nobody's", "P01") is Verdict.UNKNOWN
    assert await verdict(office, "nobody's", "P01", "P02") is Verdict.ACCEPTED, "another connector of the station"
    listed = await office.ask("GET", "/public-points")
    assert (listed["guests"], [one["public"] for one in listed["items"]]) == (True, [False, True, True, True])
    await office.ask("PUT", "/public-points/P99", {"public": False}, 404)
    await office.ask("POST", "/tariffs", a_tariff("guest", "0.60"), 201, approve=True)
    await office.ask("POST", "/rules", {"scope": "guest", "tariff": "guest"}, 201, approve=True)
    assert (await office.retail(await office.charge("P02", "nobody's")))["scope"] == "guest"


async def test_without_guests_a_stranger_is_refused_everywhere(office: Office):
    assert await verdict(office, "nobody's") is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/tokens", {"uid": "A", "contract": "none"}, "contract: there is no contract 'none'"),
        ("/tokens", {"uid": "A", "tariff": "none"}, "tariff: there is no tariff 'none'"),
        ("/tokens", {"uid": ""}, "uid: String should have at least 1"),
        ("/tokens", {"uid": "A", "valid_from": in_hours(2), "valid_until": in_hours(1)}, "valid_until: expected"),
        ("/tokens", {"uid": "A", "limits": {"session_h": 0}}, "limits.session_h: Input should be greater"),
        ("/parties", FLEET | {"iban": "NL91 ABNA 0417 1643 01"}, "iban: Value error, expected an IBAN"),
        ("/contracts", {"id": "c", "party": "x", "employer": "y"}, "party: there is no party 'x'; employer: there is"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_reason(office: Office, path: str, body: dict[str, Any], reason: str):
    assert (await office.ask("POST", path, body, 422))["detail"].startswith(reason)


async def test_an_operator_gives_a_token_its_tariff_only_by_a_proposal(guarded_office: Office):
    office = guarded_office
    await office.log_in("cleo")
    await office.ask("POST", "/tariffs", a_tariff("friends", "0.10"), 201, approve=True)
    await office.log_in("ada")
    made = await office.ask("POST", "/tokens", {"uid": "FRIEND", "tariff": "friends"}, 201)
    assert made["tariff"] is None
    assert (await office.ask("GET", "/rules", state="proposed"))["items"][0]["key"] == "FRIEND"
    await office.log_in("ben")
    await office.ask("POST", "/tokens", {"uid": "MINE"}, 403)
