"""The page of accounts: contracts and parties are kept by forms, and what is wrong is told at the form."""

from __future__ import annotations

import html
import re

import httpx

from tests.support.books import NOW, Office
from tests.web.test_office import submit

IBAN = "nl91 abna 0417 1643 00"


def in_the_form(page: str, action: str) -> dict[str, str]:
    """What stands in the fields of a form, as a browser would send it again."""
    form = page[page.index(f'action="{action}"') :]
    form = form[: form.index("</form>")]
    fields = dict(re.findall(r'name="(\w+)" (?:type="[\w-]+" )?value="([^"]*)"', form))
    fields |= dict(re.findall(r'<textarea name="(\w+)"[^>]*>([^<]*)<', form))
    fields |= dict.fromkeys(re.findall(r'type="checkbox" name="(\w+)" checked', form), "on")
    for name, options in re.findall(r'<select name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        fields[name] = "".join(re.findall(r'value="([^"]*)" selected', options))
    return {name: html.unescape(value) for name, value in fields.items() if value}


async def stock(office: Office) -> None:
    await submit(
        office, "/accounts/parties", id="works", kind="employer", name="The <works>", country="nl", language="nl"
    )
    lines = "Kade 12\r\n\r\n1011 AA Amsterdam"
    await submit(office, "/accounts/parties", id="driver/7", kind="employee", name="Seven", iban=IBAN, address=lines)


async def home(office: Office, path: str = "/accounts/contracts", **more: str) -> httpx.Response:
    said = {"id": "home/7", "party": "driver/7", "employer": "works", "home_charging": "on"}
    return await submit(office, path, **{**said, "tax_state": "exempt", "tax_reason": "private person", **more})


async def test_an_employee_who_charges_at_home_gets_an_account_by_forms(office: Office):
    await stock(office)
    works, driver = sorted((await office.ask("GET", "/parties"))["items"], key=lambda party: -len(party["name"]))
    assert (works["country"], works["language"], driver["iban"]) == ("NL", "nl", "NL91ABNA0417164300")
    assert driver["address"] == ["Kade 12", "1011 AA Amsterdam"]
    years = {"years": f"{NOW:%Y} {NOW.year + 1}", f"basis_{NOW.year + 1}": "lump_sum"}
    made = await home(office, valid_until=f"{NOW.year + 2}-12-31T00:00", **years)
    assert (made.status_code, made.headers["location"]) == (303, "/accounts")
    (contract,) = (await office.ask("GET", "/contracts"))["items"]
    assert contract["price_bases"] == {str(NOW.year + 1): "lump_sum"}
    assert (contract["tax"]["state"], contract["tax"]["reason"], contract["home_charging"]) == (
        "exempt",
        "private person",
        True,
    )
    page = (await office.http.get("/accounts")).text
    assert "The &lt;works&gt;" in page
    assert "NL91 ABNA 0417 1643 00" in page
    assert f"{NOW.year + 1}: a lump sum" in page


async def test_what_holds_already_stands_in_the_form_and_saying_it_again_changes_nothing(office: Office):
    await stock(office)
    await office.ask("POST", "/contracts", {"id": "old", "party": "works", "price_bases": {"2021": "regulated"}}, 201)
    await home(office, years=f"{NOW:%Y}", **{f"basis_{NOW:%Y}": "regulated"}, valid_from="2026-01-01T00:00")
    before = [await office.ask("GET", path) for path in ("/contracts", "/parties")]
    for kind, ids in (("contract", ("home%2F7", "old")), ("party", ("driver%2F7", "works"))):
        for name in ids:
            page = (await office.http.get(f"/accounts?{kind}={name}")).text
            assert f"Change {kind} " in page
            path = f"/accounts/{'contracts' if kind == 'contract' else 'parties'}/{name}/change"
            assert (await submit(office, path, **in_the_form(page, path))).status_code == 303
    assert [await office.ask("GET", path) for path in ("/contracts", "/parties")] == before
    changed = await home(office, "/accounts/contracts/home%2F7/change", tax_state="rate", tax_percent="9,5")
    assert changed.status_code == 303
    contract = (await office.ask("GET", "/contracts"))["items"][0]
    assert (contract["tax"]["percent"], contract["valid_from"]) == ("9.5", None), "what is left empty is taken away"


async def test_what_cannot_be_comes_back_with_every_reason_and_as_it_was(office: Office):
    wrong = await submit(office, "/accounts/parties", id="x", kind="tenant", iban="NL00 1", country="Holland", bic="?")
    assert wrong.status_code == 422
    for reason in (
        "name: Field required",
        "iban: expected an IBAN",
        "country: expected two letters",
        "bic: expected 8 or 11",
    ):
        assert reason in wrong.text
    assert 'value="NL00 1"' in wrong.text
    await stock(office)
    again = await submit(office, "/accounts/parties", id="works", kind="employer", name="Another")
    assert "there is a party &#39;works&#39; already" in again.text
    for said, reason in (
        ({"party": "nobody"}, "party: there is no party &#39;nobody&#39;"),
        ({"tax_state": "rate"}, "tax.percent: expected a percentage"),
        ({"tax_state": "rate", "tax_percent": "much"}, "tax.percent: Input should be a valid decimal"),
        ({"valid_from": "2027-01-02T00:00", "valid_until": "2027-01-01T00:00"}, "valid_until: expected a time after"),
        ({"years": "2026", "basis_2026": "dear"}, "price_bases.2026: Input should be"),
    ):
        wrong = await home(office, **said)
        assert (wrong.status_code, reason in wrong.text) == (422, True), reason
        assert 'value="home/7"' in wrong.text
    assert (await office.ask("GET", "/contracts"))["items"] == []
    gone = await home(office, "/accounts/contracts/none/change")
    assert "there is no contract" in gone.text
    assert (await office.http.get("/accounts?party=none")).status_code == 404


async def test_a_party_is_removed_when_no_contract_names_it(office: Office):
    await stock(office)
    await home(office)
    kept = await submit(office, "/accounts/parties/works/remove")
    assert "contracts name it, change these first: home/7" in kept.text
    assert (await submit(office, "/accounts/contracts/home%2F7/remove")).status_code == 303
    assert (await submit(office, "/accounts/parties/works/remove")).status_code == 303
    assert [party["id"] for party in (await office.ask("GET", "/parties"))["items"]] == ["driver/7"]


async def test_of_an_account_number_it_is_told_who_has_put_it_there(guarded_office: Office):
    office = guarded_office
    await office.log_in("ada")
    await stock(office)
    await home(office)
    await office.log_in("cleo")
    changed = {"kind": "employee", "name": "Seven", "iban": "NL20INGB0001234567"}
    await office.ask("PUT", "/parties/driver%2F7", changed)
    await office.ask("DELETE", "/contracts/home%2F7", status=204)
    told = (await office.ask("GET", "/parties/driver%2F7/history"))["items"]
    assert [(one["by"], one["to"]["iban"]) for one in told] == [
        ("ada", "NL91ABNA0417164300"),
        ("cleo", "NL20INGB0001234567"),
    ]
    told = (await office.ask("GET", "/contracts/home%2F7/history"))["items"]
    assert [(one["by"], one["to"] is None) for one in told] == [("ada", False), ("cleo", True)]
    await office.ask("GET", "/parties/nobody/history", status=404)
    await office.log_in("ben")
    await office.ask("GET", "/parties/driver%2F7/history", status=403)
    assert len((await office.ask("GET", "/contracts/home%2F7/history"))["items"]) == 2


async def test_who_only_reads_sees_contracts_and_no_bank_account(guarded_office: Office):
    office = guarded_office
    await office.log_in("ada")
    await stock(office)
    await home(office)
    await office.log_in("ben")
    page = (await office.http.get("/accounts")).text
    assert "home/7" in page
    assert "NL91" not in page
    assert "<form" not in page
    assert (await office.http.get("/accounts?party=works")).status_code == 404
    assert (await submit(office, "/accounts/parties", id="mine", kind="tenant", name="Ben")).status_code == 403
    office.http.headers.pop("Authorization")
    assert (await office.http.get("/accounts")).headers["location"] == "/login"
