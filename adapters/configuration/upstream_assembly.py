"""Back offices, checked and ready for use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adapters.configuration.upstream_tables import UpstreamTable


@dataclass(frozen=True, slots=True)
class Upstream:
    """A back office."""

    id: str
    url: str
    hub: bool
    """Whether all its points are connectors of one station; else each station is seen as itself."""
    identity: str | None
    """Of the one station; None where each is itself."""
    version: str
    """``1.6``, ``2.0.1`` or ``2.1``; of the hub."""
    primary: bool
    """Whether its answers reach the chargers."""
    points: tuple[str, ...]
    """In hub mode the first is connector 1."""
    tokens: tuple[str, ...]
    """Whose it answers for, beside the primary that answers for the rest; ``*`` ends what is only a beginning."""
    groups: tuple[str, ...]
    """Of tokens, likewise."""
    password: str | None = field(repr=False)
    tls_authorities: Path | None
    tls_certificate: Path | None
    tls_key: Path | None
    keep_local: bool
    """Whether chargers stay connected while it is away."""
    authorise_away: str
    """``known``, ``all`` or ``none``."""


def upstreams_of(
    tables: Iterable[UpstreamTable], points: Sequence[str], folder: Path, environ: Mapping[str, str]
) -> tuple[Upstream, ...]:
    """The back offices of tables that have passed every check.

    Args:
        tables: as they were written.
        points: every point of the site, in its order.
        folder: where relative paths begin.
        environ: environment variables, for the passwords.
    """
    return tuple(
        Upstream(
            id=table.id,
            url=table.url,
            hub=table.mode == "hub",
            identity=table.identity if table.mode == "hub" else None,
            version=table.version,
            primary=table.role == "primary",
            points=tuple(points if table.points is None else table.points),
            tokens=tuple(table.tokens or ()),
            groups=tuple(table.groups or ()),
            password=environ[table.password_env] if table.password_env else None,
            tls_authorities=_file(folder, table.tls_authorities),
            tls_certificate=_file(folder, table.tls_certificate),
            tls_key=_file(folder, table.tls_key),
            keep_local=table.when_away == "keep_local",
            authorise_away=table.authorise_away,
        )
        for table in tables
    )


def _file(folder: Path, name: str | None) -> Path | None:
    return None if name is None else folder / name
