"""Signed meter values from the ledger to the record: kept once, to the letter, and flagged where they do not hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.billing.billing import Billing
from controller.ports.transactions import TransactionStart, TransactionStop
from controller.tariffs.premises import MeterIdentity
from tests.settlement.test_signed_values import BEGIN, END, KEY, OTHER_KEY, signed
from tests.support.settlement import OCTOBER, SITE, Office

FIRST, LAST = signed("T1", BEGIN), signed("T2", END)


async def recorded(office: Office, key: str, energy_wh: int = 6_500):
    begins = OCTOBER
    start = TransactionStart("CP9", 1, "P9", "04A2", begins, 1_000)
    started = await office.ledger.start_transaction(start)
    number = str(started.transaction_id)
    for texts in ([FIRST], [FIRST], [LAST]):  # a message that was not acknowledged comes again
        await office.ledger.keep_signed("CP9", number, texts)
    stop = TransactionStop("CP9", number, begins + timedelta(minutes=10), 1_000 + energy_wh)
    await office.ledger.stop_transaction(stop)
    Billing(office.ledger, SITE, lambda _: MeterIdentity(public_key=key), office.clock, print).record_ended()
    return office.records(started.session_id)[0]


async def test_values_that_hold_are_on_the_record_to_the_letter(office: Office):
    record = await recorded(office, KEY)
    assert [value.text for value in record.evidence.signed] == [FIRST, LAST]
    assert {value.verdict for value in record.evidence.signed} == {"verified"}
    assert record.flags == ()


@pytest.mark.parametrize(
    ("key", "energy_wh", "flag"),
    [
        ("", 6_500, "signed_value_unchecked"),
        (OTHER_KEY, 6_500, "signed_value_refused"),
        (KEY, 6_400, "signed_energy_differs"),
    ],
)
async def test_values_that_do_not_hold_are_for_somebody_to_see(office: Office, key: str, energy_wh: int, flag: str):
    record = await recorded(office, key, energy_wh)
    assert flag in record.flags
    assert replace(record, flags=()).complete
