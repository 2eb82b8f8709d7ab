import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Loadstar

TARIFF: dict[str, Any] = {
    "country_code": "NL",
    "party_id": "LDS",
    "id": "T1",
    "currency": "EUR",
    "elements": [
        {
            "price_components": [
                {"type": "ENERGY", "price": 0.30, "vat": 20, "step_size": 1},
                {"type": "PARKING_TIME", "price": 1.50, "step_size": 1, "vat": 20},
            ]
        }
    ],
    "last_updated": "2026-01-01T00:00:00Z",
}
SESSION: dict[str, Any] = {
    "id": "S1",
    "time_zone": "Europe/Amsterdam",
    "segments": [
        {"kind": "charging", "start": "2026-01-07T10:00:00", "end": "2026-01-07T11:00:00", "kwh": "20.000"},
        {"kind": "idle", "start": "2026-01-07T11:00:00", "end": "2026-01-07T11:40:00", "kwh": "0"},
    ],
}


@pytest.fixture
def tariff(tmp_path: Path) -> Path:
    return written(tmp_path / "tariff.json", TARIFF)


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return written(tmp_path / "session.json", SESSION)


def written(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_session_is_priced_to_the_cent_and_every_part_of_it_explained(
    loadstar: Loadstar, tariff: Path, session: Path
):
    ended = loadstar("price", "--tariff", tariff, "--session", session)
    assert (ended.code, ended.err) == (0, "")
    document = json.loads(ended.out)
    assert document["total"] == {"before_tax": "7.0000", "after_tax": "8.4000"}
    assert document["invoice"] == {"before_tax": "7.00", "after_tax": "8.40"}
    assert [line["kind"] for line in document["lines"]] == ["ENERGY", "PARKING_TIME"]
    assert [period["kind"] for period in document["periods"]] == ["charging", "idle"]
    assert (document["tariff"]["id"], document["review_flags"]) == ("T1", [])


def test_a_line_for_each_good_session_and_a_complaint_for_each_bad_one(
    loadstar: Loadstar, tariff: Path, tmp_path: Path
):
    path = tmp_path / "sessions.jsonl"
    lines = [json.dumps(SESSION), "", "{", json.dumps({**SESSION, "id": "S4", "colour": 1}), json.dumps(SESSION)]
    path.write_text("\n".join(lines), encoding="utf-8")
    ended = loadstar("price", "--tariff", tariff, "--session", path)
    assert ended.code == 2
    assert [json.loads(line)["id"] for line in ended.out.splitlines()] == ["S1", "S1"]
    assert [line.rpartition("sessions.jsonl:")[2].split(": ")[:2] for line in ended.err.splitlines()] == [
        ["3", "line 1, column 2"],
        ["4", "colour"],
    ]


def test_under_a_bar_results_stay_on_stdout(
    loadstar: Loadstar, tariff: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "sessions.jsonl"
    path.write_text((json.dumps(SESSION) + "\n") * 3, encoding="utf-8")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    ended = loadstar("price", "--tariff", tariff, "--session", path)
    assert len(ended.out.splitlines()) == 3
    assert "pricing" in ended.err


def test_an_ambiguous_tariff_prices_nothing(loadstar: Loadstar, session: Path, tmp_path: Path):
    component = TARIFF["elements"][0]["price_components"][0]
    path = written(tmp_path / "twice.json", {**TARIFF, "elements": [{"price_components": [component, component]}]})
    ended = loadstar("price", "--tariff", path, "--session", session)
    assert (ended.code, ended.out) == (2, "")
    assert "elements[0]: has 2 prices for ENERGY: which of them? (same_dimension_twice)" in ended.err


def test_what_is_wrong_with_tariffs_and_with_sessions_is_told_at_once(loadstar: Loadstar, tmp_path: Path):
    tariff = written(tmp_path / "tariff.json", TARIFF | {"currency": "EURO"})
    session = written(tmp_path / "session.json", SESSION | {"time_zone": "Mars/Crater"})
    ended = loadstar("price", "--tariff", tariff, "--session", session)
    assert (ended.code, ended.out) == (2, "")
    assert [line.split(": ")[:2] for line in ended.err.splitlines()] == [
        [str(tariff), "currency"],
        [str(session), "time_zone"],
    ]


def test_a_suspicious_tariff_is_warned_about_and_used(loadstar: Loadstar, session: Path, tmp_path: Path):
    path = written(tmp_path / "odd.json", {**TARIFF, "surcharge": 1, "elements": TARIFF["elements"] * 2})
    ended = loadstar("price", "--tariff", path, "--session", session)
    assert ended.code == 0
    assert "warning: surcharge: is not a field of OCPI, and was passed over" in ended.err
    assert "(never_reached)" in ended.err
    assert json.loads(ended.out)["total"]["before_tax"] == "7.0000"


def test_of_several_tariffs_the_one_that_is_named_or_valid_counts(loadstar: Loadstar, tmp_path: Path):
    def one(name: str, **changes: Any) -> dict[str, Any]:
        price = [{"price_components": [{"type": "FLAT", "price": len(name), "vat": 20, "step_size": 1}]}]
        return {**TARIFF, "id": name, "elements": price, **changes}

    tariffs = [one("A", end_date_time="2026-01-01T00:00:00Z"), one("BB"), one("CCC")]
    path = written(tmp_path / "tariffs.json", {"data": tariffs, "status_code": 1000})
    for named, expected in (({}, "BB"), ({"tariff": "ccc"}, "CCC"), ({"tariff": "A"}, "A")):
        session = written(tmp_path / "session.json", {**SESSION, **named})
        document = json.loads(loadstar("price", "--tariff", path, "--session", session).out)
        assert document["tariff"]["id"] == expected
        assert ("tariff_not_valid_at_start" in document["review_flags"]) == (expected == "A")
    session = written(tmp_path / "session.json", {**SESSION, "tariff": "D"})
    ended = loadstar("price", "--tariff", path, "--session", session)
    assert ended.code == 2
    assert "tariff: expected one of A, BB, CCC, found 'D'" in ended.err


def test_records_of_others_are_priced_again(loadstar: Loadstar, tariff: Path, tmp_path: Path):
    record = {
        "id": "C1",
        "start_date_time": "2026-01-07T09:00:00Z",
        "end_date_time": "2026-01-07T09:40:00Z",
        "charging_periods": [
            {"start_date_time": "2026-01-07T09:00:00Z", "dimensions": [{"type": "ENERGY", "volume": 10}]}
        ],
        "total_energy": 10,
    }
    path = written(tmp_path / "cdr.json", record)
    command = ("price", "--tariff", tariff, "--session", path, "--format", "ocpi-2.2.1")
    ended = loadstar(*command)
    assert (ended.code, ended.out) == (2, "")
    assert "give one with --time-zone" in ended.err
    ended = loadstar(*command, "--time-zone", "Europe/Amsterdam")
    assert (ended.code, json.loads(ended.out)["total"]["before_tax"]) == (0, "3.0000")
    assert "warning: cdr_token: is missing; OCPI asks for it" in ended.err
    assert loadstar(*command, "--time-zone", "Europe/Nowhere").code == 2


def test_a_price_that_follows_a_curve_needs_the_curve(loadstar: Loadstar, session: Path, tmp_path: Path):
    path = written(tmp_path / "tariff.json", {**TARIFF, "loadstar": {"elements": [{"curve": "day"}]}})
    ended = loadstar("price", "--tariff", path, "--session", session)
    assert (ended.code, ended.out) == (2, "")
    assert "--curve day=FILE.csv" in " ".join(ended.err.replace("│", " ").split())
    curve = tmp_path / "day.csv"
    curve.write_text("at,price_per_kwh\n2026-01-07T09:00:00Z,0.10\n2026-01-07T09:30:00Z,0.20\n")
    ended = loadstar("price", "--tariff", path, "--session", session, "--curve", f"day={curve}")
    assert json.loads(ended.out)["total"]["before_tax"] == "10.0000"
    curve.write_text("at,price_per_kwh\n2026-01-07T09:00:00Z,cheap\n")
    ended = loadstar("price", "--tariff", path, "--session", session, "--curve", f"day={curve}")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("day.csv:2: price_per_kwh: expected a number")


def test_files_that_are_not_there_are_told(loadstar: Loadstar, tariff: Path, session: Path, tmp_path: Path):
    absent = tmp_path / "absent.jsonl"
    ended = loadstar("price", "--tariff", tariff, "--session", absent)
    assert (ended.code, ended.err) == (2, f"{absent}: cannot be read: No such file or directory\n")
    assert loadstar("price", "--tariff", absent, "--session", session).code == 2


def test_tariffs_are_looked_over_before_they_are_used(loadstar: Loadstar, tariff: Path, tmp_path: Path):
    ended = loadstar("tariff-check", tariff)
    assert (ended.code, ended.out) == (0, f"{tariff}: tariff 'T1': can be used\n")
    broken = written(tmp_path / "broken.json", {**TARIFF, "currency": "euro"})
    equal = {**TARIFF["elements"][0], "restrictions": {"start_time": "09:00", "end_time": "09:00"}}
    unclear = written(
        tmp_path / "unclear.json", {**TARIFF, "elements": [equal], "end_date_time": "2027-01-01T00:00:00Z"}
    )
    ended = loadstar("tariff-check", tariff, broken, unclear)
    assert ended.code == 2
    assert f"{broken}: currency: expected a currency code" in ended.out
    assert "refused: elements[0]: start_time and end_time are both 09:00" in ended.out
    assert "not for chargers (OCPP 2.1): end_date_time" in ended.out
    documents = json.loads(loadstar("tariff-check", "--json", tariff, unclear).out)
    assert [document["ok"] for document in documents] == [True, False]
    (finding,) = documents[1]["tariffs"][0]["findings"]
    assert (finding["severity"], finding["rule"], finding["element"]) == ("refuse", "start_equals_end", 0)


def test_the_pages_examples_are_what_comes_out(loadstar: Loadstar, tmp_path: Path):
    docs = Path(__file__).parents[2] / "docs"
    tariff, session = json_blocks(docs / "how-to" / "price-a-session.md")
    files = written(tmp_path / "tariff.json", tariff), written(tmp_path / "session.json", session)
    assert loadstar("tariff-check", files[0]).code == 0
    ended = loadstar("price", "--tariff", files[0], "--session", files[1])
    assert (ended.err, json.loads(ended.out)["total"]) == ("", {"before_tax": "9.5000", "after_tax": "11.4950"})

    tariff, *sessions, price, _ = json_blocks(docs / "reference" / "tariffs.md")
    written(files[0], tariff)
    curve = tmp_path / "day.csv"
    curve.write_text("at,price_per_kwh\n2026-01-07T00:00:00Z,0.10\n")
    for session in sessions:
        ended = loadstar(
            "price", "--tariff", files[0], "--session", written(files[1], session), "--curve", f"day-ahead={curve}"
        )
        assert (ended.code, ended.err) == (0, "")
        assert price.keys() == json.loads(ended.out).keys()


def json_blocks(page: Path) -> list[Any]:
    return [json.loads(text.partition("```")[0]) for text in page.read_text("utf-8").split("```json\n")[1:]]
