"""What chargers call a measurement, and what it means on the grid's phases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.ocpp.meter_values import MAX_VALUES, Measured, read_meter_values
from controller.site import WIRINGS, ChargingPoint
from tests.support.ocpp import bench, charging, point, rpc, site_of, socket

THREE = point()
ROTATED = point(phases=WIRINGS["L2L3L1"])
ON_L2 = point(phases=WIRINGS["L2"])


def value(
    measurand: str, number: object, phase: str | None = None, unit: str | None = None, **more: str
) -> dict[str, Any]:
    found = {"measurand": measurand, "value": str(number), "phase": phase, "unit": unit} | more
    return {name: content for name, content in found.items() if content is not None}


def current(number: object, phase: str | None = None, **more: str) -> dict[str, Any]:
    return value("Current.Import", number, phase, "A", **more)


def power(number: float, phase: str | None = None, unit: str = "W") -> dict[str, Any]:
    return value("Power.Active.Import", number, phase, unit)


def volts(number: float, phase: str | None = None) -> dict[str, Any]:
    return value("Voltage", number, phase, "V")


def read(*sampled: dict[str, Any], at: ChargingPoint = THREE) -> Measured:
    return read_meter_values([{"timestamp": "2026-11-20T09:00:00Z", "sampled_value": list(sampled)}], at, 230.0)


@pytest.mark.parametrize(
    ("wiring", "sampled", "expected"),
    [
        (THREE, [current(16, "L1"), current(15, "L2"), current(14, "L3")], (16, 15, 14)),
        (THREE, [current(16, "L1-N"), current(15, "L2-N"), current(14, "L3-N")], (16, 15, 14)),
        (ROTATED, [current(16, "L1"), current(15, "L2"), current(14, "L3")], (14, 16, 15)),
        (THREE, [current(16)], (16, 16, 16)),
        (THREE, [current(16), current(9, "L1")], (9, 9, 9)),
        (THREE, [current(16, "L1"), current(3, "N"), current(4, "L1-L2")], (16, 16, 16)),
        (ROTATED, [current(16, "L1"), current(0, "L2"), current(0, "L3")], (0, 16, 0)),
        (ROTATED, [current(16, "L1")], (16, 16, 16)),
        (ROTATED, [current(16, "L1"), current(0, "L2")], (16, 16, 0)),
        (ON_L2, [current(16)], (0, 16, 0)),
        (ON_L2, [current(16, "L1")], (0, 16, 0)),
        (ON_L2, [current(16, "L2")], (0, 16, 0)),
        (ON_L2, [current(16, "L1"), current(0, "L2"), current(0, "L3")], (0, 16, 0)),
        (THREE, [power(11.04, unit="kW")], (16, 16, 16)),
        (THREE, [power(3680, "L1"), power(2300, "L2")], (16, 10, 16)),
        (THREE, [power(2400, "L1"), volts(240, "L1")], (10, 10, 10)),
        (THREE, [power(7200), volts(240, "L1"), volts(240, "L2"), volts(240, "L3")], (10, 10, 10)),
        (THREE, [power(7200), volts(240)], (10, 10, 10)),
        (THREE, [power(6900), volts(400, "L1-L2"), volts(400)], (10, 10, 10)),
        (ON_L2, [power(2300)], (0, 10, 0)),
        (THREE, [power(9999), current(5)], (5, 5, 5)),
    ],
)
def test_currents_reach_the_phases_of_the_grid(wiring: ChargingPoint, sampled: Any, expected: Any):
    assert read(*sampled, at=wiring).current_a == pytest.approx(expected)


@pytest.mark.parametrize(
    ("sampled", "expected"),
    [
        ([{"value": "1234"}], 1234),
        ([value("Energy.Active.Import.Register", "1.234", unit="kWh")], 1234),
        ([value("Energy.Active.Import.Register", "1234.6", unit="Wh")], 1235),
        ([value("Energy.Active.Import.Register", n, f"L{n}", "Wh") for n in (1, 2, 3)], 6),
        ([value("Energy.Active.Import.Interval", 55, unit="Wh")], None),
    ],
)
def test_registers_come_in_watt_hours(sampled: Any, expected: Any):
    assert read(*sampled).register_wh == expected


@pytest.mark.parametrize(
    "sampled",
    [
        current("NaN"),
        current("inf"),
        current("1e999"),
        current("-3"),
        current("2147483647"),
        current("16,5"),
        current(""),
        current("sixteen"),
        current(16) | {"value": None},
        current(16) | {"value": {"a": 1}},
        current(16) | {"unit": "kA"},
        current(16) | {"unit": 5},
        current(16, format="SignedData"),
        value("Energy.Active.Import.Register", "-1", unit="Wh"),
        value("Energy.Active.Import.Register", "1e300", unit="Wh"),
    ],
)
def test_what_cannot_be_true_is_counted_and_left_out(sampled: Any):
    found = read(sampled)
    assert (found.current_a, found.register_wh, found.unreadable) == (None, None, 1)


def test_the_latest_of_several_samples_counts_and_the_chargers_time_is_kept():
    entries = [
        {"timestamp": "2026-11-20T08:59:00Z", "sampled_value": [current(6)]},
        {"timestamp": "2026-11-20T10:00:00+01:00", "sampled_value": [current(16)]},
    ]
    found = read_meter_values(entries, THREE, 230.0)
    assert found.current_a == (16, 16, 16)
    assert found.at == datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def test_a_message_of_absurd_length_is_read_up_to_a_bound():
    found = read_meter_values([{"sampled_value": [current("x")] * (MAX_VALUES + 100)}], THREE, 230.0)
    assert found.unreadable == MAX_VALUES


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["timestamp", "sampled_value", "value", "measurand", "phase", "unit", "format"]), inner
        )
    ),
    max_leaves=20,
)


@given(json_values)
@settings(max_examples=300, deadline=None)
def test_whatever_a_charger_sends_is_read_without_an_exception(anything: Any):
    for wiring in (THREE, ON_L2):
        read_meter_values(anything, wiring, 230.0)
        read_meter_values([{"sampled_value": [anything]}], wiring, 230.0)


async def test_meter_values_are_answered_whatever_they_hold():
    async with bench(site_of(THREE)) as b, socket(b) as connection:
        for payload in (
            {"connectorId": 1, "meterValue": "nonsense"},
            {"connectorId": 1},
            {"connectorId": 9, "meterValue": []},
            {"connectorId": 0, "meterValue": [{"timestamp": "x", "sampledValue": [{"value": "5"}]}]},
            {"connectorId": 1, "meterValue": [{"timestamp": 5, "sampledValue": [{"value": 5, "measurand": []}]}]},
            {"connectorId": 1, "transactionId": -1, "meterValue": [{"sampledValue": [{"value": "oops"}]}]},
        ):
            assert (await rpc(connection, "MeterValues", payload))[2] == {}
        assert b.central.stations()[0].values_unreadable == 1


async def test_a_current_counts_from_its_arrival_and_ages():
    async with bench() as b, charging(b) as (client, _):
        await client.say("SuspendedEV")
        await client.measure(9, 9, 9, at="1999-01-01T00:00:00Z")
        assert b.state().state == "charging", "the status lies, the current does not"
        assert b.state().measured_at == b.clock.now()
        b.clock.advance(31)
        assert b.state().state == "ev_idle", "old measurements no longer contradict the status"
        assert b.state().measured_a == (9, 9, 9)
        assert (b.clock.now() - b.state().measured_at).total_seconds() == 31


async def test_a_draw_without_a_transaction_is_reported_as_what_it_is():
    async with bench() as b, charging(b) as (client, transaction_id):
        await client.end(transaction_id)
        await client.say("Available")
        await client.measure(7, 7, 7)
        assert (b.state().state, b.state().measured_a) == ("available", (7, 7, 7))
