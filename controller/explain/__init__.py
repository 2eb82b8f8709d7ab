"""Why a point has the limit that it has, and what has changed, in sentences with their numbers."""

from controller.explain.changes import changes
from controller.explain.model import Explanation, Reason, Turn
from controller.explain.reasons import explain

__all__ = ["Explanation", "Reason", "Turn", "changes", "explain"]
