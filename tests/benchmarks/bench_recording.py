"""What a recording costs: time of the control loop, time of the recorder's thread, and space."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from adapters.clock import SystemClock
from adapters.recording import Recorder, RecordingFile
from controller.engine import Decision, Memory, decide
from controller.ports.devices import Direction
from controller.snapshot import Snapshot
from tests.benchmarks.bench_core import nested_site, snapshots
from tests.benchmarks.registry import Measurement, benchmark

DECISIONS = 300
MESSAGES_PER_DECISION = 4
"""20 chargers that report every 10 s and are answered."""
METER_VALUES = (
    '[2,"5f567564-15a8-4768-af42-62b4ed0c7e56","MeterValues",{"connectorId":1,"transactionId":163608,"meterValue":'
    '[{"timestamp":"2026-11-20T09:00:00Z","sampledValue":[{"value":"15.8","measurand":"Current.Import","phase":"L1"},'
    '{"value":"15.7","measurand":"Current.Import","phase":"L2"},{"value":"3939440","unit":"Wh"}]}]}]'
)


def _decided() -> Iterator[tuple[Snapshot, Memory | None, Decision]]:
    site, memory = nested_site(), None
    for snapshot in snapshots(site):
        decision = decide(site, memory, snapshot)
        yield snapshot, memory, decision
        memory = decision.memory


@benchmark
def recording() -> dict[str, Measurement]:
    """One decision of 20 points: handed over by the loop, and written by the thread, with its chargers' messages."""
    made = list(islice(_decided(), DECISIONS))
    with tempfile.TemporaryDirectory() as folder:
        site = nested_site()
        recorder = Recorder(Path(folder), site=site, keep_days=1, clock=SystemClock(), on_event=print)
        handed = []
        for snapshot, memory, decision in made:
            began = time.perf_counter()
            recorder.decided(snapshot, memory, decision)
            handed.append(time.perf_counter() - began)
        recorder.close()
        path = Path(folder) / "alone.jsonl.gz"
        began = time.thread_time()
        with RecordingFile(path, site) as file:
            for snapshot, memory, decision in made:
                file.decided(snapshot, memory, decision)
                for _ in range(MESSAGES_PER_DECISION):
                    file.message(datetime.now(UTC), "CP01", Direction.IN, METER_VALUES)
                file.flush()
        written_s = time.thread_time() - began
        size = path.stat().st_size
    return {
        "record_loop_us": Measurement(1e6 * statistics.median(handed), "us", DECISIONS, at_most=100),
        "record_thread_us": Measurement(1e6 * written_s / DECISIONS, "us", DECISIONS),
        "recording_mb_per_day": Measurement(size / DECISIONS * 86_400 / 1e6, "MB", DECISIONS),
    }
