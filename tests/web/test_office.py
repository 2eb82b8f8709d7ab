"""The pages of prices and tokens: plain forms, who sees which of them, and what they answer when something is wrong."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import httpx

from controller.ports.tokens import Verdict
from tests.support.books import Office, a_tariff


async def submit(office: Office, path: str, **fields: str) -> httpx.Response:
    """Send a form as a browser does."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://loadstar.test"}
    return await office.http.post(path, content=urlencode(fields), headers=headers)


async def test_a_price_is_made_proposed_somewhere_approved_and_ended_by_forms(office: Office):
    made = await submit(office, "/prices/tariffs", id="day", per_kwh="0,41", vat="21", grace_min="15", approve="on")
    assert (made.status_code, made.headers["location"]) == (303, "/prices")
    (day,) = (await office.ask("GET", "/tariffs/day"))["items"]
    assert day["tariff"]["elements"][0]["price_components"] == [
        {"type": "ENERGY", "price": 0.41, "step_size": 1, "vat": 21}
    ]
    assert day["price_now"] == {"before_tax": "0.41", "after_tax": "0.4961", "label": ""}
    assert (await submit(office, "/prices/rules", scope="connector", key="P01", tariff="day")).status_code == 303
    page = (await office.http.get("/prices")).text
    assert "Waiting for approval" in page
    assert "Point P01" in page
    (rule,) = (await office.ask("GET", "/rules", state="proposed"))["items"]
    assert (await submit(office, f"/prices/rules/{rule['id']}/approve")).status_code == 303
    assert (await office.retail(await office.charge("P01")))["tariff"] == "day"
    assert "Waiting for approval" not in (await office.http.get("/prices")).text
    assert (await submit(office, f"/prices/rules/{rule['id']}/end")).status_code == 303
    assert rule["id"] not in (await office.http.get("/prices")).text
    again = await submit(office, "/prices/tariffs", id="day", per_kwh="0.45")
    assert again.status_code == 303
    assert [one["state"] for one in (await office.ask("GET", "/tariffs/day"))["items"]] == ["active", "proposed"]
    assert (await submit(office, "/prices/tariffs/day/2/approve")).status_code == 303


async def test_a_price_that_holds_its_tax_is_shown_without_endless_decimals(office: Office):
    held = {"price_components": [{"type": "ENERGY", "price": 0.34, "vat": 21, "step_size": 1}]}
    await office.ask("POST", "/tariffs", a_tariff("held", tax_included="YES", elements=[held]), 201, approve=True)
    page = (await office.http.get("/prices")).text
    assert ">0.280992<" in page.replace("\n", "")
    assert ">0.34 with tax<" in page


async def test_a_form_that_cannot_be_comes_back_with_every_reason_and_as_it_was(office: Office):
    wrong = await submit(office, "/prices/tariffs", id="day", per_kwh="dear", vat="much")
    assert wrong.status_code == 422
    assert "price per kWh: expected a number, found &#39;dear&#39;" in wrong.text
    assert "tax: expected a number" in wrong.text
    assert 'value="dear"' in wrong.text
    wrong = await submit(office, "/prices/rules", scope="connector", key="<P77>", tariff="site-file")
    assert "expected a charging point of the site, found &#39;&lt;P77&gt;&#39;" in wrong.text
    wrong = await submit(office, "/tokens", uid="A", session_h="long")
    assert "session_h: expected a number" in wrong.text


async def test_tariff_codes_are_shown_before_and_after_and_then_changed(office: Office):
    await office.ask("POST", "/tariffs", a_tariff("DAY"), 201, approve=True)
    table = "station,connector,tariff_code\r\nCP01,,day\r\n"
    part = 'Content-Disposition: form-data; name="file"; filename="codes.csv"\r\nContent-Type: text/csv\r\n\r\n'
    body = f"--edge\r\n{part}{table}\r\n--edge--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    shown = await office.http.post("/prices/codes", content=body, headers=headers)
    assert "What the table changes" in shown.text
    assert "Change 1 code<" in shown.text
    assert len((await office.ask("GET", "/rules"))["items"]) == 1
    assert (await submit(office, "/prices/codes", table=table, confirm="yes")).status_code == 303
    assert (await office.retail(await office.charge("P01")))["tariff"] == "DAY"
    refused = await submit(office, "/prices/codes", table=table.replace("CP01", "CP99"))
    assert (refused.status_code, "row 2, station: expected" in refused.text) == (422, True)


async def test_a_token_is_let_in_blocked_and_ended_by_forms(office: Office):
    made = await submit(office, "/tokens", uid="VID:0019F4AA01BC", kind="autocharge", session_h="4", zero_rate="on")
    assert made.status_code == 303
    token = await office.ask("GET", "/tokens/00:19:f4:aa:01:bc")
    assert (token["kind"], token["limits"]["session_h"], token["zero_rate"]) == ("autocharge", 4.0, True)
    path = "/tokens/VID%3A0019F4AA01BC"
    await submit(office, f"{path}/block")
    assert (await office.ledger.authorise("vid:0019f4aa01bc", ["P01"], office.clock.now())).verdict is Verdict.BLOCKED
    assert "blocked" in (await office.http.get("/tokens")).text
    await submit(office, f"{path}/block", unblock="yes")
    assert (await office.ledger.authorise("vid:0019f4aa01bc", ["P01"], office.clock.now())).accepted
    await submit(office, f"{path}/end")
    assert "No token is known yet" in (await office.http.get("/tokens")).text
    assert "expired" in (await office.http.get("/tokens?all=true")).text


async def test_a_token_is_changed_in_a_form_that_says_what_holds_already(office: Office):
    await office.ask("POST", "/tariffs", a_tariff("friends"), 201, approve=True)
    limits = {"energy_kwh_per_month": 300, "amount_per_month": "50", "session_h": 4}
    card = {
        "uid": "04A2",
        "description": "Van",
        "group": "pool",
        "tariff": "friends",
        "blocked": True,
        "limits": limits,
    }
    before = await office.ask("POST", "/tokens", {**card, "valid_until": "2099-03-31T22:00:00Z"}, 201)
    page = (await office.http.get("/tokens?edit=04a2")).text
    form = page[page.index('action="/tokens/04A2/change"') :]
    fields = dict(re.findall(r'name="(\w+)" (?:type="[\w-]+" )?value="([^"]*)"', form))
    fields |= dict(re.findall(r'name="(\w+)">(?:(?!</select>).)*selected>([^<]*)<', form))
    assert (await submit(office, "/tokens/04A2/change", **fields)).status_code == 303
    assert await office.ask("GET", "/tokens/04A2") == before, "nothing was said anew"
    fields = {"description": "Van 2", "kind": "own", "zero_rate": "on"}
    assert (await submit(office, "/tokens/04A2/change", **fields)).status_code == 303
    after = await office.ask("GET", "/tokens/04A2")
    assert (after["description"], after["zero_rate"], after["blocked"]) == ("Van 2", True, False)
    assert (after["group"], after["tariff"], after["valid_until"], after["limits"]["session_h"]) == (None,) * 4
    wrong = await submit(office, "/tokens/04A2/change", contract="none")
    assert "there is no contract" in wrong.text
    assert "Change token 04A2" in wrong.text


async def test_a_fee_and_a_point_that_is_closed_to_guests_are_set_by_forms(office: Office):
    made = await submit(office, "/prices/fees", token_kind="external", per_kwh="0,05", approve="on")
    assert made.status_code == 303
    (fee,) = (await office.ask("GET", "/card-fees"))["items"]
    assert (fee["per_kwh"], fee["per_session"], fee["token_kind"]) == ("0.05", "0", "external")
    assert "Fees for charge cards" in (await office.http.get("/prices")).text
    assert (await submit(office, "/prices/fees", token_kind="external", per_kwh="dear")).status_code == 422
    later = {"per_session": "1", "valid_from": "2099-01-01T00:00", "valid_until": "2099-07-01T00:00", "approve": "on"}
    assert (await submit(office, "/prices/fees", token_kind="guest", **later)).status_code == 303
    page = (await office.http.get("/prices")).text
    assert "from 01 Jan 2099, 00:00" in page, "what is approved for later is shown"
    office.clock.elapsed_s = 1
    assert (await submit(office, f"/prices/fees/{fee['id']}/end")).status_code == 303
    assert (await office.ask("GET", "/card-fees"))["items"] == []
    assert (await submit(office, "/tokens/guests/P01")).status_code == 303
    assert not (await office.ask("GET", "/public-points"))["items"][0]["public"]
    await submit(office, "/tokens/guests/P01", open="yes")
    assert (await office.ask("GET", "/public-points"))["items"][0]["public"]
    assert "there is no point" in (await submit(office, "/tokens/guests/P99")).text


async def test_times_beyond_all_reach_are_refused(office: Office):
    wrong = await submit(office, "/prices/tariffs", id="day", per_kwh="1", valid_from="9999-12-31T23:59")
    assert "expected a year from 1970 to 2999" in wrong.text
    wrong = await submit(office, "/prices/rules", scope="site", tariff="site-file", valid_from="soon")
    assert "expected a date and a time" in wrong.text


async def test_a_rule_is_copied_into_the_form_of_a_new_one(office: Office):
    (rule,) = (await office.ask("GET", "/rules"))["items"]
    page = (await office.http.get("/prices", params={"copy": rule["id"]})).text
    assert '<option value="operator" selected>' in page
    assert "<option selected>site-file</option>" in page
    assert (await office.http.get("/prices?copy=none")).status_code == 404


async def test_the_pages_ask_for_a_login_and_show_readers_no_forms(guarded_office: Office):
    office = guarded_office
    anonymous = await office.http.get("/prices")
    assert (anonymous.status_code, anonymous.headers["location"]) == (303, "/login")
    await office.log_in("ben")
    assert "<form" not in (await office.http.get("/prices")).text
    assert "<form" not in (await office.http.get("/tokens")).text
    assert (await submit(office, "/tokens", uid="MINE")).status_code == 403
    await office.log_in("ada")
    page = (await office.http.get("/prices")).text
    assert "<form" in page
    assert "and approve it" not in page
    assert (await submit(office, "/prices/rules/any/approve")).status_code == 403
    foreign = await office.http.post("/tokens", content="uid=A", headers={"Origin": "http://elsewhere.test"})
    assert foreign.status_code == 403
