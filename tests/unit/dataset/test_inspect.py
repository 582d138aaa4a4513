"""The report on a dataset, counted by hand on small recordings and on real ones."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import pytest

from can_train.dataset.inspect import inspect_dataset
from can_train.dataset.inspect_tables import print_report, report_json
from can_train.dataset.manifest import DatasetRef
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.graphs.identity import WindowSpec
from can_train.vocab import FeatureSet

HEADER = "timestamp,arbitration_id,data_field,attack\n"
TRAIN = "0.0,1,AA,0\n0.1,2,BB,0\n0.2,1,AA,0\n0.3,3,CC,0\n0.4,18FEF200,,0\n"
TEST = "0.0,2,BB,0\n0.1,1,AA,0\n0.2,9,0011,1\n0.3,9,0011,1\n1.0,1,AA,0\n"
MINI = DatasetRef(modality="automotive", dataset="mini")


def spec(window: int, stride: int = 100, features: FeatureSet = "relational") -> WindowSpec:
    return WindowSpec(features=features, window=window, stride=stride)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    for name, text in (
        ("train_01_attack_free/drive-1", TRAIN),
        ("train_02_with_attacks/again-1", TRAIN),
        ("train_02_with_attacks/DoS-2", TEST),
        ("test_01_known_vehicle_known_attack/DoS-1", TEST),
    ):
        path = source / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER + text)
    prepare_dataset(
        PrepareRequest(
            modality="automotive", dataset="mini", data_root=tmp_path / "data", source=source
        )
    )
    return tmp_path / "data"


def test_scenario_figures(root: Path) -> None:
    report = inspect_dataset(root, MINI, spec(2, 1))
    train, test = report.scenarios
    assert (train.files, train.frames, train.ids, train.extended_ids) == (1, 5, 4, 1)
    assert train.duration_s == pytest.approx(0.4)
    assert train.frames_per_s == pytest.approx(12.5)
    assert train.dlc_share == {0: 0.2, 1: 0.8}
    assert (train.windows, train.attack_windows, train.attack_share) == (4, 0, 0.0)
    assert (test.windows, test.attack_windows, test.attack_share) == (4, 3, 0.4)
    assert (test.nodes.mean, test.nodes.max, test.edges.max) == (1.75, 2, 1)


def test_jumps_of_a_clock_are_shown(tmp_path: Path) -> None:
    times = [k / 1000 + (100 if k >= 40 else 0) for k in range(90)]
    (tmp_path / "drive.csv").write_text(HEADER + "".join(f"{t!r},1,AA,0\n" for t in times))
    prepare_dataset(
        PrepareRequest(
            modality="automotive",
            dataset="mini",
            data_root=tmp_path / "data",
            benign=tmp_path / "drive.csv",
        )
    )
    report = inspect_dataset(tmp_path / "data", MINI, spec(2, 1))
    told = (
        "train_01_attack_free/drive: the clock jumps: +100.001 s at frame 40. Such gaps don't "
        "count as recording time"
    )
    assert report.clocks == (told,)
    assert report.scenarios[0].duration_s == pytest.approx(0.088)
    stream = StringIO()
    print_report(report, stream)
    assert told in stream.getvalue()


def test_what_train_and_test_share(root: Path) -> None:
    report = inspect_dataset(root, MINI, spec(2, 1))
    (shared,) = report.shared
    assert shared.shared_recordings == ("train_02_with_attacks/DoS-2",)
    assert shared.known_ids == pytest.approx(2 / 3)
    assert shared.known_benign_frames == 1.0
    assert shared.repeated_windows == 0.25
    assert report.left_out == (
        "train_02_with_attacks/DoS-2: same frames as test_01_known_vehicle_known_attack/DoS-1",
        "train_02_with_attacks/again-1: same frames as train_01_attack_free/drive-1",
    )


def test_window_longer_than_the_recordings(root: Path) -> None:
    report = inspect_dataset(root, MINI, spec(6))
    assert [row.windows for row in report.scenarios] == [0, 0]
    assert report.scenarios[0].nodes.mean is None
    assert report.shared[0].repeated_windows is None
    stream = StringIO()
    print_report(report, stream)
    assert "n/a" in stream.getvalue()


def test_feature_set_decides_the_size_of_the_graphs(root: Path) -> None:
    reports = [inspect_dataset(root, MINI, spec(2, 2, name)) for name in ("classic", "relational")]
    sizes = [report.scenarios[0] for report in reports]
    nodes, edges = 4, 2
    assert sizes[0].packed_bytes == 4 * (nodes * 10 + edges * 11)
    assert sizes[1].packed_bytes == 4 * (nodes * 21 + edges * 12)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_table_and_json(root: Path) -> None:
    report = inspect_dataset(root, MINI, spec(2))
    stream = StringIO()
    print_report(report, stream)
    text = stream.getvalue()
    assert "automotive/mini: windows of 2 frames, stride 100" in text
    assert "\x1b" not in text
    assert "left out: train_02_with_attacks/again-1: same frames as train_01" in text
    assert json.loads(report_json(report))["scenarios"][0]["frames"] == 5


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_scenarios_are_whole_on_a_terminal(
    root: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm-256color")
    terminal = Terminal()
    print_report(inspect_dataset(root, MINI, spec(2)), terminal)
    lines = re.sub("\x1b\\[[0-9;]*m", "", terminal.getvalue()).splitlines()
    assert max(map(len, lines)) <= width
    names = [line.split()[0] for line in lines if line.startswith("test_01")]
    assert names == ["test_01_known_vehicle_known_attack"] * 3
    assert any("DLC mix" in line for line in lines) is (width >= 120)


@pytest.mark.recordings
def test_window_counts_of_hcrl_sa(tmp_path: Path, recordings: Path) -> None:
    prepare_dataset(
        PrepareRequest(
            modality="automotive",
            dataset="hcrl_sa",
            data_root=tmp_path,
            source=recordings / "parquet/hcrl_sa",
        )
    )
    report = inspect_dataset(
        tmp_path, DatasetRef(modality="automotive", dataset="hcrl_sa"), spec(100)
    )
    tests = [row for row in report.scenarios if row.scenario.startswith("test")]
    assert [row.windows for row in tests] == [3994, 1861, 3060, 797]
    assert [row.attack_windows for row in tests] == [1928, 752, 1159, 311]
    assert [round(row.known_benign_frames or 0, 2) for row in report.shared] == [1, 0.01, 1, 0.01]
