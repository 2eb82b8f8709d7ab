"""A back office that shares no code with us: npm's ocpp-rpc server in strict mode, in a process of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.foreign import NODE, install, tool
from tests.support.processes import WITHIN_S, free_port


@dataclass
class BackOffice:
    """Its address stays the same however often it is killed; so does its book of sessions."""

    book_path: Path
    port: int = field(default_factory=free_port)
    failures: list[str] = field(default_factory=list)
    """What broke a schema of OCPP, in either direction."""
    _process: asyncio.subprocess.Process | None = None
    _answers: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    _reading: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"

    async def start(self, **habits: Any) -> None:
        """Listen again, with these habits from the first message on."""
        self._process = await asyncio.create_subprocess_exec(
            tool("node"),
            "backoffice.mjs",
            str(self.port),
            str(self.book_path),
            json.dumps(habits),
            cwd=NODE,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 24,
        )
        self._reading = asyncio.create_task(self._read(self._process))
        assert "listening" in await self._answer()

    async def kill(self) -> None:
        """As ``kill -9`` does."""
        assert self._process is not None
        assert self._reading is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading

    async def begin_anew(self) -> None:
        """Run, with an empty book."""
        if self._process is None or self._process.returncode is not None:
            await self.start()
        await self._do("forget")
        self.failures.clear()

    async def call(self, station: str, method: str, params: dict[str, Any]) -> Any:
        """Ask something of a station; its answer, or the error's text."""
        told = await self._do("call", station=station, method=method, params=params)
        return told.get("result", told.get("error"))

    async def habits(self, **habits: Any) -> None:
        await self._do("habits", **habits)

    async def cut(self) -> None:
        """Close every connection; chargers may connect again at once."""
        await self._do("cut")

    async def stations(self) -> dict[str, str | None]:
        """Who is connected, and with which password."""
        told = await self._do("stations")
        return dict(zip(told["stations"], told["passwords"], strict=True))

    async def seen(self, station: str) -> tuple[list[str], list[str]]:
        """The frames that came from a station, and those that it was sent, as they went over the wire."""
        rows = [row for row in (await self._do("seen"))["seen"] if row[0] == station]
        return [text for _, out, text in rows if not out], [text for _, out, text in rows if out]

    @property
    def book(self) -> dict[str, Any]:
        if not self.book_path.exists():
            return {"sessions": {}, "order": []}
        found: dict[str, Any] = json.loads(self.book_path.read_text())
        return found

    def sessions(self, station: str) -> list[tuple[int, int | None]]:
        """Registers at the start and the end of a station's sessions, in the order in which they were told of."""
        sessions = self.book["sessions"]
        ids = sorted(int(number) for number in sessions if sessions[number]["station"] == station)
        return [(sessions[str(i)]["meterStart"], sessions[str(i)].get("meterStop")) for i in ids]

    async def _do(self, what: str, **order: Any) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **order}).encode() + b"\n")
        return await self._answer()

    async def _answer(self) -> dict[str, Any]:
        async with asyncio.timeout(WITHIN_S):
            return await self._answers.get()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            fact: dict[str, Any] = json.loads(line)
            if "failure" in fact:
                self.failures.append(fact["failure"])
            else:
                self._answers.put_nowait(fact)


@asynccontextmanager
async def back_office(folder: Path) -> AsyncIterator[BackOffice]:
    """A back office that listens."""
    await install()
    office = BackOffice(folder / "book.json")
    await office.start()
    try:
        yield office
    finally:
        await office.kill()
