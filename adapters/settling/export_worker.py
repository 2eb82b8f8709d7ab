"""Makes one export in a process of its own: ``python -m adapters.settling.export_worker``, what is wanted on stdin.

What draws pages and checks XML keeps out of the service's memory, and never takes time from its control loop.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Final

from adapters.log import without_login
from adapters.settling.export_kinds import Asked, ExportRefused, Format, Kind
from controller.ports.ledger import LedgerUnavailable

_REFUSED: Final = 2
_UNAVAILABLE: Final = 3
SECONDS_MOST: Final = 120.0
"""A month of a large site takes some seconds."""


def exported_apart(url: str, asked: Asked, *, time_zone: str, now: datetime) -> bytes:
    """An export, made by another process; blocks until it is there.

    Args:
        url: of the ledger.
        asked: what.
        time_zone: of the site.
        now: the time.

    Raises:
        ExportRefused: it cannot be made.
        LedgerUnavailable: the ledger cannot be read, or it takes too long.
    """
    wanted = {"url": url, "asked": asdict(asked), "time_zone": time_zone, "now": now.isoformat()}
    command = [sys.executable, "-m", "adapters.settling.export_worker"]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command, input=json.dumps(wanted).encode(), capture_output=True, timeout=SECONDS_MOST, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LedgerUnavailable(f"an export took longer than {SECONDS_MOST:.0f} s") from error
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode == _REFUSED:
        raise ExportRefused(said.splitlines())
    if done.returncode == _UNAVAILABLE:
        raise LedgerUnavailable(said)
    raise RuntimeError(f"an export failed: {said}")


def main() -> int:
    """Make what stdin asks for."""
    from adapters.settling.exports import exported  # noqa: PLC0415 - whoever only asks does without
    from adapters.store.record_book import book_for_reading  # noqa: PLC0415

    wanted = json.load(sys.stdin)
    fields = wanted["asked"]
    asked = Asked(
        Kind(fields["kind"]),
        fields["month"],
        None if fields["format"] is None else Format(fields["format"]),
        fields["party"],
        fields["number"],
    )
    try:
        now = datetime.fromisoformat(wanted["now"])
        content = exported(book_for_reading(wanted["url"]), asked, time_zone=wanted["time_zone"], now=now)
    except ExportRefused as error:
        sys.stderr.write("\n".join(error.problems))
        return _REFUSED
    except LedgerUnavailable as error:
        sys.stderr.write(without_login(str(error)))
        return _UNAVAILABLE
    sys.stdout.buffer.write(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
