"""The simulated site as a process of its own: ``python -m simulations.site_process --config site.toml``.

It plays the chargers, cars, building and meter of the site file, so that the service has the machine's
other half for itself. Control is one JSON object per line on stdin, one answer per line on stdout:
``{"cmd": "status"}``, ``{"cmd": "step_building", "a": [10, 0, 0]}``, ``{"cmd": "plug_in", "point": "P01",
"soc": 0.2, "car": {"max_a": 16}}``, ``{"cmd": "unplug", "point": "P01"}``, ``{"cmd": "offline", "point": "P01",
"seconds": 20}``, ``{"cmd": "deaf", "point": "P01", "value": true}``, ``{"cmd": "meter", "fault": "silent"}``
(``null`` repairs it), ``{"cmd": "advance_clocks", "seconds": 125}`` (of all stations, until they next hear the
time), ``{"cmd": "finish"}``. The end of stdin ends the process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import ocpp.messages

from adapters.configuration import ConfigurationError, load_configuration
from simulations.busy_site import chance_world, come_and_go
from simulations.cars import Car, CarModel
from simulations.live_site import LiveSite, Options
from simulations.modbus_meter import MeterFault
from simulations.pace import Pace

_Answer = Awaitable[dict[str, Any]]


async def _status(site: LiveSite, _: Mapping[str, Any]) -> dict[str, Any]:
    return site.status() | {"truth": site.truth()}


async def _step_building(site: LiveSite, command: Mapping[str, Any]) -> dict[str, Any]:
    one, two, three = (float(value) for value in command["a"])
    site.building.extra_a = (one, two, three)
    return {}


async def _plug_in(site: LiveSite, command: Mapping[str, Any]) -> dict[str, Any]:
    if site.world.connector(command["point"]).car is not None:
        raise ValueError(f"point {command['point']}: there is a car already")
    car = Car(CarModel(**command.get("car", {})), float(command.get("soc", 0.3)))
    await site.plug_in(command["point"], car, command.get("tag"))
    return {}


async def _unplug(site: LiveSite, command: Mapping[str, Any]) -> dict[str, Any]:
    site.unplug(command["point"])
    return {}


async def _offline(site: LiveSite, command: Mapping[str, Any]) -> dict[str, Any]:
    client = site.client_of(command["point"])
    client.later(client.disconnect(float(command["seconds"])))
    return {}


async def _deaf(site: LiveSite, command: Mapping[str, Any]) -> dict[str, Any]:
    site.client_of(command["point"]).firmware.station.deaf = bool(command["value"])
    return {}


async def _meter(site: LiveSite, command: Mapping[str, Any]) -> dict[str, Any]:
    site.fail_meters(None if command["fault"] is None else MeterFault(command["fault"]))
    return {}


async def _advance_clocks(site: LiveSite, command: Mapping[str, Any]) -> dict[str, Any]:
    seconds = float(command["seconds"])
    for client in site.clients.values():
        client.firmware.station.clock_offset_s += seconds
    return {}


async def _finish(site: LiveSite, _: Mapping[str, Any]) -> dict[str, Any]:
    return {"summary": await site.finish()}


_COMMANDS: Final[Mapping[str, Callable[[LiveSite, Mapping[str, Any]], _Answer]]] = {
    "status": _status,
    "step_building": _step_building,
    "plug_in": _plug_in,
    "unplug": _unplug,
    "offline": _offline,
    "deaf": _deaf,
    "meter": _meter,
    "advance_clocks": _advance_clocks,
    "finish": _finish,
}


async def answered(site: LiveSite, line: str) -> dict[str, Any]:
    """Carry out one line of control and say what came of it; a wrong one changes nothing."""
    try:
        command = json.loads(line)
        action = _COMMANDS[command["cmd"]]
    except (ValueError, TypeError, KeyError):
        return {"error": f"not a command: {line.strip()}; known: {', '.join(_COMMANDS)}"}
    try:
        return {"ok": True} | await action(site, command)
    except (KeyError, TypeError, ValueError) as error:
        return {"error": f"{command['cmd']}: {type(error).__name__}: {error}"}


FAREWELL_S: Final = 5.0
"""So long everything has to end after the end of stdin."""


async def _control(site: LiveSite) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        answer = await answered(site, line.decode())
        print(json.dumps(answer), flush=True)  # noqa: T201  (stdout is the control channel)
        if "summary" in answer:
            return


async def _run(site: LiveSite, *, quiet: bool) -> None:
    await site.start_meters()
    site.open(site.pace.now_s())
    print(json.dumps({"ready": True, "points": len(site.site.points)}), flush=True)  # noqa: T201
    life = asyncio.create_task(site.run(None if quiet else come_and_go(site)))
    control = asyncio.create_task(_control(site))
    done, _ = await asyncio.wait({life, control}, return_when=asyncio.FIRST_COMPLETED)
    for task in (life, control):
        task.cancel()
    await asyncio.wait({life, control}, timeout=FAREWELL_S)  # what does not hear is cancelled again by asyncio.run
    for task in done:
        task.result()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulations.site_process", description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, help="the site file to play")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same cars and building")
    parser.add_argument("--quiet", action="store_true", help="no drivers and no building load unless commanded")
    parser.add_argument("--ocpp-url", help="the central system; default: where the site file listens")
    parser.add_argument("--ca-file", help="certificates to trust for wss")
    parser.add_argument("--meter-noise-a", type=float, default=0.1, help="noise of the grid meter [A]")
    parser.add_argument(
        "--newer-every", type=int, default=0, metavar="N", help="one station in N speaks OCPP 2.0.1; default: none"
    )
    return parser.parse_args()


def main() -> int:
    """Run until told to finish. Returns 2 when the site file or a port is at fault."""
    given = _arguments()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="site: %(message)s")
    # The library otherwise hands each message to a thread to be validated, which costs three times the time.
    ocpp.messages.ASYNC_VALIDATION = False
    try:
        configuration = load_configuration(given.config, os.environ)
        options = Options(given.seed, given.ocpp_url, given.ca_file, given.meter_noise_a, newer_every=given.newer_every)
        world = chance_world(configuration.site, given.seed, busy=not given.quiet)
        asyncio.run(_run(LiveSite(configuration, world, Pace(), options), quiet=given.quiet))
    except (ConfigurationError, ValueError, OSError) as problem:
        print(problem, file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
