"""A site that is meant to be killed again and again, each time when it passes a label for the n-th time.

``python -m tests.durability.mortal_site FOLDER PORT OFFICE_URL AUDIT_URL LABEL DEATHS``

It has a charger of OCPP 1.6 and one of 2.0.1. The office sees each as itself, and the audit sees both as connectors of
one hub. A line is printed for each of its deaths, of which each is followed by a new life; the last one is immortal.
"""

from __future__ import annotations

import asyncio
import os
import sys
from decimal import Decimal
from functools import wraps
from pathlib import Path
from typing import Any

import adapters.ocpp.upstream.channel
import adapters.ocpp.upstream.delivery
import adapters.ocpp.upstream.hub
import adapters.ocpp.upstream.hub_settings
import adapters.ocpp.upstream.link
import adapters.store.ledger
import adapters.store.outbox
import controller.hub_satellite.outbox
from adapters.clock import SystemClock
from adapters.ocpp import CentralSystem
from adapters.ocpp.surroundings import Premises
from adapters.ocpp.upstream.back_office import BackOffice, Desk
from adapters.ocpp.upstream.forwarding import Forwarding
from adapters.ocpp.upstream.hub import Hub
from adapters.ocpp.upstream.hubs import Hubs
from adapters.store.ledger import SqlLedger, open_ledger
from adapters.store.writer import Writer
from controller.hub_satellite.outbox import Letter, Settled
from controller.ports.tokens import Token
from tests.durability.fate import Fate
from tests.support.forwarded import TOKEN, _LetIn
from tests.support.hubbed import HUB
from tests.support.ledger import EventLog, FakeMeasurements
from tests.support.ocpp import point, site_of

STATIONS = ("CP01", "CP02")


class Doom(Fate):
    """Likewise, with labels of what goes on within a commit, and of which back office it is about."""

    def ledger(self, ledger: SqlLedger) -> None:
        """Also: within a commit, and when it is made and nobody knows."""
        super().ledger(ledger)
        self._after(adapters.store.ledger, "post", "uncommitted event")
        self._after(adapters.store.outbox, "_settle", "uncommitted settle")
        self._after(Writer, "_commit", "committed")

    def named(self, name: str, about: Any) -> str:
        if isinstance(about, Settled):
            what = "mapping" if about.theirs else "settle"
            return f"hub {what}" if about.entry.upstream == "audit" else what
        if name == "post":
            letters: list[Letter] = list(about)
            return "hub post" if letters and letters[0].upstream == "audit" else "post"
        return name

    def _after(self, owner: Any, name: str, label: str) -> None:
        act = getattr(owner, name)

        @wraps(act)
        def wrapped(*arguments: Any) -> Any:
            result = act(*arguments)
            self.passes(label)
            return result

        setattr(owner, name, wrapped)


async def live(folder: Path, port: int, office: str, audit: str, fate: Doom) -> None:
    """One life."""
    adapters.ocpp.upstream.channel.ANSWER_S = 1.0  # type: ignore[misc]
    adapters.ocpp.upstream.channel.LIVE_BOOT_S = 0.1  # type: ignore[misc]
    adapters.ocpp.upstream.delivery.RETRY_S = 0.1  # type: ignore[misc]
    adapters.ocpp.upstream.hub.WATCH_S = 0.05  # type: ignore[misc]
    adapters.ocpp.upstream.hub_settings.SAMPLE_S = 1  # type: ignore[misc]
    adapters.ocpp.upstream.link.PAUSE_FIRST_S = 0.1  # type: ignore[misc]
    adapters.ocpp.upstream.link.PAUSE_LAST_S = 0.2  # type: ignore[misc]
    controller.hub_satellite.outbox.PER_S = 200.0  # type: ignore[misc]
    events, clock, site = EventLog(), SystemClock(), site_of(*(point(f"P-{name}", name) for name in STATIONS))
    url = f"sqlite:///{folder}/ledger.db"
    ledger = open_ledger(url, currency="EUR", price_per_kwh=Decimal("0.35"), on_event=events)
    ledger.seed([Token(TOKEN)], {})
    fate.ledger(ledger)
    desk = Desk(Premises(site, clock, events), ledger.outbox, ledger.upstream_memory, fate.frame)
    forwarding = Forwarding({name: [BackOffice("office", office)] for name in STATIONS}, desk)
    hubs = Hubs([Hub(BackOffice("audit", audit, primary=False), HUB, site.points, desk)], desk)
    central = CentralSystem(
        site=site,
        ledger=await hubs.open(_LetIn(ledger)),  # type: ignore[arg-type]  # a ledger, but for its passwords
        measurements=hubs.measured(FakeMeasurements()),
        clock=clock,
        on_event=events,
        port=port,
        lab=True,
        call_timeout_s=10.0,
        on_frame=fate.frame,
        forwards=forwarding.relays,
    )
    hubs.attach(central)
    await central.start()
    await asyncio.gather(forwarding.run(), hubs.run())


def main(folder: str, port: str, office: str, audit: str, label: str, deaths: str) -> None:
    """Live, die, and live again; to begin a life by a fork costs little."""
    for death in range(int(deaths) + 1):
        child = os.fork()
        if child == 0:
            fate = Doom(label, 0 if death == int(deaths) else 1 + death % 3)
            asyncio.run(live(Path(folder), int(port), office, audit, fate))
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(f"life {death} has ended otherwise: {status}")
        os.write(sys.stdout.fileno(), b"died\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
