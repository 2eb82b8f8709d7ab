"""Tariffs as others are sent them: the same when read again, and by OCPI's rules."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from adapters.json_text import DocumentError
from adapters.rating_documents.tariff_model import Tariff221Model, Tariff230Model
from adapters.rating_documents.tariff_reading import read_tariffs
from adapters.rating_documents.tariff_writing import OCPI_2_2_1, OCPI_2_3_0, tariff_document
from adapters.reference import schema_text
from controller.tariffs.tariff import (
    NO_IDLE_TERMS,
    DailyHours,
    Dimension,
    Element,
    IdleTerms,
    PriceComponent,
    PriceLimit,
    Reservation,
    Restrictions,
    Tariff,
    TariffKind,
    TaxIncluded,
)

SCHEMAS = {
    version: Draft202012Validator(json.loads(schema_text(model)))
    for version, model in ((OCPI_2_2_1, Tariff221Model), (OCPI_2_3_0, Tariff230Model))
}
UPDATED = datetime(2026, 1, 1, tzinfo=UTC)
FULL = Tariff(
    id="T1",
    currency="EUR",
    elements=(
        Element(
            (PriceComponent(Dimension.ENERGY, Decimal("0.02"), Decimal(21), 100, "epex"),),
            Restrictions(
                start_time=time(22),
                end_time=time(0),
                start_date=date(2026, 1, 1),
                end_date=date(2027, 1, 1),
                min_kwh=Decimal("0.5"),
                max_power_kw=Decimal(22),
                min_duration_s=60,
                weekdays=frozenset({0, 6}),
            ),
            "night",
        ),
        Element((PriceComponent(Dimension.FLAT, Decimal(1)),), Restrictions(reservation=Reservation.RESERVATION)),
    ),
    version="v7",
    min_price=PriceLimit(Decimal("0.50"), Decimal("0.61")),
    kind=TariffKind.REGULAR,
    starts_at=UPDATED,
    ends_at=datetime(2027, 1, 1, tzinfo=UTC),
    idle=IdleTerms(900, (DailyHours(time(22), time(7), frozenset({4})),), Decimal("12.00")),
    start_fee_without_energy=True,
    country_code="NL",
    party_id="LDS",
    texts=(("en", "0.30 per kWh"),),
    text_url="https://example.org/tariff",
    energy_mix='{"is_green_energy": true}',
    last_updated=UPDATED,
)


def read(document: dict[str, Any]) -> Tariff:
    (found,) = read_tariffs(json.dumps(document).encode()).tariffs
    return found


@pytest.mark.parametrize("version", [OCPI_2_2_1, OCPI_2_3_0])
def test_what_is_written_reads_the_same(version: str):
    document = tariff_document(FULL, version)
    SCHEMAS[version].validate(document)
    assert read(document) == FULL
    assert ("tax_included" in document) == (version == OCPI_2_3_0)


def test_a_plain_tariff_has_nothing_that_is_not_of_ocpi():
    plain = replace(
        FULL,
        elements=(Element((PriceComponent(Dimension.TIME, Decimal(2), Decimal(0)),)),),
        version="2026-01-01T00:00:00Z",
        idle=NO_IDLE_TERMS,
        start_fee_without_energy=False,
    )
    document = tariff_document(plain, OCPI_2_2_1)
    assert "loadstar" not in document
    assert document["elements"] == [{"price_components": [{"type": "TIME", "price": 2, "vat": 0, "step_size": 1}]}]
    assert read_tariffs(json.dumps(document).encode()).warnings == ()


def test_what_a_version_cannot_say_is_told():
    tariff = replace(FULL, tax_included=TaxIncluded.YES, party_id="", max_price=PriceLimit(None, Decimal(9)))
    with pytest.raises(DocumentError) as error:
        tariff_document(tariff, OCPI_2_2_1)
    assert [problem.split(":")[0] for problem in error.value.problems] == ["tax_included", "party_id", "max_price"]


PRICES = st.decimals(min_value=-100, max_value=100, places=5)
PARTS = st.builds(
    PriceComponent,
    st.sampled_from(Dimension),
    PRICES,
    st.none() | st.decimals(min_value=0, max_value=100, places=1),
    st.integers(0, 900),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(PARTS, min_size=1, max_size=3), min_size=1, max_size=4), st.sampled_from(TaxIncluded))
def test_no_price_changes_on_the_way(elements: list[list[PriceComponent]], included: TaxIncluded):
    tariff = replace(FULL, elements=tuple(Element(tuple(parts)) for parts in elements), tax_included=included)
    assert read(tariff_document(tariff, OCPI_2_3_0)) == tariff
