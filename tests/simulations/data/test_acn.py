"""Sessions of ACN-Data in its three forms. All values are made up."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from simulations.data.problems import DataError
from simulations.data.sessions import read_sessions


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def item(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A session as the API gives it."""
    return {
        "_id": f"5c{number:04d}",
        "sessionID": f"9_8_7_{number}_2031-03-03 16:05:00.125000",
        "siteID": "0009",
        "clusterID": "0008",
        "spaceID": f"XX-{number}",
        "stationID": f"9-8-7-{number}",
        "connectionTime": "Mon, 03 Mar 2031 16:05:00 GMT",
        "disconnectTime": "Tue, 04 Mar 2031 01:10:30 GMT",
        "doneChargingTime": "Mon, 03 Mar 2031 19:00:00 GMT",
        "kWhDelivered": 9.5,
        "timezone": "America/Los_Angeles",
        "userID": "000000042",
        "userInputs": [
            {
                "WhPerMile": 250,
                "kWhRequested": 12.5,
                "milesRequested": 50,
                "minutesAvailable": 300,
                "modifiedAt": "Mon, 03 Mar 2031 16:06:00 GMT",
                "paymentRequired": True,
                "requestedDeparture": "Mon, 03 Mar 2031 21:05:00 GMT",
                "userID": 42,
            },
            {"kWhRequested": 20.0, "requestedDeparture": "Mon, 03 Mar 2031 23:05:00 GMT"},
        ],
    } | changes


def written(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document))
    return path


def test_the_answer_of_the_api_becomes_sessions(tmp_path: Path):
    silent = item(2, userInputs=None, userID=None, doneChargingTime=None, spaceID=None)
    data = read_sessions(written(tmp_path / "acn.json", {"_meta": {}, "_items": [item(), silent]}))
    assert (data.kind, data.notes) == ("acn_json", ())
    told, other = data.sessions
    assert told.id == "9_8_7_1_2031-03-03 16:05:00.125000"
    assert (told.arrives, told.leaves) == (utc("2031-03-03T16:05:00"), utc("2031-03-04T01:10:30"))
    assert told.done_at == utc("2031-03-03T19:00:00")
    assert (told.energy_wh, told.point, told.token) == (9500.0, "XX-1", "000000042")
    assert told.requested_wh == pytest.approx(12_500.0), "what was said first is what is known at arrival"
    assert told.stated_leaves == utc("2031-03-03T21:05:00")
    assert (other.requested_wh, other.stated_leaves, other.token, other.done_at) == (None, None, None, None)
    assert other.point == "9-8-7-2"


def test_a_bare_list_is_read_too_and_so_is_gzip(tmp_path: Path):
    path = tmp_path / "acn.json.gz"
    path.write_bytes(gzip.compress(json.dumps([item()]).encode()))
    assert read_sessions(path).kind == "acn_json"


def test_a_car_that_is_still_there_is_left_out_and_counted(tmp_path: Path):
    items = [item(1), item(2), item(3, disconnectTime=None, kWhDelivered="much")]
    data = read_sessions(written(tmp_path / "acn.json", {"_items": items}))
    (note,) = data.notes
    assert (len(data.sessions), note.count, note.rule) == (2, 1, "left out")
    assert "_items[2].disconnectTime: expected a time" in note.problem


def test_a_file_of_which_most_cannot_be_read_is_refused_with_every_problem(tmp_path: Path):
    items = [item(1, connectionTime="yesterday"), item(2, kWhDelivered=True, disconnectTime=7), item(3), "nothing"]
    path = written(tmp_path / "acn.json", {"_items": items})
    with pytest.raises(DataError) as refused:
        read_sessions(path)
    assert [(problem.place, problem.found) for problem in refused.value.problems] == [
        ("_items[0].connectionTime", "'yesterday'"),
        ("_items[1].disconnectTime", "7"),
        ("_items[1].kWhDelivered", "True"),
        ("_items[3]", "'nothing'"),
    ]


EXTRACT = """\
arrival,departure,requested_energy (kWh),delivered_energy (kWh),station_id,session_id,estimated_departure,claimed
2031-05-01 08:18:45-07:00,2031-05-01 15:52:36-07:00,60.0,14.25,XX-1,a,2031-05-01 12:20:45-07:00,True
2031-05-01 09:00:00-07:00,2031-05-01 10:00:00-07:00,3.5,3.5,XX-2,b,2031-05-01 10:00:00-07:00,False
"""


def test_the_extract_as_csv_tells_apart_who_stated_something(tmp_path: Path):
    path = tmp_path / "site.csv"
    path.write_text(EXTRACT)
    data = read_sessions(path)
    told, silent = data.sessions
    assert (data.kind, data.notes, told.id, told.point) == ("acn_csv", (), "a", "XX-1")
    assert told.arrives == utc("2031-05-01T15:18:45")
    assert (told.energy_wh, told.requested_wh) == (14_250.0, 60_000.0)
    assert told.stated_leaves == utc("2031-05-01T19:20:45")
    assert (silent.energy_wh, silent.requested_wh, silent.stated_leaves) == (3500.0, None, None)


def queue(**cars: tuple[int, int, float, str]) -> dict[str, Any]:
    """A stored queue of events: arrival, departure [periods], energy [kWh] and name of the session of each car."""
    objects: dict[str, Any] = {"1": {"class": "acnportal.acnsim.events.event_queue.EventQueue", "attributes": {}}}
    for name, (arrival, departure, energy_kwh, session) in cars.items():
        objects[f"b{name}"] = {
            "class": "acnportal.acnsim.models.battery.Battery",
            "attributes": {"_max_power": 6.6, "_capacity": energy_kwh},
        }
        objects[name] = {
            "class": "acnportal.acnsim.models.ev.EV",
            "attributes": {
                "_arrival": arrival,
                "_departure": departure,
                "_session_id": session,
                "_station_id": f"XX-{name}",
                "_requested_energy": energy_kwh,
                "_estimated_departure": departure + 1,
                "_battery": f"b{name}",
            },
        }
    return {"id": "1", "context_dict": objects, "version": "0.2.1"}


STORED = queue(
    one=(96, 192, 10.0, "9_8_7_1_2031-03-03 16:03:12.500000"),
    two=(100, 120, 4.0, "9_8_7_2_2031-03-03 16:20:01.000000"),
    three=(384, 400, 2.0, "9_8_7_1_2031-03-04 16:04:59.000000"),
)


@pytest.mark.parametrize("twice", [False, True], ids=["object", "text"])
def test_periods_of_a_stored_queue_are_dated_by_the_names_of_its_sessions(tmp_path: Path, twice: bool):
    data = read_sessions(written(tmp_path / "events.json", json.dumps(STORED) if twice else STORED))
    assert (data.kind, data.notes) == ("acn_events", ())
    one, two, three = data.sessions
    assert (one.arrives, one.leaves) == (utc("2031-03-03T16:00"), utc("2031-03-04T00:00"))
    assert (two.arrives, two.leaves) == (utc("2031-03-03T16:20"), utc("2031-03-03T18:00"))
    assert (three.arrives, three.stated_leaves) == (utc("2031-03-04T16:00"), utc("2031-03-04T17:25"))
    assert (one.energy_wh, one.max_power_w, one.point) == (10_000.0, 6600.0, "XX-one")


def test_a_stored_queue_without_dates_is_refused(tmp_path: Path):
    path = written(tmp_path / "events.json", queue(one=(1, 2, 3.0, "a"), two=(4, 5, 6.0, "b")))
    with pytest.raises(DataError, match=r"end with the time of their connection, found '0 of 2 cars'"):
        read_sessions(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"_items": [', ":1:13: is not valid JSON"),
        ('{"_items": []}', "is no kind of session file that is known"),
        ("[1, 2]", "is no kind of session file that is known"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_other_json_is_refused(tmp_path: Path, content: str, expected: str):
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(DataError) as refused:
        read_sessions(path)
    assert expected in str(refused.value)
