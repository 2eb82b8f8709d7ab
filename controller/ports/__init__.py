"""What the shell must provide, and the facts that cross between adapters.

Adapters do not know one another: each sees the others only through these protocols.
"""

from controller.ports.common import Clock, EventSink
from controller.ports.devices import Applied, ChargingPoints, Direction, FrameSink, Meter
from controller.ports.ledger import Ledger, LedgerUnavailable, Records, SessionRecord
from controller.ports.measurements import HeldLimit, Measurements, MeterSample
from controller.ports.tick import CircuitState, PriceNow, ResourceState, Tick, UpstreamState
from controller.ports.tokens import Authorisation, Token, Verdict
from controller.ports.transactions import (
    NO_REGISTER_WH,
    REGISTER_MISSING,
    START_MISSING,
    TIMESTAMP_INVALID,
    Outcome,
    RunningSession,
    Started,
    TransactionDetails,
    TransactionStart,
    TransactionStop,
)

__all__ = [
    "NO_REGISTER_WH",
    "REGISTER_MISSING",
    "START_MISSING",
    "TIMESTAMP_INVALID",
    "Applied",
    "Authorisation",
    "ChargingPoints",
    "CircuitState",
    "Clock",
    "Direction",
    "EventSink",
    "FrameSink",
    "HeldLimit",
    "Ledger",
    "LedgerUnavailable",
    "Measurements",
    "Meter",
    "MeterSample",
    "Outcome",
    "PriceNow",
    "Records",
    "ResourceState",
    "RunningSession",
    "SessionRecord",
    "Started",
    "Tick",
    "Token",
    "TransactionDetails",
    "TransactionStart",
    "TransactionStop",
    "UpstreamState",
    "Verdict",
]
