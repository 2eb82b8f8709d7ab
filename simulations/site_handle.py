"""The other end of ``site_process``: starts it, commands it, and takes its summary."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

READY_S: Final = 60.0
ANSWER_S: Final = 60.0
"""``finish`` waits for the last stop message to be answered."""
LINE_BYTES: Final = 4 << 20
"""A status of a thousand points on one line."""


class SiteProcessError(Exception):
    """The process did not start, did not answer, or refused a command."""


class SiteHandle:
    """A running ``simulations.site_process``; make one with ``start_site``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def command(self, cmd: str, **fields: Any) -> dict[str, Any]:
        """Send one command and return its answer.

        Raises:
            SiteProcessError: it was refused, or the process is gone.
        """
        assert self._process.stdin is not None
        async with self._turn:
            try:
                self._process.stdin.write(json.dumps({"cmd": cmd, **fields}).encode() + b"\n")
                await self._process.stdin.drain()
            except ConnectionError as gone:
                raise SiteProcessError("the simulated site has ended") from gone
            answer = await self._line(ANSWER_S)
        if "error" in answer:
            raise SiteProcessError(answer["error"])
        return answer

    async def finish(self) -> dict[str, Any]:
        """Let all cars leave and all messages be answered; returns the summary of the truth. The process ends."""
        summary: dict[str, Any] = (await self.command("finish"))["summary"]
        async with asyncio.timeout(ANSWER_S):
            await self._process.wait()
        return summary

    async def stop(self) -> None:
        """End the process, however it is."""
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()

    async def ready(self) -> None:
        """Wait until its meter listens.

        Raises:
            SiteProcessError: it ended instead; its reason is on stderr.
        """
        await self._line(READY_S)

    async def _line(self, seconds: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(seconds):
                line = await self._process.stdout.readline()
        except TimeoutError as silent:
            raise SiteProcessError(f"the simulated site did not answer within {seconds:g} s") from silent
        if not line:
            raise SiteProcessError("the simulated site has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


async def start_site(configuration: Path, *arguments: str, log: int | None = None) -> SiteHandle:
    """Start the simulated site of a site file and wait until its meter can be read.

    Args:
        configuration: the site file.
        arguments: further arguments of ``simulations.site_process``.
        log: a file descriptor for its stderr; None: ours.

    Raises:
        SiteProcessError: it could not start.
    """
    command: Sequence[str] = (sys.executable, "-m", "simulations.site_process", "--config", str(configuration))
    process = await asyncio.create_subprocess_exec(
        *command,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=log,
        limit=LINE_BYTES,
        start_new_session=True,  # Ctrl-C is for us to answer: the site must outlive it to finish
    )
    handle = SiteHandle(process)
    try:
        await handle.ready()
    except SiteProcessError:
        await handle.stop()
        raise
    return handle
