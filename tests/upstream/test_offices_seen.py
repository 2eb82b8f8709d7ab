"""The back offices of a site as its page shows them."""

from __future__ import annotations

from pathlib import Path

from adapters.clock import SystemClock
from adapters.configuration import load_configuration
from adapters.live import Live
from adapters.ocpp.surroundings import Premises
from adapters.upstreams import Upstreams
from adapters.web.view import site_view
from controller.plan import Plan
from controller.ports.tick import Tick
from tests.support.closed_loop import START
from tests.support.forwarded import forwarded
from tests.support.ledger import EventLog

SITE_FILE = """
[site]
id = "s"
[[circuits]]
id = "main"
fuse_a = 63
[[points]]
id = "P01"
circuit = "main"
station = "CP01"
[[upstreams]]
id = "office"
url = "ws://127.0.0.1:1/ocpp"
[[upstreams]]
id = "fleet"
url = "ws://127.0.0.1:2/ocpp"
tokens = ["FLEET-*"]
[[upstreams]]
id = "ears"
url = "ws://127.0.0.1:3/ocpp"
role = "secondary"
"""


async def test_who_answers_for_what_is_seen(tmp_path: Path):
    path = tmp_path / "site.toml"
    path.write_text(SITE_FILE)
    configured = load_configuration(path, {})
    async with forwarded(tmp_path) as other:  # for its ledger
        premises = Premises(configured.site, SystemClock(), EventLog())
        tick = Upstreams(configured.upstreams, premises, other.ledger, None).described(Tick(START, Plan(START, {})))
    live = Live(configured.site, SystemClock())
    live.publish(tick)
    told = site_view(configured.site, live, "1").upstreams
    assert [(one.upstream, one.role) for one in told] == [
        ("office", "primary"),
        ("fleet", "by_token"),
        ("ears", "secondary"),
    ]
