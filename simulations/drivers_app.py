"""What drivers have on their phones in a demonstration: it tells the service until when they need how much."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.error import HTTPError

from simulations.demo_credentials import Credentials

ANSWER_S: Final = 5.0
"""A service that takes longer is asked again."""


class DriversApp:
    """Speaks to the service's REST interface as any app would.

    Args:
        url: where pages and API are served.
        credentials: whom to log in as; None: a laboratory, where nobody has to.
    """

    def __init__(self, url: str, credentials: Credentials | None) -> None:
        self._url, self._credentials = f"{url}/api/v1", credentials
        self._context = ssl.create_default_context(cafile=str(credentials.authority)) if credentials else None
        self._token: str | None = None
        self._told: dict[str, Any] = {}
        """By point, what the service has taken note of."""

    async def tell(self, points: Mapping[str, Any]) -> None:
        """Pass on what is new in what drivers ask for, by point as ``LiveSite.status`` has it.

        What the service does not take, since it does not know the session yet or is busy, is told again next time.
        """
        for point, state in points.items():
            asks = state["asks"]
            if asks is None or state["transaction_id"] is None:
                self._told.pop(point, None)
            elif self._told.get(point) != asks and await asyncio.to_thread(self._ask, point, asks):
                self._told[point] = asks

    def _ask(self, point: str, asks: Mapping[str, float]) -> bool:
        leaves = datetime.fromtimestamp(asks["departs_s"], UTC).isoformat()
        wish = {"departs_at": leaves, "energy_kwh": round(asks["energy_wh"] / 1000, 4), "by": "driver"}
        try:
            if self._credentials is not None and self._token is None:
                login = {"username": self._credentials.user, "password": self._credentials.user_password}
                self._token = self._send("POST", "login", login)["token"]
            self._send("PATCH", f"points/{point}", wish)
        except HTTPError as refused:
            if refused.code == 401:
                self._token = None
            return False
        except OSError:
            return False
        return True

    def _send(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        headers = {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(f"{self._url}/{path}", json.dumps(body).encode(), headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=ANSWER_S, context=self._context) as answer:  # noqa: S310 - our own service
            return json.load(answer)
