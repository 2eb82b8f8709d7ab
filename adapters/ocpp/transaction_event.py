"""A TransactionEvent of OCPP 2.x, read leniently: what has one sensible meaning is taken and flagged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapters.ocpp.fields import Fields
from adapters.ocpp.meter_values import read_register
from controller.hub_satellite.connector import Status

STARTED: Final = "Started"
ENDED: Final = "Ended"
_KINDS: Final = frozenset({STARTED, "Updated", ENDED})

MAX_TRANSACTION_ID: Final = 36
MAX_TOKEN: Final = 255
"""36 in 2.0.1, 255 in 2.1."""

STATES: Final[Mapping[str, Status]] = {
    "Charging": Status.CHARGING,
    "EVConnected": Status.PREPARING,
    "SuspendedEV": Status.SUSPENDED_EV,
    "SuspendedEVSE": Status.SUSPENDED_EVSE,
    "Idle": Status.AVAILABLE,
}
"""ChargingStateEnumType, as the states of a connector that 1.6 has for it."""


@dataclass(frozen=True, slots=True)
class TransactionEvent:
    """What a station says of one of its transactions."""

    kind: str
    transaction_id: str
    at: datetime
    flags: tuple[str, ...]
    """What a reviewer should know of the fields that were read."""
    seq_no: int | None
    offline: bool
    """Whether it happened while the station was not connected."""
    evse: int | None
    token: str | None
    status: Status | None
    """What the charging state comes to."""
    reason: str | None
    abnormal: bool
    """Whether something that should not happen is why it is told."""
    meter_value: Any
    begin_wh: int | None
    """The register as the transaction began."""
    end_wh: int | None
    """The register as it ended."""

    @property
    def active(self) -> bool:
        """Whether current flows, or would but for the limit."""
        return self.status in {Status.CHARGING, Status.SUSPENDED_EV, Status.SUSPENDED_EVSE}


def read_transaction_event(payload: Mapping[str, Any], now: datetime) -> TransactionEvent:
    """Read a payload.

    Raises:
        ProtocolError: what kind it is, or of which transaction, is missing.
        TypeConstraintViolationError: these are no text.
        PropertyConstraintViolationError: it is of no kind that exists.
    """
    fields, about = Fields(payload), Fields(_object(payload, "transaction_info"))
    kind, transaction_id = fields.word("event_type", _KINDS), about.text("transaction_id", MAX_TRANSACTION_ID)
    at, meter_value = fields.timestamp(now), payload.get("meter_value")
    return TransactionEvent(
        kind=kind,
        transaction_id=transaction_id,
        at=at,
        flags=fields.flags + about.flags,
        seq_no=_integer(payload.get("seq_no")),
        offline=payload.get("offline") is True,
        evse=_integer(_object(payload, "evse").get("id")),
        token=read_token(payload.get("id_token")),
        status=STATES.get(about.optional_text("charging_state", 20) or ""),
        reason=about.optional_text("stopped_reason", 30),
        abnormal=payload.get("trigger_reason") == "AbnormalCondition",
        meter_value=meter_value,
        begin_wh=read_register(meter_value, "Transaction.Begin"),
        end_wh=read_register(meter_value, "Transaction.End"),
    )


def read_token(value: Any) -> str | None:
    """Return the uid of an IdTokenType; that of a start button, which has none, is its type (C02); None: there is none.

    >>> read_token({"id_token": "04A2", "type": "ISO14443"}), read_token({"id_token": "", "type": "NoAuthorization"})
    ('04A2', 'NoAuthorization')
    >>> read_token(None), read_token({"id_token": 5})
    (None, None)
    """
    fields = Fields(value if isinstance(value, Mapping) else {})
    return fields.optional_text("id_token", MAX_TOKEN) or fields.optional_text("type", 20)


def _object(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = payload.get(name)
    return value if isinstance(value, Mapping) else {}


def _integer(value: Any) -> int | None:
    return value if type(value) is int else None
