"""The forms of the page of accounts: what they send, as what the REST API takes, and the other way round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from adapters.web.office_forms import Form, times, valid, written
from adapters.web.token_models import ContractSaid, ContractState, PartySaid, PartyState
from controller.tariffs.book import PriceBasis

C = TypeVar("C", bound=ContractSaid)
P = TypeVar("P", bound=PartySaid)

_BASIS: Final = "basis_"


def contract_said(model: type[C], form: Form, zone: ZoneInfo, known: Mapping[int, PriceBasis]) -> C:
    """What a form says of a contract; what it leaves empty is taken away.

    Args:
        model: of a contract that is known, or of a new one.
        form: as it was sent.
        zone: in which it tells times.
        known: the price bases that it has, also of years that the form does not ask for.

    Raises:
        DocumentError: with everything that is wrong.
    """
    told: dict[str, Any] = {name: form[name].strip() for name in ("id", "party", "employer") if name in form}
    tax = {name: form[f"tax_{name}"].strip() for name in ("state", "percent", "reason") if f"tax_{name}" in form}
    if tax:
        told["tax"] = {**tax, "percent": tax["percent"].replace(",", ".")} if "percent" in tax else tax
    bases: dict[str, str] = {str(year): basis.value for year, basis in known.items()}
    bases |= {year: form.get(f"{_BASIS}{year}", "") for year in form.get("years", "").split()}
    told["price_bases"] = {year: basis for year, basis in bases.items() if basis}
    return valid(model, told | {"home_charging": "home_charging" in form, **times(form, zone)})


def form_of_contract(contract: ContractState, zone: ZoneInfo) -> Form:
    """A form that says of a contract what holds already."""
    tax = contract.tax
    said = {
        "id": contract.id,
        "party": contract.party,
        "employer": contract.employer,
        "tax_state": None if tax is None else tax.state.value,
        "tax_percent": None if tax is None or tax.percent is None else f"{tax.percent:f}",
        "tax_reason": None if tax is None else tax.reason,
        "home_charging": "on" if contract.home_charging else None,
        "valid_from": written(contract.valid_from, zone),
        "valid_until": written(contract.valid_until, zone),
        **{f"{_BASIS}{year}": basis.value for year, basis in contract.price_bases.items()},
    }
    return {name: value for name, value in said.items() if value}


def party_said(model: type[P], form: Form) -> P:
    """What a form says of a party; what it leaves empty is taken away.

    Raises:
        DocumentError: with everything that is wrong.
    """
    names = ("id", "kind", "name", "country", "vat_number", "iban", "bic", "email", "language")
    told: dict[str, Any] = {name: form[name].strip() for name in names if name in form}
    told |= {name: told[name].upper() for name in ("country", "bic") if name in told}
    lines = (line.strip() for line in form.get("address", "").splitlines())
    return valid(model, {**told, "address": tuple(line for line in lines if line)})


def form_of_party(party: PartyState) -> Form:
    """A form that says of a party what holds already."""
    said = party.model_dump(mode="json") | {"address": "\n".join(party.address)}
    return {name: value for name, value in said.items() if value}
