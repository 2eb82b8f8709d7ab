"""Tariffs and rules through the REST API: a story of how prices are set, and of who may do so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from controller.tariffs.book import OperatorTerms
from tests.support.books import Office, a_tariff, in_hours


async def test_the_price_of_the_site_file_is_a_tariff_like_any_other(office: Office):
    (tariff,) = (await office.ask("GET", "/tariffs"))["items"]
    assert (tariff["id"], tariff["state"], tariff["approved"]["by"]) == ("site-file", "active", "site file")
    assert tariff["price_now"]["before_tax"] == "0.35"
    (rule,) = (await office.ask("GET", "/rules"))["items"]
    assert (rule["scope"], rule["leg"], rule["tariff"]) == ("operator", "retail", "site-file")
    terms = await office.retail(await office.charge("P01"))
    assert (terms["tariff"], terms["version"], terms["scope"]) == ("site-file", 1, "operator")


async def test_a_rule_counts_from_its_approval_on_and_for_later_sessions_only(office: Office):
    await office.ask("POST", "/tariffs", a_tariff("day", "0.41"), 201)
    rule = await office.ask("POST", "/rules", {"scope": "connector", "key": "P01", "tariff": "day"}, 201)
    assert rule["state"] == "proposed"
    running = await office.charge("P01")
    assert (await office.ask("GET", "/rules"))["waiting"] == 1
    office.clock.elapsed_s = 60
    approved = await office.ask("POST", f"/rules/{rule['id']}/approve")
    assert (approved["state"], approved["valid_from"]) == ("active", in_hours(1 / 60).replace("+00:00", "Z"))
    assert (await office.retail(running))["tariff"] == "site-file"
    assert (await office.retail(await office.charge("P01")))["tariff"] == "day"
    assert (await office.retail(await office.charge("P02")))["tariff"] == "site-file"


async def test_a_new_version_of_a_tariff_waits_for_approval_and_can_be_scheduled(office: Office):
    await office.ask("POST", "/tariffs", a_tariff("day", "0.41"), 201, approve=True)
    await office.ask("POST", "/rules", {"scope": "site", "tariff": "day"}, 201, approve=True)
    changed = await office.ask("PUT", "/tariffs/day", a_tariff("day", "0.45"), valid_from=in_hours(24))
    assert (changed["version"], changed["state"]) == (2, "proposed")
    (shown,) = [one for one in (await office.ask("GET", "/tariffs"))["items"] if one["id"] == "day"]
    assert (shown["version"], shown["price_now"]["before_tax"]) == (1, "0.41")
    assert (await office.ask("POST", "/tariffs/day/approve"))["state"] == "scheduled"
    assert (await office.retail(await office.charge("P01")))["version"] == 1
    assert (await office.retail(await office.charge("P01", after_h=25)))["version"] == 2
    states = [one["state"] for one in (await office.ask("GET", "/tariffs/day"))["items"]]
    assert states == ["active", "scheduled"]


async def test_a_price_for_a_month_goes_back_to_what_it_was(office: Office):
    for name in ("usual", "fair"):
        await office.ask("POST", "/tariffs", a_tariff(name), 201, approve=True)
    await office.ask("POST", "/rules", {"scope": "site", "tariff": "usual"}, 201, approve=True)
    fair = {"scope": "site", "tariff": "fair", "valid_from": in_hours(10), "valid_until": in_hours(20)}
    rule = await office.ask("POST", "/rules", fair, 201)
    await office.ask("POST", f"/rules/{rule['id']}/approve")
    found = [(await office.retail(await office.charge("P01", after_h=h)))["tariff"] for h in (9.99, 10, 19.99, 20)]
    assert found == ["usual", "fair", "fair", "usual"]
    copy = await office.ask(
        "POST", f"/rules/{rule['id']}/copy", {"valid_from": in_hours(30), "valid_until": in_hours(40)}, 201
    )
    assert (copy["tariff"], copy["state"]) == ("fair", "proposed")


async def test_what_has_ended_is_shown_only_with_the_history(office: Office):
    await office.ask("POST", "/tariffs", a_tariff("day"), 201, approve=True)
    rule = await office.ask("POST", "/rules", {"scope": "site", "tariff": "day"}, 201, approve=True)
    refused = await office.ask("DELETE", "/tariffs/day", status=422)
    assert rule["id"] in refused["detail"]
    assert (await office.ask("DELETE", f"/rules/{rule['id']}"))["state"] == "ended"
    await office.ask("DELETE", "/tariffs/day")
    assert [one["id"] for one in (await office.ask("GET", "/tariffs"))["items"]] == ["site-file"]
    assert [one["tariff"] for one in (await office.ask("GET", "/rules"))["items"]] == ["site-file"]
    ended = (await office.ask("GET", "/rules", all=True))["items"]
    assert [one["state"] for one in ended] == ["active", "ended"]
    assert len((await office.ask("GET", "/tariffs", all=True))["items"]) == 2


async def test_an_ambiguous_tariff_is_refused_with_every_reason_and_a_suspicious_one_kept_with_warnings(office: Office):
    twice = a_tariff("odd", currency="USD")
    twice["elements"][0]["price_components"] *= 2
    refused = await office.ask("POST", "/tariffs", twice, 422)
    assert len(refused["problems"]) == 2
    assert refused["problems"][0].startswith("currency: expected that of the site, EUR")
    assert "same_dimension_twice" in refused["problems"][1]
    steps = a_tariff("steps")
    steps["elements"][0]["price_components"][0]["step_size"] = 1000
    kept = await office.ask("POST", "/tariffs", steps, 201)
    assert any("step_size" in warning for warning in kept["warnings"])
    assert kept["tariff"]["elements"][0]["price_components"][0]["price"] == 0.4


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"scope": "connector", "key": "P99", "tariff": "site-file"}, "key: expected a charging point"),
        ({"scope": "station", "key": "", "tariff": "site-file"}, "key: expected a charging station"),
        ({"scope": "contract", "key": "none", "tariff": "site-file"}, "key: expected a contract"),
        ({"scope": "token", "tariff": "site-file"}, "key: expected a token's uid"),
        ({"scope": "site", "key": "hq", "tariff": "site-file"}, "key: expected nothing"),
        ({"scope": "site", "tariff": "unknown"}, "tariff: there is no tariff"),
        ({"scope": "site", "tariff": "site-file", "valid_until": in_hours(-1)}, "valid_until: expected a time after"),
        ({"scope": "site", "tariff": "site-file", "price": 1}, "price: Extra inputs"),
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused(office: Office, rule: dict[str, str], reason: str):
    assert (await office.ask("POST", "/rules", rule, 422))["detail"].startswith(reason)


async def test_a_tariff_is_made_once_and_changed_under_its_own_id(office: Office):
    await office.ask("POST", "/tariffs", a_tariff("day"), 201)
    assert "PUT" in (await office.ask("POST", "/tariffs", a_tariff("day"), 409))["detail"]
    assert (await office.ask("PUT", "/tariffs/night", a_tariff("day"), 422))["detail"].startswith(
        "id: expected 'night'"
    )
    await office.ask("GET", "/tariffs/night", status=404)
    await office.ask("POST", "/rules/none/approve", status=404)


async def test_fees_for_the_cards_of_others_are_frozen_with_the_session(office: Office):
    fee = await office.ask("POST", "/card-fees", {"token_kind": "external", "per_kwh": 0.05, "per_session": "0.5"}, 201)
    assert (fee["per_kwh"], fee["per_session"], fee["state"]) == ("0.05", "0.5", "proposed")
    await office.ask("POST", "/tokens", {"uid": "EXT1", "kind": "external"}, 201)
    assert (await office.retail(await office.charge("P01", "EXT1")))["card_fee"] is None
    await office.ask("POST", f"/card-fees/{fee['id']}/approve")
    assert (await office.retail(await office.charge("P02", "ext1")))["card_fee"] == fee["id"]
    assert (await office.retail(await office.charge("P03", "OWN")))["card_fee"] is None
    await office.ask("DELETE", f"/card-fees/{fee['id']}")
    assert (await office.ask("GET", "/card-fees"))["items"] == []


async def test_operators_propose_and_approvers_approve(guarded_office: Office):
    office = guarded_office
    await office.log_in("ben")
    await office.ask("POST", "/tariffs", a_tariff("day"), 403)
    await office.ask("GET", "/parties", status=403)
    await office.log_in("ada")
    await office.ask("POST", "/tariffs", a_tariff("day"), 403, approve=True)
    await office.ask("POST", "/tariffs", a_tariff("day"), 201)
    rule = await office.ask("POST", "/rules", {"scope": "site", "tariff": "day"}, 201)
    await office.ask("POST", f"/rules/{rule['id']}/approve", status=403)
    await office.log_in("cleo")
    approved = await office.ask("POST", f"/rules/{rule['id']}/approve")
    assert (approved["proposed"]["by"], approved["approved"]["by"]) == ("ada", "cleo")
    await office.log_in("ada")
    await office.ask("DELETE", f"/rules/{rule['id']}", status=403)
    log = (await office.ask("GET", "/price-changes", since=in_hours(0), until=in_hours(1)))["items"]
    assert [(one["by"], one["decision"], one["kind"]) for one in log] == [
        ("ada", "proposed", "tariff"),
        ("ada", "proposed", "rule"),
        ("cleo", "approved", "rule"),
        ("cleo", "approved", "tariff"),
    ]


@pytest.mark.parametrize("operator", [OperatorTerms(lead_time=timedelta(hours=2))])
async def test_an_approved_price_begins_no_sooner_than_the_lead_time_that_the_operator_requires(office: Office):
    await office.ask("POST", "/tariffs", a_tariff("day"), 201)
    rule = await office.ask("POST", "/rules", {"scope": "site", "tariff": "day"}, 201)
    path = f"/rules/{rule['id']}/approve"
    assert "valid_from" in (await office.ask("POST", path, {"valid_from": in_hours(1)}, 422))["detail"]
    approved = await office.ask("POST", path)
    assert (approved["state"], approved["valid_from"]) == ("scheduled", in_hours(2).replace("+00:00", "Z"))
    found = [(await office.retail(await office.charge("P01", after_h=h)))["tariff"] for h in (1.9, 2)]
    assert found == ["site-file", "day"]
