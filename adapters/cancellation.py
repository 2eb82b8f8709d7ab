"""Cancellation that libraries cannot swallow."""

from __future__ import annotations

import asyncio


def end_if_cancelled() -> None:
    """Raise ``CancelledError`` when the running task has been asked to end and somebody below kept that to himself.

    ``asyncio.wait_for`` of Python 3.11 returns its result, and forgets the cancellation, when both come in the same
    turn of the event loop; pymodbus, aiomqtt and ocpp wait with it. Call this once in every endless loop around them.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
