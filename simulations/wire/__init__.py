"""The wire depth: the whole service over its real protocols against the simulated world, at any pace."""
