"""The plan of the coming hours, made in a process of its own beside the control loop.

Its result is advice. Late, wrong or missing, it costs money and never safety: then the loop goes on without it.
"""

from adapters.planning.planning import Planning

__all__ = ["Planning"]
