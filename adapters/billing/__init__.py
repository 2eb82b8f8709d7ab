"""What sessions cost, so far and for good, and what a kWh costs now."""
