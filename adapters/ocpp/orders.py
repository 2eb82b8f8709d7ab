"""People's commands on their way to a station, whatever the version of its protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from controller.commands import Command

MAX_WAITING: Final = 16
"""Commands that wait for one station: people give one and look; more are a program's mistake."""

_DONE: Final = frozenset({"Accepted", "Scheduled", "Unlocked", "RebootRequired", "AcceptedCanceled"})
"""What a station says when it does what it was asked, or will."""


class Orders(Protocol):
    """The commands in the words of one version. Connectors are numbered as in the site."""

    def request(self, command: Command, connector: int, transaction_id: str | None) -> Any:
        """Return the call; None where the version, or the moment, has none."""
        ...

    def settings(self, answer: Any) -> Mapping[str, str]:
        """Return the settings that an answer tells."""
        ...


def status_of(answer: Any) -> str:
    """Return what an answer says of the command; one without a word for it says yes."""
    results = getattr(answer, "set_variable_result", None) or getattr(answer, "get_variable_result", None)
    if results:
        return next((str(r["attribute_status"]) for r in results if r["attribute_status"] not in _DONE), "Accepted")
    return str(getattr(answer, "status", "Accepted"))


def done(status: str) -> bool:
    """Whether a status means yes."""
    return status in _DONE
