"""The charge detail records of a month, as partners are sent them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from adapters.json_text import DocumentError
from adapters.rating_documents.tariff_reading import read_tariffs
from adapters.rating_documents.tariff_writing import tariff_document
from adapters.settlement.cdr import CdrIncomplete, Tariffs, cdrs, leg_told
from adapters.settling.export_kinds import ExportRefused
from adapters.store.dated import tariff_versions_of
from adapters.store.record_book import RecordBook
from controller.tariffs.legs import free_tariff
from controller.tariffs.record import ChargeRecord, RecordKind
from controller.tariffs.review import Reviewed, ReviewState, Verdict
from controller.tariffs.spelling_out import spelled_out
from controller.tariffs.tariff import Tariff


def month_cdrs(book: RecordBook, month: str, version: str) -> list[dict[str, Any]]:
    """The records of a month as CDR objects, JSON-ready, by the end of their sessions.

    What waits for review is not among them, nor what was taken back before it ever was good; of what was taken back
    later, there is the record and its credit.

    Args:
        book: of the site.
        month: such as ``2026-10``.
        version: ``ocpi-2.2.1`` or ``ocpi-2.3.0``.

    Raises:
        ExportRefused: records lack what OCPI asks for; all of it is named.
        LedgerUnavailable: the ledger cannot be read.
    """
    told = [record for record in sent(book.reviewed(month)) if record.legs]
    try:
        return cdrs(told, version, _tariffs(book, told, version))
    except CdrIncomplete as error:
        raise ExportRefused(error.problems) from error


def sent(reviewed: Sequence[Reviewed]) -> Iterator[ChargeRecord]:
    """What partners are told of: what is good or was, and the credits of what was."""
    good = {each.record.identity.id for each in reviewed if _was_good(each)}
    for each in reviewed:
        identity = each.record.identity
        if (identity.credit_of if identity.kind is RecordKind.CREDIT else identity.id) in good:
            yield each.record


def _was_good(reviewed: Reviewed) -> bool:
    if reviewed.record.identity.kind is RecordKind.CREDIT or not reviewed.record.complete:
        return False
    accepted = any(decision.verdict is Verdict.ACCEPT for decision in reviewed.decisions)
    return reviewed.state is ReviewState.CLEAR or accepted or not reviewed.record.flags


def _tariffs(book: RecordBook, records: Sequence[ChargeRecord], version: str) -> Tariffs:
    """The tariffs behind the records; without those that OCPI has no words for."""
    wanted = {leg_told(record).rated.tariff_id for record in records}
    found = book.read(lambda connection: tariff_versions_of(connection, wanted))
    known: dict[tuple[str, str], Tariff] = {}
    for each in found:
        with suppress(DocumentError):
            tariff = read_tariffs(each.document.encode()).tariffs[0]
            known[each.tariff, str(each.number)] = _of_operator(tariff, records[0], each.proposed.at)
    for record in records:
        free = free_tariff(record.currency)
        if leg_told(record).rated.tariff_id == free.id:
            known.setdefault((free.id, free.version), _of_operator(free, record, record.times.started_at))
    plain: dict[tuple[str, str], Mapping[str, Any] | None] = {}
    told: dict[str, Mapping[str, Any]] = {}
    for record in records:
        rated = leg_told(record).rated
        named = rated.tariff_id, rated.tariff_version
        if named not in known:
            continue
        document = _in_words(_spelled_out(known[named], record), version) if known[named].curves() else None
        if document is None:
            document = plain[named] if named in plain else plain.setdefault(named, _in_words(known[named], version))
        if document is not None:
            told[record.identity.id] = document
    return told


def _spelled_out(tariff: Tariff, record: ChargeRecord) -> Tariff | None:
    return spelled_out(tariff, leg_told(record).rated, ZoneInfo(record.place.time_zone))


def _in_words(tariff: Tariff | None, version: str) -> Mapping[str, Any] | None:
    """The tariff as OCPI says it; None where it cannot."""
    with suppress(DocumentError):
        return None if tariff is None else tariff_document(tariff, version)
    return None


def _of_operator(tariff: Tariff, record: ChargeRecord, said_at: datetime) -> Tariff:
    """Whose tariff it is, and since when, where it does not say so itself."""
    return replace(
        tariff,
        country_code=tariff.country_code or record.parties.operator_country,
        party_id=tariff.party_id or record.parties.operator,
        last_updated=tariff.last_updated or said_at,
    )
