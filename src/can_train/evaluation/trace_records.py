"""What is kept of one file of an evaluation: its attacks, events, and the window that is explained.

Times are in seconds since its first frame.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeOutcome:
    """A labelled attack, and whether the run's own scorer found it; seconds since the first frame.

    Attributes:
        start_s: First attack frame.
        end_s: Last attack frame.
        noticed: Whether a window during it, or within 2 s after it, is above the threshold.
        delay_s: From its begin to the end of the window at which an alarm sounded; None: none did.
    """

    start_s: float
    end_s: float
    noticed: bool
    delay_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedEvent:
    """An event of the run's own scorer; seconds since the first frame.

    Attributes:
        severity: Either notice or alarm.
        start_s, end_s: First frame of its first window, and last frame of its last one.
        peak_s: First frame of the window with the highest margin.
        peak_score: That margin.
        windows: Number of windows above the threshold.
        attack: Whether a labelled attack lies in it or ended less than 2 s before.
        ids: Arbitration IDs that are suspected.
        kind: Suspected kind of attack.
    """

    severity: str
    start_s: float
    end_s: float
    peak_s: float
    peak_score: float
    windows: int
    attack: bool
    ids: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedReason:
    """One ID that moved a margin.

    Attributes:
        id: Its arbitration ID.
        drop: By how much the margin falls where it looks as usual.
        feature: The feature of it that does most of that alone.
        frames: Its frames in the recording, counted from 0.
    """

    id: str
    drop: float
    feature: str
    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedNode:
    """An ID in a window: its frames there, and by how much the margin falls without its oddities.

    Attributes:
        id: Arbitration ID.
        frames: How many of the window's frames it sent.
        drop: By how much the margin is lower where its features are as usual.
    """

    id: str
    frames: int
    drop: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedEdge:
    """How often one ID follows another in a window; both by their place among the nodes."""

    source: int
    target: int
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedWindow:
    """The window with the highest margin of a file's worst event.

    Attributes:
        start_s: Its first frame, in seconds since the first of the recording.
        score: Its margin.
        attack: Whether it holds an attack frame.
        reasons: IDs that moved the margin, most first.
        nodes: Its IDs, by their first frame.
        edges: Which ID follows which.
    """

    start_s: float
    score: float
    attack: bool
    reasons: tuple[TracedReason, ...]
    nodes: tuple[TracedNode, ...]
    edges: tuple[TracedEdge, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTrace:
    """One file, as the run's own scorer sees it.

    Attributes:
        scenario, file: Which file.
        windows: Number of windows.
        duration_s: From its first frame to its last window's end.
        judged: Whether its labels say what is benign.
        episodes: Labelled attacks by time.
        events: Events by time, at most 200.
        left_out: Further events.
        explained: The window that is explained; None where nothing is above the threshold.
    """

    scenario: str
    file: str
    windows: int
    duration_s: float
    judged: bool
    episodes: tuple[EpisodeOutcome, ...]
    events: tuple[TracedEvent, ...]
    left_out: int
    explained: ExplainedWindow | None
