"""What chargers report of currents, powers and registers, and what the service makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.support.lab import WITHIN_S, Lab, laboratory
from tests.support.strange_charger import stamp

pytestmark = pytest.mark.asyncio(loop_scope="module")

REGISTER = "Energy.Active.Import.Register"


def sample(value: Any, measurand: Any = None, **more: Any) -> dict[str, Any]:
    return {"value": value} | ({} if measurand is None else {"measurand": measurand}) | more


def amperes(*values: Any, phases: tuple[str, ...] = ("L1", "L2", "L3"), **more: Any) -> list[dict[str, Any]]:
    return [
        sample(value, "Current.Import", phase=phase, unit="A", **more)
        for value, phase in zip(values, phases, strict=False)
    ]


DRAWS: list[tuple[list[dict[str, Any]], list[float]]] = [
    (amperes("16.02 ", "15.9", "0"), [16.02, 15.9, 0.0]),
    (amperes("8", "9", "10", phases=("L1-N", "L2-N", "L3-N")), [8.0, 9.0, 10.0]),
    ([*amperes("8", "9", "10"), sample("0.4", "Current.Import", phase="N")], [8.0, 9.0, 10.0]),
    ([sample("7.5", "Current.Import", unit="A")], [7.5, 7.5, 7.5]),
    ([sample(7.5, "Current.Import")], [7.5, 7.5, 7.5]),
    ([sample("6900", "Power.Active.Import", unit="W")], [10.0, 10.0, 10.0]),
    ([sample("6.9", "Power.Active.Import", unit="kW")], [10.0, 10.0, 10.0]),
    ([sample("6900.0000", "Power.Active.Import")], [10.0, 10.0, 10.0]),
    (
        [sample("2300", "Power.Active.Import", phase="L1"), sample("0", "Power.Active.Import", phase="L2")],
        [10, 0, 10],
    ),
    (amperes("11", "11", "11", context="Trigger", location="Outlet", format="Raw"), [11.0, 11.0, 11.0]),
    (amperes("12", "12", "12", context="Sample.Clock"), [12.0, 12.0, 12.0]),
    ([*amperes("9", "9", "9"), sample("47", "SoC", unit="Percent"), sample("31", "Temperature")], [9.0, 9.0, 9.0]),
    ([*amperes("9", "8", "7"), sample("99", "Power.Active.Import", unit="kW")], [9.0, 8.0, 7.0]),
]
UNREADABLE = [
    amperes("NaN", "NaN", "NaN"),
    amperes("", "", ""),
    amperes("inf", "-inf", "1e999"),
    amperes("16,0", "sixteen", None),
    amperes("100000", "4e9", "-7"),
    amperes(None, [], {}),
    [sample("5", "Current.Import", unit="Furlong")],
    [sample("5", "Current.Export", unit="A"), sample("5", "Current.Offered", unit="A")],
    [sample("5", "Current.Import", format="SignedData")],
    [sample("5", ["Current.Import"])],
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    stations = [f"DRAW{n}" for n, _ in enumerate(DRAWS)] + [f"BAD{n}" for n, _ in enumerate(UNREADABLE)]
    stations += ["REGISTER", "CHATTY", "SETS", "NUMBERED"]
    async with laboratory(tmp_path_factory.mktemp("lab"), dict.fromkeys(stations, 1)) as running:
        yield running


async def test_a_draw_is_understood_however_it_is_put(lab: Lab):
    await asyncio.gather(*(understood(lab, f"DRAW{number}", *case) for number, case in enumerate(DRAWS)))


async def understood(lab: Lab, name: str, samples: list[dict[str, Any]], measured_a: list[float]) -> None:
    async with lab.charger(name) as charger:
        await charger.boot()
        await charger.start()
        await charger.measure(1, *samples)
        point = await lab.becomes(f"{name}-1", state="charging")
        assert point["measured_a"] == pytest.approx(measured_a, abs=0.2), samples
        await charger.stop()
        await lab.becomes(f"{name}-1", state="available", measured_a=None)


async def test_what_cannot_be_read_changes_nothing(lab: Lab):
    await asyncio.gather(*(unreadable(lab, f"BAD{number}", case) for number, case in enumerate(UNREADABLE)))


async def unreadable(lab: Lab, name: str, samples: list[dict[str, Any]]) -> None:
    async with lab.charger(name) as charger:
        await charger.boot()
        await charger.start()
        await charger.measure(1, *amperes("9.5", "9.5", "9.5"))
        await lab.becomes(f"{name}-1", measured_a=[9.5, 9.5, 9.5])
        await charger.measure(1, *samples)
        assert (await lab.turned(f"{name}-1"))["measured_a"] == [9.5, 9.5, 9.5], samples
        await charger.stop()


@pytest.mark.parametrize(
    "odd",
    [
        {"meterValue": []},
        {"meterValue": None},
        {"meterValue": [{}]},
        {"meterValue": [{"timestamp": "soon", "sampledValue": [{}]}]},
        {"meterValue": [{"sampledValue": [{"value": "1"}] * 600}]},
        {"transactionId": None},
        {"transactionId": -1},
        {"transactionId": "none"},
        {"connectorId": 0, "transactionId": None},
        {"connectorId": 77},
        {"vendorField": {"a": 1}},
    ],
)
async def test_every_message_of_values_is_answered(lab: Lab, odd: dict[str, Any]):
    async with lab.charger("NUMBERED") as charger:
        await charger.start()
        await charger.measure(1, **odd)
        await charger.stop()


@pytest.mark.parametrize(
    ("samples", "energy_wh"),
    [
        ([sample("{wh}")], 700),
        ([sample("{wh}", REGISTER, unit="Wh", context="Sample.Periodic")], 700),
        ([sample("{kwh}", REGISTER, unit="kWh")], 700),
        ([sample("{wh}.4 ", REGISTER)], 700),
        ([sample("{wh}", REGISTER, unit="Wh"), sample("12", "Energy.Active.Import.Interval", unit="Wh")], 700),
    ],
)
async def test_a_charger_that_reports_only_energy_has_its_session_metered(
    lab: Lab, samples: list[dict[str, Any]], energy_wh: int
):
    async with lab.charger("REGISTER") as charger:
        await charger.boot()
        await charger.status("Charging")
        transaction = await charger.start()
        register_wh = int(charger.outlets[1].register_wh) + 700
        for entry in samples:
            entry["value"] = entry["value"].format(wh=register_wh, kwh=register_wh / 1000)
        await charger.measure(1, *samples)

        async def running_wh() -> int | None:
            (session,) = [s for s in await lab.sessions("REGISTER") if s["transaction_id"] == str(transaction)]
            found: int | None = session["energy_wh"]
            return found

        async with asyncio.timeout(WITHIN_S):
            while await running_wh() != energy_wh:  # noqa: ASYNC110 - the ledger tells nobody
                await asyncio.sleep(0.05)
        point = await lab.becomes("REGISTER-1", state="charging", commanded_a=16.0)
        assert point["measured_a"] is None, "nothing is guessed"
        await charger.stop(delivered_wh=750)


async def test_of_several_sets_in_one_message_the_last_is_the_newest(lab: Lab):
    async with lab.charger("SETS") as charger:
        await charger.boot()
        transaction = await charger.start()
        values = [
            {"timestamp": stamp(-20), "sampledValue": amperes("6", "6", "6", context="Sample.Clock")},
            {"timestamp": stamp(-10), "sampledValue": amperes("7", "7", "7")},
            {"timestamp": stamp(), "sampledValue": [*amperes("8", "8", "8"), sample("2000", REGISTER)]},
        ]
        await charger.told("MeterValues", {"connectorId": 1, "transactionId": transaction, "meterValue": values})
        await lab.becomes("SETS-1", measured_a=[8.0, 8.0, 8.0])
        values = [{"timestamp": stamp(), "sampledValue": amperes("9", "9", "9")}]
        await charger.told("MeterValues", {"connectorId": 0, "transactionId": transaction, "meterValue": values})
        await lab.becomes("SETS-1", measured_a=[9.0, 9.0, 9.0])
        await charger.stop()


async def test_values_far_too_often_are_all_answered_and_disturb_nobody(lab: Lab):
    async with lab.charger("CHATTY") as charger, lab.charger("SETS") as neighbour:
        await neighbour.boot()
        await charger.start()
        for ampere in range(100):
            await charger.measure(1, *amperes(*[f"{6 + ampere / 10:.1f}"] * 3))
        await lab.becomes("CHATTY-1", measured_a=[15.9, 15.9, 15.9])
        await neighbour.start()
        await lab.becomes("SETS-1", commanded_a=16.0)
        await neighbour.stop()
        await charger.stop()
