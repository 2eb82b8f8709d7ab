"""How near to perfect the plan comes: its cost over the bound of perfect information, on traces from seeds."""
