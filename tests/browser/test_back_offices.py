"""Back offices on the manager's page: both connections of each station, and what is still to be told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

from controller.ports.tick import UpstreamState
from tests.browser.conftest import AXE, Stage
from tests.support.web import BEGIN, made_tick

THERE = UpstreamState(
    upstream="office",
    station="CP01",
    points=("P01",),
    hub=False,
    primary=True,
    connected=True,
    ready=True,
    trouble=None,
    waiting=0,
    oldest_at=None,
    set_aside=0,
)
AWAY = replace(
    THERE,
    station="CP02",
    points=("P02",),
    connected=False,
    ready=False,
    trouble="it does not answer",
    waiting=7,
    oldest_at=BEGIN - timedelta(hours=2),
    set_aside=2,
)


def show(stage: Stage, *upstreams: UpstreamState) -> None:
    stage.second += 1
    stage.clock.elapsed_s = stage.second
    stage.live.publish(replace(made_tick(stage.site, stage.second, {}), upstreams=upstreams))


def test_both_links_and_the_length_and_age_of_the_outbox_are_shown(page: Page, stage: Stage):
    show(stage)
    page.goto(stage.url)
    expect(page.get_by_role("heading", name="Charging points")).to_be_visible()
    expect(page.get_by_role("heading", name="Back offices")).to_have_count(0)
    show(stage, THERE, AWAY)
    there, away = (page.locator(f'[data-upstream="office"][data-station="{name}"]') for name in ("CP01", "CP02"))
    for shown in ("connected", "messages pass", "0"):
        expect(there).to_contain_text(shown)
    for shown in ("away: answered here", "7", "2 set aside", "08:00"):
        expect(away).to_contain_text(shown)
    expect(away.locator(".chip.warning")).to_have_attribute("title", "it does not answer")
    page.evaluate(Path(AXE).read_text())
    found = page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.target.join(' '))]))")
    assert found == []
