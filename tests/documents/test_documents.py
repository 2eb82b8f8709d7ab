"""Snapshots and plans as JSON."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.document_models import PlanDocument, SnapshotDocument
from adapters.documents import plan_document, read_snapshot
from adapters.json_text import DocumentError
from controller.plan import Event, Plan, Setpoint, Severity
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import State

SITE = Site(
    id="hq",
    circuits=(Circuit("main", None, (63.0, 63.0, 63.0), meter="grid"),),
    points=(ChargingPoint("P01", "main", "CP01", 1), ChargingPoint("P02", "main", "CP02", 1)),
)
FULL: dict[str, Any] = {
    "at": "2026-11-20T10:00:00+01:00",
    "monotonic_s": 12.5,
    "meters": {
        "grid": {
            "current_a": [40.1, None, -10],
            "measured_at": "2026-11-20T09:00:00Z",
            "voltage_v": [230, 231, 229.5],
            "power_w": [9000, 0, -2300],
            "own": {"average_w": 2351, "month_peak_w": 4329, "month_peak_at": "2026-11-03T18:15:00Z"},
        }
    },
    "limits": [{"circuit": "main", "limit_w": 20000, "source": "grid_operator"}],
    "points": {
        "P01": {
            "state": "withheld",
            "measured_a": [15.8, 15.9, 15.7],
            "measured_at": "2026-11-20T08:59:58Z",
            "commanded_a": 16.0,
            "obeys": False,
            "max_a": 16,
            "energy_needed_wh": 12000,
            "departs_at": "2026-11-20T16:00:00Z",
            "priority": -1,
            "weight": 2,
            "unserved_s": 7.5,
            "delivered_wh": 5300,
        }
    },
}
NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)


def read(document: object) -> Any:
    return read_snapshot(json.dumps(document).encode(), SITE)


def problems(document: object) -> list[str]:
    with pytest.raises(DocumentError) as refused:
        read(document)
    return refused.value.problems


def changed(path: str, value: object) -> dict[str, Any]:
    """A copy of the full snapshot with one place changed."""
    copy = json.loads(json.dumps(FULL))
    *above, last = path.split("/")
    here = copy
    for part in above:
        here = here[part]
    here[last] = value
    return copy


def test_everything_that_is_written_arrives():
    snapshot = read(FULL)
    assert (snapshot.at, snapshot.monotonic_s) == (NINE, 12.5)
    assert snapshot.meters["grid"].current_a == (40.1, None, -10.0)
    assert snapshot.meters["grid"].voltage_v == (230.0, 231.0, 229.5)
    assert (snapshot.limits[0].circuit, snapshot.limits[0].limit_w) == ("main", 20000.0)
    point = snapshot.points["P01"]
    assert (point.state, point.obeys, point.priority, point.weight) == (State.WITHHELD, False, -1, 2.0)
    assert (point.energy_needed_wh, point.delivered_wh, point.unserved_s) == (12000, 5300, 7.5)
    assert point.departs_at == NINE + timedelta(hours=7)


def test_the_shortest_snapshot_is_a_time():
    snapshot = read({"at": "2026-11-20T09:00:00Z"})
    assert (snapshot.at, snapshot.monotonic_s) == (NINE, NINE.timestamp())
    assert (dict(snapshot.meters), snapshot.limits, dict(snapshot.points)) == ({}, (), {})


def test_times_arrive_in_utc():
    assert read(FULL).at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("at", "2026-11-20T09:00:00", "at: expected a time with a zone"),
        ("at", 1795165200, "at: expected a time with a zone"),
        ("at", "9999-12-31T23:59:59Z", "at: expected a time between"),
        ("at", "0001-01-01T00:00:00+14:00", "at: expected a time between"),
        ("meters/grid/current_a", [1, 2], "meters.grid.current_a[2]: is missing"),
        ("meters/grid/current_a", [1, "2", 3], "meters.grid.current_a[1]: expected a number, found '2'"),
        ("meters/grid/current_a", [1, 10**400, 3], "meters.grid.current_a[1]: expected a"),
        ("meters/grid/voltage_v", [230, None, 230], "meters.grid.voltage_v[1]: expected a number, found null"),
        (
            "meters/gird",
            {"current_a": [1, 2, 3], "measured_at": "2026-11-20T09:00:00Z"},
            "meters.gird: the site has no",
        ),
        (
            "limits",
            [{"circuit": "mian", "limit_w": 1, "source": "x"}],
            "limits[0].circuit: the site has no circuit 'mian'",
        ),
        ("limits", [{"circuit": "main", "limit_w": -1, "source": "x"}], "limits[0].limit_w: expected at least 0"),
        ("points/P03", {}, "points.P03: the site has no such point; did you mean 'P0"),
        ("points/P01/state", "chargin", "points.P01.state: expected one of 'available', 'occupied'"),
        ("points/P01/obeys", 1, "points.P01.obeys: expected true or false"),
        ("points/P01/priorty", 1, "points.P01.priorty: unknown key; did you mean 'priority'?"),
        ("points/P01/weight", 0, "points.P01.weight: expected a number above 0"),
        ("points/P01/delivered_wh", 1.5, "points.P01.delivered_wh: expected a whole number"),
        ("points/P01/measured_a", [1, 2, None], "points.P01.measured_a[2]: expected a number, found null"),
        ("points/P01", 5, "points.P01: expected an object, found 5"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(path: str, value: object, told: str):
    (problem,) = problems(changed(path, value))
    assert problem.startswith(told)


def test_all_problems_are_told_at_once():
    bad = changed("points/P01/state", "x") | {"at": None, "limits": [{"circuit": "cellar"}], "extra": 1}
    places = [problem.split(":")[0] for problem in problems(bad)]
    assert places == ["at", "limits[0].limit_w", "limits[0].source", "points.P01.state", "extra", "limits[0].circuit"]


def test_a_flood_of_problems_is_bounded():
    found = problems({"at": "2026-11-20T09:00:00Z", "points": {f"X{n}": {} for n in range(500)}})
    assert len(found) == 101
    assert found[-1] == "and 400 more"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "line 1, column 1: is not valid JSON"),
        (b'{"at": "2026-11-20T09:00:00Z",\n "points": }', "line 2, column 12: is not valid JSON"),
        (b'{"at": NaN}', "NaN is not a number"),
        (b'{"at": "2026-11-20T09:00:00Z", "monotonic_s": 1e999}', "monotonic_s: expected a finite number"),
        (b'{"at": "2026-11-20T09:00:00Z", "at": null}', "'at' given more than once"),
        (b'{"at": "\xff"}', "is not UTF-8 text"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"at": ' + b"1" * 5000 + b"}", "a number of too many digits"),
        (b'{"at": "\\ud800"}', "Invalid JSON"),
        (b"null", "expected an object, found null"),
    ],
)
def test_what_is_no_json_is_told(text: bytes, told: str):
    with pytest.raises(DocumentError, match=told):
        read_snapshot(text, SITE)


def test_a_byte_order_mark_is_no_mistake():
    assert read_snapshot(b"\xef\xbb\xbf" + json.dumps(FULL).encode(), SITE).at == NINE


def test_meters_without_a_circuit_may_be_named_where_the_caller_knows_them():
    other = changed("meters/roof", {"current_a": [1, 2, 3], "measured_at": "2026-11-20T09:00:00Z"})
    assert "roof" in read_snapshot(json.dumps(other).encode(), SITE, ["roof"]).meters


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(key=st.sampled_from([*FULL, "other"]), value=_JSON)
def test_any_value_anywhere_is_read_or_refused(key: str, value: object):
    text = json.dumps({**FULL, key: value}).encode()
    try:
        read_snapshot(text, SITE)
    except DocumentError as refused:
        assert refused.problems  # noqa: PT017 - either outcome is right; a refusal without a reason is not


def test_a_plan_is_written_as_promised():
    east = NINE.astimezone(timezone(timedelta(hours=1)))
    setpoint = Setpoint(10.4, "circuit:main:L2", east + timedelta(seconds=120))
    event = Event("meter_lost", "meter:grid", "The meter is silent.", Severity.ALARM, NINE)
    document = plan_document(Plan(east, {"P01": setpoint}, (event, Event("x", "y", "z"))))
    assert document == {
        "at": "2026-11-20T09:00:00Z",
        "setpoints": {
            "P01": {"limit_a": 10.4, "because": "circuit:main:L2", "valid_until": "2026-11-20T09:02:00Z"},
        },
        "events": [
            {
                "kind": "meter_lost",
                "subject": "meter:grid",
                "message": "The meter is silent.",
                "severity": "alarm",
                "at": "2026-11-20T09:00:00Z",
            },
            {"kind": "x", "subject": "y", "message": "z", "severity": "info", "at": None},
        ],
    }
    PlanDocument.model_validate_json(json.dumps(document))


@pytest.mark.parametrize("limit_a", [6.1 + 0.2, 10.4 - 4e-15, 0.1 + 0.2])
def test_a_limit_has_at_most_one_decimal(limit_a: float):
    document = plan_document(Plan(NINE, {"P01": Setpoint(limit_a, "point:max", NINE)}))
    assert len(str(document["setpoints"]["P01"]["limit_a"]).partition(".")[2]) == 1


def test_the_published_schemas_accept_what_the_code_accepts():
    schemas = Path(__file__).parents[2] / "docs" / "schemas"
    snapshot = json.loads((schemas / "snapshot.schema.json").read_text())
    jsonschema.validate(FULL, snapshot)
    SnapshotDocument.model_validate_json(json.dumps(FULL))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed("points/P01/state", "chargin"), snapshot)
