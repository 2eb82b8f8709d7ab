"""Judging a run: a perfect-information bound, baselines, and metrics."""
