"""The wire depth: the whole service over its real protocols against the simulated world, at any pace."""

from simulations.wire.runner import WireError, run_wire, wire_problems

__all__ = ["WireError", "run_wire", "wire_problems"]
