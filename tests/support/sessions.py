"""Transaction messages as a charger would announce them, short enough to read a story in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from controller.ports.transactions import TransactionStart, TransactionStop

NINE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """That many minutes after nine."""
    return NINE + timedelta(minutes=minutes)


def a_start(
    station: str = "CP01",
    *,
    connector: int = 1,
    token: str = "04A2B3C4",
    minutes: float = 0,
    wh: int = 10_000,
    flags: tuple[str, ...] = (),
    chosen: str | None = None,
) -> TransactionStart:
    """A StartTransaction of a station whose point is called like it; ``chosen``: the id that it gave itself."""
    return TransactionStart(station, connector, f"P-{station}-{connector}", token, at(minutes), wh, flags, chosen)


def a_stop(
    transaction_id: int | str,
    station: str = "CP01",
    *,
    minutes: float = 60,
    wh: int = 17_432,
    reason: str = "Local",
    chosen: bool = False,
) -> TransactionStop:
    """A StopTransaction, an hour after nine unless said otherwise."""
    return TransactionStop(station, str(transaction_id), at(minutes), wh, reason, chosen=chosen)
