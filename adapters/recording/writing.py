"""One file of a recording, being written."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from adapters.documents import plan_document, snapshot_document
from adapters.json_text import utc_text
from adapters.origin import origin
from adapters.recording.lines import HeaderLine
from adapters.recording.memory import memory_document
from adapters.recording.secrets import safe_text
from controller.engine import Decision, Memory
from controller.ports.devices import Direction
from controller.site import Site
from controller.snapshot import Snapshot

COMPRESSION: Final = 6
_GZIP: Final = 31
"""Tells zlib to write the header and the end of a gzip file (zlib manual, deflateInit2)."""


class RecordingFile:
    """Writes decisions and messages of a site into a new file, compressed.

    It replays on its own: it begins with the site and the controller's memory, and so does what follows a gap. What has
    been flushed can be read, whatever happens then. The same calls leave the same bytes.

    Raises:
        OSError: it cannot be created (``FileExistsError``: it is there already) or, from every method, written.
    """

    def __init__(self, path: Path, site: Site) -> None:
        self.path = path
        self.memory: Memory | None = None
        """What the last decision left to the next one."""
        self._site = site
        self._raw = path.open("xb")
        self._compressor = zlib.compressobj(COMPRESSION, wbits=_GZIP)
        self._begun = False
        self._lost = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def decided(self, snapshot: Snapshot, memory: Memory | None, decision: Decision | None) -> None:
        """Write one decision.

        Args:
            snapshot: what it saw.
            memory: what it remembered; that of the decision written before, or else a gap is recorded.
            decision: None where it failed.
        """
        fresh = memory is None
        if self._lost or not self._begun or not (fresh or memory is self.memory):
            self._begin(snapshot.at, memory)
        plan = None if decision is None else plan_document(decision.plan, exact=True)
        self._write({"kind": "decision", "fresh": fresh, "snapshot": snapshot_document(snapshot), "plan": plan})
        self.memory = None if decision is None else decision.memory

    def message(self, at: datetime, station: str, direction: Direction, frame: str | bytes) -> None:
        """Write one message of a charging station, without its secrets."""
        if not self._begun:
            self._begin(at, None)
        line = {"kind": "message", "at": utc_text(at), "station": station, "direction": direction}
        self._write({**line, "text": safe_text(frame)})

    def lose(self, count: int) -> None:
        """Note that so many lines should stand here and do not; the next header tells."""
        self._lost += count

    def flush(self) -> None:
        """Have everything so far reach the operating system."""
        self._raw.write(self._compressor.flush(zlib.Z_SYNC_FLUSH))
        self._raw.flush()

    def close(self) -> None:
        """End the file."""
        try:
            self._raw.write(self._compressor.flush())
        finally:
            self._raw.close()

    def abandon(self) -> None:
        """Leave it as it is: nothing more is written after what has failed. Raises nothing."""
        with suppress(OSError):
            self._raw.close()

    def _begin(self, at: datetime, memory: Memory | None) -> None:
        remembered = None if memory is None else memory_document(memory)
        known = origin()
        header = HeaderLine(
            at=at,
            version=known.version,
            commit=known.commit,
            controller=known.controller,
            site=self._site,
            memory=remembered,
            lost=self._lost,
        )
        self._put(header.model_dump_json())
        self._begun, self._lost = True, 0

    def _write(self, line: Mapping[str, Any]) -> None:
        self._put(json.dumps(line, separators=(",", ":"), allow_nan=False))

    def _put(self, text: str) -> None:
        self._raw.write(self._compressor.compress(text.encode() + b"\n"))
