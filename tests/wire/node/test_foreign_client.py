"""A client in another language, with schemas of its own, runs a whole session."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from controller.costs import Cost, ShownTariff
from tests.support.foreign import install, tool
from tests.support.ocpp import PASSWORD, TOKEN, Bench, bench

HERE = Path(__file__).parent
SESSION_S = 60.0


async def run(*command: str, within_s: float) -> tuple[int | None, str]:
    """Run a command in this folder to its end; returns its exit code and everything that it printed."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=HERE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(within_s):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, output.decode()


async def foreign_session(
    b: Bench, password: str = PASSWORD, script: str = "session.mjs"
) -> tuple[int | None, dict[str, Any]]:
    await install()
    endpoint = f"ws://127.0.0.1:{b.central.port}/ocpp"
    session = asyncio.create_task(run(tool("node"), script, endpoint, "CP01", password, TOKEN, within_s=SESSION_S))
    while not session.done():  # the control loop of this test
        b.plan(P01=13.5)
        await asyncio.sleep(0.05)
    code, output = await session
    seen: dict[str, Any] = json.loads(output.splitlines()[-1])
    return code, seen


async def test_ocpp_rpc_in_strict_mode_runs_a_whole_session():
    async with bench() as b:
        code, seen = await foreign_session(b)
    assert seen["failures"] == []
    assert code == 0
    answers = seen["answers"]
    assert answers["BootNotification"]["status"] == "Accepted"
    assert answers["Authorize"] == {"idTagInfo": {"status": "Accepted"}}
    assert answers["StopTransaction"] == {"idTagInfo": {"status": "Accepted"}}
    assert answers["DataTransfer"] == {"status": "UnknownVendorId"}
    assert answers["MeterValues"] == answers["StatusNotification"] == {}
    purposes = [profile["csChargingProfiles"]["chargingProfilePurpose"] for profile in seen["profiles"]]
    assert purposes == ["TxDefaultProfile", "TxProfile"]
    limit = seen["profiles"][1]["csChargingProfiles"]
    assert limit["transactionId"] == answers["StartTransaction"]["transactionId"]
    periods = limit["chargingSchedule"]["chargingSchedulePeriod"]
    assert periods == [{"startPeriod": 0, "limit": 13.5}, {"startPeriod": 180, "limit": 6}]
    assert b.ledger.starts[0].start_wh == 12_000
    assert b.ledger.stops[0].end_wh == 12_500
    assert not b.ledger.sessions
    assert b.measurements.samples[0].register_wh == 12_345
    assert b.measurements.samples[0].current_a == (13.5, 13.5, 13.5)


class Prices:
    """Fulfils ``controller.costs.Costs``."""

    async def cost(self, session: str) -> Cost | None:
        return Cost(Decimal("1.25"), "EUR", f"{session}: all in")

    async def price_text(self, token: str, points: Sequence[str]) -> str | None:
        return f"{token} pays 0.35 EUR/kWh at {points[0]}"

    async def default_tariff(self, station: str) -> ShownTariff | None:
        return ShownTariff(station, "EUR", "0.35 EUR/kWh", per_kwh=Decimal("0.2893"), tax_pct=Decimal(21))


async def test_ocpp_rpc_in_strict_mode_runs_a_whole_session_in_2_0_1():
    async with bench(costs=Prices()) as b:
        code, seen = await foreign_session(b, script="session2.mjs")
    assert seen["failures"] == []
    assert code == 0
    answers = seen["answers"]
    assert answers["BootNotification"]["status"] == "Accepted"
    assert answers["Authorize"]["idTokenInfo"]["status"] == "Accepted"
    assert answers["Started"]["idTokenInfo"]["status"] == "Accepted"
    assert answers["Updated"] == answers["StatusNotification"] == {}
    assert answers["Ended"]["totalCost"] == 1.25
    assert answers["DataTransfer"] == {"status": "UnknownVendorId"}
    assert seen["costs"] == [{"transactionId": "foreign-1", "totalCost": 1.25}]
    purposes = [profile["chargingProfile"]["chargingProfilePurpose"] for profile in seen["profiles"]]
    assert purposes == ["TxDefaultProfile", "TxProfile"]
    limit = seen["profiles"][1]["chargingProfile"]
    assert limit["transactionId"] == "foreign-1"
    (schedule,) = limit["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 13.5}, {"startPeriod": 180, "limit": 6}]
    (start,), (stop,) = b.ledger.starts, b.ledger.stops
    assert (start.transaction_id, start.start_wh, stop.end_wh) == ("foreign-1", 12_000, 12_500)
    assert not b.ledger.sessions
    (sample, *_) = [sample for sample in b.measurements.samples if sample.current_a is not None]
    assert (sample.register_wh, sample.current_a) == (12_345, (13.5, 13.5, 13.5))


async def test_ocpp_rpc_with_a_wrong_password_is_refused():
    async with bench() as b:
        code, seen = await foreign_session(b, "wrong")
    assert code == 1
    assert "Unauthorized" in seen["failures"][0]
    assert seen["answers"] == {}
