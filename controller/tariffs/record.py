"""The record of a charging session: what happened, where, who pays what, and by which rules it was worked out.

A record is never changed. What was wrong with one is put right by a credit, which takes all of it back, and by a new
record in its place (OCPI mod_cdrs: Credit CDRs). Whether a record that is flagged may be billed is said by decisions
that stand beside it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from controller.tariffs.book import Leg, PriceBasis, Scope, TokenKind
from controller.tariffs.premises import GridConnection, MeterIdentity, Place
from controller.tariffs.rated import ROUNDING_POLICY, RatedSession

ENGINE: Final = "1"
"""The version of what makes prices of facts; raised when the same facts would yield another price."""

_RECORDS: Final = uuid.UUID("5a1f9f1c-7a0e-5c1e-9d3b-0f4c6c1f5d10")
"""Names of records are drawn from it."""


class RecordKind(StrEnum):
    """What a record is."""

    FINAL = "final"
    CREDIT = "credit"
    """It takes another record back."""


class AuthMethod(StrEnum):
    """How the driver was let in (OCPI AuthMethod)."""

    AUTH_REQUEST = "AUTH_REQUEST"
    """A back office was asked."""
    COMMAND = "COMMAND"
    """Started from afar."""
    WHITELIST = "WHITELIST"
    """The token was known here."""


@dataclass(frozen=True, slots=True)
class RecordIdentity:
    """Which record it is."""

    id: str
    """At most 39 characters (OCPI CDR id)."""
    session: str
    version: int
    """Of the session's records, from 1; a credit has that of the record which it takes back."""
    created_at: datetime
    kind: RecordKind = RecordKind.FINAL
    credit_of: str | None = None
    """The record that a credit takes back."""
    engine: str = ENGINE
    rounding: str = ROUNDING_POLICY


@dataclass(frozen=True, slots=True)
class RecordParties:
    """Whom it concerns; who pays which leg stands there."""

    site: str
    operator_country: str = ""
    """OCPI country_code, ISO 3166-1 alpha-2."""
    operator: str = ""
    """OCPI party_id."""
    provider_country: str = ""
    """Of the service provider whose token was used; empty where it was the operator's own."""
    provider: str = ""
    contract: str | None = None
    driver: str | None = None
    """A party's id."""
    employer: str | None = None
    """A party's id."""
    home_charging: bool = False
    """At an employee's home (OCPI home_charging_compensation)."""


@dataclass(frozen=True, slots=True)
class TokenUse:
    """With what the driver was let in, as it was at the start."""

    uid: str
    kind: TokenKind
    type: str = "RFID"
    """OCPI TokenType: AD_HOC_USER, APP_USER, EMAID, OTHER, RFID."""
    contract_id: str = ""
    """EMAID, where there is one."""
    visual_number: str = ""
    group: str = ""
    auth_method: AuthMethod = AuthMethod.WHITELIST
    authorization_reference: str = ""
    zero_rate: bool = False


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """When what happened (UTC); None: nobody has said."""

    started_at: datetime
    ended_at: datetime
    plugged_at: datetime | None = None
    unplugged_at: datetime | None = None
    first_energy_at: datetime | None = None
    last_energy_at: datetime | None = None
    received_at: datetime | None = None
    """When its end was heard of."""
    offline: bool = False
    """Whether its messages were sent long after what they tell of."""


@dataclass(frozen=True, slots=True)
class Quantities:
    """How much."""

    import_wh: int
    """The difference of the registers; negative in a credit."""
    start_register_wh: int | None = None
    end_register_wh: int | None = None
    export_wh: int = 0
    """Given back by the car."""
    charging_s: int = 0
    idle_s: int = 0
    """In which the car asked for nothing."""
    withheld_s: int = 0
    """In which the site held it back."""
    reserved_s: int = 0
    max_power_kw: Decimal | None = None
    own_generation_wh: int | None = None
    """What came from the site's own plant; only where that is metered in intervals."""


@dataclass(frozen=True, slots=True)
class SignedValue:
    """A signed meter value, kept to the letter, and what came of checking it."""

    text: str
    """As the charger sent it."""
    verdict: str
    """``verified``, ``refused`` or ``unchecked``."""
    reasons: tuple[str, ...] = ()
    """Why it was not verified."""
    nature: str = "End"
    """``Start``, ``End`` or ``Intermediate`` (OCPI SignedValue); one that holds both ends is an ``End``."""
    encoding: str = "OCMF"


@dataclass(frozen=True, slots=True)
class MeterEvidence:
    """From which readings the record was made; the readings themselves are kept beside the session."""

    readings: int = 0
    """How many."""
    sha256: str = ""
    """Of all of them, in the form in which they are kept."""
    signed: tuple[SignedValue, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordLeg:
    """What one leg comes to, who owes or is owed it, and by which rule."""

    leg: Leg
    party: str | None
    """Who pays; on the leg of reimbursement, who is paid. None: it is on the operator's own account."""
    rated: RatedSession
    rule: str | None = None
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class Reimbursement:
    """By what an employee or a home's owner is paid back. Account numbers are the party's, never the record's."""

    beneficiary: str
    """A party's id."""
    basis: PriceBasis
    calendar_year: int
    """The basis is chosen for a whole one."""


@dataclass(frozen=True, slots=True)
class ChargeRecord:
    """All that is known of a session when it is over, as it was priced."""

    identity: RecordIdentity
    parties: RecordParties
    token: TokenUse
    place: Place
    times: SessionTimes
    quantities: Quantities
    currency: str
    legs: tuple[RecordLeg, ...]
    """At most one of each kind."""
    meter: MeterIdentity = field(default_factory=MeterIdentity)
    evidence: MeterEvidence = field(default_factory=MeterEvidence)
    connection: GridConnection | None = None
    reimbursement: Reimbursement | None = None
    flags: tuple[str, ...] = ()
    """What a person should look at before it is billed."""

    @property
    def month(self) -> str:
        """The month to which it belongs: that of its end, by the calendar at the site, such as ``2026-10``."""
        return month_of(self.times.ended_at, self.place.time_zone)

    @property
    def complete(self) -> bool:
        """Whether every leg has its whole price; else it cannot be billed as it is."""
        return all(leg.rated.complete for leg in self.legs)

    def leg(self, leg: Leg) -> RecordLeg | None:
        """The leg of that kind, if it has one."""
        return next((each for each in self.legs if each.leg is leg), None)


def record_id(session: str, version: int) -> str:
    """The id of a record: the same for the same session and version, whoever asks.

    >>> record_id("S1", 1) == record_id("S1", 1) != record_id("S1", 2)
    True
    """
    return str(uuid.uuid5(_RECORDS, f"{session}/{version}"))


def month_of(moment: datetime, time_zone: str) -> str:
    """The calendar month of a moment at the site.

    >>> from datetime import UTC
    >>> month_of(datetime(2026, 10, 31, 23, 30, tzinfo=UTC), "Europe/Amsterdam")
    '2026-11'
    """
    return f"{moment.astimezone(ZoneInfo(time_zone)):%Y-%m}"


def flagged(*sources: Iterable[str]) -> tuple[str, ...]:
    """The flags of a record from those of its session, of its legs and of its signed values; each once, in order."""
    return tuple(sorted({flag for source in sources for flag in source}))
