"""A charger's fields are read leniently."""

import pytest
from ocpp.exceptions import PropertyConstraintViolationError

from adapters.ocpp.fields import Fields
from adapters.ocpp.transaction_event import read_transaction_event
from tests.support.ocpp import bench, rpc, socket
from tests.support.random_sites import AT


def test_a_word_in_another_case_of_letters_is_that_word():
    fields = Fields({"status": "suspendedEV "})
    assert fields.word("status", {"SuspendedEV", "SuspendedEVSE"}) == "SuspendedEV"
    with pytest.raises(PropertyConstraintViolationError, match="status is none of Available, Charging"):
        Fields({"status": "Loading"}).word("status", {"Charging", "Available"})


def test_a_transaction_event_is_not_lost_over_the_case_of_a_letter():
    event = {"event_type": "ended", "transaction_info": {"transaction_id": "T"}, "seq_no": 1}
    assert read_transaction_event(event, AT).kind == "Ended"


async def test_a_status_in_lower_case_counts():
    async with bench() as b, socket(b) as connection:
        await rpc(connection, "StatusNotification", {"connectorId": "1", "errorCode": "noerror", "status": "faulted"})
        assert b.state().state == "faulted"
