"""The `[peak]` of a site file: what limits power over time."""

from __future__ import annotations

from adapters.configuration.grid_operator_tables import GridOperatorTable
from adapters.strict import StrictModel


class PeakTable(StrictModel):
    """What limits power over time."""

    grid_operator: GridOperatorTable | None = None
    """Limits that others set."""
