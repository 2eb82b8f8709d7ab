"""What others have recorded of sessions: CDRs and Session objects of OCPI, to be priced again."""

import json
from typing import Any
from zoneinfo import available_timezones

import pytest

from adapters.json_text import DocumentError
from adapters.rating_documents.cdr_reading import read_ocpi_session
from adapters.rating_documents.countries import ZONE_OF_COUNTRY
from adapters.rating_documents.session_reading import SessionRead

CDR = {
    "country_code": "NL",
    "party_id": "LDS",
    "id": "C1",
    "start_date_time": "2026-01-07T09:00:00Z",
    "end_date_time": "2026-01-07T11:00:00Z",
    "cdr_token": {"country_code": "NL", "party_id": "LDS", "uid": "04A2", "type": "RFID", "contract_id": "NL-LDS-1"},
    "auth_method": "WHITELIST",
    "cdr_location": {
        "id": "L1",
        "address": "Dam 1",
        "city": "Amsterdam",
        "country": "NLD",
        "coordinates": {"latitude": "52.373055", "longitude": "4.892222"},
        "evse_uid": "E1",
        "evse_id": "NL*LDS*E1",
        "connector_id": "1",
        "connector_standard": "IEC_62196_T2",
        "connector_format": "SOCKET",
        "connector_power_type": "AC_3_PHASE",
    },
    "currency": "EUR",
    "charging_periods": [],
    "total_cost": {"excl_vat": 4.0},
    "total_energy": 20.5,
    "total_time": 2,
    "last_updated": "2026-01-07T11:00:05Z",
}
SESSION = {
    "country_code": "NL",
    "party_id": "LDS",
    "id": "S1",
    "start_date_time": "2026-01-07T09:00:00Z",
    "end_date_time": "2026-01-07T11:00:00Z",
    "kwh": 20.5,
    "cdr_token": CDR["cdr_token"],
    "auth_method": "WHITELIST",
    "location_id": "L1",
    "evse_uid": "E1",
    "connector_id": "1",
    "currency": "EUR",
    "status": "COMPLETED",
    "last_updated": "2026-01-07T11:00:05Z",
}


def period(at: str, **volumes: float) -> dict[str, Any]:
    dimensions = [{"type": name, "volume": volume} for name, volume in volumes.items()]
    return {"start_date_time": f"2026-01-07T{at}:00Z", "dimensions": dimensions}


def read(document: Any, version: str = "ocpi-2.2.1", time_zone: str | None = None) -> SessionRead:
    return read_ocpi_session(json.dumps(document).encode(), version, time_zone)


def cdr(*periods: dict[str, Any], **changes: Any) -> SessionRead:
    return read({**CDR, "charging_periods": list(periods), **changes})


def refused(document: Any, version: str = "ocpi-2.2.1") -> list[str]:
    with pytest.raises(DocumentError) as error:
        read(document, version)
    return error.value.problems


def spans(found: SessionRead) -> list[tuple[str, str, str]]:
    return [(one.activity.value, f"{one.starts_at:%H:%M}", f"{one.ends_at:%H:%M}") for one in found.facts.stretches]


def meter(found: SessionRead) -> list[tuple[str, str]]:
    return [(f"{one.at:%H:%M}", str(one.energy_kwh)) for one in found.facts.meter]


def test_periods_last_until_the_next_one_and_say_what_they_were():
    found = cdr(
        period("09:00", ENERGY=20, TIME=1, MAX_POWER=21, MIN_POWER=19),
        period("10:00", ENERGY=0.5, TIME=0),
        period("10:30", PARKING_TIME=0.5),
    )
    assert spans(found) == [
        ("charging", "09:00", "10:00"),
        ("withheld", "10:00", "10:30"),
        ("idle", "10:30", "11:00"),
    ]
    assert meter(found) == [("09:00", "0"), ("10:00", "20"), ("10:30", "20.5"), ("11:00", "20.5")]
    assert found.facts.stretches[0].power_kw == 20
    assert (found.facts.time_zone, found.facts.token, found.facts.flags) == ("Europe/Amsterdam", "04A2", ())


def test_a_period_that_is_charging_and_parking_is_divided_by_its_volumes():
    found = cdr(period("09:00", ENERGY=20.5, TIME=1.25, PARKING_TIME=0.75))
    assert spans(found) == [("charging", "09:00", "10:15"), ("idle", "10:15", "11:00")]
    assert meter(found) == [("09:00", "0"), ("10:15", "20.5"), ("11:00", "20.5")]


def test_the_clock_is_right_where_a_volume_is_only_rounded():
    start = {"start_date_time": "2026-01-07T09:01:37Z"}
    found = read({**CDR, **start, "charging_periods": [{**period("09:00", ENERGY=20.5, TIME=1.973), **start}]})
    assert spans(found) == [("charging", "09:01", "11:00")]
    assert found.facts.flags == ()


def test_time_that_nobody_claims_is_billed_to_nobody():
    found = cdr(period("09:00", ENERGY=20.5, TIME=1.5))
    assert spans(found) == [("charging", "09:00", "10:30"), ("withheld", "10:30", "11:00")]
    assert found.facts.flags == ("period_times_differ",)
    assert cdr(period("09:00", ENERGY=20.5, TIME=3)).facts.flags == ("period_times_differ",)


def test_reservations_that_were_used_and_that_nobody_came_for():
    used = cdr(period("09:00", RESERVATION_TIME=0.5), period("09:30", ENERGY=20.5, TIME=1.5))
    assert spans(used) == [("reservation", "09:00", "09:30"), ("charging", "09:30", "11:00")]
    expired = cdr(period("09:00", RESERVATION_TIME=2), total_energy=0)
    assert spans(expired) == [("reservation_expired", "09:00", "11:00")]


def test_energy_that_only_the_total_tells_lies_where_the_car_charged():
    found = cdr(period("09:00", TIME=1), period("10:00", PARKING_TIME=1))
    assert meter(found) == [("09:00", "0"), ("09:00", "0"), ("10:00", "20.5"), ("11:00", "20.5")]


def test_what_does_not_add_up_is_flagged():
    found = cdr(period("09:10", ENERGY=20, TIME=1.8333))
    assert spans(found)[0] == ("withheld", "09:00", "09:10")
    assert found.facts.flags == ("periods_outside_session", "total_energy_differs")


def test_no_time_before_the_session_is_priced():
    found = cdr(period("08:30", ENERGY=15), period("10:00", ENERGY=5.5))
    assert spans(found) == [("charging", "09:00", "10:00"), ("charging", "10:00", "11:00")]
    assert meter(found) == [("09:00", "0"), ("10:00", "15"), ("11:00", "20.5")]
    assert found.facts.flags == ("periods_outside_session",)


def test_a_session_object_may_have_no_periods_and_no_end():
    found = read(SESSION, time_zone="Europe/Berlin")
    assert (spans(found), meter(found)[-1]) == ([("charging", "09:00", "11:00")], ("11:00", "20.5"))
    running = {**{name: value for name, value in SESSION.items() if name != "end_date_time"}, "status": "ACTIVE"}
    found = read(running, time_zone="Europe/Berlin")
    assert (found.facts.running, found.facts.flags) == (True, ("session_not_ended",))
    assert read({**SESSION, "status": "INVALID"}, time_zone="Europe/Berlin").facts.flags == ("session_invalid",)


def test_a_record_of_2_3_0_has_taxes_apart_and_may_come_in_an_answer():
    taxed = {"before_taxes": 4.0, "taxes": [{"name": "VAT", "percentage": 21, "amount": 0.84}]}
    document = {**CDR, "total_cost": taxed, "charging_periods": [period("09:00", ENERGY=20.5)]}
    assert spans(read({"data": document, "status_code": 1000}, "ocpi-2.3.0")) == [("charging", "09:00", "11:00")]
    assert read(document).warnings == ("total_cost.excl_vat: is missing; OCPI asks for it",)


def test_what_no_price_depends_on_may_be_missing():
    document = {name: CDR[name] for name in ("start_date_time", "end_date_time", "total_energy", "cdr_location")}
    found = read({**document, "charging_periods": [period("09:00", ENERGY=20.5)]})
    assert meter(found)[-1] == ("11:00", "20.5")
    assert "total_cost: is missing; OCPI asks for it" in found.warnings
    assert (found.facts.id, len(found.warnings)) == ("", 9)


def test_what_is_null_is_missing():
    document = {**CDR, "charging_periods": [{**period("09:00", ENERGY=20.5), "tariff_id": None}]}
    found = read({**document, "tariffs": None, "remark": None, "cdr_token": None, "total_cost": {"excl_vat": None}})
    assert meter(found)[-1] == ("11:00", "20.5")
    assert found.warnings == (
        "cdr_token: is missing; OCPI asks for it",
        "total_cost.excl_vat: is missing; OCPI asks for it",
    )
    assert refused({**document, "start_date_time": None}) == ["start_date_time: is missing"]


def test_every_problem_of_a_record_is_told_at_once():
    periods = [period("09:00", ENERGY="much", SPEED=3), {"start_date_time": "2026-01-07T09:00:00Z", "dimensions": []}]
    document = {**CDR, "charging_periods": periods, "currency": "euro", "auth_method": "TRUST", "colour": 1}
    problems = refused({**document, "cdr_location": {**CDR["cdr_location"], "country": "NL"}})
    assert len(problems) == 6
    assert "charging_periods[0].dimensions[0].volume: expected a number, found 'much'" in problems
    assert "cdr_location.country: expected at least 3 characters, found 'NL'" in problems


def test_times_and_volumes_that_cannot_be_are_told():
    periods = [period("10:00", ENERGY=20.5, TIME=-1), period("09:30", TIME=1), period("12:00", TIME=1)]
    above = "expected a time not before that of the period above"
    assert refused({**CDR, "charging_periods": periods}) == [
        "charging_periods[0].dimensions[1].volume: expected at least 0, found -1",
        f"charging_periods[1].start_date_time: {above}, 2026-01-07T10:00:00Z",
        "end_date_time: expected a time not before any other of the record, found 2026-01-07T11:00:00Z",
    ]


def test_the_time_zone_is_that_of_the_country_where_it_has_one():
    spain = {**CDR, "charging_periods": [period("09:00", ENERGY=20.5)]}
    spain["cdr_location"] = {**CDR["cdr_location"], "country": "ESP"}
    complaint = "cdr_location.country: does not say which time zone it was in; give one with --time-zone"
    assert refused(spain) == [complaint]
    assert read(spain, time_zone="Atlantic/Canary").facts.time_zone == "Atlantic/Canary"
    assert refused(SESSION) == [complaint]
    assert set(ZONE_OF_COUNTRY.values()) <= available_timezones()


def test_the_first_tariff_that_periods_name_is_the_one():
    first = period("09:00", ENERGY=20.5)
    second = {**period("10:00", PARKING_TIME=1), "tariff_id": "T2"}
    assert (cdr(first, second).tariff, cdr(first, second).facts.flags) == ("T2", ())
    switched = cdr({**first, "tariff_id": "T1"}, second)
    assert (switched.tariff, switched.facts.flags) == ("T1", ("several_tariffs",))


def test_a_list_holds_one():
    document = {**CDR, "charging_periods": [period("09:00", ENERGY=20.5)]}
    assert read({"data": [document]}).facts == read(document).facts
    assert refused([{"id": 3}])[0].startswith("[0].id: ")
    assert refused([document] * 2) == [
        "expected one object, found a list of 2; of many, write one per line (.jsonl)",
    ]


def test_a_session_of_our_own_is_told_apart():
    problems = refused({"id": "S1", "time_zone": "Europe/Amsterdam", "segments": []})
    assert problems == ["is a session in Loadstar's own format: give --format loadstar"]
