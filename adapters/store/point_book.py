"""What holds of single charging points until somebody says otherwise, on record."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from adapters.store.standing import Kept, everything, keep
from adapters.store.tariff_book import Reads, Writes
from adapters.store.writer import waited_for
from controller.ports.devices import Withdrawal
from controller.tariffs.book import Approval

_LIMIT_A: Final = "limit_a"


class SqlPointBook:
    """Fulfils ``controller.ports.devices.ServiceBook`` and ``adapters.limits.points.PointLimitBook``."""

    def __init__(self, read: Reads, write: Writes) -> None:
        self._read, self._write = read, write

    async def withdrawals(self) -> Mapping[str, Withdrawal]:
        """By point, those that are out of service."""
        kept = await asyncio.to_thread(self._read, lambda connection: everything(connection, Kept.WITHDRAWAL))
        return {point: Withdrawal(**document) for point, document in kept.items()}

    async def keep(self, point: str, withdrawal: Withdrawal, at: datetime) -> None:
        """Put on disk for whom a point is out of service from now on."""
        document = None if withdrawal == Withdrawal() else asdict(withdrawal)
        await waited_for(self._keep(Kept.WITHDRAWAL, point, document, at))

    def limits_a(self) -> Mapping[str, float]:
        """By point, what it is limited to [A]; blocks for milliseconds."""
        kept = self._read(lambda connection: everything(connection, Kept.POINT_LIMIT))
        return {point: float(document[_LIMIT_A]) for point, document in kept.items()}

    def keep_limit(self, point: str, limit_a: float | None, at: datetime) -> Future[None]:
        """Add what a point is limited to from now on; the future is done when it is on disk. Returns at once."""
        return self._keep(Kept.POINT_LIMIT, point, None if limit_a is None else {_LIMIT_A: limit_a}, at)

    def _keep(self, kind: Kept, point: str, document: Mapping[str, Any] | None, at: datetime) -> Future[None]:
        return self._write(lambda connection: keep(connection, kind, point, document, Approval("loadstar", at)))
