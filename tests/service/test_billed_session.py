"""One session over OCPP, held back by the site for a while and then idle, until it stands on a statement."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.lab import WITHIN_S, Lab, laboratory

NAME = "CP-1"
GRACE_S = 2
PRICES = {
    "id": "house",
    "currency": "EUR",
    "elements": [
        {
            "price_components": [
                {"type": "ENERGY", "price": 0.4, "vat": 21, "step_size": 1},
                {"type": "TIME", "price": 360, "vat": 21, "step_size": 1},
                {"type": "PARKING_TIME", "price": 3600, "vat": 21, "step_size": 1},
            ]
        }
    ],
    "loadstar": {"idle": {"grace_s": GRACE_S}},
}
"""So dear that seconds show: 0.10 a second of charging, 1.00 a second of idling."""
OPERATOR = {"id": "house", "kind": "operator", "name": "The house", "address": ["Kade 1"], "country": "NL"}


async def ask(lab: Lab, method: str, path: str, body: Any = None, **query: Any) -> Any:
    answer = await lab.http.request(method, f"/api/v1{path}", json=body, params=query)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def priced(lab: Lab) -> None:
    """A price for everybody, and who it is owed to."""
    await ask(lab, "POST", "/tariffs", PRICES, approve=True)
    await ask(lab, "POST", "/rules", {"scope": "operator", "tariff": "house"}, approve=True)
    await ask(lab, "POST", "/parties", OPERATOR)


async def recorded(lab: Lab, session: str) -> dict[str, Any]:
    deadline = time.monotonic() + WITHIN_S
    while not (found := (await lab.get(f"/sessions/{session}/records"))["items"]):
        assert time.monotonic() < deadline, "there is no record"
        await asyncio.sleep(0.1)
    (record,) = found
    whole: dict[str, Any] = (await lab.get(f"/records/{record['id']}"))["document"]
    return whole


async def test_time_held_back_is_billed_as_nothing_and_idling_after_its_grace(tmp_path: Path):
    async with laboratory(tmp_path, {"CP": 1}) as lab, lab.charger("CP") as charger:
        await priced(lab)
        await asyncio.sleep(1)  # chargers tell whole seconds: none may begin before the price does
        await charger.boot()
        await charger.status("Preparing")
        await ask(lab, "PUT", "/limits", {"circuit": "main", "limit_w": 100})
        await charger.start()
        await charger.status("SuspendedEVSE")
        await lab.becomes(NAME, state="withheld")
        await asyncio.sleep(2.5)
        await ask(lab, "DELETE", "/limits", circuit="main")
        await charger.has(lambda: charger.outlets[1].allowed_a() >= 6, "a limit to charge at")
        await charger.status("Charging")
        charger.keep_measuring()
        await lab.becomes(NAME, state="charging")
        await asyncio.sleep(2.5)
        charger.outlets[1].car_a = 0.0
        await charger.status("SuspendedEV")
        await lab.becomes(NAME, state="ev_idle")
        await asyncio.sleep(GRACE_S + 3)
        prices = await lab.get("/prices")
        page = (await lab.http.get(f"/p/{NAME}")).text
        await charger.stop(delivered_wh=500)
        (session,) = await lab.sessions("CP")
        record = await recorded(lab, session["id"])
        ended = await lab.get(f"/sessions/{session['id']}")
        month = f"{datetime.fromisoformat(ended['ended_at']).astimezone(ZoneInfo('Europe/Amsterdam')):%Y-%m}"
        (draft,) = (await lab.get(f"/statements/{month}"))["items"]
        cost = ended["cost"]

    quantities, rated = record["quantities"], record["legs"][0]["rated"]
    lines = {line["kind"]: line for line in rated["lines"]}
    assert set(lines) == {"ENERGY", "TIME", "PARKING_TIME"}
    assert quantities["withheld_s"] >= 2
    assert quantities["charging_s"] >= 2
    assert quantities["idle_s"] >= GRACE_S + 2
    assert lines["ENERGY"]["booked"] == {"before_tax": "0.20", "after_tax": "0.24"}
    assert abs(3600 * Decimal(lines["TIME"]["quantity"]) - quantities["charging_s"]) <= 1
    assert abs(3600 * Decimal(lines["PARKING_TIME"]["quantity"]) - (quantities["idle_s"] - GRACE_S)) <= 1
    assert cost == rated["total"]["after_tax"]
    assert (draft["draft"], draft["before_tax"]) == (True, rated["invoice"]["before_tax"])
    # The tax of a statement is that on the sum of each rate, that of a record is line by line.
    assert abs(Decimal(draft["payable"]) - Decimal(rated["invoice"]["after_tax"])) <= Decimal("0.02")
    assert prices["now"]["per_kwh"] == prices["points"][NAME] == "0.484"
    assert "0.484 EUR/kWh" in page
