"""Which tariff a session has: the most particular rule that holds when it begins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from controller.tariffs.book import BillingRule, Choice, Leg, Occasion, Scope, TokenKind
from controller.tariffs.rules import in_force

_MAC: Final = re.compile(r"VID:((?:[0-9A-F]{2}[:-]?){5}[0-9A-F]{2})|((?:[0-9A-F]{2}[:-]){5}[0-9A-F]{2})", re.IGNORECASE)


def token_key(uid: str) -> str:
    """What two spellings of one token have in common.

    Upper and lower case are alike (OCPP 1.6 §7.28), and so are the ways in which chargers write the MAC address of a
    car (Autocharge: ``VID:`` and the EVCCID; OCPP 2.x: ``MacAddress``).

    >>> token_key("04A2B3C4"), token_key("VID:0019F4AA01BC"), token_key("00:19:f4:aa:01:bc")
    ('04a2b3c4', 'vid:0019f4aa01bc', 'vid:0019f4aa01bc')
    """
    mac = _MAC.fullmatch(uid)
    return uid.casefold() if mac is None else f"vid:{re.sub('[:-]', '', mac[1] or mac[2]).casefold()}"


def token_spellings(key: str) -> tuple[str, ...]:
    """How chargers may write the token of a key, in lower case.

    >>> token_spellings("04a2"), token_spellings("vid:0019f4aa01bc")[1]
    (('04a2',), '00:19:f4:aa:01:bc')
    """
    if _MAC.fullmatch(key) is None:
        return (key,)
    digits = key.removeprefix("vid:")
    pairs = [digits[place : place + 2] for place in range(0, len(digits), 2)]
    spaced = [mark.join(pairs) for mark in ":-"]
    return (key, *spaced, *(f"vid:{each}" for each in spaced))


def key_of(scope: Scope, key: str) -> str:
    """A rule's key as it is compared.

    >>> key_of(Scope.TOKEN, "04A2"), key_of(Scope.CONTRACT, "Pool")
    ('04a2', 'Pool')
    """
    return token_key(key) if scope is Scope.TOKEN else key


def keys_of(occasion: Occasion) -> tuple[tuple[Scope, str], ...]:
    """Under which scopes and keys a rule for the occasion may stand, in the order in which they are looked for."""
    keys: list[tuple[Scope, str]] = []
    if occasion.token:
        keys.append((Scope.TOKEN, key_of(Scope.TOKEN, occasion.token)))
    if occasion.contract is not None:
        keys.append((Scope.CONTRACT, occasion.contract))
    if occasion.token_kind is TokenKind.GUEST:
        keys.append((Scope.GUEST, ""))
    if occasion.point is not None:
        keys.append((Scope.CONNECTOR, occasion.point))
    return (*keys, (Scope.STATION, occasion.station), (Scope.SITE, ""), (Scope.OPERATOR, ""))


def choose(rules: Iterable[BillingRule], occasion: Occasion, leg: Leg) -> Choice:
    """Choose the tariff of a session that is about to begin.

    A token that charges for nothing does so on the leg of retail only: others may be owed for it all the same.

    Args:
        rules: any that might concern it, of any leg; those that are not approved never count.
        occasion: what the choice depends on.
        leg: whose.
    """
    if occasion.zero_rate and leg is Leg.RETAIL:
        return Choice(leg, None, None, None, zero_rate=True)
    of_leg = [rule for rule in rules if rule.leg is leg]
    for scope, key in keys_of(occasion):
        found = in_force((r for r in of_leg if r.scope is scope and key_of(scope, r.key) == key), occasion.at)
        if found is not None:
            return Choice(leg, found.tariff, found.id, scope)
    return Choice(leg, None, None, None)


def choose_legs(rules: Iterable[BillingRule], occasion: Occasion) -> list[Choice]:
    """Choose the tariff on every leg that a session has.

    Whose token or contract has a wholesale rule of its own does not pay here as well, unless it has a retail rule of
    its own, too: its driver pays the partner.
    """
    known = list(rules)
    choices = {leg: choose(known, occasion, leg) for leg in Leg}
    retail = choices[Leg.RETAIL]
    if choices[Leg.WHOLESALE].scope in _OF_ITS_OWN and retail.scope not in _OF_ITS_OWN and not retail.zero_rate:
        del choices[Leg.RETAIL]
    return list(choices.values())


_OF_ITS_OWN: Final = frozenset({Scope.TOKEN, Scope.CONTRACT})
