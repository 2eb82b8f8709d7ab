"""Makes the record of a session that is over, of what is on record of it: pure, and the same whenever it is done."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from adapters.billing.session_document import session_facts, session_model
from adapters.rating_documents.tariff_reading import read_tariffs
from adapters.store.unbilled import Told
from controller.ports.ledger import SessionRecord
from controller.tariffs.book import Contract, Leg, SessionTerms, TokenKind
from controller.tariffs.legs import rated_on
from controller.tariffs.premises import GridConnection, MeterIdentity, Place
from controller.tariffs.rated import LineKind, RatedSession
from controller.tariffs.record import (
    ChargeRecord,
    MeterEvidence,
    Quantities,
    RecordIdentity,
    RecordLeg,
    RecordParties,
    Reimbursement,
    SessionTimes,
    TokenUse,
    flagged,
    record_id,
)
from controller.tariffs.session_facts import Activity, MeterPoint, SessionFacts
from controller.tariffs.tariff import Tariff

if TYPE_CHECKING:
    from adapters.billing.signed_values import SignedSession

IMPLAUSIBLE_ENERGY: Final = "implausible_energy"
"""More energy than any charger delivers in that time: a register in other units, or of another connector."""

_WH_PER_KWH: Final = 1000
_HOUR_S: Final = 3600
_MOST_KW: Final = 400
_SLACK_WH: Final = 1000


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What records say of the site."""

    site: str
    time_zone: str
    currency: str
    place: Place
    """Of no point in particular."""
    country: str = ""
    operator: str = ""
    """OCPI party_id."""
    connection: GridConnection | None = None


def rated_legs(
    told: Told, site: SiteFacts, until: datetime | None = None
) -> Sequence[tuple[SessionTerms, RatedSession]]:
    """What the session comes to on each of its legs.

    Args:
        told: of the session.
        site: where it was.
        until: the moment up to which it is priced, while it runs.
    """
    facts = _facts(told, site, until)
    return [(terms, rated_on(terms, facts, site.currency, read_tariff, told.extras)) for terms in told.terms]


def read_tariff(document: str) -> Tariff:
    """A tariff by its document on record."""
    return read_tariffs(document.encode()).tariffs[0]


def made_record(
    told: Told, site: SiteFacts, meter: MeterIdentity, created_at: datetime, version: int = 1
) -> ChargeRecord:
    """The record of a session that is over.

    Args:
        told: of the session.
        site: where it was.
        meter: what measured it.
        created_at: now.
        version: of the session's records.
    """
    session, facts = told.session, _facts(told, site, None)
    legs = tuple(
        RecordLeg(terms.choice.leg, _party(terms), rated, terms.choice.rule, terms.choice.scope)
        for terms, rated in rated_legs(told, site)
    )
    contract = next((terms.contract for terms in told.terms if terms.contract is not None), None)
    quantities = _quantities(session, facts)
    checked = _checked(told, meter, legs)
    return ChargeRecord(
        identity=RecordIdentity(record_id(session.id, version), session.id, version, created_at),
        parties=_parties(site, contract),
        token=_token(told),
        place=_place(site, session),
        times=_times(session, facts),
        quantities=quantities,
        currency=site.currency,
        legs=legs,
        meter=meter,
        evidence=_evidence(told, site, checked),
        connection=site.connection,
        reimbursement=_reimbursement(site, session, legs, contract),
        flags=flagged(
            session.review_flags,
            facts.flags,
            *(leg.rated.review_flags for leg in legs),
            () if checked is None else checked.flags(quantities.import_wh),
            () if _deliverable(quantities.import_wh, facts) else (IMPLAUSIBLE_ENERGY,),
        ),
    )


def _facts(told: Told, site: SiteFacts, until: datetime | None) -> SessionFacts:
    model = session_model(told.session, told.observed, site.time_zone, until)
    return session_facts(model, running=told.session.running)


def _party(terms: SessionTerms) -> str | None:
    """Who pays a leg: the employer where there is one; who is paid back is always the contract's own party."""
    if terms.contract is None:
        return None
    if terms.choice.leg is Leg.RETAIL and terms.contract.employer is not None:
        return terms.contract.employer
    return terms.contract.party


def _parties(site: SiteFacts, contract: Contract | None) -> RecordParties:
    return RecordParties(
        site=site.site,
        operator_country=site.country,
        operator=site.operator,
        contract=None if contract is None else contract.id,
        driver=None if contract is None else contract.party,
        employer=None if contract is None else contract.employer,
        home_charging=contract is not None and contract.home_charging,
    )


def _token(told: Told) -> TokenUse:
    retail = next((terms for terms in told.terms if terms.choice.leg is Leg.RETAIL), None)
    kind = TokenKind.GUEST if retail is None else retail.token_kind
    return TokenUse(
        uid=told.session.token,
        kind=kind,
        type="AD_HOC_USER" if kind is TokenKind.GUEST else "OTHER" if kind is TokenKind.AUTOCHARGE else "RFID",
        group="" if told.token is None else told.token.group or "",
        zero_rate=retail is not None and retail.choice.zero_rate,
    )


def _place(site: SiteFacts, session: SessionRecord) -> Place:
    fields = {name: getattr(site.place, name) for name in site.place.__dataclass_fields__}
    own = {"station": session.station, "connector": session.connector, "point": session.point}
    uid = session.point or f"{session.station}-{session.connector}"
    # eMI3, where there is an operator's id to make it of.
    evse_id = f"{site.country}*{site.operator}*E{uid}" if site.country and site.operator else ""
    return Place(**fields | own | {"evse_uid": uid, "evse_id": evse_id})


def _times(session: SessionRecord, facts: SessionFacts) -> SessionTimes:
    rising = [(low, high) for low, high in zip(facts.meter, facts.meter[1:], strict=False) if _rises(low, high)]
    return SessionTimes(
        started_at=facts.starts_at,
        ended_at=facts.ends_at,
        first_energy_at=rising[0][0].at if rising else None,
        last_energy_at=rising[-1][1].at if rising else None,
        received_at=session.ended_at,
    )


def _rises(low: MeterPoint, high: MeterPoint) -> bool:
    return high.energy_kwh > low.energy_kwh


def _quantities(session: SessionRecord, facts: SessionFacts) -> Quantities:
    seconds: Mapping[Activity, float] = _seconds(facts)
    powers = [stretch.power_kw for stretch in facts.stretches if stretch.power_kw is not None]
    kwh = facts.meter[-1].energy_kwh - facts.meter[0].energy_kwh if facts.meter else Decimal(0)
    return Quantities(
        import_wh=int(kwh * _WH_PER_KWH),
        start_register_wh=session.start_wh,
        end_register_wh=session.end_wh,
        charging_s=round(seconds[Activity.CHARGING]),
        idle_s=round(seconds[Activity.IDLE]),
        withheld_s=round(seconds[Activity.WITHHELD]),
        reserved_s=round(seconds[Activity.RESERVATION] + seconds[Activity.RESERVATION_EXPIRED]),
        max_power_kw=max(powers, default=None),
    )


def _deliverable(import_wh: int, facts: SessionFacts) -> bool:
    hours = (facts.ends_at - facts.starts_at).total_seconds() / _HOUR_S
    return import_wh <= _MOST_KW * _WH_PER_KWH * hours + _SLACK_WH


def _seconds(facts: SessionFacts) -> dict[Activity, float]:
    totals = dict.fromkeys(Activity, 0.0)
    for stretch in facts.stretches:
        totals[stretch.activity] += (stretch.ends_at - stretch.starts_at).total_seconds()
    return totals


def _checked(told: Told, meter: MeterIdentity, legs: Sequence[RecordLeg]) -> SignedSession | None:
    """What the signed values come to; None where there is none."""
    if not told.signed:
        return None
    # What reads them takes some memory, and few sites have such meters.
    from adapters.billing.signed_values import verify  # noqa: PLC0415

    timed = {LineKind.TIME, LineKind.PARKING_TIME}
    time_is_billed = any(line.kind in timed for leg in legs for line in leg.rated.lines)
    return verify(told.signed, meter.public_key, time_is_billed=time_is_billed)


def _evidence(told: Told, site: SiteFacts, checked: SignedSession | None) -> MeterEvidence:
    # Not its flags: what comes of pricing it is shown with the session, and is none of its readings.
    session = replace(told.session, review_flags=())
    text = session_model(session, told.observed, site.time_zone).model_dump_json(exclude_none=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return MeterEvidence(len(told.observed), digest, () if checked is None else checked.values)


def _reimbursement(
    site: SiteFacts, session: SessionRecord, legs: Sequence[RecordLeg], contract: Contract | None
) -> Reimbursement | None:
    paid = next((leg.party for leg in legs if leg.leg is Leg.REIMBURSEMENT and leg.party is not None), None)
    if paid is None or session.ended_at is None or contract is None:
        return None
    year = session.ended_at.astimezone(ZoneInfo(site.time_zone)).year
    return Reimbursement(paid, contract.price_basis(year), year)
