from typing import Any

import pytest

from simulations.profiles import ProfileRefusedError, ProfileStore, parse_profile

NOON = "2026-11-20T12:00:00Z"
NOON_S = 1795176000.0


def raw(**changes: Any) -> dict[str, Any]:
    schedule = {
        "charging_rate_unit": changes.pop("unit", "A"),
        "charging_schedule_period": [
            {"start_period": start, "limit": limit} for start, limit in changes.pop("periods", [(0, 16.0)])
        ],
        "start_schedule": changes.pop("start", NOON),
        "duration": changes.pop("duration", None),
    }
    profile = {
        "charging_profile_id": 1,
        "stack_level": 0,
        "charging_profile_purpose": "TxDefaultProfile",
        "charging_profile_kind": "Absolute",
        "charging_schedule": schedule,
    }
    return profile | changes


def store(*rows: tuple[int, dict[str, Any]], transaction: int | None = 7) -> ProfileStore:
    profiles = ProfileStore()
    for connector, row in rows:
        profiles.install(connector, parse_profile(row), NOON_S, transaction)
    return profiles


def test_without_profiles_nothing_limits():
    assert ProfileStore().limit_a(1, NOON_S, None, 230.0) is None


def test_a_dead_man_schedule_steps_down_by_itself():
    profiles = store((1, raw(periods=[(0, 16.0), (120, 6.0)])))
    assert profiles.limit_a(1, NOON_S + 119, None, 230.0) == 16.0
    assert profiles.limit_a(1, NOON_S + 120, None, 230.0) == 6.0
    assert profiles.limit_a(1, NOON_S + 1_000_000, None, 230.0) == 6.0  # no duration: the last period goes on


def test_a_schedule_that_ends_leaves_the_charger_without_a_limit():
    profiles = store((1, raw(duration=120)))
    assert profiles.limit_a(1, NOON_S + 119, None, 230.0) == 16.0
    assert profiles.limit_a(1, NOON_S + 121, None, 230.0) is None


def test_tx_profile_overrules_the_default_while_its_transaction_runs():
    tx = raw(charging_profile_id=2, charging_profile_purpose="TxProfile", transaction_id=7, periods=[(0, 20.0)])
    profiles = store((1, raw(periods=[(0, 8.0)])), (1, tx))
    assert profiles.limit_a(1, NOON_S, NOON_S, 230.0) == 20.0
    assert profiles.limit_a(1, NOON_S, None, 230.0) == 8.0
    profiles.end_transaction(1)
    assert profiles.limit_a(1, NOON_S, NOON_S, 230.0) == 8.0


def test_the_highest_stack_level_that_has_something_to_say_counts():
    high = raw(charging_profile_id=2, stack_level=3, duration=60, periods=[(0, 10.0)])
    profiles = store((1, raw()), (1, high))
    assert profiles.limit_a(1, NOON_S + 59, None, 230.0) == 10.0
    assert profiles.limit_a(1, NOON_S + 60, None, 230.0) == 16.0


def test_the_station_maximum_bounds_and_a_default_for_all_connectors_yields_to_the_connectors_own():
    maximum = raw(charging_profile_id=9, charging_profile_purpose="ChargePointMaxProfile", periods=[(0, 12.0)])
    profiles = store((0, maximum), (0, raw(charging_profile_id=2, periods=[(0, 9.0)])), (1, raw()))
    assert profiles.limit_a(1, NOON_S, None, 230.0) == 12.0
    assert profiles.limit_a(2, NOON_S, None, 230.0) == 9.0


def test_same_id_or_same_slot_replaces():
    profiles = store((1, raw()), (1, raw(periods=[(0, 7.0)])))
    assert profiles.limit_a(1, NOON_S, None, 230.0) == 7.0
    profiles.install(1, parse_profile(raw(charging_profile_id=5, periods=[(0, 11.0)])), NOON_S, None)
    assert profiles.limit_a(1, NOON_S, None, 230.0) == 11.0
    assert profiles.clear(None, None, None, None) == 1


def test_watts_are_divided_by_the_phases():
    assert store((1, raw(unit="W", periods=[(0, 6900.0)]))).limit_a(1, NOON_S, None, 230.0) == 10.0


def test_recurring_and_relative_schedules_and_validity():
    daily = raw(charging_profile_kind="Recurring", recurrency_kind="Daily", periods=[(0, 6.0), (3600, 16.0)])
    assert store((1, daily)).limit_a(1, NOON_S + 86_400 + 60, None, 230.0) == 6.0
    relative = raw(charging_profile_kind="Relative", periods=[(0, 6.0), (600, 16.0)])
    assert store((1, relative)).limit_a(1, NOON_S + 5000, NOON_S + 4000, 230.0) == 16.0
    assert store((1, raw(valid_to="2026-11-20T12:10:00Z"))).limit_a(1, NOON_S + 601, None, 230.0) is None


def test_the_composite_schedule_lists_every_change():
    profiles = store((1, raw(periods=[(0, 16.0), (120, 6.0)])))
    assert profiles.composite(1, NOON_S + 20, 600, None, 230.0) == [(0.0, 16.0), (100.0, 6.0)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (raw(start=None), "startSchedule"),
        (raw(start="yesterday"), "no time"),
        (raw(periods=[(5, 6.0)]), "must start at 0"),
        (raw(periods=[(0, 6.0), (9, 7.0), (3, 8.0)]), "in order"),
        (raw(periods=[(0, float("nan"))]), "not a current"),
        (raw(stack_level=99), "stackLevel"),
        (raw(charging_profile_kind="Recurring"), "recurrencyKind"),
    ],
)
def test_contradictory_profiles_are_refused(row: dict[str, Any], message: str):
    with pytest.raises(ProfileRefusedError, match=message):
        parse_profile(row)


def test_profiles_in_the_wrong_place_are_refused():
    tx = raw(charging_profile_purpose="TxProfile", transaction_id=7)
    with pytest.raises(ProfileRefusedError, match="running transaction"):
        store((1, tx), transaction=None)
    with pytest.raises(ProfileRefusedError, match="not the one"):
        store((1, tx), transaction=8)
    with pytest.raises(ProfileRefusedError, match="connector 0"):
        store((1, raw(charging_profile_purpose="ChargePointMaxProfile")))
