"""Charging points as the core sees them: their states, and the schedule that makes a charger safe on its own."""
