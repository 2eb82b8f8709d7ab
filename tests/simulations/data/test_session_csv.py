"""Sessions from CSV: ElaadNL's transactions, and a table of our own form. All values are made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulations.data.problems import DataError
from simulations.data.recorded import RecordedSession
from simulations.data.session_csv import write_sessions
from simulations.data.sessions import read_sessions

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def table(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "sessions.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


ELAADNL = """\
TransactionId;ChargePoint;Connector;UTCTransactionStart;UTCTransactionStop;StartCard;ConnectedTime;ChargeTime;TotalEnergy;MaxPower
101;Q01;1;2/01/2031 8:05;2/01/2031 17:10;C1;9,08;3,2;11,52;3,68
102;Q01;2;02/01/2031 09:00;02/01/2031 09:45;C2;0,75;0,75;5,5;11,04
""".splitlines()


def test_transactions_of_elaadnl_are_in_utc_with_days_first_and_decimal_commas(tmp_path: Path):
    data = read_sessions(table(tmp_path, *ELAADNL))
    assert (data.kind, data.notes) == ("elaadnl", ())
    long, short = data.sessions
    assert (long.arrives, long.leaves) == (utc("2031-01-02T08:05"), utc("2031-01-02T17:10"))
    assert (long.id, long.point, long.token) == ("101", "Q01/1", "C1")
    assert (long.energy_wh, long.max_power_w) == (pytest.approx(11_520.0), pytest.approx(3680.0))
    assert (short.point, short.energy_wh) == ("Q01/2", pytest.approx(5500.0))


def test_who_says_that_it_is_elaadnl_hears_which_columns_are_missing(tmp_path: Path):
    path = table(tmp_path, "TransactionId;ChargePoint;Connector;Start;UTCTransactionStop;Energy", "1;2;3;4;5;6")
    with pytest.raises(DataError) as refused:
        read_sessions(path, "elaadnl")
    assert [problem.expected.partition(";")[0] for problem in refused.value.problems] == [
        "expected a column 'UTCTransactionStart'",
        "expected a column 'TotalEnergy'",
    ]


def test_the_generic_form_needs_three_columns(tmp_path: Path):
    path = table(
        tmp_path,
        "arrives,leaves,energy_kwh",
        "2031-06-01T08:00:00+02:00,2031-06-01T12:00:00+02:00,7.5",
        "",
        "2031-06-01T09:00:00Z,2031-06-01T12:30:00Z,8",
    )
    first, second = read_sessions(path).sessions
    assert first == RecordedSession("1", utc("2031-06-01T06:00"), utc("2031-06-01T10:00"), 7500.0)
    assert second == RecordedSession("2", utc("2031-06-01T09:00"), utc("2031-06-01T12:30"), 8000.0)


def test_columns_can_be_called_otherwise_and_times_be_local(tmp_path: Path):
    path = table(tmp_path, "Nr;Start;Ende;Arbeit;Karte", "7;2031-03-30 01:30;2031-03-30 03:30;5,5;A1")
    columns = {"id": "Nr", "arrives": "Start", "leaves": "Ende", "energy_kwh": "Arbeit", "token": "Karte"}
    (session,) = read_sessions(path, time_zone=AMSTERDAM, columns=columns).sessions
    assert session == RecordedSession("7", utc("2031-03-30T00:30"), utc("2031-03-30T01:30"), 5500.0, token="A1")


def test_columns_that_cannot_be_are_all_named(tmp_path: Path):
    path = table(tmp_path, "Start,leaves,energy_kwh", "x,y,z")
    with pytest.raises(DataError) as refused:
        read_sessions(path, columns={"arrives": "Begin", "arives": "Start", "token": "Card"})
    assert [str(problem).removeprefix(f"{path}:1: ") for problem in refused.value.problems] == [
        "arives: is no column of the generic form; did you mean 'arrives'?",
        "expected a column 'Begin'; known: Start, energy_kwh, leaves, found Start, leaves, energy_kwh",
        "expected a column 'Card'; known: Start, energy_kwh, leaves, found Start, leaves, energy_kwh",
    ]


def test_rows_that_cannot_be_read_are_counted_and_the_first_is_shown(tmp_path: Path):
    good = "2031-06-01T08:00Z,2031-06-01T09:00Z,1"
    path = table(tmp_path, "arrives,leaves,energy_kwh", good, good, "2031-06-01,2031-13-01T09:00Z,1", "1,2", good)
    data = read_sessions(path)
    (note,) = data.notes
    assert (len(data.sessions), note.count) == (3, 2)
    assert f"{path}:4: arrives: expected a time, such as 2026-11-20T09:00:00Z, found '2031-06-01'" in note.problem


def test_times_without_an_offset_need_a_time_zone(tmp_path: Path):
    rows = [f"2031-06-{day:02}T08:00,2031-06-{day:02}T09:00,1" for day in range(1, 16)]
    path = table(tmp_path, "arrives,leaves,energy_kwh", *rows)
    with pytest.raises(DataError) as refused:
        read_sessions(path)
    problems = refused.value.problems
    assert [problem.line for problem in problems if problem.place == "arrives"] == [*range(2, 12), 16]
    assert "say which time zone" in problems[0].expected
    assert "so in 5 more places" in problems[-1].expected, "fifteen like mistakes take eleven lines"
    assert len(read_sessions(path, time_zone=AMSTERDAM).sessions) == 15


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ":1: is empty"),
        (b"arrives,leaves,energy_kwh\n\xff\n", ":2: is not UTF-8 text"),
        (b"arrives,arrives,energy_kwh\n", ":1: arrives: is the name of more than one column"),
        (b"one,two\n1,2\n", "needs columns arrives, leaves, energy_kwh"),
        (b'arrives,leaves,energy_kwh\n"' + b"x" * 200_000 + b'"\n', "is not valid CSV: field larger than field limit"),
        (b"\x1f\x8bnonsense", ":1: is not valid gzip"),
    ],
)
def test_what_is_no_table_of_sessions_is_refused(tmp_path: Path, content: bytes, expected: str):
    path = tmp_path / "sessions.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as refused:
        read_sessions(path)
    assert expected in str(refused.value)


def test_a_file_that_is_not_there_and_a_kind_that_does_not_fit_are_told(tmp_path: Path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_sessions(tmp_path / "absent.csv")
    path = table(tmp_path, *ELAADNL)
    with pytest.raises(DataError, match="expected a JSON file, for the kind acn_json"):
        read_sessions(path, "acn_json")
    with pytest.raises(DataError, match=r"must be one of acn_json, .*, found 'elaad'"):
        read_sessions(path, "elaad")


MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
WATT_HOURS = st.integers(1, 10**8).map(lambda milli: milli / 1000.0)
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@st.composite
def recorded(draw: st.DrawFn) -> RecordedSession:
    arrives = draw(MOMENTS)
    stay = timedelta(seconds=draw(st.integers(36_000, 900_000)))
    return RecordedSession(
        id=draw(NAMES),
        arrives=arrives,
        leaves=arrives + stay,
        energy_wh=draw(WATT_HOURS),
        requested_wh=draw(st.none() | WATT_HOURS),
        stated_leaves=draw(st.none() | st.just(arrives + stay / 2)),
        point=draw(st.none() | NAMES),
        token=draw(st.none() | NAMES),
        done_at=draw(st.none() | st.just(arrives + stay / 3)),
        max_power_w=draw(st.none() | st.just(22_080.0)),
    )


def to_the_milli(session: RecordedSession) -> RecordedSession:
    """Energies are written to 1 mWh."""
    requested_wh = None if session.requested_wh is None else round(session.requested_wh, 3)
    return replace(session, energy_wh=round(session.energy_wh, 3), requested_wh=requested_wh)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sessions=st.lists(recorded(), min_size=1, max_size=5, unique_by=(lambda s: s.id, lambda s: s.point or s.id)))
def test_what_is_written_is_read_again(tmp_path: Path, sessions: list[RecordedSession]):
    path = tmp_path / "again.csv"
    write_sessions(path, sessions)
    data = read_sessions(path)
    assert (data.kind, data.notes) == ("csv", ())
    assert {session.id: to_the_milli(session) for session in data.sessions} == {
        session.id: to_the_milli(session) for session in sessions
    }
