"""Readings that are said whole, as JSON."""

from datetime import UTC, datetime

import pytest

from adapters.metering.messages import PayloadError, StaleError
from adapters.metering.said import SaidReadings
from adapters.metering.sample import Sample

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
AT = '"measured_at": "2026-11-20T08:59:58Z"'


def heard(text: str, *, retained: bool = False) -> tuple[Sample, float] | None:
    readings = SaidReadings("loadstar/hq/meter/grid/set", max_age_s=3.0)
    return readings.add("", text.encode(), retained=retained, now=NOW, monotonic_s=100.0)


@pytest.mark.parametrize(
    ("text", "sample"),
    [
        ('{"current_a": [40.1, 22.0, -10.5]}', Sample((40.1, 22.0, -10.5))),
        ('{"l1_a": 40.1, "l2_a": "22.0", "l3_a": null}', Sample((40.1, 22.0, None))),
        (
            '{"current_a": [1, 2, 3], "voltage_v": [230, 231, 229], "power_w": 1300}',
            Sample((1, 2, 3), (230, 231, 229), total_w=1300),
        ),
        ('{"current_a": [1, 2, 3], "power_w": [230, 460, -690]}', Sample((1, 2, 3), power_w=(230, 460, -690))),
    ],
)
def test_a_reading_has_the_shape_that_it_has_in_snapshots_or_the_names_of_topics(text: str, sample: Sample):
    assert heard(text) == (sample, 100.0)


def test_its_age_is_that_of_its_own_time_and_without_one_a_retained_one_may_be_of_any_age():
    assert heard('{"current_a": [1, 2, 3], ' + AT + "}", retained=True) == (Sample((1, 2, 3)), 98.0)
    assert heard('{"current_a": [1, 2, 3]}', retained=True) is None
    with pytest.raises(StaleError, match=r"3\.5 s old"):
        heard('{"current_a": [1, 2, 3], "measured_at": "2026-11-20T08:59:56.5Z"}')


def test_none_says_that_there_is_none_any_more():
    with pytest.raises(StaleError, match="no reading any more"):
        heard("none")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("12", "expected a JSON object"),
        ("{", "not a number or a JSON document"),
        ('{"power_w": 5000}', "there is no current in it"),
        ('{"current_a": [NaN, NaN, NaN]}', "there is no current in it"),
        ('{"current_a": [1, 2]}', "current_a: expected three values, found 2"),
        ('{"current_a": 7}', "current_a: expected three values"),
        ('{"current_a": [1, 2, "much"]}', "'much' is not a number"),
        ('{"current_a": [1, 2, 3], "measured_at": "2027-01-01T00:00:00Z"}', "in the future"),
    ],
)
def test_what_is_no_reading_is_refused_with_a_reason(text: str, reason: str):
    with pytest.raises(PayloadError, match=reason):
        heard(text)
