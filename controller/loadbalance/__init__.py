"""Sharing what is free: capacity, admission, fair division, and what keeps the loop calm."""
