"""Readers of recordings, one format per file; `read_recording` recognises which."""

from can_train.frames.readers.registry import read_recording

__all__ = ["read_recording"]
