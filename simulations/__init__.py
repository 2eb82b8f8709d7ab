"""Simulated worlds, and the outermost ring where the `loadstar` command starts."""
