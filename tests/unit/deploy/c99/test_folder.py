"""What the compiled folder says of frames is what the streaming scorer says of them."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from can_train.config.schema import FusionConfig
from can_train.deploy.c99.folder import c_files
from can_train.deploy.c99.reduced import reduced
from can_train.deploy.c99.rounding import quantized
from can_train.detectors.compiled_scorer import CompiledFrameScorer
from can_train.detectors.frame_scorer import FrameScorer
from can_train.frames.frame import Frames
from can_train.streaming.opening import stream_of
from tests.unit.streaming.streams_for_tests import WINDOW, fused, traffic

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-pedantic", "-O1")
SANITIZED = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
ROOM = "-DCT_MOST_IDS=1024"

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """Of the windows margins [B, scorers], severities and which are above their threshold, and what
    the program counted."""

    margin: np.ndarray
    severity: list[list[str]]
    above: list[list[bool]]
    counted: str


def stamped() -> Frames:
    """Traffic with stamps in whole microseconds, as candump writes them; no time before 0."""
    frames = traffic()
    later = frames.timestamp - min(float(frames.timestamp.min()), 0.0)
    return replace(frames, timestamp=np.round(later * 1e6) / 1e6)


def written(frames: Frames, path: Path) -> Path:
    """The frames as candump logs them."""
    lines = []
    for row in range(len(frames)):
        identifier, us = int(frames.arbitration_id[row]), round(float(frames.timestamp[row]) * 1e6)
        name = f"{identifier & 0x1FFFFFFF:08X}" if identifier >> 31 else f"{identifier:03X}"
        payload = frames.payload[row, : frames.dlc[row]].tobytes().hex().upper()
        lines.append(f"({us // 1_000_000}.{us % 1_000_000:06d}) can0 {name}#{payload}\n")
    path.write_text("".join(lines))
    return path


def compiled(folder: Path, program: str, *flags: str, compiler: str = "gcc") -> Path:
    sources = [f"{program}.c", "can_train.c", "can_train_tables.c"]
    out = folder / f"{program}.{len(list(folder.iterdir()))}"
    command = [compiler, *STRICT, *flags, "-o", str(out), *sources, "-lm"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return out


def replayed(program: Path, log: Path) -> Replayed:
    done = subprocess.run([program, "--windows", log], check=True, capture_output=True, text=True)
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("window")]
    return Replayed(
        margin=np.array([line[3:-2:4] for line in lines], float),
        severity=[[word.rstrip("!") for word in line[5:-2:4]] for line in lines],
        above=[[word.endswith("!") for word in line[5:-2:4]] for line in lines],
        counted=done.stderr,
    )


def require_same(detector: FrameScorer, frames: Frames, found: Replayed) -> None:
    decisions = list(stream_of(detector).push(frames))
    said = [list(each.verdicts.values()) for each in decisions]
    margin = np.array([[verdict.score for verdict in row] for row in said])
    np.testing.assert_allclose(found.margin[:, :-1], margin[:, :-1], rtol=1e-5, atol=1e-4)
    # A fusion sees margins in units of a threshold, which are small in untrained detectors.
    np.testing.assert_allclose(found.margin[:, -1], margin[:, -1], rtol=1e-5, atol=1e-3)
    assert found.severity == [[verdict.severity for verdict in row] for row in said]
    assert found.above == [[verdict.above for verdict in row] for row in said]


@pytest.fixture(scope="module")
def detector() -> FrameScorer:
    return fused()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(stamped(), tmp_path_factory.mktemp("log") / "drive.log")


def exported(
    detector: FrameScorer, folder: Path, *, whole: bool = False, small: bool = False
) -> Path:
    folder.mkdir()
    for name, text in c_files(detector, whole=whole, small=small).items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def folder(detector: FrameScorer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(detector, tmp_path_factory.mktemp("c") / "detector")


def test_margins_and_levels_are_those_of_the_stream(
    detector: FrameScorer, folder: Path, log: Path
) -> None:
    found = replayed(compiled(folder, "main", ROOM), log)
    require_same(detector, stamped(), found)
    assert "of IDs 0, of nodes 0" in found.counted


def test_rounded_weights_are_those_of_the_rounded_detector(
    detector: FrameScorer, log: Path, tmp_path: Path
) -> None:
    whole = quantized(detector)
    folder = exported(whole, tmp_path / "whole", whole=True)
    found = replayed(compiled(folder, "main", ROOM, "-DCT_NO_LIBM"), log)
    require_same(whole, stamped(), found)


@pytest.mark.parametrize("policy", ["dqn", "maximum"])
def test_every_kind_of_policy_is_shown_what_it_asks(
    policy: Literal["dqn", "maximum"], log: Path, tmp_path: Path
) -> None:
    detector = fused(FusionConfig(fusion_policy=policy))
    folder = exported(detector, tmp_path / policy)
    require_same(detector, stamped(), replayed(compiled(folder, "main", ROOM), log))
    tables = (folder / "can_train_tables.c").read_text()
    assert ("fusion_state_mean" in tables) is (policy == "dqn")


@pytest.mark.parametrize("name", ["vgae", "gat"])
def test_a_detector_alone_compiles_as_clean(
    detector: FrameScorer, name: str, log: Path, tmp_path: Path
) -> None:
    alone = CompiledFrameScorer(detector.trained[name], {}, detector.rule)
    folder = exported(alone, tmp_path / name)
    for compiler in filter(shutil.which, ("gcc", "clang")):
        found = replayed(compiled(folder, "main", ROOM, compiler=compiler), log)
        said = [each.verdicts.values() for each in stream_of(alone).push(stamped())]
        margin = [[verdict.score for verdict in row] for row in said]
        np.testing.assert_allclose(found.margin, margin, rtol=1e-5, atol=1e-4)


def test_the_small_one_is_the_classifier_in_less_memory(
    detector: FrameScorer, folder: Path, log: Path, tmp_path: Path
) -> None:
    small = quantized(reduced(detector))
    assert list(small.thresholds) == ["gat"]
    written = exported(small, tmp_path / "small", whole=True, small=True)
    room = (ROOM, f"-DCT_MOST_NODES={WINDOW}")
    found = replayed(compiled(written, "main", *room, *SANITIZED), log)
    said = [each.verdicts["gat"].score for each in stream_of(small).push(stamped())]
    # Nodes lie in 16 bits between layers: as exact as the numbers are large.
    np.testing.assert_allclose(found.margin[:, 0], said, rtol=1e-3, atol=2e-3)
    assert "of nodes 0;" not in replayed(compiled(written, "main"), log).counted
    assert bytes_of_state(written) < 0.55 * bytes_of_state(folder)


def bytes_of_state(folder: Path) -> int:
    (folder / "size.c").write_text(
        '#include <stdio.h>\n#include "can_train.h"\n'
        'int main(void) { printf("%d", (int)sizeof(ct_state)); return 0; }\n'
    )
    return int(subprocess.run([compiled(folder, "size")], capture_output=True).stdout)


def test_what_tables_cannot_hold_is_counted_and_harms_nothing(folder: Path, log: Path) -> None:
    found = replayed(compiled(folder, "main", "-DCT_MOST_IDS=40", *SANITIZED), log)
    assert "of IDs 0," not in found.counted
    assert "replaced 0" not in found.counted
    assert np.isfinite(found.margin).all()


def test_a_full_graph_counts_further_ids_for_its_last_node(folder: Path, log: Path) -> None:
    found = replayed(compiled(folder, "main", "-DCT_MOST_NODES=5", *SANITIZED), log)
    assert "of nodes 0;" not in found.counted


def test_the_folder_checks_itself(folder: Path) -> None:
    done = subprocess.run([compiled(folder, "test_vectors")], capture_output=True, text=True)
    assert done.stdout == "26 windows, 0 differences\n"


@pytest.mark.parametrize(
    "line", ["(1.0) can0 123##1AABB", "(1.0) can0 2000012A#0000000000000000", "(1.0) can0 FFF#00"]
)
def test_frames_that_it_cannot_take_are_refused(folder: Path, tmp_path: Path, line: str) -> None:
    (tmp_path / "odd.log").write_text(f"{line}\n(1.1) can0 123#R\nno frame\n")
    found = replayed(compiled(folder, "main"), tmp_path / "odd.log")
    assert found.counted.startswith("frames 1, windows 0, refused 1, lines skipped 1\n")
