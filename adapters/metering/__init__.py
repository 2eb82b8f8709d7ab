"""Meters: they read themselves, and what they say is judged before anybody may believe it."""
