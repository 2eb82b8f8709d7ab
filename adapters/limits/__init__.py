"""Limits that others set: taken, judged, put together with those that hold, and on record with their evidence."""
