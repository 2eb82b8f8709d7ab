"""Tariff codes of stations and connectors, changed by a table: shown first, taken whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.books import Office, a_tariff, in_hours

PATH = "/tariff-codes/import"


@pytest.fixture
async def stocked(office: Office) -> Office:
    for name in ("DAY", "NIGHT"):
        await office.ask("POST", "/tariffs", a_tariff(name), 201, approve=True)
    return office


def shown(answer: dict[str, Any]) -> list[tuple[str, int | None, str | None, str | None, bool]]:
    names = ("station", "connector", "before", "after", "changed")
    return [tuple(row[name] for name in names) for row in answer["items"]]


async def test_a_dry_run_shows_before_and_after_and_changes_nothing(stocked: Office):
    table = "station,connector,tariff_code\nCP01,,day\nCP02,1,NIGHT\n"
    expected = [("CP01", None, None, "DAY", True), ("CP02", 1, None, "NIGHT", True)]
    tried = await stocked.ask("POST", PATH, table, dry_run=True)
    assert (tried["dry_run"], tried["changed"], shown(tried)) == (True, 2, expected)
    assert len((await stocked.ask("GET", "/rules", all=True))["items"]) == 1
    running = await stocked.charge("P01")
    done = await stocked.ask("POST", PATH, table)
    assert (done["dry_run"], done["approved"], shown(done)) == (False, True, expected)
    assert (await stocked.retail(running))["tariff"] == "site-file"
    stocked.clock.elapsed_s = 1
    assert (await stocked.retail(await stocked.charge("P01")))["scope"] == "station"
    assert (await stocked.retail(await stocked.charge("P02")))["tariff"] == "NIGHT"
    again = await stocked.ask("POST", PATH, table)
    assert (again["changed"], shown(again)[0]) == (0, ("CP01", None, "DAY", "DAY", False))
    assert len((await stocked.ask("GET", "/rules"))["items"]) == 3, "what stays is not written anew"


async def test_a_code_is_taken_away_and_another_begins_later(stocked: Office):
    await stocked.ask("POST", PATH, "station;connector;tariff_code\r\nCP01;1;DAY\r\nCP02;1;DAY\r\n")
    stocked.clock.elapsed_s = 60
    table = f"station,connector,tariff_code,valid_from,leg\nCP01,1,,,\nCP02,1,NIGHT,{in_hours(5)},retail\n"
    done = await stocked.ask("POST", PATH, "\ufeff" + table)
    assert shown(done) == [("CP01", 1, "DAY", None, True), ("CP02", 1, "DAY", "NIGHT", True)]
    assert (await stocked.retail(await stocked.charge("P01")))["tariff"] == "site-file"
    assert (await stocked.retail(await stocked.charge("P02")))["tariff"] == "DAY"
    assert (await stocked.retail(await stocked.charge("P02", after_h=5)))["tariff"] == "NIGHT"


async def test_one_wrong_row_refuses_the_whole_table_with_every_row_and_reason(stocked: Office):
    table = (
        "station,connector,tariff_code,leg,valid_from\n"
        "CP01,1,DAY,,\n"
        "CP99,1,DAY,,\n"
        "CP02,7,DAY,,\n"
        "CP02,1_0,DUSK,wholesail,yesterday\n"
        f"CP03,1,DAY,,{in_hours(-1)}\n"
        "CP01,1,NIGHT,retail,\n"
        "CP04,1,DAY,,,extra\n"
    )
    refused = await stocked.ask("POST", PATH, table, 422)
    assert [row["row"] for row in refused["rows"]] == [8], "the shape of the table comes first"
    refused = await stocked.ask("POST", PATH, table.replace(",,,extra", ",,"), 422)
    told = [(row["row"], row["column"], row["value"]) for row in refused["rows"]]
    assert told == [
        (2, "", ""),
        (3, "station", "CP99"),
        (4, "connector", "7"),
        (5, "connector", "1_0"),
        (5, "tariff_code", "DUSK"),
        (5, "leg", "wholesail"),
        (5, "valid_from", "yesterday"),
        (6, "valid_from", in_hours(-1)),
        (7, "", ""),
    ]
    assert refused["problems"][1] == "row 3, station: expected a charging station of the site, found 'CP99'"
    assert len((await stocked.ask("GET", "/rules", all=True))["items"]) == 1, "nothing of it was taken"


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("", "row 1, station: the column is missing"),
        ("station,tariff_code\n", "row 1: holds no rows"),
        ("station,tariff_code,price\nCP01,DAY,1\n", "row 1, price: expected the columns station"),
        (b"station,tariff_code\nCP01,\xff\n", "row 1: is not CSV in UTF-8"),
        ('station,tariff_code\n"CP01,DAY\n', "row 1: is not CSV"),
    ],
)
async def test_what_is_no_such_table_is_refused(stocked: Office, table: str | bytes, reason: str):
    refused = await stocked.ask("POST", PATH, table, 422)
    assert refused["detail"].startswith(reason)


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-12:00", "2099-01-01", "0001-01-01T00:00:00+14:00"])
async def test_a_time_beyond_all_reach_is_a_wrong_value_like_any_other(stocked: Office, moment: str):
    refused = await stocked.ask("POST", PATH, f"station,tariff_code,valid_from\nCP01,DAY,{moment}\n", 422)
    assert [(row["column"], row["value"]) for row in refused["rows"]] == [("valid_from", moment)]


async def test_what_an_operator_imports_waits_for_approval(guarded_office: Office):
    office = guarded_office
    await office.log_in("cleo")
    await office.ask("POST", "/tariffs", a_tariff("DAY"), 201, approve=True)
    await office.log_in("ada")
    done = await office.ask("POST", PATH, "station,connector,tariff_code\nCP01,1,DAY\n")
    assert not done["approved"]
    (rule,) = (await office.ask("GET", "/rules", state="proposed"))["items"]
    assert (await office.retail(await office.charge("P01")))["tariff"] == "site-file"
    await office.log_in("cleo")
    await office.ask("POST", f"/rules/{rule['id']}/approve")
    await office.log_in("ada")
    refused = await office.ask("POST", PATH, "station,connector,tariff_code\nCP01,1,\n", 422)
    assert "only an approver or installer" in refused["detail"]
