"""Why a point has the limit that it has, and what has changed, in sentences with their numbers."""

from controller.explain.changes import changes
from controller.explain.insight import Insight, insights
from controller.explain.model import Explanation, Reason, Turn
from controller.explain.reasons import explain
from controller.explain.sentence import sentence

__all__ = ["Explanation", "Insight", "Reason", "Turn", "changes", "explain", "insights", "sentence"]
