"""Limits through the REST API: who may set them, what is refused and why, what becomes of them, what is on record."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from adapters.limits.limiting import Way
from adapters.live import Live
from controller.peakshave.grid_operator import Limit
from controller.plan import Event
from controller.snapshot import ExternalLimit, PointState, State
from tests.support.reach import log_in, reached
from tests.support.web import BEGIN, HandClock, decided_tick, made_app, small_site
from tests.support.web_books import FakeEvidence, open_limits

SITE = small_site()
LIMIT = {"circuit": "main", "limit_w": 20_000, "source": "grid_operator"}
CAR = PointState(State.CHARGING, (16.0,) * 3, BEGIN, 16.0)


class Desk:
    """The API over a site whose limits the grid operator may set."""

    def __init__(self, lab: bool = True) -> None:
        self.book, self.clock, self.woken = FakeEvidence(), HandClock(), 0
        self.events: list[Event] = []
        self.limits = open_limits(SITE, self.clock, self.book, self.events.append, self._wake)
        self.live = Live(SITE, self.clock)
        app = made_app(SITE, self.live, lab=lab, limits=self.limits)
        self.http = reached(app)

    def _wake(self) -> None:
        self.woken += 1

    async def ask(self, method: str, body: Any = None, status: int = 200, **query: str) -> Any:
        content = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json"}
        answer = await self.http.request(method, "/api/v1/limits", content=content, params=query, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def log_in(self, user: str) -> None:
        await log_in(self.http, user)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    created = Desk()
    yield created
    await created.http.aclose()


@pytest.fixture
async def guarded() -> AsyncIterator[Desk]:
    created = Desk(lab=False)
    yield created
    await created.http.aclose()


async def test_a_limit_holds_at_once_and_is_shown_with_what_became_of_it(desk: Desk):
    (shown,) = (await desk.ask("PUT", LIMIT | {"valid_until": "2026-11-20T11:00:00+01:00"}))["items"]
    assert desk.limits.in_force(BEGIN) == (ExternalLimit("main", 20_000, "grid_operator"),)
    assert desk.woken == 1, "the loop need not wait for the end of the second"
    assert shown == {
        "id": "grid_operator:main",
        "circuit": "main",
        "limit_w": 20_000.0,
        "allowed_w": 20_000.0,
        "source": "grid_operator",
        "charging_only": False,
        "per_point": False,
        "priority": 0,
        "received_at": "2026-11-20T09:00:00Z",
        "valid_from": None,
        "valid_until": "2026-11-20T10:00:00Z",
        "standing": "counts",
        "phase": "valid",
        "why": "the strictest on circuit main",
    }
    assert (await desk.ask("GET"))["items"] == [shown]
    desk.clock.elapsed_s = 3_600
    assert (await desk.ask("GET"))["items"] == []
    assert desk.limits.in_force(BEGIN + timedelta(hours=1)) == ()


async def test_saying_the_same_again_changes_nothing_and_is_not_put_on_record_twice(desk: Desk):
    await desk.ask("PUT", LIMIT)
    desk.clock.elapsed_s = 30
    await desk.ask("PUT", LIMIT)
    assert desk.book.happenings() == ["received"]
    assert desk.woken == 1
    await desk.ask("PUT", LIMIT | {"limit_w": 18_000})
    assert [line.limit.limit_w for line in desk.book.lines] == [20_000, 18_000]
    assert desk.woken == 2


async def test_limits_are_ended_by_id_by_circuit_by_source_or_all_together(desk: Desk):
    async def left(**query: str) -> list[str]:
        for one in ({"id": "A"}, {"id": "B", "circuit": "garage"}, {}):
            await desk.ask("PUT", LIMIT | one)
        return [item["id"] for item in (await desk.ask("DELETE", **query))["items"]]

    assert sorted(await left(id="A")) == ["B", "grid_operator:main"]
    assert await left(circuit="main") == ["B"]
    assert await left(source="grid_operator") == []
    assert await left() == []
    assert await desk.ask("DELETE") == {"items": [], "next": None}, "nothing is left, as it should be"
    await desk.ask("DELETE", status=404, circuit="main")
    assert desk.book.happenings().count("withdrawn") == 9


async def test_nobody_ends_by_this_interface_what_another_way_has_set(desk: Desk):
    desk.limits.put(Limit("main", 5_000, "schedule", BEGIN), Way.SCHEDULE)
    assert len((await desk.ask("DELETE"))["items"]) == 1
    await desk.ask("DELETE", status=404, id="schedule:main")
    refusal = await desk.ask("PUT", LIMIT | {"source": "schedule"}, status=422)
    assert "'schedule' may not set limits; who may: grid_operator" in refusal["detail"]
    assert desk.limits.in_force(BEGIN) == (ExternalLimit("main", 5_000, "schedule"),)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"limit_w": -1}, "limit_w: expected at least 0 W, got -1"),
        ({"limit_w": float("nan")}, "limit_w: expected a finite number"),
        ({"limit_w": float("inf")}, "limit_w: expected a finite number"),
        ({"limit_w": "20000"}, "limit_w:"),
        ({"limit_w": True}, "limit_w:"),
        ({"limit_w": None}, "limit_w:"),
        ({"circuit": "attic"}, "circuit: the site has no circuit 'attic'"),
        ({"source": "stranger"}, "source: 'stranger' may not set limits"),
        ({"valid_until": "2026-11-20T08:59:59Z"}, "valid_until: it has expired"),
        ({"valid_from": "2026-11-20T12:00:00Z", "valid_until": "2026-11-20T11:00:00Z"}, "after valid_from"),
        ({"valid_until": "2026-11-20T12:00:00"}, "valid_until:"),
        ({"valid_until": 1_800_000_000}, "valid_until:"),
        ({"colour": "red"}, "colour:"),
    ],
)
async def test_what_cannot_hold_is_refused_with_its_reason_and_changes_nothing(
    desk: Desk, change: dict[str, Any], reason: str
):
    refusal = await desk.ask("PUT", LIMIT | change, status=422)
    assert reason in refusal["detail"]
    assert desk.limits.in_force(BEGIN) == ()
    assert desk.woken == 0


async def test_a_refusal_names_everything_is_on_record_and_is_reported(desk: Desk):
    refusal = await desk.ask("PUT", LIMIT | {"limit_w": -1, "circuit": "attic", "source": "stranger"}, status=422)
    assert all(word in refusal["detail"] for word in ("limit_w", "circuit", "source"))
    (line,) = desk.book.lines
    assert (line.happening, line.by, line.note) == ("refused", "rest", refusal["detail"])
    (event,) = desk.events
    assert event.kind == "limit_refused"


async def test_reading_needs_a_login_and_setting_needs_one_that_may_act(guarded: Desk):
    await guarded.ask("GET", status=401)
    await guarded.ask("PUT", LIMIT, status=401)
    await guarded.log_in("ben")
    assert await guarded.ask("GET") == {"items": [], "next": None}
    await guarded.ask("PUT", LIMIT, status=403)
    await guarded.ask("DELETE", status=403)
    assert guarded.limits.in_force(BEGIN) == ()
    await guarded.log_in("ada")
    await guarded.ask("PUT", LIMIT)
    assert [line.by for line in guarded.book.lines] == ["rest:ada"], "who sent it is on record"


async def test_a_limit_holds_even_where_it_cannot_be_put_on_record(desk: Desk):
    desk.book.unavailable = True
    await desk.ask("PUT", LIMIT, status=503)
    assert desk.limits.in_force(BEGIN) == (ExternalLimit("main", 20_000, "grid_operator"),)
    assert [event.kind for event in desk.events] == ["limit_received", "limit_evidence"]
    desk.book.unavailable = False
    await desk.ask("DELETE")
    assert [event.message for event in desk.events][-1] == "limits are on record again"


async def test_what_held_before_a_restart_holds_after_it(desk: Desk):
    until = BEGIN + timedelta(hours=1)
    desk.book.said = [Limit("main", 9_000, "grid_operator", BEGIN, valid_until=until), Limit("attic", 1, "x", BEGIN)]
    desk.limits.restore()
    assert desk.limits.in_force(BEGIN) == (ExternalLimit("main", 9_000, "grid_operator"),)
    assert [event.kind for event in desk.events] == ["limit_dropped"], "one that no longer means anything is told"


async def test_what_came_of_a_limit_is_on_record(desk: Desk):
    await desk.ask("PUT", LIMIT)
    limits = desk.limits.in_force(BEGIN)
    desk.limits.watch(decided_tick(SITE, 0, {"P01": CAR}, meter_a=45.0, limits=limits))
    assert desk.book.happenings() == ["received", "began"], "the charger still has its 16 A, and more flows than may"
    held = PointState(State.CHARGING, (6.0,) * 3, BEGIN, 0.0)
    desk.clock.elapsed_s = 1
    desk.limits.watch(decided_tick(SITE, 1, {"P01": held}, meter_a=27.0, limits=limits))
    assert desk.book.happenings()[2:] == ["in_chargers", "met"]
    assert desk.book.lines[-1].drawn_w == pytest.approx(27 * 3 * 230)


async def test_the_log_is_exported_as_a_table_that_no_spreadsheet_runs(desk: Desk):
    await desk.ask("PUT", LIMIT | {"id": "=2+5", "limit_w": 4_200.4, "valid_until": "2026-11-20T10:00:00.9Z"})
    desk.clock.elapsed_s = 5
    await desk.ask("PUT", LIMIT | {"limit_w": float("nan")}, status=422)
    times = {"since": "2026-11-20T09:00:00Z", "until": "2026-11-21T09:00:00Z"}
    answer = await desk.http.get("/api/v1/exports/limits", params=times)
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="limits-20261120-20261121.csv"'
    first, second = csv.DictReader(io.StringIO(answer.text))
    assert first == {
        "at": "2026-11-20T09:00:00Z",
        "happening": "received",
        "circuit": "main",
        "source": "grid_operator",
        "limit": "'=2+5",
        "limit_w": "4200",
        "allowed_w": "",
        "drawn_w": "",
        "received_at": "2026-11-20T09:00:00Z",
        "valid_from": "",
        "valid_until": "2026-11-20T10:00:00Z",
        "priority": "0",
        "came_by": "rest",
        "note": "",
    }
    assert (second["happening"], second["limit_w"], second["at"]) == ("refused", "", "2026-11-20T09:00:05Z")
    assert "finite" in second["note"]


async def test_a_log_of_years_is_not_given_at_once(desk: Desk):
    times = {"since": "2025-11-20T09:00:00Z", "until": "2026-11-21T09:00:00Z"}
    answer = await desk.http.get("/api/v1/exports/limits", params=times)
    assert answer.status_code == 422
    assert "at most 62 days" in answer.json()["detail"]


async def test_what_counts_is_shown_with_its_circuit_and_measured(desk: Desk):
    await desk.ask("PUT", LIMIT)
    desk.live.publish(decided_tick(SITE, 0, {"P01": CAR}, limits=desk.limits.in_force(BEGIN)))
    circuits = {one["id"]: one["limits"] for one in (await desk.http.get("/api/v1/site")).json()["circuits"]}
    assert circuits == {
        "main": [{"limit_w": 20_000.0, "source": "grid_operator", "charging_only": False, "per_point": False}],
        "garage": [],
        "yard": [],
    }
    metrics = (await desk.http.get("/metrics")).text
    labels = 'charging_only="false",circuit="main",per_point="false",source="grid_operator"'
    assert f"loadstar_circuit_limit_watts{{{labels}}} 20000.0" in metrics
