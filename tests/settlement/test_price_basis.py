"""By what an employee is paid back: said in the contract for a calendar year, and carried onto the statement."""

from __future__ import annotations

import csv
import io
import json
import zlib
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, text

from adapters.billing_documents import statement_document, statement_of
from adapters.settling.export_kinds import Format, Kind
from controller.ports.tokens import Token
from controller.tariffs.book import BillingRule, Contract, Leg, PriceBasis, Scope, TokenKind
from controller.tariffs.rules import RuleRefused
from tests.support.settlement import BY, Office

LUMP = ((2026, PriceBasis.LUMP_SUM), (2027, PriceBasis.REGULATED))


def employ(office: Office, contract: Contract) -> None:
    """Let the card of the sessions be an employee's, who is paid back."""
    office.ledger.book.keep_contract(contract, BY)
    office.ledger.token_book.add_token(Token("04A2", kind=TokenKind.EMPLOYEE, contract=contract.id), BY)
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    rule = BillingRule("", Scope.CONTRACT, contract.id, Leg.REIMBURSEMENT, "t", begins, None, BY)
    office.ledger.book.add_rules([rule], approve=True)


async def test_the_basis_of_the_year_stands_on_the_record_and_on_every_form_of_the_statement(office: Office):
    employ(office, Contract("c-bob", "bob", price_bases=LUMP))
    session = await office.session(1, 8_000)
    office.billing.record_ended()
    (record,) = office.records(session)
    assert record.reimbursement is not None
    assert (record.reimbursement.basis, record.reimbursement.calendar_year) == (PriceBasis.LUMP_SUM, 2026)
    rows = list(csv.DictReader(io.StringIO(office.exported(Kind.STATEMENT, Format.CSV).decode())))
    assert {(row["leg"], row["price_basis"]) for row in rows} == {("retail", ""), ("reimbursement", "lump_sum")}
    assert b"lump sum" in words(office.exported(Kind.STATEMENT, Format.PDF))


def words(pdf: bytes) -> bytes:
    """The texts of a PDF, as far as they are drawn in one piece."""
    streams = (part.partition(b"endstream")[0].strip(b"\r\n") for part in pdf.split(b"stream\n")[1:])
    return b"".join(zlib.decompress(each) for each in streams if each.startswith(b"x"))


async def test_one_basis_holds_for_a_year_of_which_something_is_on_record(office: Office):
    employ(office, Contract("c-bob", "bob", price_bases=LUMP))
    book = office.ledger.book
    book.keep_contract(Contract("c-bob", "bob", price_bases=((2026, PriceBasis.CONTRACT), LUMP[1])), BY)
    book.keep_contract(Contract("c-bob", "bob", price_bases=LUMP), BY)
    await office.session(1, 8_000)
    office.billing.record_ended()
    for other in ((), ((2026, PriceBasis.REGULATED),)):
        with pytest.raises(RuleRefused, match="reimbursements of 2026 are on record by the basis lump_sum"):
            book.keep_contract(Contract("c-bob", "bob", price_bases=other), BY)
    changed = Contract("c-bob", "bob", employer="works", price_bases=(LUMP[0], (2027, PriceBasis.CONTRACT)))
    book.keep_contract(changed, BY)
    assert changed in book.contracts()


async def test_where_nobody_has_said_it_is_what_the_contract_costs_as_in_ledgers_from_before(office: Office):
    employ(office, Contract("c-bob", "bob"))
    session = await office.session(1, 8_000)
    engine = create_engine(office.url)
    with engine.begin() as connection:
        for table, column in (("standing_data", "document"), ("session_terms", "contract")):
            removed = f"UPDATE {table} SET {column} = json_remove({column}, '$.price_bases') WHERE {column} IS NOT NULL"
            connection.execute(text(removed))
        without = "UPDATE standing_data SET document = json_remove(document, '$.language') WHERE kind = 'party'"
        connection.execute(text(without))
    engine.dispose()
    assert {party.language for party in office.ledger.book.parties()} == {None}
    office.billing.record_ended()
    (record,) = office.records(session)
    assert record.reimbursement is not None
    assert record.reimbursement.basis is PriceBasis.CONTRACT
    assert Contract("c-bob", "bob") in office.ledger.book.contracts()
    office.ledger.book.keep_contract(Contract("c-bob", "bob", price_bases=LUMP), BY)


async def test_a_statement_from_before_is_read_as_it_was(office: Office):
    await office.session(1, 8_000)
    office.billing.record_ended()
    await office.ask("POST", "/statements/2026-10")
    (issued,) = office.book.statements("2026-10")
    document = statement_document(issued)
    for line in document["statement"]["lines"]:
        del line["basis"]
    assert statement_of(json.dumps(document)) == issued
