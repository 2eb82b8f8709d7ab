"""What tokens have used this month, and which sessions are past what theirs may use.

Functions of a connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from adapters.store.access import find_token, find_tokens
from adapters.store.records import LastRegister
from adapters.store.schema import sessions
from adapters.store.standing import Kept, contract_of, find
from controller.access import NO_USAGE, Usage, authorise, limit_passed, month_begins
from controller.ports.tokens import Authorisation
from controller.tariffs.book import NO_TOKEN_LIMITS, OperatorTerms
from controller.tariffs.choice import token_key, token_spellings
from controller.tariffs.energy_price import session_cost


def authorisation(
    connection: Connection,
    uid: str,
    points: Sequence[str],
    at: datetime,
    operator: OperatorTerms,
    last_register: LastRegister,
) -> Authorisation:
    """Decide whether a token may charge at any of these points."""
    token = find_token(connection, uid)
    if token is None:
        return authorise(None, at, open_to_guests=operator.guests and _any_public(connection, points))
    used, contract = NO_USAGE, None
    if token.limits != NO_TOKEN_LIMITS:
        since, key = month_begins(at, operator.time_zone), token_key(uid)
        used = used_since(connection, since, {key}, last_register).get(key, NO_USAGE)
    if token.contract is not None:
        document = find(connection, Kept.CONTRACT, token.contract)
        contract = None if document is None else contract_of(document)
    return authorise(token, at, used=used, contract=contract)


def passed_limits(
    connection: Connection,
    at: datetime,
    operator: OperatorTerms,
    last_register: LastRegister,
    costs: Mapping[str, Decimal | None],
) -> dict[str, str]:
    """The sessions that run past a limit of their token: id, and which limit in words.

    Args:
        connection: of the caller.
        at: now.
        operator: in whose months is reckoned.
        last_register: the newest register value of a session [Wh].
        costs: what running sessions have cost so far, as far as that is known; by id.
    """
    running = connection.execute(select(sessions).where(sessions.c.ended_at.is_(None))).all()
    known = find_tokens(connection, {row.token for row in running if row.token})
    limited = [row for row in running if row.token in known and known[row.token].limits != NO_TOKEN_LIMITS]
    if not limited:
        return {}
    keys = {token_key(row.token) for row in limited}
    used = used_since(connection, month_begins(at, operator.time_zone), keys, last_register, costs)
    found: dict[str, str] = {}
    for row in limited:
        lasted_s = (at - row.started_at).total_seconds()
        passed = limit_passed(known[row.token].limits, used.get(token_key(row.token), NO_USAGE), lasted_s)
        if passed is not None:
            found[row.id] = passed
    return found


def used_since(
    connection: Connection,
    since: datetime,
    keys: Collection[str],
    last_register: LastRegister,
    costs: Mapping[str, Decimal | None] = MappingProxyType({}),
) -> dict[str, Usage]:
    """What these tokens, by their keys, have used in the sessions that began since then or still run."""
    recent = or_(sessions.c.started_at >= since, sessions.c.ended_at.is_(None))
    spelt = [spelling for key in keys for spelling in token_spellings(key)]
    counted = select(sessions).where(recent, func.lower(sessions.c.token).in_(spelt))
    energy_wh: defaultdict[str, int] = defaultdict(int)
    amount: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in connection.execute(counted):
        key, taken_wh = token_key(row.token), _taken_wh(row, last_register)
        energy_wh[key] += taken_wh
        cost = row.cost if row.cost is not None else costs.get(row.id)
        if cost is not None:
            amount[key] += cost
        elif row.price_per_kwh is not None:
            amount[key] += session_cost(taken_wh, row.price_per_kwh)
    return {key: Usage(wh, amount[key]) for key, wh in energy_wh.items()}


def _taken_wh(row: Row[Any], last_register: LastRegister) -> int:
    if row.ended_at is not None:
        return int(row.energy_wh or 0)
    last_wh = last_register(row.id)
    return 0 if last_wh is None else max(0, last_wh - int(row.start_wh))


def _any_public(connection: Connection, points: Sequence[str]) -> bool:
    """Whether one of the points is open to guests, as each is that nobody has closed to them."""
    documents = (find(connection, Kept.POINT, point) for point in points)
    return any(document is None or document["public"] for document in documents)
