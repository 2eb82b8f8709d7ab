"""A whole service that records: what it decided can be decided again, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.documents import plan_document
from adapters.recording import Message, read_recording, recording_files
from controller.snapshot import State
from simulations.replay.rerun import Rerun, Step
from tests.support.lab import IMPATIENT, laboratory

TOKEN = "04A2B3C4"


async def test_a_service_run_replays_byte_for_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    recorded = '[recording]\ndirectory = "recordings"'
    async with laboratory(tmp_path, {"A": 1, "B": 1}, fuse_a=32.0, more=recorded) as lab:
        await lab.turned("A-1")
        async with lab.charger("A") as one, lab.charger("B") as other:
            for charger, name in ((one, "A-1"), (other, "B-1")):
                await charger.boot()
                await charger.status("Preparing")
                await charger.start()
                await lab.becomes(name, state="plugged")
            lab.grid.base_a = 22.0
            await lab.turned("A-1")
    control = lab.service._site.control
    for module, name, value in IMPATIENT:  # the service ran with these
        monkeypatch.setattr(module, name, value)

    folder = tmp_path / "recordings"
    found = list(Rerun(read_recording(recording_files(folder))))
    steps = [entry for entry in found if isinstance(entry, Step)]
    assert len(steps) > 4
    for step in steps:
        assert step.site.control == control
        assert step.turn is not None
        again, before = step.turn.decision.plan, step.recorded.plan
        assert before is not None
        assert json.dumps(plan_document(again, exact=True)) == json.dumps(plan_document(before, exact=True))
    states = {state.state for step in steps for state in step.recorded.snapshot.points.values()}
    assert {State.OFFLINE, State.PLUGGED} <= states, "something happened meanwhile"

    messages = [entry for entry in found if isinstance(entry, Message)]
    told = {(m.station, m.direction, json.loads(m.text)[2]) for m in messages if json.loads(m.text)[0] == 2}
    assert {
        ("A", "in", "BootNotification"),
        ("B", "in", "StartTransaction"),
        ("B", "out", "SetChargingProfile"),
    } <= told
    assert all(TOKEN not in entry.text for entry in messages)
    assert any("B3C4" in entry.text for entry in messages), "its end stays, to tell tokens apart"
