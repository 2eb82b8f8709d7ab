"""Which tariff of a file a session is priced by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adapters.json_text import DocumentError
from controller.tariffs.tariff import Tariff


def chosen_tariff(tariffs: Sequence[Tariff], named: str | None, begins_at: datetime) -> Tariff:
    """The tariff of that id, and of those the first that is valid when the session begins, else the first.

    The only tariff of a file holds whatever the session names, and valid or not (the price has a flag then).

    Args:
        tariffs: At least one, in the order of their file.
        named: The id that the session has, if any; ids differ in more than case (OCPI CiString).
        begins_at: When the session begins.

    Raises:
        DocumentError: there are several, and none of that id.
    """
    if len(tariffs) == 1:
        return tariffs[0]
    ids = list(dict.fromkeys(tariff.id for tariff in tariffs))
    candidates = [one for one in tariffs if named is None or one.id.casefold() == named.casefold()]
    if not candidates:
        raise DocumentError([f"tariff: expected one of {', '.join(ids)}, found {named!r}"])
    return next((one for one in candidates if _valid(one, begins_at)), candidates[0])


def _valid(tariff: Tariff, at: datetime) -> bool:
    return (tariff.starts_at is None or tariff.starts_at <= at) and (tariff.ends_at is None or at < tariff.ends_at)
