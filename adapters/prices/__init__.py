"""Prices as people and exchanges give them: proposed, approved, published, read from tables; and what a kWh costs."""
