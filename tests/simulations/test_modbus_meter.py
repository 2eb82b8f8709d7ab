import math
import random
from collections.abc import AsyncIterator

import pytest
from pymodbus.client import AsyncModbusTcpClient

from controller.units import Phases
from simulations.modbus_meter import MeterFault, SimulatedSdm630

CURRENT, POWER, SUM_POWER, IMPORT_KWH = 0x06, 0x0C, 0x34, 0x48


class Bench:
    def __init__(self) -> None:
        self.current_a: Phases = (10.0, 20.0, -5.0)
        self.meter = SimulatedSdm630(lambda: (self.current_a, 12_345.0), random.Random(1))
        self.client = AsyncModbusTcpClient("127.0.0.1")

    async def floats(self, address: int, count: int) -> list[float]:
        answer = await self.client.read_input_registers(address, count=2 * count, device_id=1)
        assert not answer.isError(), answer
        values = self.client.convert_from_registers(answer.registers, self.client.DATATYPE.FLOAT32)
        return list(values) if isinstance(values, list) else [values]  # type: ignore[list-item]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    port = await bench.meter.start()
    bench.client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=1.5, retries=0)
    await bench.client.connect()
    yield bench
    bench.client.close()
    await bench.meter.stop()


async def test_currents_have_no_sign_and_powers_have_one(bench: Bench):
    assert await bench.floats(CURRENT, 3) == pytest.approx([10.0, 20.0, 5.0])
    powers_w = await bench.floats(POWER, 3)
    assert powers_w == pytest.approx([2254.0, 4508.0, -1127.0], rel=0.01)
    assert await bench.floats(SUM_POWER, 1) == pytest.approx([sum(powers_w)])
    assert await bench.floats(IMPORT_KWH, 1) == pytest.approx([12.345])


async def test_values_are_live(bench: Bench):
    await bench.floats(CURRENT, 3)
    bench.current_a = (1.0, 2.0, 3.0)
    assert await bench.floats(CURRENT, 3) == pytest.approx([1.0, 2.0, 3.0])


async def test_a_frozen_meter_repeats_itself(bench: Bench):
    await bench.floats(CURRENT, 3)
    bench.meter.fault = MeterFault.FROZEN
    bench.current_a = (1.0, 2.0, 3.0)
    assert await bench.floats(CURRENT, 3) == pytest.approx([10.0, 20.0, 5.0])


async def test_a_broken_meter_says_nan(bench: Bench):
    bench.meter.fault = MeterFault.NAN
    assert all(math.isnan(value) for value in await bench.floats(CURRENT, 3))


async def test_a_silent_meter_comes_back_on_the_same_connection(bench: Bench):
    bench.meter.fault = MeterFault.SILENT
    with pytest.raises(Exception, match="No response"):
        await bench.floats(CURRENT, 3)
    bench.meter.fault = None
    assert await bench.floats(CURRENT, 3) == pytest.approx([10.0, 20.0, 5.0])


@pytest.mark.parametrize(("address", "count"), [(0, 81), (0x0182, 2)])
async def test_what_the_real_meter_refuses_is_refused(bench: Bench, address: int, count: int):
    answer = await bench.client.read_input_registers(address, count=count, device_id=1)
    assert answer.isError()


async def test_measured_values_are_no_holding_registers(bench: Bench):
    assert (await bench.client.read_holding_registers(CURRENT, count=2, device_id=1)).isError()


async def test_a_taken_port_is_an_error(bench: Bench):
    port = bench.client.comm_params.port
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"):
        await SimulatedSdm630(lambda: ((0.0, 0.0, 0.0), 0.0), random.Random(1)).start(port=port)
