"""Whatever comes, the answer is the thing that was sent or a list of what is wrong with it."""

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.json_text import DocumentError
from adapters.prices.curves import read_curve_message
from adapters.rating_documents.cdr_reading import read_ocpi_session
from adapters.rating_documents.session_reading import read_session
from adapters.rating_documents.tariff_reading import read_tariffs
from controller.tariffs.lint import Severity, lint
from controller.tariffs.ocpp_tariff import UnmappableTariffError, ocpp_tariff
from controller.tariffs.rating import rate
from tests.tariffs.documents.test_cdrs_in import CDR, SESSION, period
from tests.tariffs.documents.test_ocpp_tariff import TARIFF
from tests.tariffs.documents.test_sessions_in import CHARGING, IDLE, reading

WHOLE: dict[str, Any] = {
    "tariff": {
        "id": "T1",
        "currency": "EUR",
        "min_price": {"excl_vat": 1, "incl_vat": 1.2},
        "elements": [
            {
                "price_components": [
                    {"type": "ENERGY", "price": 0.3, "vat": 21, "step_size": 1},
                    {"type": "PARKING_TIME", "price": 6, "vat": 21, "step_size": 60},
                ],
                "restrictions": {
                    "start_time": "22:00",
                    "end_time": "06:00",
                    "start_date": "2026-01-01",
                    "min_kwh": 1,
                    "max_power": 22,
                    "min_duration": 60,
                    "day_of_week": ["MONDAY"],
                },
            },
            {"price_components": [{"type": "FLAT", "price": 1, "step_size": 1}]},
        ],
        "loadstar": {
            "elements": [{"label": "night"}, {}],
            "idle": {"grace_s": 60, "free_hours": [{"start_time": "22:00", "end_time": "06:00"}], "most": "9"},
        },
    },
    "segments": {"id": "S1", "time_zone": "Europe/Amsterdam", "segments": [CHARGING, IDLE]},
    "readings": {
        "id": "S1",
        "time_zone": "Europe/Amsterdam",
        "readings": [reading("09:00", 0, "plugged"), reading("09:10", 10, "charging"), reading("10:00", 9_000)],
    },
    "cdr": {**CDR, "charging_periods": [period("09:00", ENERGY=20.5, TIME=1), period("10:00", PARKING_TIME=1)]},
    "ocpi session": SESSION,
    "curve": {"curve": "epex", "prices": [{"at": "2026-01-07T00:00:00Z", "price_per_kwh": 0.1}]},
}
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "24:00", "00:00", "2026-03-29T02:30:00", "9999-12-31T23:59:59-23:59", "1970-01-01T00:00:00", "NO"]
    ),
    st.text(max_size=5),
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
RECEIVED = datetime(2026, 1, 7, tzinfo=UTC)


def priced(text: bytes) -> None:
    """A tariff that can be read is refused by its look or prices a session."""
    for tariff in read_tariffs(text).tariffs:
        with suppress(UnmappableTariffError):
            ocpp_tariff(tariff)
        if not any(one.severity is Severity.REFUSE for one in lint(tariff)):
            session = {"id": "S1", "time_zone": "Europe/Amsterdam", "segments": [CHARGING, IDLE]}
            rate(read_session(json.dumps(session).encode()).facts, tariff)


READERS: dict[str, Callable[[bytes], object]] = {
    "tariff": priced,
    "segments": lambda text: rate(read_session(text).facts, TARIFF),
    "readings": lambda text: rate(read_session(text).facts, TARIFF),
    "cdr": lambda text: rate(read_ocpi_session(text, "ocpi-2.2.1", "Europe/Berlin").facts, TARIFF),
    "ocpi session": lambda text: rate(read_ocpi_session(text, "ocpi-2.3.0", "Europe/Berlin").facts, TARIFF),
    "curve": lambda text: read_curve_message(text, RECEIVED),
}


def places(document: Any) -> list[tuple[Any, Any]]:
    """Every object or list in a document with each of its keys."""
    found = []
    for key, value in document.items() if isinstance(document, dict) else enumerate(document):
        found.append((document, key))
        if isinstance(value, dict | list):
            found += places(value)
    return found


@pytest.mark.parametrize("kind", sorted(WHOLE))
def test_the_whole_document_is_sound(kind: str):
    READERS[kind](json.dumps(WHOLE[kind]).encode())


@pytest.mark.parametrize("kind", sorted(WHOLE))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_one_value_that_is_another_is_told_or_does_no_harm(kind: str, data: st.DataObject):
    document = copy.deepcopy(WHOLE[kind])
    for _ in range(data.draw(st.integers(1, 2))):
        holder, key = data.draw(st.sampled_from(places(document)))
        holder[key] = data.draw(JSON)
    with suppress(DocumentError):
        READERS[kind](json.dumps(document).encode())


@pytest.mark.parametrize("kind", sorted(WHOLE))
@settings(max_examples=15, deadline=None)
@given(st.one_of(st.binary(max_size=20), JSON.map(lambda value: json.dumps(value).encode())))
def test_anything_else_is_told(kind: str, text: bytes):
    with pytest.raises(DocumentError):
        READERS[kind](text)
