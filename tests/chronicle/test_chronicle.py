"""What a session's price depends on is written down while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

from adapters.billing.chronicle import Chronicle
from controller.plan import Plan, Setpoint
from controller.ports.ledger import LedgerUnavailable, SessionRecord
from controller.ports.measurements import HeldLimit, MeterSample
from controller.ports.tick import Tick
from controller.snapshot import PointState, State
from controller.tariffs.observed import Observed
from controller.tariffs.session_facts import Activity

NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)


class Book:
    """A ledger that can be told to fail."""

    def __init__(self) -> None:
        self.rows: list[Observed] = []
        self.fails = False

    def keep_observed(self, observed: Sequence[Observed]) -> Future[None]:
        future: Future[None] = Future()
        if self.fails:
            future.set_exception(LedgerUnavailable("the disk is full"))
        else:
            self.rows += observed
            future.set_result(None)
        return future


class Store:
    """Where measurements go."""

    def __init__(self) -> None:
        self.samples: list[MeterSample] = []

    def record(self, sample: MeterSample) -> None:
        self.samples.append(sample)

    def hold(self, held: HeldLimit) -> None:
        raise AssertionError(held)


def session(session_id: str = "S1") -> SessionRecord:
    return SessionRecord(
        id=session_id,
        station="CP01",
        point="P01",
        connector=1,
        transaction_id="1",
        token="04A2",
        running=True,
        started_at=NINE,
        ended_at=None,
        start_wh=1000,
        end_wh=None,
        energy_wh=0,
        cost=None,
        currency="EUR",
    )


def tick(at: datetime, state: State, limit_a: float = 16.0, sessions: Sequence[SessionRecord] = (session(),)) -> Tick:
    setpoint = Setpoint(limit_a=limit_a, because="point:max", valid_until=at + timedelta(minutes=2))
    return Tick(
        at=at,
        plan=Plan(at=at, setpoints={"P01": setpoint}, events=()),
        points={"P01": PointState(state)},
        sessions=dict(zip(["P01"], sessions, strict=False)),
    )


def sample(at: datetime, register_wh: int) -> MeterSample:
    return MeterSample("P01", at, register_wh=register_wh, session="S1")


def minutes(count: float) -> datetime:
    return NINE + timedelta(minutes=count)


def test_what_the_car_does_is_written_when_it_changes_and_each_quarter_of_an_hour() -> None:
    book = Book()
    chronicle = Chronicle(Store(), book, {})
    for minute in range(40):
        chronicle.see(tick(minutes(minute), State.CHARGING if minute < 20 else State.EV_IDLE))
    assert [(row.at, row.activity) for row in book.rows] == [
        (minutes(0), Activity.CHARGING),
        (minutes(15), Activity.CHARGING),
        (minutes(20), Activity.IDLE),
        (minutes(35), Activity.IDLE),
    ]


def test_registers_on_either_side_of_a_quarter_hour_and_of_a_change_are_kept() -> None:
    book, store = Book(), Store()
    chronicle = Chronicle(store, book, {})
    chronicle.see(tick(minutes(0), State.CHARGING))
    for second in range(5, 1000, 10):
        chronicle.record(sample(NINE + timedelta(seconds=second), 1000 + second))
    chronicle.see(tick(NINE + timedelta(seconds=1000), State.EV_IDLE))
    kept = [(int((row.at - NINE).total_seconds()), row.register_wh) for row in book.rows if row.register_wh]
    assert kept == [(895, 1895), (905, 1905), (995, 1995)]
    assert len(store.samples) == 100  # and the store of measurements has them all


def test_a_car_that_is_given_nothing_is_withheld_and_so_is_one_that_cannot_be_seen() -> None:
    book = Book()
    chronicle = Chronicle(Store(), book, {})
    chronicle.see(tick(minutes(0), State.PLUGGED, limit_a=0.0))
    chronicle.see(tick(minutes(1), State.PLUGGED, limit_a=6.0))
    chronicle.see(tick(minutes(2), State.OFFLINE))
    chronicle.see(tick(minutes(3), State.WITHHELD))
    assert [row.activity for row in book.rows] == [Activity.WITHHELD, Activity.IDLE, Activity.WITHHELD]


def test_hours_in_which_nobody_looked_are_not_idle_time() -> None:
    book = Book()
    chronicle = Chronicle(Store(), book, {"S1": Observed("S1", NINE, Activity.IDLE)})
    chronicle.see(tick(minutes(300), State.EV_IDLE))
    assert book.rows == [
        Observed("S1", minutes(15), Activity.WITHHELD),
        Observed("S1", minutes(300), Activity.IDLE),
    ]


def test_a_short_restart_leaves_no_trace() -> None:
    book = Book()
    Chronicle(Store(), book, {"S1": Observed("S1", NINE, Activity.IDLE)}).see(tick(minutes(1), State.EV_IDLE))
    assert book.rows == []


def test_what_could_not_be_written_is_written_later_in_order() -> None:
    book = Book()
    chronicle = Chronicle(Store(), book, {})
    book.fails = True
    chronicle.see(tick(minutes(0), State.CHARGING))
    chronicle.see(tick(minutes(1), State.EV_IDLE))
    book.fails = False
    chronicle.see(tick(minutes(2), State.EV_IDLE))
    assert [row.activity for row in book.rows] == [Activity.CHARGING, Activity.IDLE]


def test_an_ended_session_is_forgotten_and_its_point_begins_anew() -> None:
    book = Book()
    chronicle = Chronicle(Store(), book, {})
    chronicle.see(tick(minutes(0), State.CHARGING))
    chronicle.see(tick(minutes(1), State.AVAILABLE, sessions=()))
    chronicle.see(tick(minutes(2), State.CHARGING, sessions=(session("S2"),)))
    assert [row.session for row in book.rows] == ["S1", "S2"]
