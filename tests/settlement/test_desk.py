"""The manager's desk, from sessions as chargers tell of them to a closed month: over REST and from the command line."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from adapters.billing.recomputing import recomputed
from controller.tariffs.observed import Observed
from controller.tariffs.session_facts import Activity
from tests.support.billing import ZONE, half_up
from tests.support.command import Loadstar
from tests.support.settlement import OCTOBER, SITE, Office
from tests.support.site_files import write_site


async def test_a_month_from_the_chargers_word_to_the_closed_book(office: Office):
    good, bad = await office.session(1, 8_000), await office.session(2, 500)
    assert office.billing.record_ended() == 2
    (waiting,) = (await office.ask("GET", "/review"))["items"]
    assert (waiting["session"], waiting["state"]) == (bad, "open")
    assert "decreasing_register" in waiting["flags"]

    drafts = await office.ask("GET", "/statements/2026-10")
    assert (drafts["closed_at"], drafts["waiting"]) == (None, 1)
    assert [each["draft"] for each in drafts["items"]] == [True]

    verdict = {"verdict": "correct", "note": "read at the meter", "correction": {"end_wh": 9_000}}
    path = f"/review/{waiting['id']}"
    await office.ask("POST", path, {"verdict": "accept"}, 409)
    await office.ask("POST", path, {"verdict": "correct"}, 422)
    await office.ask("POST", path, verdict | {"correction": {"end_wh": 900}}, 409)
    decided = await office.ask("POST", path, verdict)
    assert (decided["state"], decided["decisions"][0]["note"]) == ("corrected", "read at the meter")
    of_session = (await office.ask("GET", f"/sessions/{bad}/records"))["items"]
    assert [(each["kind"], each["energy_wh"]) for each in of_session] == [
        ("final", office.records(bad)[0].quantities.import_wh),
        ("credit", -office.records(bad)[0].quantities.import_wh),
        ("final", 8_000),
    ]
    await office.ask("POST", path, {"verdict": "void"}, 409)

    month = await office.ask("POST", "/statements/2026-10")
    (statement,) = month["items"]
    assert (month["waiting"], statement["number"], statement["sessions"]) == (0, "LS-2026-00001", 2)
    on_record = [office.records(good)[0], office.records(bad)[2]]
    net = sum(record.legs[0].rated.invoice.before_tax for record in on_record)
    assert (statement["before_tax"], statement["tax"]) == (f"{net:f}", f"{half_up(net * Decimal('0.21')):f}")
    assert await office.ask("POST", "/statements/2026-10") == month
    assert [each["month"] for each in (await office.ask("GET", "/statements"))["items"]] == ["2026-10"]
    await office.ask("POST", "/statements/2026-11", status=409)
    assert (await office.ask("GET", f"/records/{on_record[0].identity.id}"))["document"]["identity"]["version"] == 1


async def test_more_energy_than_a_charger_delivers_waits_for_somebody_and_is_no_correction(office: Office):
    await office.session(1, 8_000_000)
    office.billing.record_ended()
    (waiting,) = (await office.ask("GET", "/review"))["items"]
    assert (waiting["state"], waiting["flags"]) == ("open", ["implausible_energy"])
    path, verdict = f"/review/{waiting['id']}", {"verdict": "correct", "correction": {"end_wh": 9_000_000}}
    refused = await office.ask("POST", path, verdict, 409)
    assert refused["detail"] == "expected what a charger delivers in that time, found 8999000 Wh"
    await office.ask("POST", path, verdict | {"correction": {"end_wh": 9_000}})
    assert (await office.ask("GET", "/review"))["items"] == []


async def test_a_month_worked_out_anew_is_the_same_to_the_cent(office: Office):
    sessions = [await office.session(number, 8_000) for number in (1, 2, 3)]
    await office.session(4, 500)  # what is flagged is no other for that
    office.billing.record_ended()
    again = recomputed(office.book, SITE, "2026-10")
    assert (again.records, again.differences) == (4, ())
    late = Observed(sessions[1], OCTOBER + timedelta(days=2, minutes=29), Activity.CHARGING, 7_900)
    office.ledger.keep_observed([late]).result()
    again = recomputed(office.book, SITE, "2026-10")
    assert [each.split(":")[0] for each in again.differences] == [f"session {sessions[1]}"] * 2


async def test_what_is_exported_over_rest_and_from_the_command_line_is_the_same(
    office: Office, loadstar: Loadstar, tmp_path: Path
):
    await office.session(1, 8_000)
    office.billing.record_ended()
    over_rest = await office.ask("GET", "/exports/cdrs?month=2026-10&format=ocpi-2.2.1")
    site = write_site(tmp_path)
    site.write_text(site.read_text().replace('id = "test"', f'id = "test"\ntime_zone = "{ZONE}"'))
    closed = loadstar("settle", "--month", "2026-10", "--config", site, "--by", "ann")
    assert (closed.code, closed.err) == (0, "2026-10 is closed; statements: 1.\n")
    assert "was closed already" in loadstar("settle", "--month", "2026-10", "--config", site).err
    anew = loadstar("settle", "--month", "2026-10", "--config", site, "--recompute")
    assert (anew.code, anew.out) == (0, "2026-10: 1 records worked out anew, 0 differ.\n"), anew.err

    def exported(kind: str, *more: str) -> str:
        ended = loadstar("export", kind, "--month", "2026-10", "--config", site, *more)
        assert (ended.code, ended.err) == (0, "")
        return ended.out

    assert json.loads(exported("cdrs", "--format", "ocpi-2.2.1")) == over_rest
    (row,) = csv.DictReader(io.StringIO(exported("sessions")))
    assert (row["point"], row["energy_wh"]) == ("P1", "7000")
    assert json.loads(exported("statement"))["statements"][0]["number"].startswith("LS-")
    assert (
        json.loads(exported("ere", "--format", "json"))["not_booked"][0]["reasons"][0] == "no grid connection is known"
    )
    pdf = tmp_path / "october.pdf"
    exported("statement", "--format", "pdf", "--out", str(pdf))
    assert pdf.read_bytes().startswith(b"%PDF-")


REFUSED = {
    ("cdrs", "--month", "2026-13"): "month: expected one such as 2026-10",
    ("cdrs", "--month", "2026-10", "--format", "pdf"): "cdrs come as json, csv, ocpi-2.2.1, ocpi-2.3.0, not as pdf",
    ("statement", "--month", "2026-10", "--format", "sepa"): "is not closed: nothing is paid by drafts",
    ("statement", "--month", "2026-10", "--party", "x"): "has no statement of the party 'x'",
    ("sessions",): "sessions: expected a month such as 2026-10",
}


async def test_what_cannot_be_exported_is_said(office: Office, loadstar: Loadstar, tmp_path: Path):
    await office.session(1, 8_000)
    office.billing.record_ended()
    site = write_site(tmp_path)
    for arguments, complaint in REFUSED.items():
        ended = loadstar("export", *arguments, "--config", site)
        assert ended.code == 2
        assert complaint in " ".join(ended.err.split())
