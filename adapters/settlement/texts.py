"""What stands on statements in each language, and how it writes numbers and dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from controller.tariffs.book import Language, Leg, PriceBasis
from controller.tariffs.overview import OverviewKind
from controller.tariffs.rated import LineKind
from controller.tariffs.statement import StatementKind


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language. What stands in braces is put in."""

    thousands: str
    decimal: str
    date: str
    """As ``strftime`` takes it."""
    months: str
    """The twelve, with spaces between."""
    titles: Mapping[StatementKind, str]
    overviews: Mapping[OverviewKind, str]
    legs: Mapping[Leg, str]
    kinds: Mapping[LineKind, str]
    bases: Mapping[PriceBasis, str]
    columns: tuple[str, str, str, str, str, str, str, str, str, str]
    """Session, point, who, what for, quantity, price, net, tax in percent, tax, gross."""
    taxes: tuple[str, str, str, str]
    """Rate of tax, net, tax, gross."""
    brief: tuple[str, str, str, str, str]
    """Statement, party, net, tax, sum."""
    page: str
    """What stands before how many pages there are."""
    draft: str
    credit: str
    free: str
    prices: str
    exempt: str
    vat_number: str
    number: str
    date_of: str
    period: str
    payable_by: str
    sum: str
    sessions: str
    overview: str
    total: str
    untaxed: str
    with_tax: str
    mean: str
    undetermined: str
    basis: str
    own_account: str
    nothing: str
    paid_out: str
    in_favour: str
    please_pay: str
    to_account: str
    """Put in where an account is known."""
    by_day: str
    """Put in where there is a day."""


ENGLISH: Final = Texts(
    thousands=",",
    decimal=".",
    date="%Y-%m-%d",
    months="January February March April May June July August September October November December",
    titles={
        StatementKind.INVOICE: "Invoice",
        StatementKind.CREDIT_NOTE: "Credit note",
        StatementKind.REIMBURSEMENT: "Reimbursement",
        StatementKind.OWN_ACCOUNT: "Own account",
    },
    overviews={OverviewKind.SITE: "Overview of the site", OverviewKind.EMPLOYER: "Overview for the employer"},
    legs={
        Leg.RETAIL: "Charging",
        Leg.WHOLESALE: "Charging of partners' customers",
        Leg.REIMBURSEMENT: "Reimbursement of charging",
    },
    kinds={
        LineKind.ENERGY: "Energy",
        LineKind.FLAT: "Per session",
        LineKind.TIME: "Charging time",
        LineKind.PARKING_TIME: "Idle time",
        LineKind.RESERVATION: "Reservation",
        LineKind.MIN_PRICE: "To minimum",
        LineKind.MAX_PRICE: "Above maximum",
        LineKind.IDLE_MOST: "Above idle limit",
        LineKind.CARD_FEE: "Charge card fee",
        LineKind.SURCHARGE: "Surcharge",
    },
    bases={
        PriceBasis.CONTRACT: "what the electricity costs by its contract",
        PriceBasis.LUMP_SUM: "the lump sum per kWh that the tax office allows",
        PriceBasis.REGULATED: "the price per kWh that the regulator publishes",
    },
    columns=("Session", "Point", "Who", "For", "Quantity", "Price", "Net", "VAT %", "VAT", "Gross"),
    taxes=("VAT rate", "Net", "VAT", "Gross"),
    brief=("Statement", "Party", "Net", "VAT", "Sum"),
    page="page {page} of ",
    draft="Draft of: {title}",
    credit="Credit: {text}",
    free="free",
    prices="{count} prices",
    exempt="exempt",
    vat_number="VAT {number}",
    number="Number",
    date_of="Date",
    period="Period",
    payable_by="Payable by",
    sum="Sum in {currency}",
    sessions="Charging sessions: {count}. Energy: {kwh} kWh. Amounts in {currency}.",
    overview="Charging sessions: {count}. This overview is no invoice: it repeats what statements say.",
    total="Total {currency}",
    untaxed="No VAT is charged: {reason}.",
    with_tax="This price includes VAT.",
    mean="The mean of prices that changed while the car charged, by energy. "
    "Each of them is in the table of periods that comes with this month.",
    undetermined="The VAT of some lines is not determined: this is no tax invoice.",
    basis="Basis of what is paid back: {basis}.",
    own_account="For information: nobody else bears these costs.",
    nothing="Nothing is to be paid.",
    paid_out="{sum} will be paid{account}, with the reference {number}.",
    in_favour="{sum} is in your favour: it is paid out or set against what you owe, with the reference {number}.",
    please_pay="Please pay {sum}{day}{account}, with the reference {number}.",
    to_account=" to {iban}",
    by_day=" by {day}",
)

DUTCH: Final = Texts(
    thousands=".",
    decimal=",",
    date="%d-%m-%Y",
    months="januari februari maart april mei juni juli augustus september oktober november december",
    titles={
        StatementKind.INVOICE: "Factuur",
        StatementKind.CREDIT_NOTE: "Creditnota",
        StatementKind.REIMBURSEMENT: "Vergoeding",
        StatementKind.OWN_ACCOUNT: "Eigen rekening",
    },
    overviews={OverviewKind.SITE: "Overzicht van de locatie", OverviewKind.EMPLOYER: "Overzicht voor de werkgever"},
    legs={
        Leg.RETAIL: "Laden",
        Leg.WHOLESALE: "Laden door klanten van partners",
        Leg.REIMBURSEMENT: "Vergoeding van laden",
    },
    kinds={
        LineKind.ENERGY: "Energie",
        LineKind.FLAT: "Per sessie",
        LineKind.TIME: "Laadtijd",
        LineKind.PARKING_TIME: "Tijd na het laden",
        LineKind.RESERVATION: "Reservering",
        LineKind.MIN_PRICE: "Tot minimum",
        LineKind.MAX_PRICE: "Boven maximum",
        LineKind.IDLE_MOST: "Na het laden, max.",
        LineKind.CARD_FEE: "Laadpaskosten",
        LineKind.SURCHARGE: "Toeslag",
    },
    bases={
        PriceBasis.CONTRACT: "de prijs van de stroom volgens het energiecontract",
        PriceBasis.LUMP_SUM: "het forfait per kWh dat de belastingdienst toestaat",
        PriceBasis.REGULATED: "de prijs per kWh die de toezichthouder publiceert",
    },
    columns=("Laadsessie", "Laadpunt", "Wie", "Waarvoor", "Aantal", "Prijs", "Netto", "Btw %", "Btw", "Bruto"),
    taxes=("Btw-tarief", "Netto", "Btw", "Bruto"),
    brief=("Nummer", "Partij", "Netto", "Btw", "Bedrag"),
    page="pagina {page} van ",
    draft="Concept: {title}",
    credit="Credit: {text}",
    free="gratis",
    prices="{count} prijzen",
    exempt="vrijgesteld",
    vat_number="Btw-nr. {number}",
    number="Nummer",
    date_of="Datum",
    period="Periode",
    payable_by="Betalen uiterlijk",
    sum="Bedrag in {currency}",
    sessions="Laadsessies: {count}. Energie: {kwh} kWh. Bedragen in {currency}.",
    overview="Laadsessies: {count}. Dit overzicht is geen factuur: het herhaalt wat op facturen en vergoedingen staat.",
    total="Totaal {currency}",
    untaxed="Er wordt geen btw berekend: {reason}.",
    with_tax="Deze prijs is inclusief btw.",
    mean="Het gemiddelde, naar energie, van prijzen die tijdens het laden veranderden. "
    "Ze staan elk in de tabel met perioden bij deze maand.",
    undetermined="De btw van sommige regels staat niet vast: dit is geen btw-factuur.",
    basis="Grondslag van de vergoeding: {basis}.",
    own_account="Ter informatie: niemand anders draagt deze kosten.",
    nothing="Er hoeft niets te worden betaald.",
    paid_out="{sum} wordt uitbetaald{account}, onder vermelding van {number}.",
    in_favour="{sum} is in uw voordeel: het wordt uitbetaald of verrekend, onder vermelding van {number}.",
    please_pay="Wij verzoeken u {sum}{day} te betalen{account}, onder vermelding van {number}.",
    to_account=" op {iban}",
    by_day=" uiterlijk {day}",
)

GERMAN: Final = Texts(
    thousands=".",
    decimal=",",
    date="%d.%m.%Y",
    months="Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    titles={
        StatementKind.INVOICE: "Rechnung",
        StatementKind.CREDIT_NOTE: "Rechnungskorrektur",
        StatementKind.REIMBURSEMENT: "Erstattung",
        StatementKind.OWN_ACCOUNT: "Eigene Rechnung",
    },
    overviews={OverviewKind.SITE: "Übersicht des Standorts", OverviewKind.EMPLOYER: "Übersicht für den Arbeitgeber"},
    legs={
        Leg.RETAIL: "Laden",
        Leg.WHOLESALE: "Laden durch Kunden von Partnern",
        Leg.REIMBURSEMENT: "Erstattung von Ladestrom",
    },
    kinds={
        LineKind.ENERGY: "Energie",
        LineKind.FLAT: "Je Ladevorgang",
        LineKind.TIME: "Ladezeit",
        LineKind.PARKING_TIME: "Standzeit",
        LineKind.RESERVATION: "Reservierung",
        LineKind.MIN_PRICE: "Bis Mindestpreis",
        LineKind.MAX_PRICE: "Über Höchstpreis",
        LineKind.IDLE_MOST: "Standzeit, Deckel",
        LineKind.CARD_FEE: "Ladekartengebühr",
        LineKind.SURCHARGE: "Zuschlag",
    },
    bases={
        PriceBasis.CONTRACT: "der Strompreis nach dem Liefervertrag",
        PriceBasis.LUMP_SUM: "die Pauschale je kWh, die die Finanzverwaltung zulässt",
        PriceBasis.REGULATED: "der Preis je kWh, den die Regulierungsbehörde veröffentlicht",
    },
    columns=("Ladevorgang", "Ladepunkt", "Wer", "Wofür", "Menge", "Preis", "Netto", "USt. %", "USt.", "Brutto"),
    taxes=("USt.-Satz", "Netto", "USt.", "Brutto"),
    brief=("Nummer", "Partei", "Netto", "USt.", "Betrag"),
    page="Seite {page} von ",
    draft="Entwurf: {title}",
    credit="Storno: {text}",
    free="kostenlos",
    prices="{count} Preise",
    exempt="befreit",
    vat_number="USt-IdNr. {number}",
    number="Nummer",
    date_of="Datum",
    period="Zeitraum",
    payable_by="Zahlbar bis",
    sum="Betrag in {currency}",
    sessions="Ladevorgänge: {count}. Energie: {kwh} kWh. Beträge in {currency}.",
    overview="Ladevorgänge: {count}. Diese Übersicht ist keine Rechnung: Sie wiederholt, was Rechnungen und "
    "Erstattungen sagen.",
    total="Summe {currency}",
    untaxed="Es wird keine Umsatzsteuer berechnet: {reason}.",
    with_tax="Dieser Preis enthält die Umsatzsteuer.",
    mean="Mittel, nach Energie, von Preisen, die sich während des Ladens änderten. "
    "Jeder von ihnen steht in der Tabelle der Zeiträume zu diesem Monat.",
    undetermined="Die Umsatzsteuer einiger Zeilen steht nicht fest: Dies ist keine Rechnung im Sinne des Steuerrechts.",
    basis="Grundlage der Erstattung: {basis}.",
    own_account="Zur Kenntnis: Niemand anders trägt diese Kosten.",
    nothing="Es ist nichts zu zahlen.",
    paid_out="{sum} werden{account} ausgezahlt, mit dem Verwendungszweck {number}.",
    in_favour="{sum} zu Ihren Gunsten werden ausgezahlt oder verrechnet, mit dem Verwendungszweck {number}.",
    please_pay="Bitte zahlen Sie {sum}{day}{account}, mit dem Verwendungszweck {number}.",
    to_account=" auf {iban}",
    by_day=" bis {day}",
)

TEXTS: Final = {Language.ENGLISH: ENGLISH, Language.DUTCH: DUTCH, Language.GERMAN: GERMAN}
