"""The id tokens that may charge, as people keep them: added, changed, ended, and who did so when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, select

from adapters.store.access import find_token, needs_document, token_of_row
from adapters.store.schema import tokens
from adapters.store.standing import Kept, history, keep
from adapters.store.tariff_book import Reads, Writes
from controller.ports.tokens import Token
from controller.tariffs.book import NO_TOKEN_LIMITS, Approval
from controller.tariffs.choice import token_key
from controller.tariffs.rules import NoSuchEntry, RuleRefused


class TokenBook:
    """Tokens, on record. Every method blocks for milliseconds and may be called from any thread.

    Methods raise ``NoSuchEntry`` for a token that nobody knows, ``RuleRefused`` for what cannot be, and
    ``LedgerUnavailable``.
    """

    def __init__(self, read: Reads, write: Writes) -> None:
        self._read = read
        self._write = write

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
    connection.execute(
        tokens.insert().values(
            uid_folded=token_key(token.uid), uid=token.uid, needs=needs_document(token), **_values(token)
        )
    )
    _note(connection, token, by)


def _change(connection: Connection, token: Token, by: Approval) -> None:
    known = find_token(connection, token.uid)
    if known is None:
        raise NoSuchEntry(f"there is no token {token.uid!r}")
    needs = needs_document(replace(known, group=token.group))
    of_uid = tokens.c.uid_folded == token_key(token.uid)
    connection.execute(tokens.update().where(of_uid).values(needs=needs, **_values(token)))
    _note(connection, token, by)


def _note(connection: Connection, token: Token, by: Approval) -> None:
    values = _values(token)
    times = {name: None if values[name] is None else values[name].isoformat() for name in ("valid_from", "valid_until")}
    keep(connection, Kept.TOKEN, token_key(token.uid), {**values, "group": token.group, **times}, by)


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
