"""The central system for chargers that speak OCPP-J: 1.6, 2.0.1 and 2.1."""

from adapters.ocpp.server import CentralSystem
from adapters.ocpp.station import StationView

__all__ = ["CentralSystem", "StationView"]
