import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.peakshave.filling import GAP_MOST_S, fill
from controller.peakshave.windows import Filling, Window
from controller.snapshot import MeterOwn

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
QUARTER_S = 900
ASSUMED_W = 50_000.0
BRUSSELS = ZoneInfo("Europe/Brussels")


class Clocks:
    """A site's two clocks, and the windows that it was told."""

    def __init__(self, at: datetime = NOON, length_s: int = QUARTER_S, zone: tzinfo = UTC, hold_s: float = 3.0) -> None:
        self.at, self.monotonic_s, self.length_s, self.zone, self.hold_s = at, 1000.0, length_s, zone, hold_s
        self.filling: Filling | None = None
        self.told: list[Window] = []

    def sees(self, power_w: float | None, own: MeterOwn | None = None) -> None:
        self.filling, told = fill(
            self.filling, self.at, self.monotonic_s, power_w, self.length_s, ASSUMED_W,
            zone=self.zone, own=own, hold_s=self.hold_s,
        )  # fmt: skip
        self.told += told

    def runs(self, seconds: int, power_w: float | None, step_s: int = 1) -> None:
        for _ in range(seconds // step_s):
            self.passes(step_s)
            self.sees(power_w)

    def passes(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.monotonic_s += seconds

    def restarts(self, after_s: float) -> None:
        stored = json.loads(json.dumps(self.filling.to_dict()))
        self.filling = Filling.from_dict(stored)
        self.at += timedelta(seconds=after_s)
        self.monotonic_s = 5.0


def starts(windows: Iterable[Window]) -> list[str]:
    return [f"{window.begins_at:%H:%M}" for window in windows]


def test_a_constant_power_fills_quarters_that_lie_on_the_clock():
    site = Clocks()
    site.sees(10_000.0)
    site.runs(1800, 10_000.0)
    assert [(w.begins_at, w.mean_w, w.covered_s, w.marks) for w in site.told] == [
        (NOON, pytest.approx(10_000.0), 900.0, ()),
        (NOON + timedelta(minutes=15), pytest.approx(10_000.0), 900.0, ()),
    ]


def test_energy_is_split_at_the_edge_between_two_readings():
    site = Clocks(NOON - timedelta(seconds=1), hold_s=10.0)
    site.sees(36_000.0)  # 10 Wh each second
    site.passes(4)
    site.sees(0.0)
    assert site.told[0].energy_wh - site.told[0].assumed_wh == pytest.approx(10.0)
    assert site.filling.energy_wh == pytest.approx(30.0)


def test_export_counts_against_import_within_a_window():
    site = Clocks(hold_s=900.0)
    site.sees(8_000.0)
    site.passes(450)
    site.sees(-6_000.0)
    site.passes(450)
    site.sees(0.0)
    assert site.told[0].mean_w == pytest.approx(1_000.0)


def test_what_passed_before_the_start_is_assumed():
    site = Clocks(NOON + timedelta(minutes=5))
    site.sees(0.0)
    site.runs(600, 0.0)
    (window,) = site.told
    assert window.marks == ("restart",)
    assert (window.covered_s, window.assumed_wh) == (600.0, pytest.approx(ASSUMED_W * 300 / 3600))
    assert window.measured_w == 0.0


def test_a_silent_meter_counts_for_three_seconds_and_is_then_assumed():
    site = Clocks()
    site.sees(3_600.0)  # 1 Wh each second
    site.runs(10, None)
    assert site.filling.so_far.marks == ("meter_gap",)
    assert site.filling.covered_s == 3.0
    assert site.filling.energy_wh == pytest.approx(3.0 + 7 * ASSUMED_W / 3600)
    site.sees(3_600.0)
    site.runs(890, 3_600.0)
    assert site.told[0].measured_w == pytest.approx((3 + 890) * 4)
    site.runs(900, 3_600.0)
    assert site.told[1].marks == ()


def test_a_step_that_takes_longer_than_readings_hold_is_a_gap_too():
    site = Clocks()
    site.sees(3_600.0)
    site.passes(60)
    site.sees(3_600.0)
    assert site.filling.assumed_wh == pytest.approx(57 * ASSUMED_W / 3600)


def test_a_clock_set_forward_marks_all_windows_that_nobody_saw_through():
    site = Clocks()
    site.sees(1_000.0)
    site.runs(300, 1_000.0)
    site.at += timedelta(minutes=35)
    site.passes(1)
    site.sees(1_000.0)
    assert starts(site.told) == ["12:00", "12:15"]
    assert [w.marks for w in site.told] == [("clock_jump",)] * 2
    assert site.told[0].measured_w == pytest.approx(1_000.0 / 3)
    assert site.told[1].mean_w == pytest.approx(ASSUMED_W)
    assert site.filling.so_far.marks == ("clock_jump",)
    assert site.filling.assumed_wh == pytest.approx(ASSUMED_W * 601 / 3600)


def test_a_clock_set_back_tells_no_window_twice():
    site = Clocks()
    site.sees(1_000.0)
    site.runs(2_400, 1_000.0)  # 12:40
    site.at -= timedelta(minutes=30)
    site.runs(1_800, 1_000.0)
    assert starts(site.told) == ["12:00", "12:15"]
    site.runs(1_200, 1_000.0)
    assert starts(site.told) == ["12:00", "12:15", "12:30", "12:45"]
    assert site.told[2].marks == ()


def test_a_clock_set_back_within_the_window_leaves_it_marked():
    site = Clocks()
    site.sees(1_000.0)
    site.runs(600, 1_000.0)
    counted_wh = site.filling.energy_wh
    site.at -= timedelta(minutes=5)
    site.runs(1, 1_000.0)
    assert site.filling.so_far.marks == ("clock_jump",)
    assert site.filling.energy_wh == counted_wh
    site.runs(599, 1_000.0)
    assert site.told[0].mean_w > 1_000.0, "what was counted twice errs on the careful side"
    assert site.told[0].covered_s == 900.0


def test_a_clock_that_was_years_ahead_does_not_silence_the_windows_of_now():
    site = Clocks(NOON.replace(year=2036))
    site.sees(0.0)
    site.at = NOON
    site.runs(900, 0.0)
    assert [w.begins_at for w in site.told] == [NOON]


def test_a_gap_of_years_tells_a_day_of_windows():
    site = Clocks(datetime(1970, 1, 5, tzinfo=UTC))
    site.sees(0.0)
    site.at = NOON
    site.passes(1)
    site.sees(0.0)
    assert len(site.told) == 1 + GAP_MOST_S / QUARTER_S
    assert site.told[-1].begins_at == NOON - timedelta(minutes=15)


def test_a_restart_in_mid_window_goes_on_with_what_was_stored():
    site = Clocks()
    site.sees(1_000.0)
    site.runs(300, 1_000.0)
    site.restarts(after_s=60)
    site.sees(1_000.0)
    site.runs(540, 1_000.0)
    (window,) = site.told
    assert window.marks == ("restart",)
    assert window.covered_s == 840.0
    assert window.measured_w == pytest.approx(1_000.0 * 840 / 900)
    assert window.mean_w == pytest.approx(1_000.0 * 840 / 900 + ASSUMED_W * 60 / 900)


def test_the_last_reading_from_before_a_restart_is_not_held():
    site = Clocks()
    site.sees(1_000.0)
    site.runs(300, 1_000.0)
    site.restarts(after_s=10)
    site.sees(None)
    site.runs(2, None)
    assert site.filling.assumed_wh == pytest.approx(ASSUMED_W * 12 / 3600)


def test_a_restart_with_a_clock_that_went_back_tells_nothing_twice():
    site = Clocks()
    site.sees(1_000.0)
    site.runs(1_000, 1_000.0)
    site.restarts(after_s=-500)
    site.sees(1_000.0)
    assert site.filling.so_far.marks == ("clock_jump",)
    site.runs(400, 1_000.0)
    assert starts(site.told) == ["12:00"]


@pytest.mark.parametrize(
    ("day", "quarters"),
    [((2026, 3, 29), 92), ((2026, 10, 25), 100), ((2026, 3, 2), 96)],
    ids=["spring", "autumn", "plain"],
)
def test_days_have_as_many_quarters_as_they_have(day: tuple[int, int, int], quarters: int):
    begins = datetime(*day, tzinfo=BRUSSELS)
    ends = begins + timedelta(days=1)
    site = Clocks(begins.astimezone(UTC), zone=BRUSSELS, hold_s=60.0)
    site.sees(1_000.0)
    site.runs(int(ends.timestamp() - begins.timestamp()), 1_000.0, step_s=60)
    assert len(site.told) == quarters
    assert all(w.mean_w == pytest.approx(1_000.0) and not w.marks for w in site.told)
    assert {w.begins_at.astimezone(BRUSSELS).date() for w in site.told} == {begins.date()}


@pytest.mark.parametrize(
    ("zone", "minute"), [("Asia/Kathmandu", 15), ("Asia/Kolkata", 30), ("Australia/Eucla", 15), ("Europe/Brussels", 0)]
)
def test_hours_lie_on_the_local_clock(zone: str, minute: int):
    site = Clocks(NOON, length_s=3600, zone=ZoneInfo(zone))
    site.sees(0.0)
    assert site.filling.so_far.begins_at.minute == minute


def test_where_the_clock_is_set_by_half_an_hour_one_window_is_shorter_and_none_overlap():
    begins = datetime(2026, 4, 4, 12, tzinfo=UTC)  # Lord Howe leaves summer time at 15:00 UTC
    site = Clocks(begins, length_s=3600, zone=ZoneInfo("Australia/Lord_Howe"), hold_s=60.0)
    site.sees(1_000.0)
    site.runs(6 * 3600, 1_000.0, step_s=60)
    assert [w.length_s for w in site.told] == [3600, 3600, 3600, 1800, 3600, 3600]
    assert all(w.mean_w == pytest.approx(1_000.0) for w in site.told)


def test_a_meters_own_average_is_believed_before_our_count():
    site = Clocks(NOON + timedelta(minutes=5))
    site.sees(0.0)  # a third of the window is assumed
    assert site.filling.assumed_wh > 0.0
    site.passes(1)
    site.sees(2_000.0, MeterOwn(average_w=800.0))
    assert site.filling.so_far.energy_wh == pytest.approx(200.0), "the register is over the whole quarter"
    assert site.filling.so_far.assumed_wh == 0.0
    site.runs(599, 2_000.0)
    assert site.told[0].mean_w == pytest.approx(800.0 + 2_000.0 * 599 / 900)


def test_a_meters_average_near_the_edge_may_be_of_the_neighbour_and_is_not_used():
    site = Clocks()
    site.sees(1_000.0)
    site.runs(5, 1_000.0)
    ours_wh = site.filling.energy_wh
    site.sees(1_000.0, MeterOwn(average_w=9_000.0))
    assert site.filling.energy_wh == ours_wh
    site.runs(890, 1_000.0)
    site.sees(1_000.0, MeterOwn(average_w=0.0))
    assert site.filling.energy_wh > ours_wh


def test_a_meter_whose_quarters_begin_at_other_times_is_found_out():
    site = Clocks()
    site.sees(1_000.0)
    site.runs(60, 1_000.0)
    site.sees(1_000.0, MeterOwn(average_w=900.0))
    site.runs(60, 1_000.0)
    site.sees(1_000.0, MeterOwn(average_w=5.0))
    assert site.filling.so_far.marks == ("meter_clock",)
    assert site.filling.energy_wh == pytest.approx(1_000.0 * 120 / 3600), "our own count"
    site.runs(840, 1_000.0)
    assert site.told[0].mean_w == pytest.approx(1_000.0)


@pytest.mark.parametrize("behind_s", [-60, -12, 12, 60])
def test_a_meter_with_another_clock_spoils_no_window(behind_s: int):
    site = Clocks(hold_s=5.0)
    site.sees(1_000.0)
    for second in range(1, 2_701):
        site.passes(1)
        meter_s = (second - behind_s) % 900
        site.sees(1_000.0, MeterOwn(average_w=1_000.0 * meter_s / 900))
    assert [w.mean_w for w in site.told] == [pytest.approx(1_000.0)] * 3
    assert all(w.marks == ("meter_clock",) for w in site.told)


@pytest.mark.parametrize(
    ("power_w", "length_s", "at", "message"),
    [
        (float("nan"), 900, NOON, "power_w"),
        (1.0, 700, NOON, "length_s"),
        (1.0, 0, NOON, "length_s"),
        (1.0, 900, NOON.replace(tzinfo=None), "at"),
    ],
)
def test_nonsense_is_refused(power_w: float, length_s: int, at: datetime, message: str):
    with pytest.raises(ValueError, match=message):
        fill(None, at, 0.0, power_w, length_s, ASSUMED_W)


@pytest.mark.parametrize(
    "damage", [{"counted_wh": None}, {"length_s": 0}, {"marks": 3}, {"at_s": "x"}, {"own_wh": float("inf")}]
)
def test_a_damaged_stored_window_is_refused_by_its_field(damage: dict[str, object]):
    site = Clocks()
    site.sees(0.0)
    with pytest.raises(ValueError, match=next(iter(damage))):
        Filling.from_dict(site.filling.to_dict() | damage)


steps = st.lists(
    st.tuples(
        st.floats(0.1, 400.0),  # monotonic [s]
        st.one_of(st.just(0.0), st.floats(-7_200.0, 7_200.0)),  # how far the clock is set [s]
        st.one_of(st.none(), st.floats(-20_000.0, 40_000.0)),
        st.booleans(),  # restart
    ),
    max_size=20,
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_whatever_the_clocks_do_windows_come_once_in_order_and_within_bounds(steps: list):
    site = Clocks()
    site.sees(0.0)
    for elapsed_s, set_s, power_w, restart in steps:
        if restart:
            site.restarts(after_s=0.0)
        site.passes(elapsed_s)
        site.at += timedelta(seconds=set_s)
        site.sees(power_w)
        assert site.filling.begins_s - 2.0 <= site.filling.at_s < site.filling.ends_s
    begins = [w.begins_at for w in site.told]
    assert begins == sorted(set(begins))
    for window in site.told:
        assert -20_000.1 <= window.measured_w <= 100_000.0
        assert 0.0 <= window.covered_s <= window.length_s
        assert window.marks or window.covered_s == pytest.approx(900.0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 2_000.0), st.floats(-20_000.0, 40_000.0)), max_size=20))
def test_no_energy_is_lost_or_made_at_the_edges(readings: list[tuple[float, float]]):
    site = Clocks(hold_s=1e6)
    site.sees(0.0)
    total_wh, power_before_w = 0.0, 0.0
    for elapsed_s, power_w in readings:
        before = site.at
        site.passes(elapsed_s)
        total_wh += power_before_w * (site.at - before).total_seconds() / 3600
        site.sees(power_w)
        power_before_w = power_w
    counted_wh = sum(w.energy_wh for w in site.told) + site.filling.energy_wh
    assert counted_wh == pytest.approx(total_wh, abs=0.02)
