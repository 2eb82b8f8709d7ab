"""Recordings: every decision of a controller with all that it saw, so that it can be made again and compared.

A recording is a file of lines, or a folder of such files; docs/reference/recording.md describes it.
"""

from adapters.recording.reading import Entry, Flaw, Message, Recorded, Section, read_recording, recording_files
from adapters.recording.recorder import Recorder
from adapters.recording.writing import RecordingFile

__all__ = [
    "Entry",
    "Flaw",
    "Message",
    "Recorded",
    "Recorder",
    "RecordingFile",
    "Section",
    "read_recording",
    "recording_files",
]
