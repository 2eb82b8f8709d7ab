"""Who may do what: tokens, the stations' passwords, the users of the pages and the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import time
from decimal import Decimal
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Row, func, select

from adapters.passwords import hashed, matches
from adapters.store.schema import station_credentials, tokens, users
from controller.ports.tokens import Token
from controller.tariffs.book import NO_TOKEN_LIMITS, TokenKind, TokenLimits
from controller.tariffs.choice import token_key
from controller.wishes import Needs

FIRST_USER: Final = "admin"
FIRST_ROLE: Final = "installer"


def find_token(connection: Connection, uid: str) -> Token | None:
    """The token of that uid, in whatever case."""
    return find_tokens(connection, [uid]).get(uid)


def find_tokens(connection: Connection, uids: Iterable[str]) -> dict[str, Token]:
    """Those of these tokens that are known, by the uid as it was given."""
    asked = {uid: token_key(uid) for uid in uids}
    rows = connection.execute(select(tokens).where(tokens.c.uid_folded.in_(set(asked.values()))))
    found = {row.uid_folded: row for row in rows}
    return {uid: token_of_row(found[folded]) for uid, folded in asked.items() if folded in found}


def seed_tokens(connection: Connection, seeds: Iterable[Token]) -> None:
    """Add the tokens that the ledger does not know; one that it knows keeps what the ledger says of it.

    What it needs is taken over where the site file says something else than it did last, as for ``changed_passwords``.
    """
    known = {row.uid_folded: row.seeded_needs for row in connection.execute(select(tokens))}
    seen = set()
    for token in seeds:
        folded, needs = token_key(token.uid), needs_document(token)
        if folded in seen:
            continue
        seen.add(folded)
        if folded not in known:
            connection.execute(
                tokens.insert().values(
                    uid_folded=folded,
                    uid=token.uid,
                    description=token.description,
                    blocked=token.blocked,
                    valid_until=token.valid_until,
                    needs=needs,
                    seeded_needs=needs,
                )
            )
        elif known[folded] != needs:
            values = {"needs": needs, "seeded_needs": needs}
            connection.execute(tokens.update().where(tokens.c.uid_folded == folded).values(values))


def token_of_row(row: Row[Any]) -> Token:
    """A token as it was kept."""
    needs = dict(row.needs or {})
    group = needs.pop("group", None)
    if (departs := needs.pop("departs", None)) is not None:
        needs["departs"] = time.fromisoformat(departs)
    needs["weekdays"] = tuple(needs.pop("weekdays", ()))
    return Token(
        row.uid,
        row.description,
        row.blocked,
        row.valid_until,
        group,
        Needs(**needs),
        kind=TokenKind(row.kind),
        contract=row.contract,
        zero_rate=row.zero_rate,
        limits=_limits(row.limits),
        valid_from=row.valid_from,
    )


def _limits(document: Mapping[str, Any] | None) -> TokenLimits:
    if document is None:
        return NO_TOKEN_LIMITS
    amount = document["amount_per_month"]
    return TokenLimits(**{**document, "amount_per_month": None if amount is None else Decimal(amount)})


def needs_document(token: Token) -> dict[str, Any] | None:
    """What is said of a token's needs, as JSON; None where nothing is."""
    needs: dict[str, Any] = {"group": token.group, **asdict(token.needs)}
    needs["departs"] = None if token.needs.departs is None else token.needs.departs.isoformat()
    needs["weekdays"] = list(token.needs.weekdays) or None
    return {name: value for name, value in needs.items() if value is not None} or None


def find_password_hash(connection: Connection, station: str) -> str | None:
    """The hash that the station's password is checked against."""
    query = select(station_credentials.c.password_hash).where(station_credentials.c.station == station)
    return connection.execute(query).scalar()


class SeededUser(Protocol):
    """A user as the site file names one."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def password(self) -> str: ...  # noqa: D102
    @property
    def role(self) -> str: ...  # noqa: D102


def changed_users(connection: Connection, seeds: Iterable[SeededUser]) -> list[dict[str, str]]:
    """Rows for those users whose password or role is not the one seeded last, as for ``changed_passwords``."""
    last = {row.name: row for row in connection.execute(select(users))}
    changed = []
    for user in seeds:
        row = last.get(user.name)
        if row is None or row.seeded_role != user.role or not matches(user.password, row.seeded_hash):
            password_hash = hashed(user.password)
            changed.append(
                {
                    "name": user.name,
                    "password_hash": password_hash,
                    "role": user.role,
                    "seeded_hash": password_hash,
                    "seeded_role": user.role,
                }
            )
    return changed


def store_users(connection: Connection, rows: Iterable[dict[str, str]]) -> None:
    """Make these the users of those names."""
    for row in rows:
        connection.execute(users.delete().where(users.c.name == row["name"]))
        connection.execute(users.insert().values(**row))


def changed_passwords(connection: Connection, seeds: Mapping[str, str]) -> dict[str, str]:
    """Hashes of those passwords that are not the ones seeded last, by station.

    The site file says the same thing at every start. Only where it says something new does it count;
    otherwise a password that was rotated meanwhile would be undone, and the charger locked out.
    """
    last = {row.station: row.seeded_hash for row in connection.execute(select(station_credentials))}
    return {
        station: hashed(password) for station, password in seeds.items() if not matches(password, last.get(station))
    }


def store_passwords(connection: Connection, hashes: Mapping[str, str]) -> None:
    """Make these the stations' passwords, and the ones seeded last."""
    for station, password_hash in hashes.items():
        connection.execute(station_credentials.delete().where(station_credentials.c.station == station))
        connection.execute(
            station_credentials.insert().values(station=station, password_hash=password_hash, seeded_hash=password_hash)
        )


def stations_with_password(connection: Connection) -> frozenset[str]:
    """The stations that have a password."""
    return frozenset(connection.execute(select(station_credentials.c.station)).scalars())


def set_password(connection: Connection, station: str, password_hash: str) -> None:
    """Make this the station's password; what the site file said last stays known, so that it does not come back."""
    of_station = station_credentials.c.station == station
    changed = connection.execute(station_credentials.update().where(of_station).values(password_hash=password_hash))
    if changed.rowcount == 0:
        store_passwords(connection, {station: password_hash})


def add_first_user(connection: Connection, password_hash: str) -> bool:
    """Add the first user; False when there are users already."""
    if connection.execute(select(func.count()).select_from(users)).scalar():
        return False
    connection.execute(users.insert().values(name=FIRST_USER, password_hash=password_hash, role=FIRST_ROLE))
    return True


def find_role(connection: Connection, name: str, password: str) -> str | None:
    """The role of the user with that password; takes as long for a user who does not exist."""
    row = connection.execute(select(users).where(users.c.name == name)).first()
    role, stored = (None, None) if row is None else (str(row.role), row.password_hash)
    # As bytes, because what comes as JSON may be no text at all.
    return role if matches(password.encode("utf-8", "surrogatepass"), stored) else None
