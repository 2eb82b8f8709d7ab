"""The core against a simulated world on a virtual clock."""
