"""Tariffs of others, as they come: from OCPI 2.2.1 and 2.3.0, alone, in lists and in a server's answer."""

import json
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from adapters.json_text import DocumentError
from adapters.rating_documents.tariff_reading import read_tariffs
from controller.tariffs.tariff import Dimension, PriceLimit, Tariff, TaxIncluded


def tariff(**changes: Any) -> dict[str, Any]:
    return {
        "country_code": "NL",
        "party_id": "LDS",
        "id": "T1",
        "currency": "EUR",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.25, "vat": 21.0, "step_size": 1}]}],
        "last_updated": "2026-01-01T00:00:00Z",
        **changes,
    }


def read(document: Any) -> Tariff:
    (found,) = read_tariffs(json.dumps(document).encode()).tariffs
    return found


def refused(document: Any) -> list[str]:
    with pytest.raises(DocumentError) as error:
        read_tariffs(document if isinstance(document, bytes) else json.dumps(document).encode())
    return error.value.problems


def test_a_price_is_what_stands_in_the_file():
    text = json.dumps(tariff()).replace("0.25", "0.250000000001").encode()
    (found,) = read_tariffs(text).tariffs
    assert found.elements[0].components[0].price == Decimal("0.250000000001")


def test_restrictions_keep_their_meaning():
    restrictions = {
        "start_time": "22:00",
        "end_time": "00:00",
        "min_power": 11.5,
        "max_duration": 3600,
        "day_of_week": ["MONDAY", "SUNDAY"],
        "reservation": "RESERVATION_EXPIRES",
    }
    element = read(tariff(elements=[{**tariff()["elements"][0], "restrictions": restrictions}])).elements[0]
    found = element.restrictions
    assert (found.start_time, found.end_time) == (time(22), time(0))
    assert (found.min_power_kw, found.max_duration_s, found.weekdays) == (Decimal("11.5"), 3600, {0, 6})
    assert found.reservation == "RESERVATION_EXPIRES"


def test_a_missing_vat_is_not_a_vat_of_zero():
    elements = [
        {"price_components": [{"type": "FLAT", "price": 1, "step_size": 1}]},
        {"price_components": [{"type": "TIME", "price": 1, "vat": 0, "step_size": 1}]},
    ]
    found = read(tariff(elements=elements))
    assert [element.components[0].vat_percent for element in found.elements] == [None, Decimal(0)]


def test_limits_show_which_version_a_tariff_is_of():
    old = read(tariff(min_price={"excl_vat": 0.5, "incl_vat": 0.55}))
    assert (old.min_price, old.tax_included) == (PriceLimit(Decimal("0.5"), Decimal("0.55")), TaxIncluded.NO)
    new = read(tariff(max_price={"before_taxes": 20}, tax_included="YES"))
    assert (new.max_price, new.tax_included) == (PriceLimit(Decimal(20), None), TaxIncluded.YES)


def test_a_tariff_of_2_3_0_without_tax_included_is_taken_as_without_tax_and_it_is_told():
    found = read_tariffs(json.dumps(tariff(max_price={"before_taxes": 20})).encode())
    assert found.tariffs[0].tax_included is TaxIncluded.NO
    assert found.warnings == ("tax_included: is missing; taken as NO (prices without tax)",)


def test_what_others_add_is_passed_over_and_told_with_its_place():
    document = tariff(colour="green")
    document["elements"][0]["price_components"][0]["surcharge"] = 3
    found = read_tariffs(json.dumps({"status_code": 1000, "data": [tariff(id="T0"), document]}).encode())
    assert [one.id for one in found.tariffs] == ["T0", "T1"]
    assert found.warnings == (
        "data[1].colour: is not a field of OCPI, and was passed over",
        "data[1].elements[0].price_components[0].surcharge: is not a field of OCPI, and was passed over",
    )


def test_what_a_price_does_not_depend_on_may_be_missing():
    least = {"id": "T", "currency": "EUR", "elements": [{"price_components": [{"type": "FLAT", "price": 0}]}]}
    found = read_tariffs(json.dumps(least).encode())
    assert found.tariffs[0].version == "1"
    assert [warning.split(":")[0] for warning in found.warnings] == [
        "country_code",
        "party_id",
        "last_updated",
        "elements[0].price_components[0].step_size",
    ]


def test_loadstar_says_in_a_place_of_its_own_what_ocpi_cannot():
    extras = {
        "version": "2026-3",
        "elements": [{"label": "day-ahead", "curve": "epex-nl"}],
        "idle": {
            "grace_s": 900,
            "free_hours": [{"start_time": "22:00", "end_time": "07:00", "day_of_week": ["FRIDAY"]}],
            "most": "12.00",
        },
        "start_fee_without_energy": True,
    }
    found = read(tariff(loadstar=extras))
    assert (found.version, found.elements[0].label, found.curves()) == ("2026-3", "day-ahead", {"epex-nl"})
    assert (found.idle.grace_s, found.idle.most, found.start_fee_without_energy) == (900, Decimal("12.00"), True)
    (hours,) = found.idle.free_hours
    assert (hours.begins, hours.ends, hours.weekdays) == (time(22), time(7), {4})


def test_without_a_version_of_its_own_a_tariff_is_as_new_as_its_last_update():
    assert read(tariff()).version == "2026-01-01T00:00:00Z"
    assert read(tariff(start_date_time="2026-02-01T00:00:00")).starts_at == datetime(2026, 2, 1, tzinfo=UTC)


def test_everything_that_is_wrong_is_told_at_once():
    component = {"type": "ENERGIE", "price": "0.25", "vat": 121, "step_size": 1.5}
    restrictions = {"end_time": "24:00", "start_date": "2026-13-01", "min_kwh": -1, "day_of_week": ["monday"]}
    document = tariff(
        id="",
        currency="euro",
        elements=[{"price_components": [component], "restrictions": restrictions}, {"price_components": []}],
        start_date_time="yesterday",
        tax_included="MAYBE",
        loadstar={"grace": 900},
    )
    place = "[0].elements[0].price_components[0]"
    problems = refused([document])
    assert f"{place}.type: expected 'ENERGY', 'FLAT', 'PARKING_TIME' or 'TIME', found 'ENERGIE'" in problems
    assert f"{place}.price: expected a number, found '0.25'" in problems
    assert f"{place}.vat: expected at most 100, found 121" in problems
    assert f"{place}.step_size: expected a whole number, found 1.5" in problems
    assert problems[-1] == "[0].tax_included: expected 'YES', 'NO' or 'N/A', found 'MAYBE'"
    assert len(problems) == 14


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b"{", "line 1, column 2: is not valid JSON: Expecting property name enclosed in double quotes"),
        (b"[]", "holds no tariff"),
        (b'{"data": null}', "data: expected an object, found null"),
        (b'{"id": "T1", "id": "T2"}', "is ambiguous: 'id' given more than once in one object"),
        (tariff(loadstar={"elements": [{}, {}]}), "loadstar.elements: expected one for each of 1 elements, found 2"),
    ],
)
def test_what_is_no_tariff_is_told(document: Any, problem: str):
    assert refused(document) == [problem]


def test_a_curve_needs_an_energy_price_to_follow_it():
    flat = [{"price_components": [{"type": "FLAT", "price": 1, "step_size": 1}]}]
    problems = refused(tariff(elements=flat, loadstar={"elements": [{"curve": "epex"}]}))
    assert problems == ["loadstar.elements[0].curve: elements[0] has no ENERGY price to follow it"]


@pytest.mark.parametrize("price", ["1e99999999", "1e-99", "12345678901", "0.1234567890123"])
def test_numbers_beyond_all_prices_are_refused(price: str):
    text = json.dumps(tariff()).replace("0.25", price).encode()
    assert refused(text)[0].startswith("elements[0].price_components[0].price: expected a number of at most")


def test_both_dimensions_of_an_element_are_read():
    components = [{"type": name, "price": 1, "step_size": 300} for name in ("TIME", "PARKING_TIME")]
    found = read(tariff(elements=[{"price_components": components}]))
    assert [one.dimension for one in found.elements[0].components] == [Dimension.TIME, Dimension.PARKING_TIME]
