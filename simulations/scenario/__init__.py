"""Scenarios: a site, people, a building, prices and what goes wrong, as TOML files."""
