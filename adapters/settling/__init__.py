"""Months are closed, records reviewed, and files of both handed out."""
