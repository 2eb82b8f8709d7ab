"""A charger that shares no code with us: npm's ocpp-rpc in strict mode, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

NODE = Path(__file__).parents[1] / "wire" / "node"
INSTALL_S = 90.0
ENDING_S = 60.0


class ForeignCharger:
    """Runs one transaction from its start until ``unplug``; what it was told in between is in ``limits_a``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.limits_a: list[float] = []
        self.transaction: int | None = None
        self.failures: list[str] = []
        self._process = process
        self._reading = asyncio.create_task(self._read())

    @property
    def drawn_a(self) -> float:
        return self.limits_a[-1] if self.limits_a else 0.0

    async def unplug(self) -> int | None:
        """End the transaction; returns the process's exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return await self._ended()

    async def _ended(self) -> int | None:
        async with asyncio.timeout(ENDING_S):
            await self._reading
            return await self._process.wait()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            fact: dict[str, Any] = json.loads(line)
            self.transaction = fact["transaction"]
            if "limit_a" in fact:
                self.limits_a.append(fact["limit_a"])
            self.failures += fact.get("failures", [])

    async def close(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._ended()


def tool(name: str) -> str:
    path = shutil.which(name)
    assert path is not None, f"{name} is needed for this test (Debian packages: nodejs, npm)"
    return path


async def install() -> None:
    """Fetch what the clients need, as the lock file says, unless it is there."""
    if (NODE / "node_modules" / "ocpp-rpc").is_dir():
        return
    command = [tool("npm"), "ci", "--no-audit", "--no-fund"]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=NODE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(INSTALL_S):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


@asynccontextmanager
async def foreign_charger(
    ocpp_port: int, identity: str, token: str, *, most_a: float, start_wh: int, stop_wh: int
) -> AsyncIterator[ForeignCharger]:
    """A charger that draws what it may, up to ``most_a``, on all phases; its register says what it is told to."""
    await install()
    endpoint = f"ws://127.0.0.1:{ocpp_port}/ocpp"
    arguments = [endpoint, identity, token, str(most_a), str(start_wh), str(stop_wh)]
    process = await asyncio.create_subprocess_exec(
        tool("node"), "charger.mjs", *arguments, cwd=NODE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    charger = ForeignCharger(process)
    try:
        yield charger
    finally:
        await charger.close()
