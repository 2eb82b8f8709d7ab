"""What a back office has set, and what follows from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.hub_satellite.charging_profiles import (
    PROFILES_MOST,
    ChargingProfile,
    Criteria,
    Kind,
    ProfileRefused,
    Profiles,
    Purpose,
    RateUnit,
    Recurrence,
    Running,
    SchedulePeriod,
)
from controller.hub_satellite.composite import Evse, Step, composite
from simulations import profiles as charger

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
RUNNING = Running("T1", NOON - timedelta(hours=1))
V = 230.0


def profile(number: int = 1, limit: float = 10.0, **changes: Any) -> ChargingProfile:
    fields: dict[str, Any] = {
        "id": number,
        "stack_level": 0,
        "purpose": Purpose.TX_DEFAULT,
        "kind": Kind.ABSOLUTE,
        "unit": RateUnit.AMPERE,
        "periods": (SchedulePeriod(0, limit),),
        "starts_at": NOON - timedelta(days=1),
    }
    return ChargingProfile(**fields | changes)


def kept(*given: tuple[int, ChargingProfile], running: Running | None = RUNNING) -> Profiles:
    profiles = Profiles()
    for evse, one in given:
        profiles = profiles.with_profile(evse, one, NOON, running)
    return profiles


def test_the_transaction_overrules_the_default_and_the_own_default_that_of_the_station() -> None:
    station = (0, profile(1, 10.0))
    own = (2, profile(2, 12.0))
    transaction = (2, profile(3, 20.0, purpose=Purpose.TX, transaction_id="T1"))
    assert kept(station).limit_a(2, NOON, RUNNING, V) == pytest.approx(10.0)
    assert kept(station, own).limit_a(2, NOON, RUNNING, V) == pytest.approx(12.0)
    assert kept(station, own, transaction).limit_a(2, NOON, RUNNING, V) == pytest.approx(20.0)
    assert kept(station, own, transaction).after_transaction(2).limit_a(2, NOON, None, V) == pytest.approx(12.0)
    assert kept(own).limit_a(3, NOON, RUNNING, V) is None


def test_the_highest_level_that_has_something_to_say_counts() -> None:
    over = profile(2, 6.0, stack_level=5, duration_s=3600, starts_at=NOON)
    profiles = kept((1, profile(1, 16.0)), (1, over))
    assert profiles.limit_a(1, NOON, None, V) == pytest.approx(6.0)
    assert profiles.limit_a(1, NOON + timedelta(hours=1), None, V) == pytest.approx(16.0)


def test_a_profile_takes_the_place_of_its_id_and_of_its_slot() -> None:
    assert len(kept((1, profile(1)), (2, profile(1))).installed) == 1
    assert len(kept((1, profile(1)), (1, profile(2))).installed) == 1
    assert len(kept((1, profile(1)), (1, profile(2, stack_level=1))).installed) == 2


def test_daily_schedules_begin_anew_each_day() -> None:
    night = profile(
        kind=Kind.RECURRING,
        recurrence=Recurrence.DAILY,
        starts_at=NOON - timedelta(days=30),
        periods=(SchedulePeriod(0, 6.0), SchedulePeriod(6 * 3600, 16.0)),
    )
    profiles = kept((0, night))
    assert [profiles.limit_a(1, NOON + timedelta(hours=h), None, V) for h in (1, 7, 25, 31)] == [6.0, 16.0, 6.0, 16.0]


@pytest.mark.parametrize(
    ("evse", "changes", "rule"),
    [
        (0, {"purpose": Purpose.TX}, "running transaction"),
        (1, {"purpose": Purpose.TX, "transaction_id": "T9"}, "T9"),
        (1, {"purpose": Purpose.STATION_MAX}, "whole station"),
        (0, {"purpose": Purpose.EXTERNAL_CONSTRAINTS}, "not for a back office"),
    ],
)
def test_what_the_specification_forbids_is_refused(evse: int, changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(ProfileRefused, match=rule):
        kept((evse, profile(**changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"periods": ()},
        {"periods": (SchedulePeriod(5, 10.0),)},
        {"periods": (SchedulePeriod(0, 10.0), SchedulePeriod(0, 8.0))},
        {"periods": (SchedulePeriod(0, float("nan")),)},
        {"periods": (SchedulePeriod(0, -1.0),)},
        {"starts_at": None},
        {"kind": Kind.RECURRING},
        {"kind": Kind.RELATIVE},
        {"stack_level": -1},
        {"duration_s": 0},
    ],
)
def test_what_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ProfileRefused):
        profile(**changes)


def test_there_is_an_end_to_the_room() -> None:
    profiles = kept(*((number % 20 + 1, profile(number, stack_level=number // 20)) for number in range(PROFILES_MOST)))
    with pytest.raises(ProfileRefused, match="no room"):
        profiles.with_profile(1, profile(999, stack_level=50), NOON, None)
    profiles.with_profile(1, profile(0, 7.0), NOON, None)  # but one may still take another's place


def test_only_what_is_meant_is_cleared() -> None:
    profiles = kept((1, profile(1)), (2, profile(2)), (2, profile(3, stack_level=1)))
    assert [one.profile.id for one in profiles.without(Criteria(evse=2)).installed] == [1]
    assert [one.profile.id for one in profiles.without(Criteria(id=2, evse=1)).installed] == [1, 3]
    assert profiles.without(Criteria(purpose=Purpose.TX)) is profiles


def test_the_station_is_the_sum_of_its_evses_within_its_own_maximum() -> None:
    profiles = kept(
        (0, profile(9, 22080.0, purpose=Purpose.STATION_MAX, unit=RateUnit.WATT, starts_at=NOON + timedelta(hours=1))),
        (1, profile(1, 10.0)),
    )
    evses = [Evse(1, 32.0), Evse(2, 32.0, own_limit_a=16.0), Evse(3, 16.0)]
    assert composite(profiles, evses, NOON, 7200, V) == (Step(0, 42.0), Step(3600, 32.0))
    assert composite(profiles, evses[:1], NOON, 7200, V) == (Step(0, 10.0),)


EVSES = st.integers(0, 2)
LIMITS = st.integers(6, 32).map(float)


@st.composite
def both_kinds(draw: st.DrawFn) -> tuple[ChargingProfile, charger.ChargingProfile, int]:
    """The same profile as the back office's rules and as the simulated charger have it, and where it is set."""
    evse = draw(EVSES)
    purpose = draw(st.sampled_from([Purpose.TX_DEFAULT, Purpose.TX] if evse else [Purpose.TX_DEFAULT]))
    kind = draw(st.sampled_from(Kind))
    starts = sorted({0, *draw(st.lists(st.integers(1, 100_000), max_size=3))})
    limits = draw(st.lists(LIMITS, min_size=len(starts), max_size=len(starts)))
    begins_at = None if kind is Kind.RELATIVE else NOON + timedelta(seconds=draw(st.integers(-200_000, 50_000)))
    recurrence = draw(st.sampled_from(Recurrence)) if kind is Kind.RECURRING else None
    duration_s = draw(st.none() | st.integers(1, 200_000))
    number, level = draw(st.integers(1, 9)), draw(st.integers(0, 3))
    ours = ChargingProfile(
        number,
        level,
        purpose,
        kind,
        RateUnit.AMPERE,
        tuple(map(SchedulePeriod, starts, limits)),
        begins_at,
        duration_s,
        recurrence,
    )
    theirs = charger.ChargingProfile(
        number,
        level,
        purpose.value,
        kind.value,
        "A",
        tuple(charger.Period(float(start), limit) for start, limit in zip(starts, limits, strict=True)),
        None if begins_at is None else begins_at.timestamp(),
        duration_s,
        None if recurrence is None else recurrence.value,
    )
    return ours, theirs, evse


@settings(max_examples=150, deadline=None)
@given(st.lists(both_kinds(), max_size=6), st.integers(-100_000, 300_000), st.booleans())
def test_a_charger_with_the_same_profiles_would_do_the_same(
    given_profiles: list[tuple[ChargingProfile, charger.ChargingProfile, int]], after_s: int, charges: bool
) -> None:
    running = RUNNING if charges else None
    profiles, store = Profiles(), charger.ProfileStore()
    for ours, theirs, evse in given_profiles:
        try:
            profiles = profiles.with_profile(evse, ours, NOON, running)
        except ProfileRefused:
            with pytest.raises(charger.ProfileRefusedError):
                store.install(evse, theirs, NOON.timestamp(), 1 if charges else None)
        else:
            store.install(evse, theirs, NOON.timestamp(), 1 if charges else None)
    at = NOON + timedelta(seconds=after_s)
    began_s = RUNNING.began_at.timestamp() if charges else None
    assert profiles.limit_a(1, at, running, V) == store.limit_a(1, at.timestamp(), began_s, V)
