"""What a recorded message must not tell: passwords are replaced, tokens shortened, as in the log."""

from __future__ import annotations

import json
from typing import Any, Final

from adapters.log import redact

TEXT_MAX: Final = 16 * 1024
"""Longer messages (a night's transaction data, a list of tokens) are only described: what waits for the disk must be
bounded, and they say nothing that decides."""

HIDDEN: Final = "***"
_IN_SECRET_NAMES: Final = ("authorizationkey", "password", "passphrase", "secret", "credential", "token", "apikey")
"""A configuration key whose name has one of these in it holds something secret (OCPP 1.6: AuthorizationKey; others are
vendors')."""


def safe_text(frame: str | bytes) -> str:
    """A frame as it may be kept, in ASCII. Raises nothing, whatever a station sends.

    It is written anew from its values: of a name that is given twice, the value that nobody reads might be the secret.
    """
    if len(frame) > TEXT_MAX:
        return f"(longer than {TEXT_MAX})"
    try:
        message = json.loads(frame if isinstance(frame, str) else frame.decode())
        return json.dumps(_without_secrets(message), separators=(",", ":"))
    except (ValueError, RecursionError):
        return f"(not JSON, {len(frame)} long)"


def _without_secrets(message: Any) -> Any:
    return redact(None, "", {"message": _configuration_hidden(message)})["message"]


def _configuration_hidden(value: Any) -> Any:
    """Hide the values of secret configuration keys: there the name stands beside the value, not before it."""
    if isinstance(value, list):
        return [_configuration_hidden(item) for item in value]
    if not isinstance(value, dict):
        return value
    hidden = {name: _configuration_hidden(item) for name, item in value.items()}
    if "value" in hidden and _is_secret(str(hidden.get("key", ""))):
        hidden["value"] = HIDDEN
    return hidden


def _is_secret(key: str) -> bool:
    plain = key.replace("_", "").replace("-", "").lower()
    return plain.endswith("pin") or any(word in plain for word in _IN_SECRET_NAMES)
