"""Which charging points are out of service, on record."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from adapters.store.standing import Kept, everything, keep
from adapters.store.tariff_book import Reads, Writes
from controller.ports.devices import Withdrawal
from controller.tariffs.book import Approval


class SqlServiceBook:
    """Fulfils ``controller.ports.devices.ServiceBook``."""

    def __init__(self, read: Reads, write: Writes) -> None:
        self._read, self._write = read, write

    async def withdrawals(self) -> Mapping[str, Withdrawal]:
        """By point, those that are out of service."""
        kept = await asyncio.to_thread(self._read, lambda connection: everything(connection, Kept.WITHDRAWAL))
        return {point: Withdrawal(**document) for point, document in kept.items()}

    async def keep(self, point: str, withdrawal: Withdrawal, at: datetime) -> None:
        """Put on disk what holds from now on."""
        document = None if withdrawal == Withdrawal() else asdict(withdrawal)
        by = Approval("loadstar", at)
        await asyncio.wrap_future(
            self._write(lambda connection: keep(connection, Kept.WITHDRAWAL, point, document, by))
        )
