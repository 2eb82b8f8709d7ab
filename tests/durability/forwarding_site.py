"""A site that is meant to be killed, at a moment of its own choice: when it passes a label for the n-th time.

``python -m tests.durability.forwarding_site FOLDER PORT OFFICE_URL [LABEL N]``
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import adapters.ocpp.upstream.channel
import adapters.ocpp.upstream.link
import controller.hub_satellite.outbox
from adapters.ocpp.upstream.back_office import BackOffice
from tests.durability.fate import Fate
from tests.support.forwarded import forwarded


async def main(folder: str, port: str, office: str, label: str = "", number: str = "1") -> None:
    adapters.ocpp.upstream.channel.ANSWER_S = 0.3  # type: ignore[misc]
    adapters.ocpp.upstream.channel.LIVE_BOOT_S = 0.1  # type: ignore[misc]
    adapters.ocpp.upstream.link.PAUSE_FIRST_S = 0.1  # type: ignore[misc]
    controller.hub_satellite.outbox.PER_S = 200.0  # type: ignore[misc]
    fate = Fate(label, int(number))
    async with forwarded(
        Path(folder), BackOffice("office", office), port=int(port), on_frame=fate.frame, prepare=fate.ledger
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
