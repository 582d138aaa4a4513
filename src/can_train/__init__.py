"""Graph neural networks that detect intrusions on a CAN bus.

What other programs may use stands in `__all__` and in docs/api.md. Importing the package loads
nothing else; each name loads its module when it is first asked for (PEP 562).
"""

from typing import TYPE_CHECKING, Final

__version__ = "0.1.0"

if TYPE_CHECKING:
    from can_train.dataset.access import Dataset, open_dataset
    from can_train.detectors.frame_scorer import FrameScorer, ScoredWindows
    from can_train.detectors.loading import load_detector
    from can_train.errors import CanTrainError
    from can_train.frames.frame import Frames
    from can_train.frames.readers.registry import read_recording
    from can_train.graphs.batch import RawGraphs
    from can_train.graphs.build import build_graphs
    from can_train.graphs.columns import PackedGraphs
    from can_train.graphs.feed import raw_graphs
    from can_train.graphs.identity import WindowSpec
    from can_train.streaming.opening import stream_of
else:
    _HOME_OF: Final = {
        "CanTrainError": "errors",
        "Dataset": "dataset.access",
        "FrameScorer": "detectors.frame_scorer",
        "Frames": "frames.frame",
        "PackedGraphs": "graphs.columns",
        "RawGraphs": "graphs.batch",
        "ScoredWindows": "detectors.frame_scorer",
        "WindowSpec": "graphs.identity",
        "build_graphs": "graphs.build",
        "load_detector": "detectors.loading",
        "open_dataset": "dataset.access",
        "raw_graphs": "graphs.feed",
        "read_recording": "frames.readers.registry",
        "stream_of": "streaming.opening",
    }

    def __getattr__(name: str) -> object:
        """Loads a public name; type checkers see the imports above instead."""
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        found = vars(import_module(f"{__name__}.{_HOME_OF[name]}"))[name]
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        """The public names beside what is loaded."""
        return sorted({*globals(), *_HOME_OF})


__all__ = [
    "CanTrainError",
    "Dataset",
    "FrameScorer",
    "Frames",
    "PackedGraphs",
    "RawGraphs",
    "ScoredWindows",
    "WindowSpec",
    "build_graphs",
    "load_detector",
    "open_dataset",
    "raw_graphs",
    "read_recording",
    "stream_of",
]
