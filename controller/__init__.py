"""Loadstar's core: it decides, and does nothing else.

No I/O, no clock, no logging and no randomness live below this package, so that the same
inputs always give the same outputs, on site and in the simulator.
"""
