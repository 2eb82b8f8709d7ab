"""Checks the signed meter values of a session (OCMF): each signature, and whether together they tell of one session.

The text stays as the charger sent it: a signature is over its very bytes. Keys come from who has registered them here,
never from the message itself, where anybody could have put them.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from pyocmf import OCMF, IssueSeverity, PyOCMFError, SpecWarning, check_eichrecht_payload, check_eichrecht_transaction
from pyocmf.enums.reading import is_end_reason

from controller.tariffs.record import SignedValue

VERIFIED: Final = "verified"
REFUSED: Final = "refused"
UNCHECKED: Final = "unchecked"

SIGNATURE_REFUSED: Final = "signed_value_refused"
"""The flag of a session whose signed values do not hold."""
SIGNATURE_UNCHECKED: Final = "signed_value_unchecked"
"""The flag of a session whose signed values could not be checked, for want of a key or of means."""
SIGNED_DIFFERS: Final = "signed_energy_differs"
"""The flag of a session whose signed registers tell another energy than its messages do."""

_TRUSTED_TIME: Final = frozenset({"S", "R"})
"""Synchronised, or relative to a clock that is: needed where time is billed."""
_PAGE: Final = re.compile(r"([TF])([0-9]+)")
_WH: Final = {"Wh": Decimal(1), "kWh": Decimal(1000)}


@dataclass(frozen=True, slots=True)
class SignedSession:
    """What the signed values of a session come to."""

    values: tuple[SignedValue, ...]
    """As they were sent, each with its own verdict and reasons."""
    verdict: str
    """``verified``, ``refused`` or ``unchecked``, of all of them together."""
    reasons: tuple[str, ...]
    """Everything that is in the way."""
    energy_wh: Decimal | None
    """By the signed registers of beginning and end; None where they do not hold."""

    def flags(self, energy_wh: int | None) -> tuple[str, ...]:
        """The review flags that follow.

        Args:
            energy_wh: of the session by its messages.
        """
        if self.verdict == REFUSED:
            return (SIGNATURE_REFUSED,)
        if self.verdict == UNCHECKED:
            return (SIGNATURE_UNCHECKED,)
        differs = energy_wh is not None and self.energy_wh is not None and abs(self.energy_wh - energy_wh) > 1
        return (SIGNED_DIFFERS,) if differs else ()


def verify(texts: Sequence[str], public_key: str, *, time_is_billed: bool = False) -> SignedSession:
    """Check the signed values of one session.

    Args:
        texts: as the charger sent them, in order: OCMF as such or in hexadecimal, or in the JSON of OCPP's
            SignedMeterValueType; beginning and end in one record or in two.
        public_key: of the meter as it is registered here, DER in hexadecimal or base64; empty: none is.
        time_is_billed: whether the price depends on the meter's clock.
    """
    if not texts:
        return SignedSession((), UNCHECKED, ("there is no signed value",), None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpecWarning)  # deviations that do not matter to the signature
        checked = [_checked(text, public_key) for text in texts]
        records = [record for _, record in checked if record is not None]
        together = tuple(_together(records, time_is_billed)) if len(records) == len(texts) else ()
    values = tuple(value for value, _ in checked)
    verdicts = {value.verdict for value in values} | ({REFUSED} if together else set())
    verdict = next(each for each in (REFUSED, UNCHECKED, VERIFIED) if each in verdicts)
    own = [reason for value in values for reason in value.reasons]
    return SignedSession(
        values, verdict, tuple(dict.fromkeys([*own, *together])), _energy_wh(records) if verdict == VERIFIED else None
    )


def _checked(text: str, public_key: str) -> tuple[SignedValue, OCMF | None]:
    try:
        record = OCMF.from_string(_ocmf_of(text))
    except (PyOCMFError, ValueError) as error:
        return SignedValue(text, REFUSED, (f"is not OCMF: {_first_line(error)}",)), None
    nature = _nature(record)
    if not public_key:
        return SignedValue(text, UNCHECKED, ("no public key is registered for the meter",), nature), record
    try:
        valid = record.verify_signature(public_key)
    except (PyOCMFError, ValueError) as error:
        return SignedValue(text, UNCHECKED, (f"cannot be checked: {_first_line(error)}",), nature), record
    if not valid:
        return SignedValue(text, REFUSED, ("the signature is wrong",), nature), record
    return SignedValue(text, VERIFIED, nature=nature), record


def _ocmf_of(text: str) -> str:
    """The OCMF in what a charger sends (OCPP 1.6: the text itself; the application note on it, and 2.x: base64)."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        inside: Any = json.loads(text)["signedMeterData"]
        return base64.b64decode(inside, validate=True).decode()
    except (KeyError, TypeError, binascii.Error) as error:
        raise ValueError(f"expected signedMeterData in base64: {error}") from error


def _nature(record: OCMF) -> str:
    reasons = [reading.TX for reading in record.payload.RD]
    if any(is_end_reason(reason) for reason in reasons):
        return "End"
    return "Start" if "B" in reasons else "Intermediate"


def _together(records: Sequence[OCMF], time_is_billed: bool) -> Iterator[str]:
    """What keeps the records from being one session's."""
    payloads = [record.payload for record in records]
    first, last = payloads[0], payloads[-1]
    issues = check_eichrecht_payload(first) if len(payloads) == 1 else check_eichrecht_transaction(first, last)
    yield from (str(issue) for issue in issues if issue.severity is IssueSeverity.ERROR)
    readings = [reading for payload in payloads for reading in payload.RD]
    if not readings or readings[0].TX != "B":
        yield "the first reading is not that of a beginning"
    if not readings or not is_end_reason(readings[-1].TX):
        yield "the last reading is not that of an end"
    if any(reading.EF for reading in readings):
        yield "a reading has an error flag"
    if len({(payload.GS, payload.MS) for payload in payloads}) > 1:
        yield "the records are of different meters"
    pages = [match.groups() for payload in payloads if (match := _PAGE.fullmatch(payload.PG or ""))]
    numbers = [int(number) for _, number in pages]
    if len(pages) != len(payloads) or len({kind for kind, _ in pages}) != 1:
        yield "the records are not numbered in one row"
    elif numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        yield "the records do not follow one another: one is missing or twice there"
    if time_is_billed and any(str(reading.time_status) not in _TRUSTED_TIME for reading in readings):
        yield "the meter's clock was not synchronised, and time is billed"


def _energy_wh(records: Sequence[OCMF]) -> Decimal | None:
    readings = [reading for record in records for reading in record.payload.RD if reading.RV is not None]
    if not readings or str(readings[0].RU) not in _WH or readings[0].RU != readings[-1].RU:
        return None
    begin, end = readings[0].RV, readings[-1].RV
    return None if begin is None or end is None else (end - begin) * _WH[str(readings[0].RU)]


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
