"""Taking a record back: by another record, with every amount of it with the other sign (OCPI mod_cdrs: Credit CDRs)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from controller.tariffs.rated import Amounts, Line, RatedSession
from controller.tariffs.record import ChargeRecord, RecordKind


def credit(record: ChargeRecord, created_at: datetime) -> ChargeRecord:
    """The record that takes a record back: every amount and quantity of it with the other sign.

    Raises:
        ValueError: it is a credit itself.
    """
    if record.identity.kind is RecordKind.CREDIT:
        raise ValueError(f"record {record.identity.id} is a credit: it cannot be credited")
    identity = replace(
        record.identity,
        id=f"{record.identity.id}-C",
        kind=RecordKind.CREDIT,
        credit_of=record.identity.id,
        created_at=created_at,
    )
    quantities = replace(
        record.quantities, import_wh=-record.quantities.import_wh, export_wh=-record.quantities.export_wh
    )
    legs = tuple(replace(leg, rated=_negated(leg.rated)) for leg in record.legs)
    return replace(record, identity=identity, quantities=quantities, legs=legs, flags=())


def _negated(rated: RatedSession) -> RatedSession:
    return replace(
        rated,
        total=_opposite(rated.total),
        invoice=_opposite(rated.invoice),
        lines=tuple(_line_back(line) for line in rated.lines),
        energy_kwh=-rated.energy_kwh,
    )


def _line_back(line: Line) -> Line:
    return replace(
        line,
        quantity=-line.quantity,
        billed_quantity=-line.billed_quantity,
        amounts=_opposite(line.amounts),
        booked=_opposite(line.booked),
    )


def _opposite(amounts: Amounts) -> Amounts:
    before, after = amounts.before_tax, amounts.after_tax
    return Amounts(None if before is None else -before, None if after is None else -after)
