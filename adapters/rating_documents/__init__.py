"""Tariffs, sessions, charge detail records and prices as JSON: OCPI 2.2.1 and 2.3.0, and Loadstar's own formats."""
