"""The statistical model of people: what it keeps of the sessions that it was fitted from, and what it never draws."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ks_2samp, spearmanr

from simulations.data.fitting import SESSIONS_MIN, fit
from simulations.data.people import PeopleModel, read_people, write_people
from simulations.data.people_tables import possible_energy
from simulations.data.problems import DataError
from simulations.data.recorded import RecordedSession

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MONDAY = date(2031, 3, 3)
POWER_W = 11_000.0

OFTEN = np.linspace(4.0, 0.1, 60) / np.linspace(4.0, 0.1, 60).sum()
"""How often each driver comes."""

Floats = NDArray[np.float64]


def population(weeks: int = 26, *, per_workday: int = 16, seed: int = 5) -> list[RecordedSession]:
    """A workplace: who comes later stays for less time and takes less; on weekends few come, at noon."""
    rng = np.random.default_rng(seed)
    sessions: list[RecordedSession] = []
    for number in range(7 * weeks):
        day = MONDAY + timedelta(days=number)
        weekend = day.weekday() >= 5
        count = int(rng.integers(0, 3)) if weekend else int(rng.integers(per_workday - 4, per_workday + 5))
        drivers = rng.choice(60, count, replace=False, p=OFTEN)
        for driver in drivers.tolist():
            luck = rng.standard_normal(3)
            come_h = (12.5 if weekend else 8.5) + (luck[0] if luck[0] < 0.0 else 2.0 * luck[0])
            stay_h = float(np.clip(8.0 - 1.5 * (come_h - 8.5) + 1.2 * luck[1], 0.5, 13.0))
            energy_wh = min(POWER_W * stay_h, 9000.0 * math.exp(0.5 * luck[2] + 0.04 * (stay_h - 8.0)))
            arrives = datetime(day.year, day.month, day.day, tzinfo=AMSTERDAM) + timedelta(hours=min(come_h, 23.0))
            stated = rng.random() < 0.6
            leaves = arrives.astimezone(UTC) + timedelta(hours=stay_h)
            sessions.append(
                RecordedSession(
                    id=str(len(sessions)),
                    arrives=arrives.astimezone(UTC),
                    leaves=leaves,
                    energy_wh=energy_wh,
                    requested_wh=energy_wh * rng.uniform(0.8, 1.6) if stated else None,
                    stated_leaves=leaves + timedelta(hours=rng.uniform(-0.4, 0.4)) if stated else None,
                    point="P1",
                    token=f"driver-{driver}" if rng.random() < 0.9 else None,
                )
            )
    return sessions


def columns(sessions: Sequence[RecordedSession]) -> dict[str, Floats]:
    """Hours and kWh of workday sessions, NaN where nothing was stated."""
    rows = []
    for session in sessions:
        wall = session.arrives.astimezone(AMSTERDAM)
        if wall.weekday() < 5:
            stated = session.stated_leaves
            rows.append(
                (
                    wall.hour + wall.minute / 60.0 + wall.second / 3600.0,
                    session.stay_s / 3600.0,
                    session.energy_wh / 1000.0,
                    math.nan if stated is None else (stated - session.arrives).total_seconds() / 3600.0,
                    math.nan if session.requested_wh is None else session.requested_wh / 1000.0,
                )
            )
    return dict(zip(("arrival", "stay", "energy", "stated", "requested"), np.array(rows).T, strict=True))


@pytest.fixture(scope="module")
def recorded() -> list[RecordedSession]:
    return population()


@pytest.fixture(scope="module")
def model(recorded: list[RecordedSession]) -> PeopleModel:
    return fit(recorded, AMSTERDAM)


@pytest.fixture(scope="module")
def drawn(model: PeopleModel) -> list[RecordedSession]:
    """Two years of other days."""
    return model.sample(np.random.default_rng(1), date(2034, 1, 1), 730, AMSTERDAM)


def known(values: Floats) -> Floats:
    return values[np.isfinite(values)]


def test_means_and_distributions_are_kept(recorded: list[RecordedSession], drawn: list[RecordedSession]):
    real, synthetic = columns(recorded), columns(drawn)
    for name, values in real.items():
        assert known(synthetic[name]).mean() == pytest.approx(known(values).mean(), rel=0.02), name
        apart = ks_2samp(known(values), known(synthetic[name])).statistic
        assert apart < 0.025, "no quantile is off by more than so many of a hundred places in the order"


def test_ranks_are_correlated_as_recorded(recorded: list[RecordedSession], drawn: list[RecordedSession]):
    real, synthetic = columns(recorded), columns(drawn)

    def rank_correlation(of: dict[str, Floats], one: str, other: str) -> float:
        both = np.isfinite(of[one]) & np.isfinite(of[other])
        return float(spearmanr(of[one][both], of[other][both]).statistic)

    names = list(real)
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            expected = rank_correlation(real, one, other)
            assert rank_correlation(synthetic, one, other) == pytest.approx(expected, abs=0.08), (one, other)
    assert rank_correlation(real, "arrival", "stay") < -0.6, "there is something to keep"


def test_nothing_is_outside_of_what_was_recorded(recorded: list[RecordedSession], drawn: list[RecordedSession]):
    real, synthetic = columns(recorded), columns(drawn)
    second_h, least_kwh = 1.0 / 3600.0, 0.001
    for name, values in real.items():
        slack = least_kwh if name in {"energy", "requested"} else second_h
        assert known(synthetic[name]).min() >= known(values).min() - slack, name
        assert known(synthetic[name]).max() <= known(values).max() + slack, name
    highest_w = max(session.energy_wh / session.stay_s for session in recorded)
    assert max(session.energy_wh / session.stay_s for session in drawn) <= highest_w * 1.001


def test_so_many_come_as_on_a_recorded_day_of_the_week(recorded: list[RecordedSession], drawn: list[RecordedSession]):
    def per_day(sessions: list[RecordedSession], *, weekend: bool, days: int) -> tuple[float, float]:
        counts = Counter(session.arrives.astimezone(AMSTERDAM).date() for session in sessions)
        counted = [count for day, count in counts.items() if (day.weekday() >= 5) == weekend]
        padded = np.array(counted + [0] * (days - len(counted)))
        return float(padded.mean()), float(padded.std())

    for weekend, recorded_days, drawn_days in ((False, 130, 520), (True, 52, 210)):
        mean, spread = per_day(recorded, weekend=weekend, days=recorded_days)
        drawn_mean, drawn_spread = per_day(drawn, weekend=weekend, days=drawn_days)
        assert drawn_mean == pytest.approx(mean, rel=0.12)
        assert drawn_spread == pytest.approx(spread, rel=0.2)


def test_the_share_of_those_who_state_something_and_of_drivers_is_kept(
    recorded: list[RecordedSession], drawn: list[RecordedSession]
):
    def share(sessions: list[RecordedSession], field: str) -> float:
        return sum(getattr(session, field) is not None for session in sessions) / len(sessions)

    for field in ("stated_leaves", "requested_wh", "token"):
        assert share(drawn, field) == pytest.approx(share(recorded, field), abs=0.03)
    assert all((session.stated_leaves is None) == (session.requested_wh is None) for session in drawn)


def test_drivers_come_again_as_often_as_recorded_and_never_twice_at_once(
    recorded: list[RecordedSession], drawn: list[RecordedSession]
):
    def share_of_the_ten_most_frequent(sessions: list[RecordedSession]) -> float:
        visits = Counter(session.token for session in sessions if session.token)
        return sum(count for _, count in visits.most_common(10)) / visits.total()

    expected = share_of_the_ten_most_frequent(recorded)
    assert share_of_the_ten_most_frequent(drawn) == pytest.approx(expected, abs=0.05)
    until: dict[str, datetime] = {}
    for session in drawn:
        if session.token is not None:
            assert until.get(session.token, session.arrives) <= session.arrives
            until[session.token] = session.leaves


def test_the_same_dice_draw_the_same_and_more_days_change_none(model: PeopleModel):
    week, fortnight = (model.sample(np.random.default_rng(7), MONDAY, days, AMSTERDAM) for days in (7, 14))
    assert fortnight[: len(week)] == week
    assert len(fortnight) > len(week)
    assert model.sample(np.random.default_rng(8), MONDAY, 7, AMSTERDAM) != week
    assert [session.arrives for session in week] == sorted(session.arrives for session in week)


def test_arrivals_go_by_the_clock_on_the_wall(model: PeopleModel):
    winter, summer = (
        model.sample(np.random.default_rng(7), day, 5, AMSTERDAM) for day in (date(2031, 1, 6), date(2031, 7, 7))
    )
    assert [session.arrives.astimezone(AMSTERDAM).time() for session in winter] == [
        session.arrives.astimezone(AMSTERDAM).time() for session in summer
    ]


def test_days_of_the_week_are_kinds_of_their_own_where_there_is_enough(model: PeopleModel):
    assert [kind.weekdays for kind in model.days] == [
        ["monday"],
        ["tuesday"],
        ["wednesday"],
        ["thursday"],
        ["friday"],
        ["saturday", "sunday"],
    ]
    few = fit(population(weeks=4, per_workday=6), AMSTERDAM)
    assert [len(kind.weekdays) for kind in few.days] == [5, 2]
    counted = sum(len(kind.sessions_per_day) for kind in few.days)
    assert counted == (few.last_day - few.first_day).days + 1, "days without a session count too"
    workdays_only = [session for session in population(weeks=1) if session.arrives.weekday() < 5]
    assert [len(kind.weekdays) for kind in fit(workdays_only, AMSTERDAM).days] == [7]


def test_what_every_session_has_alike_is_kept_alike():
    alike = [
        RecordedSession(
            str(number),
            datetime(2031, 3, 3 + number, 8, tzinfo=UTC),
            datetime(2031, 3, 3 + number, 10, tzinfo=UTC),
            5000.0,
            max_power_w=3700.0,
        )
        for number in range(SESSIONS_MIN)
    ]
    drawn = fit(alike, AMSTERDAM).sample(np.random.default_rng(1), MONDAY, 3, AMSTERDAM)
    assert [(session.stay_s, session.energy_wh, session.max_power_w) for session in drawn] == [
        (7200.0, pytest.approx(5000.0), pytest.approx(3700.0))
    ] * 3
    assert all(session.token is None and session.stated_leaves is None for session in drawn)


def test_too_few_sessions_make_no_model(recorded: list[RecordedSession]):
    with pytest.raises(ValueError, match="at least 20 sessions; there are 19"):
        fit(recorded[: SESSIONS_MIN - 1], AMSTERDAM)


def test_energies_change_hands_until_they_fit():
    energy_wh, most_wh = np.array([9.0, 2.0, 6.0, 1.0]), np.array([3.0, 10.0, 5.0, 8.0])
    given = possible_energy(energy_wh, most_wh)
    assert sorted(given.tolist()) == sorted(energy_wh.tolist())
    assert np.all(given <= most_wh)
    assert possible_energy(np.array([9.0, 8.0]), np.array([5.0, 6.0])).tolist() == [5.0, 6.0], "nobody can take it"


def test_a_model_is_written_and_read_again(tmp_path: Path, model: PeopleModel):
    path = tmp_path / "people.json"
    write_people(path, model)
    assert read_people(path) == model


def test_everything_wrong_with_a_model_is_listed(tmp_path: Path, model: PeopleModel):
    document = json.loads(model.model_dump_json())
    kind = document["days"][0]
    kind["distributions"][0]["quantiles"][3] = -1.0
    kind["distributions"][1]["share"] = 1.5
    document["days"][1]["correlations"][0][1] = 0.999
    document["days"][2]["sessions_per_day"] = [-1]
    document["days"][3]["distributions"].pop()
    document["days"][4]["weekdays"] = ["doomsday"]
    document["last_day"] = "soon"
    path = tmp_path / "people.json"
    path.write_text(json.dumps(document))
    with pytest.raises(DataError) as refused:
        read_people(path)
    assert [problem.place for problem in refused.value.problems] == [
        "last_day",
        "days[0].distributions[0]",
        "days[0].distributions[1].share",
        "days[1]",
        "days[2].sessions_per_day[0]",
        "days[3]",
        "days[4].weekdays[0]",
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]], "expected at most 1"),
        ([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]], "can occur together"),
        ([[1.0, 0.0], [0.0, 1.0]], "3 rows of 3"),
    ],
)
def test_correlations_that_cannot_be_are_refused(tmp_path: Path, rows: list[list[float]], expected: str):
    sessions = [RecordedSession(s.id, s.arrives, s.leaves, s.energy_wh) for s in population(weeks=2)]
    document = json.loads(fit(sessions, AMSTERDAM).model_dump_json())
    document["days"][0]["correlations"] = rows
    path = tmp_path / "people.json"
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match=expected):
        read_people(path)


def test_a_week_without_a_sunday_and_a_table_are_no_models(tmp_path: Path, model: PeopleModel):
    document = json.loads(model.model_dump_json())
    document["days"].pop()
    path = tmp_path / "people.json"
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match="every day of the week"):
        read_people(path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="expected a JSON file"):
        read_people(path)
