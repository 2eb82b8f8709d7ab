"""Codes and figures as people read them."""

from __future__ import annotations

from typing import Final

from controller.snapshot import State

NOTHING: Final = "–"  # noqa: RUF001 - a dash where there is no figure
"""What an empty cell shows."""
_SYMBOLS: Final = {"EUR": "€", "GBP": "£", "USD": "$"}
_SOURCES: Final = {"grid_operator": "the grid operator's limit"}
_PACES: Final = {
    "calm": "goes up step by step after a reduction nearby",
    "interval": "goes up step by step after its last change",
    "headroom": "goes up once the meter shows that the current is free",
    "meter": "held until the meter is reliable again",
}
_BY_STATE: Final = {
    State.AVAILABLE: "no car",
    State.OCCUPIED: "a car is connected, no session yet",
    State.EV_IDLE: "the car asks for nothing",
    State.FINISHING: "finished, the car is still connected",
    State.FAULTED: "the charger reports a fault",
    State.OFFLINE: "the charger is not reachable",
}
_WHOLE: Final = {
    "": "no limit was given",
    "point:max": "as fast as point and car can",
    "not_admitted:point:max": "waits: its own limit is below its minimum",
    "charger:does_not_follow": "the charger does not follow its limit",
    "guard": "cut by the last safety check",
}


def reason(because: str, state: State | None = None) -> str:
    """Why a point had its limit, in words.

    >>> reason("circuit:garage:L2"), reason("not_admitted:circuit:garage:L2")
    ('garage, phase L2 is full', 'waits: garage, phase L2 is full')
    """
    if state in _BY_STATE:
        return _BY_STATE[state]
    if because in _WHOLE:
        return _WHOLE[because]
    kind, _, rest = because.partition(":")
    if kind == "not_admitted":
        return f"waits: {reason(rest)}"
    if kind == "pace":
        return _PACES.get(rest, "goes up step by step")
    return _constraint(kind, rest) or because.replace("_", " ").replace(":", " ")


def _constraint(kind: str, rest: str) -> str | None:
    if kind == "circuit":
        circuit, _, phase = rest.rpartition(":")
        return f"{circuit}, phase {phase} is full"
    if kind == "limit":
        return f"{_SOURCES.get(rest, 'the limit set by ' + rest.replace('_', ' '))} is reached"
    if kind == "contract":
        return f"the contracted power of {rest} is used up"
    return None


def policy(name: str) -> str:
    """A policy's name as a heading.

    >>> policy("loadstar"), policy("earliest_deadline")
    ('Loadstar', 'Earliest deadline')
    """
    return name.replace("_", " ").capitalize()


def number(value: float, decimals: int = 1) -> str:
    """A number with thousands separated, and no minus before a zero.

    >>> number(1234.56), number(-0.01)
    ('1,234.6', '0.0')
    """
    text = f"{value:,.{decimals}f}"
    return text if text.strip("-0.,") else text.removeprefix("-")


def quantity(value: float, unit: str, decimals: int = 1) -> str:
    r"""A number with its unit, which no line break tears apart.

    >>> quantity(42.84, "kW")
    '42.8\xa0kW'
    """
    return f"{number(value, decimals)}\u00a0{unit}"


def hours(length_h: float, of_h: float) -> str:
    r"""A length of time in hours; in minutes where even the whole, ``of_h``, is short.

    >>> hours(12.3, 700.0), hours(0.2, 1.5)
    ('12\xa0h', '12\xa0min')
    """
    return quantity(length_h, "h", 0) if of_h >= 20 else quantity(60 * length_h, "min", 0)


def money(amount: float, currency: str, decimals: int = 2) -> str:
    """An amount in the site's currency.

    >>> money(1234.5, "EUR"), money(-3, "CHF")
    ('€1,234.50', '-CHF 3.00')
    """
    symbol = _SYMBOLS.get(currency, f"{currency} ")
    text = number(abs(amount), decimals)
    return f"-{symbol}{text}" if amount < 0 and text.strip("0.,") else f"{symbol}{text}"


def percent(share: float, decimals: int = 1) -> str:
    r"""A share as per cent; less than all never reads as all, nor more than nothing as nothing.

    >>> percent(0.98234), percent(0.99999), percent(1.0)
    ('98.2\xa0%', '99.9\xa0%', '100\xa0%')
    """
    value = 100.0 * share
    if 0.0 < value < 100.0:
        edge = 10.0**-decimals
        value = min(max(value, edge), 100.0 - edge)
        return f"{value:.{decimals}f}\u00a0%"
    return f"{value:.{decimals}f}\u00a0%" if value % 1 else f"{value:.0f}\u00a0%"


def heat(thermal: float) -> str:
    r"""A fuse's thermal state.

    >>> heat(0.25), heat(1.3)
    ('25\xa0%', 'opens')
    """
    return "opens" if thermal >= 1.0 else percent(thermal, 0)


def count(amount: int, thing: str, things: str = "") -> str:
    """A number of things.

    >>> count(1, "car"), count(3, "car"), count(2, "policy", "policies")
    ('1 car', '3 cars', '2 policies')
    """
    return f"{amount:,} {thing if amount == 1 else things or thing + 's'}"


def plain(text: str) -> str:
    """Text for a plot, where plotly would read tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
