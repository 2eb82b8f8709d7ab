"""Statements in the language of who gets them, with its way of writing numbers and dates."""

from __future__ import annotations

import json
import re
import string
import zlib
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from reportlab.pdfbase import pdfmetrics

from adapters.billing_documents import statement_document, statement_of
from adapters.settlement.paper import BOLD, PLAIN, fitted
from adapters.settlement.pdf import _LINES, _SIZE, statement_pdf
from adapters.settlement.texts import ENGLISH, TEXTS, Texts
from adapters.settlement.wording import Wording, wording_in
from controller.tariffs.book import Language, Leg, PriceBasis
from controller.tariffs.overview import OverviewKind
from controller.tariffs.rated import LineKind, TaxState
from controller.tariffs.statement import IssuedStatement, StatementKind, lines_of, statements
from tests.support.billing import OPERATOR, PARTIES, year_of_records

WHOLE = {"titles": StatementKind, "overviews": OverviewKind, "legs": Leg, "kinds": LineKind, "bases": PriceBasis}


def issued(party_language: Language | None, operator_language: Language | None = None) -> IssuedStatement:
    """A tenant's statement."""
    records = [record for record in year_of_records(200) if record.month == "2026-10"]
    drawn = statements("2026-10", [(record, leg.leg) for record in records for leg in record.legs])
    (mine,) = (each for each in drawn if each.party == "flat1")
    tenant = next(party for party in PARTIES if party.id == "flat1")
    operator = replace(OPERATOR, language=operator_language)
    tenant = replace(tenant, language=party_language)
    return IssuedStatement("LS-1", date(2026, 11, 2), date(2026, 11, 16), operator, tenant, {}, mine)


def holes(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", list(Language))
def test_every_language_says_everything_and_puts_in_the_same(language: Language):
    texts = TEXTS[language]
    for field in fields(Texts):
        said, english = getattr(texts, field.name), getattr(ENGLISH, field.name)
        if field.name in WHOLE:
            assert set(said) == set(WHOLE[field.name]), field.name
        elif isinstance(said, str):
            assert holes(said) == holes(english), field.name
        assert said, field.name
    assert len(texts.months.split()) == 12


@pytest.mark.parametrize("language", list(Language))
def test_what_stands_in_columns_is_not_cut(language: Language):
    texts = TEXTS[language]
    statement_pdf(issued(language))
    for column, heading in zip(_LINES, texts.columns, strict=True):
        assert fitted(heading, BOLD, _SIZE, column.width)[0] == heading
    mean = f"{texts.kinds[LineKind.ENERGY]}, {texts.prices.format(count=96)}"
    for kind in (*texts.kinds.values(), mean):
        assert fitted(kind, PLAIN, _SIZE, _LINES[3].width)[0] == kind
    assert "\N{DAGGER}" in {chr(code) for code in pdfmetrics.getFont(PLAIN).face.charToGlyph}


def test_numbers_and_dates_are_written_as_they_are_read_there():
    dutch, german = wording_in(Language.DUTCH), wording_in(Language.GERMAN)
    assert dutch.money(Decimal("-1234567.5"), "EUR") == "\N{MINUS SIGN}1.234.567,50"
    assert (dutch.day(date(2026, 11, 2)), german.day(date(2026, 11, 2))) == ("02-11-2026", "02.11.2026")
    assert german.period("2026-03") == "März 2026"
    assert german.rate(TaxState.RATE, Decimal("8.1")) == "8,1\N{NO-BREAK SPACE}%"
    statement = issued(Language.GERMAN)
    line = next(line for line in statement.statement.lines if line.kind is LineKind.ENERGY)
    assert re.fullmatch(r"\d+,\d{3} kWh", german.quantity(line, "EUR"))
    summer = replace(
        line, starts_at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC), ends_at=datetime(2026, 7, 2, 5, tzinfo=UTC)
    )
    assert german.when(replace(summer, time_zone="Europe/Berlin")) == "02.07.2026 00:30\N{EN DASH}07:00"
    assert "Bitte zahlen Sie EUR" in german.settlement_of(statement)
    assert "bis 16.11.2026 auf NL91 ABNA" in german.settlement_of(statement)


def test_a_session_that_costs_nothing_is_free_in_every_language():
    record = next(record for record in year_of_records(50))
    leg = record.legs[0]
    (line,) = lines_of(record, replace(leg, rated=replace(leg.rated, lines=())))
    assert [Wording(texts).described(line) for texts in TEXTS.values()] == [
        "Energy, free",
        "Energie, gratis",
        "Energie, kostenlos",
    ]


@pytest.mark.parametrize(
    ("party", "operator", "title"),
    [
        (None, None, b"Invoice"),
        (None, Language.DUTCH, b"Factuur"),
        (Language.GERMAN, Language.DUTCH, b"Rechnung"),
        (Language.ENGLISH, Language.DUTCH, b"Invoice"),
    ],
)
def test_the_party_comes_before_the_operator(party: Language | None, operator: Language | None, title: bytes):
    pdf = statement_pdf(issued(party, operator))
    streams = (part.partition(b"endstream")[0].strip(b"\r\n") for part in pdf.split(b"stream\n")[1:])
    assert title in b"".join(zlib.decompress(each) for each in streams if each.startswith(b"x"))


def test_a_statement_from_before_languages_were_said_stays_in_english():
    before = issued(None)
    document = statement_document(before)
    for who in ("party", "operator"):
        del document[who]["language"]
    assert statement_of(json.dumps(document)) == before
