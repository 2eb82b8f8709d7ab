"""What the stories of replays share: a command, and a recording of a minute in a garage."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from adapters.recording import RecordingFile
from controller.ports.devices import Direction
from tests.support.command import Loadstar
from tests.support.recordings import Story, eventful


@pytest.fixture
def replay(loadstar: Loadstar) -> Loadstar:
    """``loadstar replay``."""
    return partial(loadstar, "replay")


@pytest.fixture(scope="module")
def story() -> Story:
    return eventful(4)


@pytest.fixture(scope="module")
def recording(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings") / "garage.jsonl.gz"
    with RecordingFile(path, story.site) as file:
        for number, made in enumerate(story.made):
            file.decided(made.snapshot, made.memory, made.decision)
            if number == 20:
                file.message(made.snapshot.at, "S1", Direction.OUT, '[2,"1","SetChargingProfile",{"connectorId":1}]')
                file.message(made.snapshot.at, "S2", Direction.OUT, '[2,"1","Reset",{"type":"Soft"}]')
                file.message(made.snapshot.at, "S1", Direction.IN, '[3,"1",{"status":"Accepted"}]')
                file.message(made.snapshot.at, "S1", Direction.IN, '[3,"2",{}]')
    return path
