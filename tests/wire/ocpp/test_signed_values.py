"""Signed meter values are on record, to the letter, before the charger is answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ocpp.exceptions import InternalError
from ocpp.v16 import call

from adapters.ocpp.signed import signed_texts
from tests.support.ocpp import bench, charger
from tests.support.ocpp2 import NINE, station

BEGIN, END = 'OCMF|{"PG":"T1","RD":[{"RV":2935.600}]}|{"SD":"00"}', 'OCMF|{"PG":"T2","RD":[]}|{"SD":"01"}'


def signed(text: str, context: str) -> dict[str, Any]:
    return {"value": text, "format": "SignedData", "context": context}


async def test_what_a_charger_signs_at_both_ends_is_kept():
    async with bench() as b, charger(b) as client:
        await client.boot()
        started = await client.begin()
        own = started.transaction_id
        values = [{"timestamp": NINE, "sampledValue": [signed(BEGIN, "Transaction.Begin")]}]
        await client.ask(call.MeterValues(connector_id=1, meter_value=values, transaction_id=own))
        values[0]["sampledValue"] = [{"value": "2000"}, signed(END, "Transaction.End")]
        await client.ask(call.StopTransaction(2000, NINE, own, transaction_data=values))
        assert b.ledger.signed == [("CP01", str(own), BEGIN), ("CP01", str(own), END)]
        assert b.ledger.stops[0].end_wh == 2000


async def test_what_cannot_be_kept_is_not_acknowledged():
    async with bench() as b, charger(b) as client:
        await client.boot()
        started = await client.begin()
        b.ledger.available = False
        values = [{"timestamp": NINE, "sampledValue": [signed(END, "Transaction.End")]}]
        with pytest.raises(InternalError):
            await client.ask(call.StopTransaction(2000, NINE, started.transaction_id, transaction_data=values))
        b.ledger.available = True
        await client.ask(call.StopTransaction(2000, NINE, started.transaction_id, transaction_data=values))
        assert [text for _, _, text in b.ledger.signed] == [END]


async def test_a_station_of_2_0_1_wraps_its_signed_values():
    wrapped = {"signedMeterData": "T0NNRnw=", "signingMethod": "", "encodingMethod": "OCMF", "publicKey": ""}
    async with bench() as b, station(b) as client:
        await client.boot()
        await client.begin()
        value = {"timestamp": NINE, "sampledValue": [{"value": 1.0, "signedMeterValue": wrapped}]}
        await client.event("Updated", trigger="MeterValuePeriodic", meter_value=[value])
    ((_, transaction, text),) = b.ledger.signed
    assert (transaction, json.loads(text)) == ("TX-1", wrapped)


@pytest.mark.parametrize(
    "meter_value",
    [None, 5, [None], [{"sampled_value": 3}], [{"sampled_value": [{"value": 7, "format": "SignedData"}, "x"]}]],
)
def test_whatever_else_is_in_a_message_is_no_signed_value(meter_value: Any):
    assert signed_texts(meter_value) == ()
