"""The central system for chargers that speak OCPP: 1.6J."""

from adapters.ocpp.server import CentralSystem
from adapters.ocpp.station import StationView

__all__ = ["CentralSystem", "StationView"]
