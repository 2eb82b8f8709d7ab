"""Why each point has its limit, what it has shown and what its driver asked for: as programs see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from adapters.live import Live
from controller.ports.tick import Tick
from controller.snapshot import PointState, State
from tests.support.reach import reached
from tests.support.web import BEGIN, HandClock, decided_tick, made_app, made_tick, small_site

SITE = small_site()


def charging(draw_a: float = 8.0, **options: object) -> PointState:
    known = {"state": State.CHARGING, "measured_a": (draw_a,) * 3, "measured_at": BEGIN, "commanded_a": draw_a}
    return PointState(**(known | options))  # type: ignore[arg-type]


def having_shown(tick: Tick, **arrays: Any) -> Tick:
    """The same tick after its cars and chargers have shown what they are."""
    assert tick.turn is not None
    memory = tick.turn.decision.memory
    learned = ("takes_a", "uses", "needs_a")
    habits: Any = SimpleNamespace(**{name: arrays.get(name, getattr(memory.habits, name)) for name in learned})
    conduct = replace(memory.conduct, stage=arrays.get("stage", memory.conduct.stage))
    decision = replace(tick.turn.decision, memory=replace(memory, habits=habits, conduct=conduct))
    return replace(tick, turn=replace(tick.turn, decision=decision))


class Page:
    def __init__(self) -> None:
        self.live = Live(SITE, HandClock())
        self.http = reached(made_app(SITE, self.live))

    async def json(self, path: str, status: int = 200) -> Any:
        answer = await self.http.get(f"/api/v1/{path}")
        assert answer.status_code == status, answer.text
        return answer.json()

    async def metrics(self) -> dict[str, dict[str, float]]:
        """By name and point ('' where there is none)."""
        found: dict[str, dict[str, float]] = {}
        for family in text_string_to_metric_families((await self.http.get("/metrics")).text):
            for sample in family.samples:
                found.setdefault(sample.name, {})[sample.labels.get("point", "")] = sample.value
        return found


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    created = Page()
    yield created
    await created.http.aclose()


async def test_every_point_says_why_in_a_sentence(page: Page):
    page.live.publish(decided_tick(SITE, 0.0, {"P01": charging(), "P02": charging()}, meter_a=61.0))
    first, second, third, _ = (await page.json("points"))["items"]
    assert first["why"] == second["why"].replace("P02", "P01")
    assert first["why"].startswith("P01 charges at 8.")
    assert "its fair share among 2 cars of the" in first["why"]
    assert third["why"] == "P03 is free."
    assert (await page.json("site"))["points"][0]["why"] == first["why"]
    assert (await page.json("points/P01"))["why"] == first["why"]


async def test_the_chain_comes_with_its_numbers(page: Page):
    page.live.publish(decided_tick(SITE, 0.0, {"P01": charging(), "P02": charging()}, meter_a=61.0))
    told = await page.json("points/P01/explanation")
    assert told["sentence"] == (await page.json("points/P01"))["why"]
    assert told["at"].startswith("2026-11-20T09:00:00")
    chain = {reason["topic"]: reason for reason in told["reasons"]}
    assert {"limit", "room", "sharers", "measured", "meter"} <= chain.keys()
    assert chain["room"]["numbers"]["fuse_a"] == 63.0
    assert (await page.json("points/P02/explanation"))["because"] == told["because"]


async def test_what_cannot_be_explained_is_refused_as_such(page: Page):
    assert "decided" in (await page.json("points/P01/explanation", 503))["detail"]
    assert "P99" in (await page.json("points/P99/explanation", 404))["detail"]
    page.live.publish(made_tick(SITE, 0.0, {}))
    point = await page.json("points/P01")
    assert (point["why"], point["compliance"], point["need"], point["learned"]) == (None, None, None, None)


async def test_a_need_is_shown_with_what_will_be_missing(page: Page):
    leaves = BEGIN + timedelta(minutes=10)
    needs = charging(energy_needed_wh=60_000, least_needed_wh=5_000, departs_at=leaves)
    page.live.publish(decided_tick(SITE, 0.0, {"P01": needs, "P02": charging()}))
    point = await page.json("points/P01")
    need = point["need"]
    assert (need["energy_wh"], need["least_wh"], need["departs_at"]) == (60_000, 5_000, "2026-11-20T09:10:00Z")
    assert need["shortfall_wh"] == pytest.approx(60_000 - 32 * 690 / 6, abs=1.0)
    assert "will lack 56.3 kWh of the 60.0 kWh" in point["why"]
    assert (await page.json("points/P02"))["need"] is None
    lacking = (await page.metrics())["loadstar_point_shortfall_watt_hours"]
    assert lacking["P01"] == pytest.approx(need["shortfall_wh"], abs=1.0)
    assert lacking["P02"] == 0.0


async def test_what_a_car_and_its_charger_have_shown_is_shown_and_counted(page: Page):
    tick = decided_tick(SITE, 0.0, {"P01": charging(), "P02": charging()})
    uses = np.ones((1, 4, 3), dtype=bool)
    uses[0, 0] = (True, False, False)
    uses[0, 3] = (False, True, False)  # as it is wired
    takes, needs = np.array([[13.04, np.inf, np.inf, np.inf]]), np.array([[8.0, 6.0, 6.0, 6.0]])
    page.live.publish(having_shown(tick, uses=uses, takes_a=takes, needs_a=needs, stage=np.array([[0, 3, 0, 0]])))
    first, second, *_ = (await page.json("points"))["items"]
    assert first["learned"] == {"takes_a": 13.0, "phases": ["L1"], "needs_a": 8.0}
    assert (first["compliance"], second["compliance"], second["learned"]) == ("obeys", "shut", None)
    metrics = await page.metrics()
    assert metrics["loadstar_point_compliance_stage"] == {"P01": 0.0, "P02": 3.0, "P03": 0.0, "P04": 0.0}
    assert metrics["loadstar_point_car_maximum_amperes"] == {"P01": pytest.approx(13.04)}
    assert metrics["loadstar_point_car_phases"] == {"P01": 1.0}


async def test_who_waits_is_shown_and_counted_and_so_is_the_day(page: Page):
    tick = None
    for second in range(91):
        cars = {"P01": charging(), "P02": PointState(State.PLUGGED)}
        tick = decided_tick(SITE, float(second), cars, after=tick, meter_a=61.0)
        page.live.publish(tick)
    point = await page.json("points/P02")
    assert point["waiting_s"] == pytest.approx(90.0)
    fairness = (await page.json("site"))["fairness"]
    assert fairness == {"jain_index": 0.5, "longest_wait_s": 90.0, "longest_wait_point": "P02"}
    metrics = await page.metrics()
    assert metrics["loadstar_fairness_jain_index"][""] == pytest.approx(0.5)
    assert metrics["loadstar_longest_wait_seconds"][""] == pytest.approx(90.0)
    assert metrics["loadstar_point_waiting_seconds"]["P02"] == pytest.approx(90.0)
