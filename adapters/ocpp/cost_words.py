"""How stations are told of costs and prices, in each version of the protocol."""

from __future__ import annotations

import json
from decimal import Decimal
from types import ModuleType
from typing import Any, Final

from ocpp.v16 import call as call16

from adapters.ocpp.cost_display import Standing
from controller.costs import Cost, ShownTariff

VENDOR: Final = "org.openchargealliance.costmsg"
"""OCPP 1.6 has no messages for costs; these are agreed on in OCA's white paper on California's pricing requirements."""


class CostWords16:
    """DataTransfers of that vendor; fulfils ``adapters.ocpp.cost_display.CostWords``."""

    def running_cost(self, standing: Standing, cost: Cost) -> Any:
        """RunningCost."""
        return _transfer(
            "RunningCost",
            transactionId=_number(standing.transaction_id),
            timestamp=standing.at,
            meterValue=standing.register_wh or 0,
            cost=float(cost.amount),
            state="Charging" if standing.charging else "Idle",
        )

    def final_cost(self, transaction_id: str, cost: Cost) -> Any:
        """FinalCost."""
        text = cost.text or f"{cost.amount} {cost.currency}"
        return _transfer("FinalCost", transactionId=_number(transaction_id), cost=float(cost.amount), priceText=text)

    def user_price(self, token: str, text: str) -> Any:
        """SetUserPrice."""
        return _transfer("SetUserPrice", idToken=token, priceText=text)

    def default_tariff(self, tariff: ShownTariff) -> Any:  # noqa: ARG002
        """Nothing: it is a setting of the station."""
        return None

    def shown(self, answer: Any) -> bool:
        """Whether it knows the vendor and the message."""
        return bool(answer.status == "Accepted")


class CostWords2:
    """Functional block I of OCPP 2.0.1, and the tariffs of 2.1; fulfils ``adapters.ocpp.cost_display.CostWords``.

    Final costs and personal prices go into the answers of the messages that they are about.
    """

    def __init__(self, call: ModuleType) -> None:
        """Take the library's calls of the version."""
        self._call = call

    def running_cost(self, standing: Standing, cost: Cost) -> Any:
        """CostUpdated (I02)."""
        return self._call.CostUpdated(total_cost=float(cost.amount), transaction_id=standing.transaction_id)

    def final_cost(self, transaction_id: str, cost: Cost) -> Any:  # noqa: ARG002
        """Nothing: the answer to its last event tells it (I03)."""
        return None

    def user_price(self, token: str, text: str) -> Any:  # noqa: ARG002
        """Nothing: the answer to Authorize tells it (I01)."""
        return None

    def default_tariff(self, tariff: ShownTariff) -> Any:
        """SetDefaultTariff (2.1 I07) for all EVSEs; 2.0.1 has none."""
        if not hasattr(self._call, "SetDefaultTariff"):
            return None
        taxes = {} if tariff.tax_pct is None else {"tax_rates": [{"type": "VAT", "tax": float(tariff.tax_pct)}]}
        parts = (
            ("energy", "price_kwh", tariff.per_kwh),
            ("charging_time", "price_minute", tariff.per_minute_charging),
            ("idle_time", "price_minute", tariff.per_minute_idle),
            ("fixed_fee", "price_fixed", tariff.fixed),
        )
        prices = {part: {"prices": [{name: float(price)}]} | taxes for part, name, price in parts if price is not None}
        about = {
            "tariff_id": tariff.id[:60],
            "currency": tariff.currency,
            "description": [message_content(tariff.text)],
        }
        return self._call.SetDefaultTariff(evse_id=0, tariff=about | prices)

    def shown(self, answer: Any) -> bool:  # noqa: ARG002
        """Any answer that is no error."""
        return True


def message_content(text: str) -> dict[str, Any]:
    """Return a text as a MessageContentType, in Unicode."""
    return {"format": "UTF8", "content": text[:512]}


def amount(cost: Cost | None) -> float | None:
    """Return a cost as messages have it."""
    return None if cost is None else float(cost.amount.quantize(Decimal("0.0001")))


def _transfer(message_id: str, **data: Any) -> Any:
    return call16.DataTransfer(vendor_id=VENDOR, message_id=message_id, data=json.dumps(data))


def _number(transaction_id: str) -> int:
    return int(transaction_id) if transaction_id.isdigit() else 0
