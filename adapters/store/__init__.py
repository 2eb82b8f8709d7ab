"""The ledger (sessions, tokens, passwords) and the measurement store."""

from adapters.store.ledger import SqlLedger, open_ledger
from adapters.store.measurements import MeasurementStore

__all__ = ["MeasurementStore", "SqlLedger", "open_ledger"]
