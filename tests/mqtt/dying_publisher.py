"""A publisher in a process of its own, to be killed: ``python dying_publisher.py URL``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from adapters.clock import SystemClock
    from adapters.mqtt.publisher import MqttPublisher
    from tests.support.web import small_site

    publisher = MqttPublisher(url=sys.argv[1], site=small_site(), clock=SystemClock(), on_event=print)
    asyncio.run(publisher.run())
