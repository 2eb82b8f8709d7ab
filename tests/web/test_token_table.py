"""Tokens as a table: written out, changed with a spreadsheet, shown first, taken whole or not at all."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import httpx
import pytest

from controller.tariffs.book import OperatorTerms
from tests.support.books import NOW, Office, a_tariff
from tests.web.test_office import submit

PATH = "/tokens/import"
COLUMNS = (
    "uid,description,kind,group,contract,blocked,valid_from,valid_until,zero_rate,tariff,"
    "energy_kwh_per_month,amount_per_month,session_h"
)


@pytest.fixture
async def stocked(office: Office) -> Office:
    """Two parties' contract, a tariff, and a token that is known."""
    await office.ask("POST", "/tariffs", a_tariff("friends", "0.10"), 201, approve=True)
    await office.ask("POST", "/parties", {"id": "works", "kind": "employer", "name": "The works"}, 201)
    await office.ask("POST", "/contracts", {"id": "fleet", "party": "works"}, 201)
    await office.ask("POST", "/tokens", {"uid": "04A2", "description": "Van", "limits": {"session_h": 4}}, 201)
    return office


def shown(answer: dict[str, Any]) -> list[tuple[int, str, bool, dict[str, tuple[str, str]]]]:
    return [
        (row["row"], row["uid"], row["new"], {one["column"]: (one["before"], one["after"]) for one in row["changes"]})
        for row in answer["items"]
    ]


async def exported(office: Office, **query: Any) -> str:
    answer = await office.http.get("/api/v1/exports/tokens", params=query)
    assert answer.headers["content-type"].startswith("text/csv")
    return answer.text


async def test_a_dry_run_shows_before_and_after_and_the_table_then_does_just_that(stocked: Office):
    table = (
        "uid,description,group,contract,valid_until,zero_rate,tariff,energy_kwh_per_month,session_h\n"
        "04a2,Van 2,pool,fleet,2099-12-31,,friends,,\n"
        "04B3,Visitor,,,,yes,,12.5,\n"
    )
    expected = [
        (
            2,
            "04A2",
            False,
            {
                "description": ("Van", "Van 2"),
                "group": ("", "pool"),
                "contract": ("", "fleet"),
                "valid_until": ("", "2100-01-01T00:00:00+01:00"),
                "tariff": ("", "friends"),
                "session_h": ("4", ""),
            },
        ),
        (
            3,
            "04B3",
            True,
            {
                "uid": ("", "04B3"),
                "description": ("", "Visitor"),
                "kind": ("", "own"),
                "zero_rate": ("", "yes"),
                "energy_kwh_per_month": ("", "12.5"),
            },
        ),
    ]
    before = await exported(stocked)
    tried = await stocked.ask("POST", PATH, table, dry_run=True)
    assert (tried["dry_run"], tried["added"], tried["changed"], shown(tried)) == (True, 1, 1, expected)
    assert await exported(stocked) == before
    done = await stocked.ask("POST", PATH, table)
    assert (done["dry_run"], done["approved"], shown(done)) == (False, True, expected)
    van, visitor = (await stocked.ask("GET", "/tokens"))["items"]
    assert (van["description"], van["contract"], van["tariff"], van["limits"]["session_h"]) == (
        "Van 2",
        "fleet",
        "friends",
        None,
    )
    assert (visitor["zero_rate"], visitor["limits"]["energy_kwh_per_month"]) == (True, 12.5)
    assert (await stocked.retail(await stocked.charge("P01", "04A2")))["tariff"] == "friends"
    again = await stocked.ask("POST", PATH, table)
    assert (again["added"], again["changed"], [row["changes"] for row in again["items"]]) == (0, 0, [[], []])
    history = (await stocked.ask("GET", "/tokens/04A2/history"))["items"]
    assert [one["to"]["description"] for one in history] == ["Van", "Van 2"], "what stays is not written anew"


async def test_what_is_written_out_comes_back_as_it_was(stocked: Office):
    odd = {
        "uid": "+31 / x",
        "description": '=cmd|" /c", he said; \u00fc',
        "blocked": True,
        "kind": "employee",
        "valid_from": "2026-03-29T00:59:59Z",
        "valid_until": "2099-03-31T22:00:00Z",
        "limits": {"amount_per_month": "49.50", "energy_kwh_per_month": 0.001},
        "tariff": "friends",
    }
    await stocked.ask("POST", "/tokens", odd, 201)
    await stocked.ask("POST", "/tokens", {"uid": "OLD", "valid_until": "2026-01-01T00:00:00Z"}, 201)
    text = await exported(stocked, all=True)
    assert text.splitlines()[0] == COLUMNS
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["uid"] for row in rows] == ["'+31 / x", "04A2", "OLD"], "no spreadsheet takes it for a formula"
    assert rows[0]["valid_from"] == "2026-03-29T01:59:59+01:00"
    assert "OLD" not in await exported(stocked)
    same = await stocked.ask("POST", PATH, text.replace("\r\n", "\n"))
    assert (same["added"], same["changed"]) == (0, 0)
    before = (await stocked.ask("GET", "/tokens", all=True))["items"]
    spreadsheet = text.replace(",", ";").replace('"";', '"",').replace("49.5", "49,5")
    assert (await stocked.ask("POST", PATH, "\ufeff" + spreadsheet))["changed"] == 0
    assert (await stocked.ask("GET", "/tokens", all=True))["items"] == before


async def test_one_wrong_row_refuses_the_whole_table_with_every_row_and_reason(stocked: Office):
    table = (
        "uid,kind,contract,blocked,valid_from,valid_until,tariff,energy_kwh_per_month,session_h\n"
        "GOOD,own,fleet,no,,,,,\n"
        ",own,,,,,,,\n"
        "B,stolen,none,perhaps,soon,2026-13-01,cheap,lots,-1\n"
        "C,,none,,2027-01-02,2027-01-01,cheap,,\n"
        "good,own,,,,,,,\n"
        "D,,,,,,,0,1e9\n"
    )
    refused = await stocked.ask("POST", PATH, table, 422)
    assert [(row["row"], row["column"], row["value"]) for row in refused["rows"]] == [
        (2, "uid", "GOOD"),
        (3, "uid", ""),
        (4, "blocked", "perhaps"),
        (4, "valid_from", "soon"),
        (4, "valid_until", "2026-13-01"),
        (4, "energy_kwh_per_month", "lots"),
        (5, "contract", "none"),
        (5, "tariff", "cheap"),
        (5, "valid_until", "2027-01-01"),
        (6, "uid", "good"),
        (7, "energy_kwh_per_month", "0"),
        (7, "session_h", "1e9"),
    ]
    assert refused["problems"][0] == "row 2, uid: the token stands in another row as well, found 'GOOD'"
    assert [one["uid"] for one in (await stocked.ask("GET", "/tokens"))["items"]] == ["04A2"]


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("", "row 1, uid: the column is missing"),
        ("uid,price\nA,1\n", "row 1, price: expected the columns uid, description"),
        ("uid\n", "row 1: holds no rows"),
        (b"uid\n\xff\n", "row 1: is not CSV in UTF-8"),
        ("uid,description\n" + f"A,{'x' * 50}\n" * 5001, "row 5002: expected at most 5000 rows"),
    ],
)
async def test_what_is_no_table_of_tokens_is_refused(office: Office, table: str | bytes, reason: str):
    assert (await office.ask("POST", PATH, table, 422))["problems"][0].startswith(reason)


async def test_a_tariff_without_a_price_at_that_time_is_refused_by_its_row(stocked: Office):
    await stocked.ask("POST", "/tariffs", a_tariff("later"), 201, valid_from="2099-01-01T00:00:00Z", approve=True)
    refused = await stocked.ask("POST", PATH, "uid,tariff\nA,\nB,later\n", 422, dry_run=True)
    assert [(row["row"], row["reason"]) for row in refused["rows"]] == [(3, "no approved version of it holds then")]


async def test_for_an_operator_tariffs_wait_for_approval_and_none_is_taken_away(guarded_office: Office):
    office = guarded_office
    await office.log_in("cleo")
    await office.ask("POST", "/tariffs", a_tariff("friends", "0.10"), 201, approve=True)
    await office.ask("POST", "/tokens", {"uid": "OURS", "tariff": "friends"}, 201)
    office.clock.elapsed_s = 1
    await office.log_in("ada")
    done = await office.ask("POST", PATH, "uid,tariff\nFRIEND,friends\n")
    assert (done["approved"], (await office.ask("GET", "/tokens/FRIEND"))["tariff"]) == (False, None)
    assert (await office.ask("GET", "/rules", state="proposed"))["items"][0]["key"] == "FRIEND"
    refused = await office.ask("POST", PATH, "uid,tariff\nNEW,\nOURS,\n", 422)
    assert [(row["row"], row["column"]) for row in refused["rows"]] == [(3, "tariff")]
    await office.log_in("ben")
    await office.ask("POST", PATH, "uid\nMINE\n", 403)
    await office.log_in("cleo")
    await office.ask("POST", PATH, "uid,tariff\nOURS,\n")
    assert (await office.ask("GET", "/tokens/OURS"))["tariff"] is None


@pytest.mark.parametrize("operator", [OperatorTerms(lead_time=timedelta(days=3))])
async def test_where_prices_are_announced_ahead_it_says_when_a_tariff_begins_to_hold(office: Office):
    await office.ask("POST", "/tariffs", a_tariff("friends", "0.10"), 201, approve=True)
    done = await office.ask("POST", PATH, "uid,tariff\nFRIEND,friends\n")
    assert done["tariffs_from"] == (NOW + timedelta(days=3)).isoformat().replace("+00:00", "Z")
    assert (await office.ask("GET", "/tokens/FRIEND"))["tariff"] is None
    assert "hold from" in (await upload(office, "uid,tariff\nANOTHER,friends\n")).text
    office.clock.elapsed_s = 3 * 86_400
    assert (await office.ask("GET", "/tokens/FRIEND"))["tariff"] == "friends"


async def upload(office: Office, table: str) -> httpx.Response:
    part = 'Content-Disposition: form-data; name="file"; filename="cards.csv"\r\nContent-Type: text/csv\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    return await office.http.post("/tokens/table", content=f"--edge\r\n{part}{table}\r\n--edge--\r\n", headers=headers)


async def test_the_page_shows_what_a_table_changes_and_does_it_when_asked_again(stocked: Office):
    table = "uid\tdescription\n04A2\t<Van>\n04B3\tVisitor\n"
    page = await upload(stocked, table)
    assert "What the table changes" in page.text
    assert "<td>Van</td><td>&lt;Van&gt;</td>" in page.text
    assert "Let 1 in and change 1<" in page.text
    assert len((await stocked.ask("GET", "/tokens"))["items"]) == 1
    done = await submit(stocked, "/tokens/table", table=table, confirm="yes")
    assert (done.status_code, done.headers["location"]) == (303, "/tokens")
    assert [one["description"] for one in (await stocked.ask("GET", "/tokens"))["items"]] == ["<Van>", "Visitor"]
    refused = await submit(stocked, "/tokens/table", table="uid,kind\n04C4,odd\n")
    assert (refused.status_code, "row 2, kind: Input should be" in refused.text) == (422, True)
    file = await stocked.http.get("/tokens/table")
    assert file.text.startswith("\ufeffuid,description"), "or spreadsheets take it for another encoding"
    assert f"tokens-{NOW:%Y}" in file.headers["content-disposition"]
