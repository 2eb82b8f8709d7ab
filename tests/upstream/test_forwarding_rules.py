"""The rules of forwarding by themselves: what the manual lists, how fast is told, what is refused, who may charge."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ocpp.upstream.asked import FOR_GUESTS
from adapters.ocpp.upstream.interventions import OUR_WAY_2, OUR_WAY_16, PROFILES, SAMPLING_2, SAMPLING_16, Interventions
from adapters.ocpp.upstream.profiles import KeptProfiles
from adapters.ocpp.upstream.thinning import Thinning
from controller.away import AuthoriseAway, Heard, judge_away
from controller.hub_satellite.charging_profiles import Running
from controller.hub_satellite.composite import Evse
from controller.hub_satellite.outbox import PER_S, Pace, renamed
from controller.ports.tokens import Authorisation, Verdict
from controller.snapshot import StationLimit
from controller.tariffs.book import TokenKind

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MANUAL = Path(__file__).parents[2] / "docs" / "reference" / "forwarding.md"


def test_the_manual_lists_every_exception():
    listed = MANUAL.read_text().casefold()
    names = {
        *FOR_GUESTS,
        *OUR_WAY_16,
        *SAMPLING_16,
        *PROFILES,
        *(f"{component}.{name}" for component, name in OUR_WAY_2),
    }
    names |= {".".join(variable) for variable in SAMPLING_2}
    names |= {"setnetworkprofile", "sendlocallist", "remotestarttransaction", "metervalues"}
    assert not {name for name in names if name.casefold() not in listed}


@given(st.lists(st.floats(0.0, 2.0), min_size=1, max_size=60))
def test_what_was_missed_is_told_at_a_pace(gaps_s: list[float]):
    pace, now_s, sent_s = Pace(), 0.0, list[float]()
    for gap_s in gaps_s:
        now_s += gap_s
        now_s += pace.wait_s(now_s)
        sent_s.append(now_s)
    assert all(later - earlier > 1.0 / PER_S - 1e-9 for earlier, later in itertools.pairwise(sent_s))


def test_ids_are_only_changed_where_they_name_a_transaction():
    asked = {"transactionId": 7, "connectorId": 7, "csChargingProfiles": {"transactionId": 8, "chargingProfileId": 7}}
    assert renamed(asked, {"7": "70", "8": "80"}) == {
        "transactionId": 70,
        "connectorId": 7,
        "csChargingProfiles": {"transactionId": 80, "chargingProfileId": 7},
    }


HERE = Authorisation(Verdict.UNKNOWN, TokenKind.GUEST, "nobody's token")


@pytest.mark.parametrize(
    ("policy", "here", "heard", "verdict"),
    [
        (AuthoriseAway.KNOWN, Verdict.UNKNOWN, None, Verdict.UNKNOWN),
        (AuthoriseAway.KNOWN, Verdict.ACCEPTED, None, Verdict.ACCEPTED),
        (AuthoriseAway.KNOWN, Verdict.UNKNOWN, Heard("A", "Accepted"), Verdict.ACCEPTED),
        (AuthoriseAway.KNOWN, Verdict.UNKNOWN, Heard("A", "Accepted", None, NOON), Verdict.UNKNOWN),
        (AuthoriseAway.KNOWN, Verdict.UNKNOWN, Heard("A", "ConcurrentTx"), Verdict.ACCEPTED),
        (AuthoriseAway.KNOWN, Verdict.ACCEPTED, Heard("A", "Blocked"), Verdict.BLOCKED),
        (AuthoriseAway.KNOWN, Verdict.BLOCKED, Heard("A", "Accepted"), Verdict.BLOCKED),
        (AuthoriseAway.ALL, Verdict.UNKNOWN, None, Verdict.ACCEPTED),
        (AuthoriseAway.ALL, Verdict.UNKNOWN, Heard("A", "Invalid"), Verdict.UNKNOWN),
        (AuthoriseAway.ALL, Verdict.EXPIRED, None, Verdict.EXPIRED),
        (AuthoriseAway.NONE, Verdict.ACCEPTED, Heard("A", "Accepted"), Verdict.BLOCKED),
    ],
)
def test_who_may_charge_while_it_is_away(policy: AuthoriseAway, here: Verdict, heard: Heard | None, verdict: Verdict):
    assert judge_away(policy, replace(HERE, verdict=here), heard, NOON).verdict is verdict


def profile(limit_a: Any, **changes: Any) -> dict[str, Any]:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit_a}]}
    told = {"chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile"}
    return {**told, "chargingProfileKind": "Relative", "chargingSchedule": schedule, **changes}


def interventions(kept: KeptProfiles) -> Interventions:
    return Interventions(
        legacy=True,
        kept=kept,
        settings={},
        remember=lambda _name, _value: None,
        evses=lambda: [Evse(1, 32.0), Evse(2, 32.0)],
        now=lambda: NOON,
        voltage_v=230.0,
    )


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"connectorId": 1},
        {"connectorId": 1, "csChargingProfiles": []},
        {"connectorId": 1, "csChargingProfiles": profile("ten")},
        {"connectorId": 1, "csChargingProfiles": profile(float("inf"))},
        {"connectorId": 1, "csChargingProfiles": profile(10.0, stackLevel=True)},
        {"connectorId": 1, "csChargingProfiles": profile(10.0, chargingProfileKind="Sometimes")},
        {"connectorId": 1, "csChargingProfiles": profile(10.0, chargingSchedule=[])},
        {"connectorId": 1, "csChargingProfiles": profile(10.0, validFrom="yesterday")},
        {"connectorId": 3, "csChargingProfiles": profile(10.0)},
        {"connectorId": "1", "csChargingProfiles": profile(10.0)},
        {"connectorId": 0, "csChargingProfiles": profile(10.0)},
    ],
)
def test_a_profile_that_is_none_is_rejected_and_limits_nothing(asked: dict[str, Any]):
    kept = KeptProfiles(None, lambda _documents: None)
    kept.runs(1, Running("7", NOON))
    assert interventions(kept).answer("SetChargingProfile", asked) == {"status": "Rejected"}
    assert not kept


def test_what_was_set_outlives_a_restart_and_ends_with_its_transaction():
    notes: list[list[dict[str, Any]]] = []
    kept = KeptProfiles(None, notes.append)
    kept.runs(1, Running("7", NOON - timedelta(hours=1)))
    kept.set(1, profile(10.0, transactionId=7), NOON)
    kept.set(1, profile(20.0, chargingProfileId=2, chargingProfilePurpose="TxDefaultProfile"), NOON)
    again = KeptProfiles(notes[-1], notes.append)
    again.runs(1, Running("7", NOON - timedelta(hours=1)))
    assert again.limit_a(1, NOON, 230.0) == 10.0
    later = KeptProfiles(notes[-1], notes.append)
    later.runs(1, Running("8", NOON + timedelta(hours=1)))
    assert later.limit_a(1, NOON + timedelta(hours=1), 230.0) == 20.0
    assert [note["profile"]["chargingProfileId"] for note in notes[-1]] == [2]


def test_what_is_allowed_to_the_whole_station_is_for_its_points_together():
    kept = KeptProfiles([{"evse": 9}, "nonsense"], lambda _documents: None)
    whole = profile(24.0, chargingProfilePurpose="ChargePointMaxProfile")
    kept.set(0, whole, NOON)
    kept.runs(1, Running("7", NOON))
    kept.runs(2, Running("8", NOON))
    assert kept.limit_a(1, NOON, 230.0) == kept.limit_a(2, NOON, 230.0) == 24.0  # as long as the other takes nothing
    assert kept.station_limit(["A", "B"], "office", NOON, 230.0) == [StationLimit(("A", "B"), 24.0, "office")]
    assert kept.station_limit(["A"], "office", NOON, 230.0) == []


def test_measurements_that_a_charger_has_kept_while_it_was_cut_off_pass_by_when_they_were_taken():
    thinning, passed = Thinning(), list[bool]()
    for taken_s in (0, 10, 60, 70, 120, 120, 180):  # all at once
        at = (NOON + timedelta(seconds=taken_s)).isoformat()
        sample = {
            "connectorId": 1,
            "transactionId": 7,
            "meterValue": [{"timestamp": at, "sampledValue": [{"value": "1"}]}],
        }
        passed.append(thinning.passes(sample, 1_000.0))
    assert passed == [True, False, True, False, True, False, True]
    stuck = {"connectorId": 1, "transactionId": 7, "meterValue": [{"timestamp": "?", "sampledValue": [{"value": "1"}]}]}
    assert [thinning.passes(stuck, at_s) for at_s in (1_001.0, 1_060.0, 1_061.0)] == [False, True, False]
