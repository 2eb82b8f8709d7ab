"""Who has changed contracts and parties: of every account number it can be told who has put it there, and when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter

from adapters.prices.pricing import PriceBook
from adapters.web.entitled import REFUSALS, Proposer
from adapters.web.token_models import Change, ChangeList
from controller.tariffs.book import Approval


def add_account_log(router: APIRouter, book: PriceBook) -> None:
    """Add the routes."""

    @router.get("/contracts/{contract_id:id}/history", responses=REFUSALS)
    def get_contract_history(contract_id: str) -> ChangeList:
        """Who has changed a contract when to what, oldest first; also of one that was removed."""
        return change_list(book.contract_history(contract_id))

    @router.get("/parties/{party_id:id}/history", responses=REFUSALS)
    def get_party_history(party_id: str, _actor: Proposer) -> ChangeList:
        """Who has changed a party when to what, oldest first; not for those who may only read."""
        return change_list(book.party_history(party_id))


def change_list(history: Iterable[tuple[Approval, dict[str, Any] | None]]) -> ChangeList:
    """Changes as the API tells them."""
    return ChangeList(items=tuple(Change(by=by.by, at=by.at, to=document) for by, document in history))
