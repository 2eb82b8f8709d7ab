"""The planner's process as the service sees it: asked, waited for, ended and started again."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from adapters.planning.messages import LINE_MAX, Request, SiteLine
from controller.site import Site

COMMAND: Final = (sys.executable, "-P", "-m", "adapters.planning.worker")
ANSWER_S: Final = 20.0
"""Plans take milliseconds, a start some seconds on a slow machine: who has not answered by then has got stuck."""
END_S: Final = 2.0
"""As long as an idle process may take to end by itself."""


class PlannerGoneError(Exception):
    """The process could not be started, or has ended; the message says how."""


class PlanLateError(Exception):
    """No answer came in time; the process was ended."""


class PlannerProcess:
    """One process, started when it is first asked and after it has ended. One request at a time."""

    def __init__(self, site: Site, command: Sequence[str] = COMMAND, answer_s: float = ANSWER_S) -> None:
        self._site, self._command, self._answer_s = site, tuple(command), answer_s
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, request: Request) -> bytes:
        """Send a request and return the line that answers it, whatever that holds.

        Raises:
            PlannerGoneError, PlanLateError: there is none; the next request finds a new process.
        """
        try:
            async with asyncio.timeout(self._answer_s):
                process = await self._running()
                return await _exchange(process, request.model_dump_json().encode() + b"\n")
        except TimeoutError:
            await self.close(at_once=True)
            raise PlanLateError(f"no answer within {self._answer_s:g} s") from None
        except PlannerGoneError:
            await self.close(at_once=True)
            raise
        except asyncio.CancelledError:
            await self.close(at_once=True)  # an answer to nobody must not become the next one's
            raise

    async def close(self, *, at_once: bool = False) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()
        if not at_once:
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), END_S)
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            pipe = asyncio.subprocess.PIPE
            try:
                process = await asyncio.create_subprocess_exec(*self._command, stdin=pipe, stdout=pipe, limit=LINE_MAX)
            except OSError as error:
                raise PlannerGoneError(f"cannot be started: {error}") from error
            self._process = process
            await _send(process, SiteLine(site=self._site).model_dump_json().encode() + b"\n")
        return self._process


async def _exchange(process: asyncio.subprocess.Process, line: bytes) -> bytes:
    await _send(process, line)
    assert process.stdout is not None
    try:
        answer = await process.stdout.readline()
    except ValueError:  # asyncio's word for a line beyond the limit
        raise PlannerGoneError(f"answered with more than {LINE_MAX} bytes") from None
    if not answer.endswith(b"\n"):
        code = await process.wait()
        raise PlannerGoneError(f"ended with code {code}")
    return answer


async def _send(process: asyncio.subprocess.Process, line: bytes) -> None:
    assert process.stdin is not None
    with suppress(OSError):  # it has ended: reading its answer tells how
        process.stdin.write(line)
        await process.stdin.drain()
