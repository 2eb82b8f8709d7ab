"""The files that others get: the same bytes for the same statements, and nothing in them that a bank refuses."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from importlib.resources import files

import pytest
import xmlschema
from reportlab.pdfbase import pdfmetrics

from adapters.billing_documents import statement_of, statement_text
from adapters.settlement.paper import BOLD, PLAIN
from adapters.settlement.pdf import statement_pdf, statements_pdf
from adapters.settlement.sepa import SCHEMA, TransferRefused, bank_text, transfer_file
from adapters.settlement.tables import statements_csv
from controller.tariffs.book import Party, PartyKind
from controller.tariffs.crediting import credit
from controller.tariffs.overview import employer_overviews, site_overview
from controller.tariffs.rated import LineKind
from controller.tariffs.statement import IssuedStatement, StatementKind, statements
from tests.support.billing import OPERATOR, PARTIES, year_of_records

MONTH = "2026-10"
ISSUED_ON = date(2026, 11, 2)
BY_ID = {party.id: party for party in PARTIES}


@pytest.fixture(scope="module")
def issued() -> list[IssuedStatement]:
    """The statements of a month with a few sessions of everybody."""
    records = [record for record in year_of_records(700) if record.month == MONTH]
    drawn = statements(MONTH, [(record, leg.leg) for record in records for leg in record.legs])
    names = {party.id: party.name for party in PARTIES}
    return [
        IssuedStatement(f"LS-2026-{n:05d}", ISSUED_ON, None, OPERATOR, BY_ID.get(each.party, OPERATOR), names, each)
        for n, each in enumerate(drawn, start=1)
    ]


def of_kind(issued: list[IssuedStatement], kind: StatementKind) -> list[IssuedStatement]:
    return [each for each in issued if each.statement.kind is kind]


def test_a_statement_is_the_same_file_whenever_and_wherever_it_is_drawn(issued: list[IssuedStatement]):
    text = statement_text(issued[1])
    assert statement_text(statement_of(text)) == text
    program = (
        "import sys; from hashlib import sha256; from adapters.billing_documents import statement_of\n"
        "from adapters.settlement.pdf import statement_pdf\n"
        "print(sha256(statement_pdf(statement_of(sys.stdin.read()))).hexdigest())"
    )
    command = [sys.executable, "-c", program]
    elsewhere = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout.strip()
    assert sha256(statement_pdf(issued[1])).hexdigest() == elsewhere


def test_everything_of_a_month_fits_into_one_file(issued: list[IssuedStatement]):
    overviews = [*employer_overviews(MONTH, issued, BY_ID), site_overview(MONTH, issued)]
    pdf = statements_pdf(issued, overviews)
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", pdf)) >= len(issued) + len(overviews), "each begins on a page of its own"
    with pytest.raises(ValueError, match="at least one"):
        statements_pdf([])


def test_the_letters_of_europe_are_in_the_fonts(issued: list[IssuedStatement]):
    statement_pdf(issued[0])
    letters = set("ÀÉÎÕÜßçèéñøåæœŁłŚśĄąĘęŹźŻżĆćŃńŠšŽžČčŘřŮůĐđĞğİıŐőŰűȘșȚțΑΩαωБЯбяІіЇї€£…") | {
        "\N{EN DASH}",
        "\N{MINUS SIGN}",
        "\N{MULTIPLICATION SIGN}",
    }
    for name in (PLAIN, BOLD):
        assert letters <= {chr(code) for code in pdfmetrics.getFont(name).face.charToGlyph}


def test_a_table_of_lines_adds_up_to_the_statements(issued: list[IssuedStatement]):
    rows = list(csv.DictReader(io.StringIO(statements_csv(issued))))
    for each in issued:
        own = [row for row in rows if row["statement"] == each.number]
        assert sum(Decimal(row["gross"]) for row in own) == each.statement.totals.payable
        assert all(Decimal(row["net"]) + Decimal(row["tax"]) == Decimal(row["gross"]) for row in own)


@pytest.mark.parametrize("kind", LineKind)
def test_every_kind_of_line_has_words_on_paper(issued: list[IssuedStatement], kind: LineKind):
    """Also one that hardly ever comes: for beginning while the site neared its peak."""
    whole = issued[1].statement
    (first, *_) = whole.lines
    one = replace(issued[1], statement=replace(whole, lines=(replace(first, kind=kind),)))
    assert statement_pdf(one).startswith(b"%PDF-")


def test_what_somebody_wrote_is_no_formula(issued: list[IssuedStatement]):
    evil = replace(issued[0], party=replace(issued[0].party, name="=cmd|' /C calc'!A0"))
    assert "'=cmd" in statements_csv([evil])


def test_the_reimbursements_are_a_valid_credit_transfer(issued: list[IssuedStatement]):
    file = transfer_file(issued)
    assert file == transfer_file(issued), "the same payments are the same file, so that none is made twice"
    xmlschema.XMLSchema(str(files("sepaxml") / "schemas" / f"{SCHEMA}.xsd")).validate(file.decode())
    root = ET.fromstring(file)
    space = {"p": f"urn:iso:std:iso:20022:tech:xsd:{SCHEMA}"}
    paid = {node.findtext(".//p:EndToEndId", "", space): node for node in root.iterfind(".//p:CdtTrfTxInf", space)}
    owed = of_kind(issued, StatementKind.REIMBURSEMENT)
    assert paid.keys() == {each.number for each in owed}
    for each in owed:
        node = paid[each.number]
        assert Decimal(node.findtext(".//p:InstdAmt", "", space)) == each.statement.totals.payable
        assert node.findtext(".//p:CdtrAcct//p:IBAN", "", space) == each.party.iban
    total = sum(each.statement.totals.payable for each in owed)
    assert [Decimal(node.text or "") for node in root.iterfind(".//p:CtrlSum", space)] == [total, total]
    assert root.findtext(".//p:CreDtTm", "", space) == "2026-11-02T00:00:00"
    assert "Bob Swiatek" in file.decode()
    assert len(root.findtext(".//p:MsgId", "", space)) <= 35


def test_all_that_is_in_the_way_of_paying_is_told_at_once(issued: list[IssuedStatement]):
    owed = of_kind(issued, StatementKind.REIMBURSEMENT)
    nobody = replace(owed[0], party=replace(owed[0].party, iban=""))
    mistyped = replace(owed[1], party=replace(owed[1].party, iban="DE88 3704 0044 0532 0130 00"))
    with pytest.raises(TransferRefused) as refused:
        transfer_file([nobody, mistyped])
    assert [problem.split(" ")[1] for problem in refused.value.problems] == ["'bob'", "'host'"]
    assert "no iban" in refused.value.problems[0]
    assert "is no IBAN" in refused.value.problems[1]
    assert transfer_file(of_kind(issued, StatementKind.INVOICE)) is None


def test_a_bank_is_paid_without_a_bic_too(issued: list[IssuedStatement]):
    file = transfer_file([replace(each, operator=replace(OPERATOR, bic="")) for each in issued])
    assert b"<Id>NOTPROVIDED</Id>" in file


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("Zażółć gęślą jaźń", "Zazolc gesla jazn"),
        ("Müller & Söhne_GmbH", "Muller + Sohne-GmbH"),
        ("Δημήτρης Иван", "Demetres Ivan"),
        ("a" * 80, "a" * 70),
        ("€ {} 日", "EUR Ri"),
        ("\x00\ud800", "?"),
        ("", "-"),
    ],
)
def test_names_are_spelt_in_letters_that_every_bank_takes(text: str, spelt: str):
    assert bank_text(text, 70) == spelt


def test_a_month_of_credits_is_a_credit_note(november: datetime):
    records = [credit(record, november) for record in year_of_records(200) if record.month == MONTH]
    drawn = statements(MONTH, [(record, leg.leg) for record in records for leg in record.legs])
    charged = [each for each in drawn if each.totals.payable < 0 and each.kind is not StatementKind.REIMBURSEMENT]
    assert charged
    assert {each.kind for each in charged} == {StatementKind.CREDIT_NOTE}
    party = Party("x", PartyKind.TENANT, "x")
    note = IssuedStatement("LS-2026-00001", ISSUED_ON, None, OPERATOR, party, {}, charged[0])
    assert statement_pdf(note).startswith(b"%PDF-")
