"""Recordings run through the controller again: the same decisions, or what is different, and why."""
