"""The reimbursements of a month as one file of credit transfers (ISO 20022 pain.001.001.09), for a bank.

The file is the same, byte for byte, whenever it is made: its ids come from the statements, its date from their issue.
Banks that get it twice know it by its id.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from controller.tariffs.book import Party
from controller.tariffs.statement import IssuedStatement, StatementKind

SCHEMA: Final = "pain.001.001.09"
_SPACE: Final = f"urn:iso:std:iso:20022:tech:xsd:{SCHEMA}"
_ALLOWED: Final = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
"""What banks in the whole of SEPA take (EPC217-08)."""

_TO_BE_SPELT: Final = str.maketrans({"&": "+", "_": "-", '"': "'", "@": "(at)", "\N{EN DASH}": "-", "\N{EM DASH}": "-"})
_NAME_MOST: Final = 70
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


class TransferRefused(ValueError):  # noqa: N818 - named as the ports name theirs
    """Credit transfers cannot be made; ``problems`` is the complete list."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True)
class Transfer:
    """One payment."""

    to: Party
    amount: Decimal
    reference: str


def transfers_of(issued: Sequence[IssuedStatement]) -> Sequence[Transfer]:
    """What is to be paid: every reimbursement that is above nothing, by number."""
    return [
        Transfer(each.party, each.statement.totals.payable, each.number)
        for each in issued
        if each.statement.kind is StatementKind.REIMBURSEMENT and each.statement.totals.payable > 0
    ]


def transfer_file(issued: Sequence[IssuedStatement]) -> bytes | None:
    """The credit transfers of a month's statements; None where nothing is to be paid.

    Raises:
        TransferRefused: an account number is missing or wrong, or an amount is not in euros; all of them are named.
    """
    transfers = transfers_of(issued)
    if not transfers:
        return None
    operator, issued_on = issued[0].operator, issued[0].issued_on
    problems = [problem for party in (operator, *(each.to for each in transfers)) for problem in _problems(party)]
    if any(each.statement.currency != "EUR" for each in issued):
        problems.append("credit transfers are in EUR, some statements are not")
    if problems:
        raise TransferRefused(list(dict.fromkeys(problems)))
    return _rendered(operator, transfers, issued_on, f"{issued[0].statement.month}")


def bank_text(text: str, most: int) -> str:
    """Text in the characters that every bank in SEPA takes, cut to a length.

    >>> bank_text("Łódź Café & Söhne Straße", 70)
    'Lodz Cafe + Sohne Strasse'
    """
    from text_unidecode import unidecode  # noqa: PLC0415 - its table is large, and few programs pay

    spelt = unidecode(unicodedata.normalize("NFC", text).translate(_TO_BE_SPELT)).translate(_TO_BE_SPELT)
    plain = " ".join(_ALLOWED.sub(" ", spelt).split())
    return plain[:most].strip(" /") or "-"


def valid_iban(text: str) -> bool:
    """Whether an account number can be one (ISO 13616: the remainder of its check digits is 1).

    >>> valid_iban("NL91 ABNA 0417 1643 00"), valid_iban("NL92 ABNA 0417 1643 00")
    (True, False)
    """
    plain = _plain(text)
    if not _IBAN.fullmatch(plain):
        return False
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def _problems(party: Party) -> list[str]:
    if not party.iban:
        return [f"party {party.id!r} ({party.name}) has no iban"]
    return [] if valid_iban(party.iban) else [f"party {party.id!r} ({party.name}): {party.iban!r} is no IBAN"]


def _rendered(operator: Party, transfers: Sequence[Transfer], issued_on: date, month: str) -> bytes:
    # They bring a validator of XML, and few programs pay.
    from sepaxml import SepaTransfer  # noqa: PLC0415
    from sepaxml.validation import try_valid_xml  # noqa: PLC0415

    config: dict[str, Any] = {
        "name": bank_text(operator.name, _NAME_MOST),
        "IBAN": _plain(operator.iban),
        "batch": True,
        "currency": "EUR",
    }
    if operator.bic:
        config["BIC"] = _plain(operator.bic)
    message = SepaTransfer(config, schema=SCHEMA, clean=False)
    for each in transfers:
        payment: dict[str, Any] = {
            "name": bank_text(each.to.name, _NAME_MOST),
            "IBAN": _plain(each.to.iban),
            "amount": int(each.amount.scaleb(2)),
            "execution_date": issued_on,
            "description": bank_text(f"Charging {month} {each.reference}", 140),
            "endtoend_id": bank_text(each.reference, 35),
        }
        if each.to.bic:
            payment["BIC"] = _plain(each.to.bic)
        message.add_payment(payment)
    xml = _steadied(message.export(validate=False), _identity(transfers, month), issued_on)
    try_valid_xml(xml, SCHEMA)
    return xml


def _identity(transfers: Sequence[Transfer], month: str) -> str:
    """At most 35 characters, the same for the same payments."""
    content = "\n".join(f"{each.reference} {each.amount} {_plain(each.to.iban)}" for each in transfers)
    return f"LOADSTAR-{month}-{hashlib.sha256(content.encode()).hexdigest()[:14].upper()}"


def _steadied(xml: bytes, identity: str, issued_on: date) -> bytes:
    """The library dates and names the message by the clock and by chance: by the statements instead."""
    ET.register_namespace("", _SPACE)
    root = ET.fromstring(xml)  # noqa: S314 - our own text
    texts = {"MsgId": identity, "CreDtTm": f"{issued_on.isoformat()}T00:00:00", "PmtInfId": f"{identity}-1"}
    for tag, text in texts.items():
        for each in root.iter(f"{{{_SPACE}}}{tag}"):
            each.text = text
    for institution in root.iter(f"{{{_SPACE}}}FinInstnId"):
        if not len(institution):  # without a BIC, banks want to be told so (EPC132-08)
            other = ET.SubElement(institution, f"{{{_SPACE}}}Othr")
            ET.SubElement(other, f"{{{_SPACE}}}Id").text = "NOTPROVIDED"
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written + b"\n"


def _plain(text: str) -> str:
    return "".join(text.split()).upper()
