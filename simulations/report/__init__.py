"""Results for people and for programs: one HTML report, and tables."""

from simulations.report.report import write_report
from simulations.report.tables import write_tables

__all__ = ["write_report", "write_tables"]
