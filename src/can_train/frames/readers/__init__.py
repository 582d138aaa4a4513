"""Readers of recordings, one grammar per module; `read_recording` recognises which."""

from can_train.frames.readers.recording import FORMATS, read_recording
from can_train.frames.readers.result import ReadResult

__all__ = ["FORMATS", "ReadResult", "read_recording"]
