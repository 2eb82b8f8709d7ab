"""Statements, credit transfers, charge detail records and bookings of renewable energy, as files for others."""
