"""The forms of the pages of prices and tokens: what they send, as what the REST API takes."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal, InvalidOperation
from email import message_from_bytes
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from fastapi import Request
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from adapters.json_text import DocumentError
from adapters.web.tariff_models import CardFeeSaid, RuleSaid, Said
from adapters.web.token_models import NewToken, TokenSaid, TokenState
from controller.tariffs.book import BillingRule

FIELDS_MOST: Final = 40
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2999
"""Far from both ends of what a datetime holds, as in the REST API."""
_PRICE_FIELDS: Final = (
    ("per_kwh", "ENERGY", "price per kWh"),
    ("per_session", "FLAT", "price per session"),
    ("per_idle_hour", "PARKING_TIME", "price per idle hour"),
)
_SHAPES: Final = {
    "country": "expected two letters, such as NL",
    "bic": "expected 8 or 11 letters and digits, such as ABNANL2A",
}
"""What people are told where a pattern does not fit."""

Form = dict[str, str]
S = TypeVar("S", bound=Said)


async def read_form(request: Request) -> Form:
    """The fields of a form, the text of files among them; one that is empty is left out."""
    body = await request.body()
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        message = message_from_bytes(b"Content-Type: " + kind.encode("latin-1", "replace") + b"\r\n\r\n" + body)
        fields = {}
        for part in message.walk():
            name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
            if isinstance(name, str) and isinstance(content, bytes):
                fields[name] = content.decode("utf-8", "replace")
    else:
        parsed = parse_qs(body.decode(errors="replace"), max_num_fields=FIELDS_MOST)
        fields = {name: values[0] for name, values in parsed.items()}
    return {name: value for name, value in fields.items() if value.strip()}


def rule_said(form: Form, zone: ZoneInfo) -> RuleSaid:
    """The rule that a form proposes.

    Raises:
        DocumentError: with everything that is wrong.
    """
    told: dict[str, Any] = {name: form[name] for name in ("scope", "key", "leg", "tariff") if name in form}
    return valid(RuleSaid, {**told, **times(form, zone)})


def card_fee_said(form: Form, zone: ZoneInfo) -> CardFeeSaid:
    """The fee that a form proposes.

    Raises:
        DocumentError: with everything that is wrong.
    """
    told: dict[str, Any] = {name: form[name] for name in ("token_kind", "leg") if name in form}
    told |= times(form, zone)
    return valid(CardFeeSaid, told | {n: form[n].replace(",", ".") for n in ("per_kwh", "per_session") if n in form})


def new_token_said(form: Form, zone: ZoneInfo) -> NewToken:
    """The token that a form adds.

    Raises:
        DocumentError: with everything that is wrong.
    """
    return valid(NewToken, {"uid": form.get("uid", "").strip(), **_token_fields(form, zone)})


def token_said(form: Form, zone: ZoneInfo) -> TokenSaid:
    """What a form says anew of a token; what it leaves empty is taken away.

    Raises:
        DocumentError: with everything that is wrong.
    """
    told = {"tariff": None, **_token_fields(form, zone)}
    return valid(TokenSaid, {**told, "blocked": "blocked" in form})


def form_of_token(token: TokenState, zone: ZoneInfo) -> Form:
    """A form that says of a token what holds already."""
    limits = token.limits
    known = {
        "uid": token.uid,
        "description": token.description,
        "kind": token.kind.value,
        "group": token.group,
        "contract": token.contract,
        "tariff": token.tariff,
        "valid_from": written(token.valid_from, zone),
        "valid_until": written(token.valid_until, zone),
        "energy_kwh_per_month": None if limits.energy_kwh_per_month is None else f"{limits.energy_kwh_per_month:g}",
        "amount_per_month": None if limits.amount_per_month is None else f"{limits.amount_per_month:f}",
        "session_h": None if limits.session_h is None else f"{limits.session_h:g}",
        "zero_rate": "on" if token.zero_rate else None,
        "blocked": "on" if token.blocked else None,
    }
    return {name: value for name, value in known.items() if value}


def form_of_rule(rule: BillingRule) -> Form:
    """A form for a copy of a rule with another validity."""
    return {"scope": rule.scope.value, "key": rule.key, "leg": rule.leg.value, "tariff": rule.tariff}


def written(moment: datetime | None, zone: ZoneInfo) -> str | None:
    """A time as ``moment_of`` reads it."""
    return None if moment is None else moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def _token_fields(form: Form, zone: ZoneInfo) -> dict[str, Any]:
    names = ("description", "kind", "group", "contract", "tariff")
    told: dict[str, Any] = {name: form[name].strip() for name in names if name in form}
    told |= {"zero_rate": "zero_rate" in form, **times(form, zone)}
    limits: dict[str, Any] = {}
    for name in ("energy_kwh_per_month", "session_h"):
        if name in form:
            limits[name] = float(_number(form[name], name))
    if "amount_per_month" in form:
        limits["amount_per_month"] = form["amount_per_month"].replace(",", ".")
    return {**told, "limits": limits}


def tariff_said(form: Form, currency: str) -> bytes:
    """The OCPI tariff that the short form of a price describes.

    Raises:
        DocumentError: a number is none, or there is no price at all.
    """
    problems: list[str] = []
    components: list[dict[str, Any]] = []
    numbers: list[str] = []
    vat = _read("vat", "tax", form, problems)
    for field, dimension, label in _PRICE_FIELDS:
        price = _read(field, label, form, problems)
        if price is not None:
            component = {"type": dimension, "price": f"@{len(numbers)}@", "step_size": 1}
            numbers.append(f"{price:f}")
            if vat is not None:
                component["vat"] = f"@{len(numbers)}@"
                numbers.append(f"{vat:f}")
            components.append(component)
    grace = _read("grace_min", "free minutes", form, problems)
    if not components and not problems:
        problems.append("price per kWh: expected a number; 0 where it costs nothing")
    if problems:
        raise DocumentError(problems)
    tariff: dict[str, Any] = {
        "id": form.get("id", "").strip(),
        "currency": currency,
        "elements": [{"price_components": components}],
    }
    if grace:
        tariff["loadstar"] = {"idle": {"grace_s": int(60 * grace)}}
    text = json.dumps(tariff)
    for place, number in enumerate(numbers):
        text = text.replace(f'"@{place}@"', number)
    return text.encode()


def moment_of(text: str | None, zone: ZoneInfo) -> datetime | None:
    """A time as browsers write it, on the clock of the site.

    Raises:
        DocumentError: it is none.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        raise DocumentError([f"expected a date and a time, found {text!r}"]) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise DocumentError([f"expected a year from {FIRST_YEAR} to {LAST_YEAR}, found {text!r}"])
    return moment


def times(form: Form, zone: ZoneInfo) -> dict[str, str]:
    """The validity that a form tells.

    Raises:
        DocumentError: a time is none.
    """
    found = {name: moment_of(form.get(name), zone) for name in ("valid_from", "valid_until")}
    return {name: moment.isoformat() for name, moment in found.items() if moment is not None}


def valid(model: type[S], told: dict[str, Any]) -> S:
    """What a form says, as the REST API takes it.

    Raises:
        DocumentError: with everything that is wrong.
    """
    try:
        return model.model_validate(told)
    except ValidationError as refused:
        raise DocumentError([_problem(each) for each in refused.errors(include_url=False)]) from None


def _problem(error: ErrorDetails) -> str:
    place = ".".join(map(str, error["loc"]))
    return f"{place}: {_SHAPES.get(place) or error['msg'].removeprefix('Value error, ')}"


def _read(field: str, label: str, form: Form, problems: list[str]) -> Decimal | None:
    if field not in form:
        return None
    try:
        return _number(form[field], label)
    except DocumentError as error:
        problems += error.problems
        return None


def _number(text: str, label: str) -> Decimal:
    try:
        number = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise DocumentError([f"{label}: expected a number, found {text!r}"])
    return number
