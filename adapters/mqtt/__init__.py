"""MQTT for energy systems: what the site does, as retained topics with plain values."""
