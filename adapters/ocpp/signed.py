"""The signed meter values in a message, to the letter (OCPP 1.6: format SignedData; 2.x: SignedMeterValueType)."""

from __future__ import annotations

import json
from typing import Any, Final

from adapters.ocpp.meter_values import samples

_NAMES: Final = {
    "signed_meter_data": "signedMeterData",
    "signing_method": "signingMethod",
    "encoding_method": "encodingMethod",
    "public_key": "publicKey",
}
"""As they were in the message, before its names were turned into Python's."""


def signed_texts(meter_value: Any) -> tuple[str, ...]:
    """The signed values of a ``meterValue`` or ``transactionData`` list. Raises nothing, whatever it holds.

    >>> sample = {"value": "OCMF|{}|{}", "format": "SignedData"}
    >>> signed_texts([{"sampled_value": [sample, {"value": "7"}]}])
    ('OCMF|{}|{}',)
    """
    found = []
    for _, sample in samples(meter_value):
        value, signed = sample.get("value"), sample.get("signed_meter_value")
        if sample.get("format") == "SignedData" and isinstance(value, str):
            found.append(value)
        elif isinstance(signed, dict):
            told = {name: signed[key] for key, name in _NAMES.items() if isinstance(signed.get(key), str)}
            found.append(json.dumps(told, ensure_ascii=False))
    return tuple(found)
