"""What forwarding costs: the time that it adds to a message, and how many pass, against a bare relay of websockets.

Both stand in a process of their own between the same back office and the same chargers, on the same library of
websockets: each charger has one connection to them, and they have one to the back office for each. The messages are the
same, in the same order, and all of them reach the back office; none is compressed, for neither chargers nor back office
offer that. Loadstar also records what it passes, as on any site; the bare relay (``forward_process.relay``) knows only
frames. They take turns, for a machine is never quite at rest; the median of the rounds counts.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.benchmarks.registry import Measurement, benchmark, percentile

STATIONS = 8
CALLS = 1_500
"""Of one charger, one after the other, for the time that is added."""
ROUNDS = 5
CALLS_TOGETHER = 1_000
"""Of each charger, when all call at once."""

_IDS = itertools.count()
_SAMPLE = {"value": "13.5", "measurand": "Current.Import", "unit": "A", "phase": "L1"}
_MIX: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Heartbeat", {}),
    ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}),
    ("Authorize", {"idTag": "04A2B3C4"}),
    ("DataTransfer", {"vendorId": "bench", "data": "x" * 200}),
    (
        "MeterValues",
        {
            "connectorId": 1,
            "meterValue": [
                {"timestamp": "2026-11-20T09:00:00Z", "sampledValue": [{**_SAMPLE, "context": "Sample.Clock"}]}
            ],
        },
    ),
)


@contextmanager
def process(what: str, office_port: int = 0) -> Iterator[tuple[int, psutil.Process]]:
    """One of the processes; its port, and itself."""
    command = [sys.executable, "-m", "tests.benchmarks.forward_process", what, str(office_port), str(STATIONS)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdin is not None
        yield int(running.stdout.readline()), psutil.Process(running.pid)
        running.stdin.close()
        running.wait()


@asynccontextmanager
async def charger(port: int, name: str = "CP00") -> AsyncIterator[ClientConnection]:
    """A charger that has booted and is known to the back office by now."""
    url = f"ws://127.0.0.1:{port}/ocpp/{name}"
    async with connect(url, subprotocols=[Subprotocol("ocpp1.6")], compression=None) as socket:
        await call(socket, "BootNotification", {"chargePointVendor": "bench", "chargePointModel": "bench"})
        for _ in range(3):  # our own questions to a charger that has just come
            await asyncio.sleep(0.2)
            await call(socket, "Heartbeat", {})
        yield socket


async def call(socket: ClientConnection, action: str, payload: dict[str, Any]) -> Any:
    """Call, and answer what comes in between; returns the answer's payload."""
    message_id = str(next(_IDS))
    await socket.send(json.dumps([2, message_id, action, payload]))
    while True:
        message = json.loads(await socket.recv())
        if message[0] == 2:
            await socket.send(json.dumps([3, message[1], {"status": "Accepted"}]))
        elif message[1] == message_id:
            return message[2]


async def one_after_the_other(port: int, calls: int) -> list[float]:
    """How long each call of one charger takes [s]."""
    durations = []
    async with charger(port) as socket:
        for action, payload in itertools.islice(itertools.cycle(_MIX), calls):
            began = time.perf_counter()
            await call(socket, action, payload)
            durations.append(time.perf_counter() - began)
    return durations


async def transactions(port: int, count: int) -> list[float]:
    """How long messages about transactions take [s]."""
    durations = []
    async with charger(port) as socket:
        for number in range(count):
            at = f"2026-11-20T{number // 60 % 24:02}:{number % 60:02}:00Z"
            start = {"connectorId": 1, "idTag": "04A2B3C4", "meterStart": number, "timestamp": at}
            began = time.perf_counter()
            told = await call(socket, "StartTransaction", start)
            durations.append(time.perf_counter() - began)
            stop = {"transactionId": told["transactionId"], "meterStop": number, "timestamp": at}
            began = time.perf_counter()
            await call(socket, "StopTransaction", stop)
            durations.append(time.perf_counter() - began)
    return durations


async def together(port: int) -> float:
    """Messages a second when all chargers call as fast as they are answered."""

    async def calls(name: str) -> None:
        async with charger(port, name) as socket:
            ready.release()
            await begin.wait()
            for action, payload in itertools.islice(itertools.cycle(_MIX), CALLS_TOGETHER):
                await call(socket, action, payload)
            done.append(time.perf_counter())

    ready, begin, done = asyncio.Semaphore(0), asyncio.Event(), list[float]()
    running = [asyncio.create_task(calls(f"CP{number:02}")) for number in range(STATIONS)]
    for _ in running:
        await ready.acquire()
    began = time.perf_counter()
    begin.set()
    await asyncio.gather(*running)
    return STATIONS * CALLS_TOGETHER / (max(done) - began)


def in_turn(ours: int, bare: int, *, ours_first: bool) -> tuple[float, float]:
    """Messages a second through Loadstar and through the bare relay, one right after the other."""
    if ours_first:
        return asyncio.run(together(ours)), asyncio.run(together(bare))
    other = asyncio.run(together(bare))
    return asyncio.run(together(ours)), other


@benchmark
def forwarding() -> Mapping[str, Measurement]:
    """What standing between chargers and their back office costs."""
    with (
        process("office") as (office, _),
        process("relay", office) as (bare, _),
        process("loadstar", office) as (
            ours,
            itself,
        ),
    ):
        direct = asyncio.run(one_after_the_other(office, CALLS))
        before = itself.cpu_times()
        through = asyncio.run(one_after_the_other(ours, CALLS))
        after = itself.cpu_times()
        recorded = asyncio.run(transactions(ours, 100))
        rates = [in_turn(ours, bare, ours_first=turn % 2 == 0) for turn in range(ROUNDS)]
    added_ms = 1000 * (percentile(through, 99) - percentile(direct, 99))
    cpu_ms = 1000 * (after.user + after.system - before.user - before.system) / CALLS
    ratio = statistics.median(one / other for one, other in rates)
    return {
        "forward_added_p99_ms": Measurement(added_ms, "ms", CALLS, at_most=5.0),
        "forward_added_p50_ms": Measurement(
            1000 * (statistics.median(through) - statistics.median(direct)), "ms", CALLS
        ),
        "forward_cpu_ms": Measurement(cpu_ms, "ms", CALLS, at_most=1.0),
        "forward_transaction_p99_ms": Measurement(1000 * percentile(recorded, 99), "ms", len(recorded)),
        "forward_per_s": Measurement(statistics.median(one for one, _ in rates), "1/s", STATIONS * CALLS_TOGETHER),
        "forward_vs_relay": Measurement(ratio, "1", ROUNDS, at_least=0.7),
    }
