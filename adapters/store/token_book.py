"""The id tokens that may charge, as people keep them: added, changed, ended, and who did so when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, bindparam, select

from adapters.store.access import find_token, find_tokens, needs_document, token_of_row
from adapters.store.rule_writing import write_rules
from adapters.store.schema import tokens
from adapters.store.standing import Kept, history, keep_all
from adapters.store.tariff_book import Reads, Writes
from controller.ports.tokens import Token
from controller.tariffs.book import NO_OPERATOR_TERMS, NO_TOKEN_LIMITS, Approval, BillingRule, OperatorTerms, RuleEnd
from controller.tariffs.choice import token_key
from controller.tariffs.rules import NoSuchEntry, RuleRefused


class TokenBook:
    """Tokens, on record. Every method blocks for milliseconds and may be called from any thread.

    Methods raise ``NoSuchEntry`` for a token that nobody knows, ``RuleRefused`` for what cannot be, and
    ``LedgerUnavailable``.
    """

    def __init__(self, read: Reads, write: Writes, operator: OperatorTerms = NO_OPERATOR_TERMS) -> None:
        self._read = read
        self._write = write
        self._operator = operator

    def tokens(self) -> Sequence[Token]:
        """All tokens, by uid, those that have ended included."""
        query = select(tokens).order_by(tokens.c.uid_folded)
        return self._read(lambda connection: [token_of_row(row) for row in connection.execute(query)])

    def token(self, uid: str) -> Token:
        """One token."""
        found = self._read(lambda connection: find_token(connection, uid))
        if found is None:
            raise NoSuchEntry(f"there is no token {uid!r}")
        return found

    def add_token(self, token: Token, by: Approval) -> None:
        """Add a token that is not there yet."""
        self._write(lambda connection: _add(connection, token, by)).result()

    def change_token(self, token: Token, by: Approval) -> None:
        """Say anew what a token is; what it needs, but for its group, stays."""
        self._write(lambda connection: _change(connection, token, by)).result()

    def take_tokens(
        self,
        taken: Sequence[Token],
        rules: Sequence[BillingRule],
        ends: Sequence[RuleEnd],
        by: Approval,
        *,
        approve: bool,
    ) -> None:
        """Add tokens, say of known ones anew what they are, and give or end their own tariffs: all of it or nothing."""

        def write(connection: Connection) -> None:
            _take(connection, taken, by)
            write_rules(connection, rules, ends, self._operator if approve else None)

        self._write(write).result()

    def block_token(self, uid: str, by: Approval, *, blocked: bool) -> None:
        """Refuse a token, or let it charge again."""
        self._changed(uid, by, blocked=blocked)

    def end_token(self, uid: str, by: Approval) -> None:
        """End a token's validity now; it stays on record, and can be given another validity."""
        self._changed(uid, by, valid_until=by.at)

    def _changed(self, uid: str, by: Approval, **changes: Any) -> None:
        def write(connection: Connection) -> None:
            known = find_token(connection, uid)
            if known is None:
                raise NoSuchEntry(f"there is no token {uid!r}")
            _change(connection, replace(known, **changes), by)

        self._write(write).result()

    def token_history(self, uid: str) -> Sequence[tuple[Approval, dict[str, Any] | None]]:
        """Who has changed it when to what, oldest first; what the site file began with is not among it."""
        return self._read(lambda connection: history(connection, Kept.TOKEN, token_key(uid)))


def _add(connection: Connection, token: Token, by: Approval) -> None:
    if find_token(connection, token.uid) is not None:
        raise RuleRefused(f"uid: there is a token {token.uid!r} already")
    _take(connection, [token], by)


def _change(connection: Connection, token: Token, by: Approval) -> None:
    if find_token(connection, token.uid) is None:
        raise NoSuchEntry(f"there is no token {token.uid!r}")
    _take(connection, [token], by)


def _take(connection: Connection, taken: Sequence[Token], by: Approval) -> None:
    """Write tokens down, each once: those that are known keep what they need, but for their group."""
    known = find_tokens(connection, [token.uid for token in taken])
    new = [token for token in taken if token.uid not in known]
    if new:
        uids = ({"uid_folded": token_key(token.uid), "uid": token.uid, "needs": needs_document(token)} for token in new)
        connection.execute(tokens.insert(), [{**one, **_values(token)} for one, token in zip(uids, new, strict=True)])
    if known:
        of_uid = tokens.update().where(tokens.c.uid_folded == bindparam("of_uid"))
        changed = [token for token in taken if token.uid in known]
        connection.execute(of_uid, [_changes(token, known[token.uid]) for token in changed])
    keep_all(connection, Kept.TOKEN, {token_key(token.uid): _document(token) for token in taken}, by)


def _changes(token: Token, known: Token) -> dict[str, Any]:
    needs = needs_document(replace(known, group=token.group))
    return {"of_uid": token_key(token.uid), "needs": needs, **_values(token)}


def _document(token: Token) -> dict[str, Any]:
    values = _values(token)
    times = {name: None if values[name] is None else values[name].isoformat() for name in ("valid_from", "valid_until")}
    return {**values, "group": token.group, **times}


def _values(token: Token) -> dict[str, Any]:
    limits: dict[str, Any] = asdict(token.limits)
    if token.limits.amount_per_month is not None:
        limits["amount_per_month"] = f"{token.limits.amount_per_month:f}"
    return {
        "description": token.description,
        "blocked": token.blocked,
        "valid_from": token.valid_from,
        "valid_until": token.valid_until,
        "kind": token.kind.value,
        "contract": token.contract,
        "zero_rate": token.zero_rate,
        "limits": None if token.limits == NO_TOKEN_LIMITS else limits,
    }
