"""Frames as they come, in: what every scorer says of each window, out, when its last frame is in.

The numbers are those of whole recordings to 1e-5, the alarm rule included, whatever comes in one
piece. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from can_train.alarms.events import Event
from can_train.alarms.following import EventFollower, JudgedWindow
from can_train.alarms.rule import DEFAULT_RULE, AlarmRule, AlarmStage, Severity, windows_apart
from can_train.alarms.sightings import Sighting
from can_train.detectors.calibration import Threshold
from can_train.detectors.evidence import CalibrationEvidence, PValues
from can_train.detectors.known_vehicle import ROW as PROFILE
from can_train.detectors.known_vehicle import KnownVehicles
from can_train.detectors.level import Levelling
from can_train.detectors.window_scorer import WindowScorer
from can_train.frames.frame import Frames
from can_train.graphs.identity import WindowSpec
from can_train.graphs.kernels.live import LiveGraph
from can_train.graphs.live import LiveGraphs
from can_train.vehicle.live import LiveWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowVerdict:
    """What one scorer says of a window.

    Attributes:
        score: Unbounded margin; higher is more suspicious.
        p_value: How rare that is among benign windows, without what a calm stream gets added and
            doubt takes off, in (0, 1].
        above: Whether it is above the threshold.
        severity: Severity after this window, by the alarm rule.
    """

    score: float
    p_value: float
    above: bool
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is said of one window.

    Attributes:
        start: First frame of the window in the stream.
        start_s: Timestamp of that frame.
        end_s: Timestamp of its last frame.
        verdicts: By scorer, in the order of evaluations.
        ended: By scorer: an event that this window shows to be over, for those that have one.
    """

    start: int
    start_s: float
    end_s: float
    verdicts: Mapping[str, WindowVerdict]
    ended: Mapping[str, Event]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Streamed:
    """A detector as a stream takes it.

    Attributes:
        name: Its name among scorers.
        scorer: Scores single windows.
        threshold: Its threshold.
        evidence: What its p-values come from.
    """

    name: str
    scorer: WindowScorer
    threshold: Threshold
    evidence: CalibrationEvidence


class StreamingScorer:
    """Scores one stream of frames; a new one for each recording.

    Args:
        spec: How frames become windows.
        detectors: Those first that others build on.
        vehicles: Profiles of known vehicles, a scorer of their own; None if there are none.
        words: 64-bit words per payload (1, or 8 for CAN FD).
        rule: When windows are an alarm.
    """

    def __init__(
        self,
        spec: WindowSpec,
        detectors: Sequence[Streamed],
        *,
        vehicles: KnownVehicles | None = None,
        words: int = 1,
        rule: AlarmRule = DEFAULT_RULE,
    ) -> None:
        self.spec = spec
        self.graphs = LiveGraphs(spec, words=words)
        self._scorers = {detector.name: detector.scorer for detector in detectors}
        self._watch = None
        self._judges: dict[str, _Judge] = {}
        if vehicles is not None:
            self._watch = LiveWatch(vehicles.profiles, window=spec.window, stride=spec.stride)
            self._judges[PROFILE] = _Judge(spec, vehicles.threshold, vehicles.evidence, rule)
        for each in detectors:
            self._judges[each.name] = _Judge(spec, each.threshold, each.evidence, rule)

    @property
    def events(self) -> dict[str, Event]:
        """By scorer: its latest event so far; at the end of the stream, its last one."""
        found = {name: judge.events.open for name, judge in self._judges.items()}
        return {name: event for name, event in found.items() if event is not None}

    def event(self, name: str) -> Event | None:
        """The same of one scorer, if it has one."""
        return self._judges[name].events.open

    def push(self, frames: Frames) -> Iterator[Decision]:
        """Takes the next frames of the stream; gives a decision for each window that they fill.

        It is a generator: frames behind a decision are taken when the next one is asked for.

        Raises:
            DataError: Payloads aren't as wide as the stream's.
        """
        for graph in self.graphs.windows_of(frames):
            yield self._decided(graph)

    def push_one(self, timestamp: float, arbitration_id: int, payload: bytes) -> Decision | None:
        """Takes one frame; gives the decision for the window that it fills, if it does.

        Args:
            timestamp: Seconds.
            arbitration_id: With bit 31 set for an extended one.
            payload: As many bytes as its DLC says.

        Raises:
            DataError: The payload is longer than the stream's.
        """
        graph = self.graphs.take(timestamp, arbitration_id, payload)
        return None if graph is None else self._decided(graph)

    def _decided(self, graph: LiveGraph) -> Decision:
        rows, frames = self.graphs.window, self.graphs.frames
        start_s, end_s = frames.timestamp[[rows.start, rows.stop - 1]].tolist()
        sighting = _sighting(graph) if self.spec.features == "relational" else None
        verdicts, ended = {}, {}
        for name, margin, doubt in self._scores(graph):
            judge = self._judges[name]
            verdicts[name] = verdict = judge.verdict(margin, doubt)
            event = judge.events.update(
                JudgedWindow(
                    start_s=start_s,
                    end_s=end_s,
                    score=verdict.score,
                    above=verdict.above,
                    severity=verdict.severity,
                    sighting=sighting,
                )
            )
            if event is not None:
                ended[name] = event
        start = (self.graphs.windows - 1) * self.spec.stride
        return Decision(start=start, start_s=start_s, end_s=end_s, verdicts=verdicts, ended=ended)

    def _scores(self, graph: LiveGraph) -> Iterator[tuple[str, float, float]]:
        if self._watch is not None:
            yield PROFILE, self._watch.follow(self.graphs), 0.0
        for name, scorer in self._scorers.items():
            scorer.look(graph)
            yield name, scorer.score, scorer.doubt


class _Judge:
    """From the scores of one scorer to verdicts and events."""

    def __init__(
        self,
        spec: WindowSpec,
        threshold: Threshold,
        evidence: CalibrationEvidence,
        rule: AlarmRule,
    ) -> None:
        self.events = EventFollower(spec.window)
        self._p_values = PValues(evidence.benign)
        self._levelling = Levelling(threshold)
        self._stage = AlarmStage(threshold.value, rule, windows_apart(spec.window, spec.stride))

    def verdict(self, margin: float, doubt: float) -> WindowVerdict:
        """Of the next window, by what its scorer says of it alone."""
        score = self._levelling.follow_one(margin, doubt)
        severity = self._stage.update(score)
        return WindowVerdict(
            score=score,
            p_value=self._p_values.of(margin),
            above=score > self._stage.threshold,
            severity=severity,
        )


def _sighting(graph: LiveGraph) -> Sighting:
    nodes = int(graph.topology.nodes[0])
    return Sighting.of(graph.topology.node_id[:nodes], graph.node_x[:nodes])
