"""Parties, contracts and the public points, on record: of each the newest row counts, the others are its history.

Functions of a connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, select

from adapters.store.schema import storable_text
from adapters.store.schema_tariffs import standing_data
from controller.tariffs.book import Approval, Contract, Language, Party, PartyKind, PriceBasis
from controller.tariffs.rated import Tax, TaxSource, TaxState


class Kept(StrEnum):
    """What is kept so."""

    PARTY = "party"
    CONTRACT = "contract"
    POINT = "point"
    """Whether a charging point is open to the public."""
    POINT_LIMIT = "point_limit"
    """What a charging point is limited to by an energy system."""
    WITHDRAWAL = "withdrawal"
    """For whom a charging point is out of service."""
    TOKEN = "token"  # noqa: S105 - the history of an id token; what holds is in the table of tokens


def keep(connection: Connection, kind: Kept, name: str, document: Mapping[str, Any] | None, by: Approval) -> None:
    """Write down what holds from now on; None: it is removed."""
    connection.execute(
        standing_data.insert().values(
            kind=kind.value,
            name=name,
            document=None if document is None else dict(document),
            changed_by=by.by,
            changed_at=by.at,
        )
    )


def keep_all(connection: Connection, kind: Kept, documents: Mapping[str, Mapping[str, Any]], by: Approval) -> None:
    """Write down what holds from now on of many, by name."""
    shared = {"kind": kind.value, "changed_by": by.by, "changed_at": by.at}
    if documents:
        rows = [{"name": name, "document": dict(document), **shared} for name, document in documents.items()]
        connection.execute(standing_data.insert(), rows)


def find(connection: Connection, kind: Kept, name: str) -> dict[str, Any] | None:
    """What holds; None where there is nothing, or nothing any more."""
    of_name = select(standing_data.c.document).where(
        standing_data.c.kind == kind.value, standing_data.c.name == storable_text(name)
    )
    found: dict[str, Any] | None = connection.execute(of_name.order_by(standing_data.c.id.desc()).limit(1)).scalar()
    return found


def everything(connection: Connection, kind: Kept) -> dict[str, dict[str, Any]]:
    """All that holds, by name."""
    newest = select(func.max(standing_data.c.id)).where(standing_data.c.kind == kind.value)
    query = select(standing_data).where(standing_data.c.id.in_(newest.group_by(standing_data.c.name)))
    rows = connection.execute(query.order_by(standing_data.c.name))
    return {row.name: row.document for row in rows if row.document is not None}


def history(connection: Connection, kind: Kept, name: str) -> Sequence[tuple[Approval, dict[str, Any] | None]]:
    """Who has changed it when to what (None: removed), oldest first."""
    of_name = select(standing_data).where(
        standing_data.c.kind == kind.value, standing_data.c.name == storable_text(name)
    )
    rows = connection.execute(of_name.order_by(standing_data.c.id))
    return [(Approval(row.changed_by, row.changed_at), row.document) for row in rows]


def party_document(party: Party) -> dict[str, Any]:
    """A party as it is kept."""
    return asdict(party) | {"address": list(party.address)}


def party_of(document: Mapping[str, Any]) -> Party:
    """A party as it was kept."""
    language = document.get("language")  # ledgers from before languages were said do not have it
    exact = {"kind": PartyKind(document["kind"]), "language": None if language is None else Language(language)}
    return Party(**{**document, **exact, "address": tuple(document["address"])})


def tax_document(tax: Tax) -> dict[str, Any]:
    """A tax as it is kept."""
    return {
        "state": tax.state.value,
        "percent": None if tax.percent is None else f"{tax.percent:f}",
        "source": tax.source.value,
        "reason": tax.reason,
    }


def tax_of(document: Mapping[str, Any]) -> Tax:
    """A tax as it was kept."""
    percent = document["percent"]
    return Tax(
        TaxState(document["state"]),
        None if percent is None else Decimal(percent),
        TaxSource(document["source"]),
        document["reason"],
    )


def contract_document(contract: Contract) -> dict[str, Any]:
    """A contract as it is kept."""
    return asdict(contract) | {
        "tax": None if contract.tax is None else tax_document(contract.tax),
        "valid_from": None if contract.valid_from is None else contract.valid_from.isoformat(),
        "valid_until": None if contract.valid_until is None else contract.valid_until.isoformat(),
        "price_bases": [[year, basis.value] for year, basis in contract.price_bases],
    }


def contract_of(document: Mapping[str, Any]) -> Contract:
    """A contract as it was kept."""
    times = {
        name: None if document[name] is None else datetime.fromisoformat(document[name])
        for name in ("valid_from", "valid_until")
    }
    tax = None if document["tax"] is None else tax_of(document["tax"])
    # Ledgers from before price bases were said do not have them.
    bases = tuple((year, PriceBasis(basis)) for year, basis in document.get("price_bases", ()))
    return Contract(**{**document, **times, "tax": tax, "price_bases": bases})
