"""Importing datasets: discovery, duplicates, repetition, replacement and killed imports."""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict, Unpack

import numpy as np
import pytest

from can_train.dataset.manifest import DatasetManifest, dataset_dir, load_manifest
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.request import Reading
from can_train.errors import ConfigError, DataError
from can_train.frames.paging import mapping_of
from can_train.frames.readers import read_recording
from can_train.frames.store import load_frames

HEADER = "timestamp,arbitration_id,data_field,attack\n"
Told = list[str]


class Options(TypedDict, total=False):
    """Fields of `PrepareRequest` that a test may give."""

    benign: Path | None
    attack: Path
    test: Path
    force: bool
    reading: Reading


def write_csv(path: Path, seed: int, *, attack: bool = False, frames: int = 20) -> Path:
    rng = np.random.default_rng(seed)
    ids, payloads = rng.integers(0, 0x7FF, frames), rng.bytes(frames)
    lines = [
        f"{k / 1000},{ids[k]:03X},{payloads[k]:02X},{int(attack and k == 3)}\n"
        for k in range(frames)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "".join(lines))
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two training recordings, each repeated, a test recording, one of training again."""
    root = tmp_path / "source"
    write_csv(root / "train_01_attack_free/attack-free-kia.csv", 1)
    write_csv(root / "train_02_with_attacks/DoS-kia.csv", 2, attack=True)
    write_csv(root / "train_02_with_attacks/attack-free-kia.csv", 1)
    write_csv(root / "test_01_known_vehicle_known_attack/DoS-1.csv", 3, attack=True)
    write_csv(root / "test_02_unknown_vehicle_known_attack/rpm-accessory-2.csv", 4, attack=True)
    return root


def request(root: Path, source: Path | None = None, **options: Unpack[Options]) -> PrepareRequest:
    return PrepareRequest(
        modality="automotive", dataset="mini", data_root=root / "data", source=source, **options
    )


def prepare(
    root: Path, source: Path | None = None, **options: Unpack[Options]
) -> tuple[DatasetManifest, Told]:
    told: Told = []
    return prepare_dataset(request(root, source, **options), report=told.append), told


def test_scenario_folders(tmp_path: Path, source: Path) -> None:
    manifest, told = prepare(tmp_path, source)
    found = [(r.scenario[:8], r.name, r.attack_kind, r.vehicle) for r in manifest.recordings]
    assert found == [
        ("train_01", "attack-free-kia", "none", "kia"),
        ("train_02", "DoS-kia", "DoS", "kia"),
        ("test_01_", "DoS-1", "DoS", "mini"),
        ("test_02_", "rpm-accessory-2", "rpm-accessory", "mini:unknown"),
    ]
    assert told == [
        "left out: train_02_with_attacks/attack-free-kia: same frames as "
        "train_01_attack_free/attack-free-kia",
        "mini: 40 distinct training frames in 2 files, 1 duplicate file left out, "
        "40 test frames in 2 files of 2 scenarios",
    ]
    assert load_manifest(tmp_path / "data", "automotive", "mini") == manifest


def test_stored_frames_are_those_of_the_file(tmp_path: Path, source: Path) -> None:
    manifest, _ = prepare(tmp_path, source)
    folder = dataset_dir(tmp_path / "data", "automotive", "mini")
    for recording in manifest.recordings:
        frames = load_frames(folder, recording)
        assert frames.digest() == recording.digest
        assert frames.digest() == read_recording(source / recording.source).frames.digest()
        assert mapping_of(frames.payload) is not None
        assert not frames.payload.flags.writeable


def test_flat_names_and_folders_give_one_digest(tmp_path: Path, source: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in source.glob("*/*"):
        (flat / f"{path.parent.name}__{path.stem}.dat").write_bytes(path.read_bytes())
    assert prepare(tmp_path / "a", source)[0].digest == prepare(tmp_path / "b", flat)[0].digest


def test_same_content_again_changes_nothing(tmp_path: Path, source: Path) -> None:
    prepare(tmp_path, source)
    folder = dataset_dir(tmp_path / "data", "automotive", "mini")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.[nj]*") if path.is_file()}
    _, told = prepare(tmp_path, source)
    assert told[-1].endswith("of 2 scenarios (unchanged)")
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_other_content_needs_force(tmp_path: Path, source: Path) -> None:
    first, _ = prepare(tmp_path, source)
    write_csv(source / "train_02_with_attacks/fuzzing-kia.csv", 9, attack=True)
    folder = dataset_dir(tmp_path / "data", "automotive", "mini")
    with pytest.raises(DataError) as caught:
        prepare(tmp_path, source)
    assert str(caught.value) == (
        "dataset mini already holds other recordings (80 frames in 4 files; now 100 frames in 5 "
        "files). Choose another --dataset name, or replace it with --force"
    )
    assert load_manifest(tmp_path / "data", "automotive", "mini") == first
    assert len(list(folder.glob("frames/*"))) == 4
    second, _ = prepare(tmp_path, source, force=True)
    assert load_manifest(tmp_path / "data", "automotive", "mini") == second
    assert len(list(folder.glob("frames/*"))) == 5


def test_training_recording_that_is_a_test_recording_is_left_out(
    tmp_path: Path, source: Path
) -> None:
    write_csv(source / "train_02_with_attacks/DoS-9.csv", 3, attack=True)
    manifest, told = prepare(tmp_path, source)
    assert told[0] == (
        "left out: train_02_with_attacks/DoS-9: same frames as "
        "test_01_known_vehicle_known_attack/DoS-1"
    )
    assert "DoS-9" not in [r.name for r in manifest.train]


def test_recording_of_two_test_scenarios_stays_in_both(tmp_path: Path, source: Path) -> None:
    write_csv(source / "test_03_known_vehicle_unknown_attack/DoS-1.csv", 3, attack=True)
    manifest, _ = prepare(tmp_path, source)
    assert len(manifest.test) == 3
    folder = dataset_dir(tmp_path / "data", "automotive", "mini")
    assert len(list(folder.glob("frames/*"))) == 4


def test_own_recordings(tmp_path: Path) -> None:
    benign, attack, test = (tmp_path / name for name in ("benign", "attack", "test"))
    benign.mkdir()
    (benign / "drive.log").write_text("(1.0) can0 112#00\n(1.1) can0 113#00\n")
    write_csv(attack / "Flooding_dataset_KIA.csv", 2, attack=True)
    write_csv(test / "Fuzzy_dataset_KIA.csv", 3, attack=True)
    manifest, _ = prepare(tmp_path, benign=benign, attack=attack, test=test)
    assert [(r.scenario, r.name, r.attack_kind, r.vehicle) for r in manifest.recordings] == [
        ("train_01_attack_free", "drive", "none", "mini"),
        ("train_02_with_attacks", "Flooding_dataset_KIA", "Flooding_dataset_KIA", "mini"),
        ("test_01_known_vehicle_known_attack", "Fuzzy_dataset_KIA", "Fuzzy_dataset_KIA", "mini"),
    ]


def test_unlabelled_recording_among_attacks(tmp_path: Path) -> None:
    path = tmp_path / "drive.log"
    path.write_text("(1.0) can0 112#00\n")
    with pytest.raises(DataError, match="candump without labels, in a folder of recordings with "):
        prepare(tmp_path, benign=path, attack=path)


def test_attack_frames_among_benign_recordings(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "x/drive.csv", 1, attack=True)
    with pytest.raises(
        DataError, match="1 of 20 frames are labelled as attacks, in a folder of benign"
    ):
        prepare(tmp_path, benign=path)


@pytest.mark.parametrize(
    ("folder", "benign", "message"),
    [
        (None, None, "nothing to import: give --source DIR, or --benign DIR"),
        ("plain", None, "neither scenario folders .* For recordings of your own: --benign DIR"),
        ("sets", None, "They are in set_a, set_b, each a dataset of its own: --source .*/set_a$"),
        ("plain", "plain", "--source can't stand beside --benign"),
        ("absent", None, "--source .*absent: no such folder in .* Name one .*: --source DIR"),
        ("plane", None, "--source .*plane: no such folder in .*; did you mean plain. Name one"),
        ("no/such", None, "--source .*such: no such folder: there is no folder .*no. Name one"),
        (None, "empty", "--benign .*empty: no files there. Name a folder .*: --benign DIR"),
    ],
)
def test_sources_that_hold_nothing(
    tmp_path: Path, folder: str | None, benign: str | None, message: str
) -> None:
    write_csv(tmp_path / "plain/drive.csv", 1)
    for name in ("set_a", "set_b"):
        write_csv(tmp_path / f"sets/{name}/train_01_attack_free/drive.csv", 1)
    (tmp_path / "empty").mkdir()
    source, own = (None if name is None else tmp_path / name for name in (folder, benign))
    with pytest.raises(DataError, match=message):
        prepare(tmp_path, source, benign=own)
    assert not list(tmp_path.glob("data/*/*/dataset.json"))


def test_subfolders_are_read_and_what_is_no_file_is_listed(tmp_path: Path, source: Path) -> None:
    write_csv(source / "train_01_attack_free/day1/city-kia.csv", 7)
    (source / "train_01_attack_free/gone.csv").symlink_to(tmp_path / "nowhere")
    os.mkfifo(source / "train_02_with_attacks/pipe")
    (source / "notes").mkdir()
    manifest, told = prepare(tmp_path, source)
    assert [(r.name, r.vehicle, r.source) for r in manifest.train][1] == (
        "day1/city-kia", "kia", "train_01_attack_free/day1/city-kia.csv",
    )  # fmt: skip
    assert told[:3] == [
        f"not read: {source}/notes: neither a scenario folder nor a flat name",
        f"not read: {source}/train_01_attack_free/gone.csv: the link leads nowhere",
        f"not read: {source}/train_02_with_attacks/pipe: no regular file",
    ]


def test_own_recordings_in_subfolders(tmp_path: Path) -> None:
    write_csv(tmp_path / "benign/top.csv", 1)
    write_csv(tmp_path / "benign/day1/a.csv", 2)
    write_csv(tmp_path / "benign/day2/a.csv", 3)
    manifest, _ = prepare(tmp_path, benign=tmp_path / "benign")
    assert [r.name for r in manifest.train] == ["day1/a", "day2/a", "top"]


def test_buses_of_a_file_become_recordings(tmp_path: Path) -> None:
    path = tmp_path / "drive-kia.log"
    lines = [f"({k / 100}) can{k % 2} 11{k % 2}#0{k % 9}\n" for k in range(60)]
    path.write_text("".join(lines))
    manifest, told = prepare(tmp_path, benign=path)
    assert [(r.name, r.vehicle, r.frames) for r in manifest.train] == [
        ("drive-kia@can0", "kia", 30),
        ("drive-kia@can1", "kia", 30),
    ]
    assert told[0] == (
        f"{path}: 2 buses, a recording each: can0 (30 frames), can1 (30 frames). One alone: "
        f"--bus NAME"
    )
    manifest, _ = prepare(tmp_path, benign=path, reading=Reading(bus="can1"), force=True)
    assert [(r.name, r.frames) for r in manifest.train] == [("drive-kia", 30)]


def test_bus_beside_the_attacked_one_is_no_benign_traffic(tmp_path: Path) -> None:
    benign = tmp_path / "benign.log"
    benign.write_text("".join(f"({k / 100}) can0 110#0{k % 9}\n" for k in range(60)))
    attack = tmp_path / "DoS-kia.log"
    lines = [f"({k / 100}) can{k % 2} 11{k % 2}#0{k % 7}\n" for k in range(60)]
    attack.write_text("".join(lines))
    table = tmp_path / "labels.csv"
    table.write_text("frame\n4\n")
    reading = Reading(labels=str(table))
    manifest, _ = prepare(tmp_path, benign=benign, attack=attack, reading=reading)
    assert [(r.name, r.labels_say_nothing) for r in manifest.train] == [
        ("benign", False),
        ("DoS-kia@can0", False),
        ("DoS-kia@can1", True),
    ]


@pytest.mark.recordings
def test_two_interfaces_and_nested_folders(tmp_path: Path, recordings: Path) -> None:
    manifest, _ = prepare(tmp_path / "a", benign=recordings / "cases/two_interfaces/benign")
    assert [(r.name, r.frames) for r in manifest.train] == [
        ("drive1@can0", 250), ("drive1@can1", 250),
    ]  # fmt: skip
    manifest, _ = prepare(tmp_path / "b", benign=recordings / "cases/nested_folders/benign")
    assert [r.name for r in manifest.train] == ["day1/a", "day2/b", "top"]


@pytest.mark.parametrize("name", ["", "../mini", "a b", ".hidden"])
def test_dataset_that_cannot_name_a_folder(tmp_path: Path, source: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="isn't a name. Allowed: letters, digits"):
        prepare_dataset(dataclasses.replace(request(tmp_path, source), dataset=name))


def test_two_files_of_one_name(tmp_path: Path, source: Path) -> None:
    write_csv(source / "train_01_attack_free/attack-free-kia.txt", 5)
    with pytest.raises(DataError, match="both would be train_01_attack_free/attack-free-kia"):
        prepare(tmp_path, source)


def test_only_test_recordings(tmp_path: Path) -> None:
    write_csv(tmp_path / "s/test_01_known_vehicle_known_attack/DoS-1.csv", 1, attack=True)
    with pytest.raises(DataError, match="dataset mini would have no training recording"):
        prepare(tmp_path, tmp_path / "s")


def test_lenient_lines_are_counted(tmp_path: Path, source: Path) -> None:
    bad = source / "train_01_attack_free/attack-free-kia.csv"
    bad.write_text(bad.read_text() + "oops\n")
    with pytest.raises(DataError, match="attack-free-kia.csv:22: number of fields differs"):
        prepare(tmp_path, source)
    assert not list(tmp_path.glob("data/*/*/dataset.json"))
    _, told = prepare(tmp_path, source, reading=Reading(lenient=0.01))
    assert f"{bad}: 1 malformed line left out, none with an attack label" in told


def test_frames_that_do_not_fit_the_manifest(tmp_path: Path, source: Path) -> None:
    manifest, _ = prepare(tmp_path, source)
    folder = dataset_dir(tmp_path / "data", "automotive", "mini")
    recording = manifest.recordings[0]
    column = folder / "frames" / recording.digest / "dlc.npy"
    np.save(column, np.zeros(3, np.uint8))
    with pytest.raises(DataError, match="columns of different lengths"):
        load_frames(folder, recording)
    column.write_bytes(b"\x93NUMPY")
    with pytest.raises(DataError, match="dlc.npy: no stored column"):
        load_frames(folder, recording)
    prepare(tmp_path, source)
    assert load_frames(folder, recording).digest() == recording.digest


def test_leavings_of_a_killed_import_are_cleared(tmp_path: Path, source: Path) -> None:
    folder = dataset_dir(tmp_path / "data", "automotive", "mini")
    for name in (".partial-1", "0" * 64):
        (folder / "frames" / name).mkdir(parents=True)
        (folder / "frames" / name / "dlc.npy").write_bytes(b"half")
    (folder / ".partial-2").write_text("{")
    manifest, _ = prepare(tmp_path, source)
    names = sorted(path.name for path in (folder / "frames").iterdir())
    assert names == sorted(r.digest for r in manifest.recordings)
    assert not list(folder.glob(".partial*"))


def test_import_killed_at_any_moment_leaves_a_whole_dataset_or_none(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for k in range(12):
        write_csv(source / f"train_01_attack_free/drive-{k}.csv", k, frames=2000)
    code = (
        "import sys; from pathlib import Path; from can_train.dataset.prepare import *\n"
        "r = PrepareRequest(modality='automotive', dataset='mini', data_root=Path(sys.argv[1]), "
        "source=Path(sys.argv[2]))\n"
        "sys.stdout.write('ready\\n'); sys.stdout.flush(); prepare_dataset(r, report=str)\n"
    )
    root = tmp_path / "data"
    for delay_s in (0.05, 0.15, 0.3):
        command = [sys.executable, "-c", code, str(root), str(source)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay_s)
            process.send_signal(signal.SIGKILL)
        if (root / "automotive/mini/dataset.json").exists():
            manifest = load_manifest(root, "automotive", "mini")
            for recording in manifest.recordings:
                frames = load_frames(root / "automotive/mini", recording)
                assert frames.digest() == recording.digest
    manifest, _ = prepare(tmp_path, source)
    assert len(manifest.recordings) == 12


def test_stopped_import_goes_on_with_the_files_that_are_missing(tmp_path: Path) -> None:
    source = tmp_path / "source"
    paths = [write_csv(source / f"train_01_attack_free/drive-{k}.csv", k) for k in range(4)]
    done: list[int] = []

    def stop(_total: int) -> Callable[[int], None]:
        def advance(size: int) -> None:
            done.append(size)
            if len(done) == 2:
                raise KeyboardInterrupt

        return advance

    stopped: Told = []
    with pytest.raises(KeyboardInterrupt):
        prepare_dataset(request(tmp_path, source), report=stopped.append, progress=stop)
    assert stopped[-1].startswith("stopped: the same command goes on with the files")
    folder = dataset_dir(tmp_path / "data", "automotive", "mini")
    assert not (folder / "dataset.json").exists()
    # Read again, this file would be refused.
    stat = paths[0].stat()
    paths[0].write_text("x" * stat.st_size)
    os.utime(paths[0], ns=(stat.st_atime_ns, stat.st_mtime_ns))
    manifest, told = prepare(tmp_path, source)
    assert len(manifest.train) == 4
    assert any("files were imported before the stop and not read again" in line for line in told)
    assert sorted(p.name for p in folder.iterdir() if p.name != ".prepare.lock") == [
        "dataset.json",
        "frames",
    ]
    paths[1].write_text("changed")
    with pytest.raises(DataError, match="drive-0.csv: not a recording of a known format"):
        prepare(tmp_path, source)


def test_a_killed_import_goes_on_file_by_file(tmp_path: Path) -> None:
    source, total = tmp_path / "source", 40
    for k in range(total):
        write_csv(source / f"train_01_attack_free/drive-{k:02}.csv", k, frames=2000)
    straight, _ = prepare(tmp_path / "straight", source)
    root = tmp_path / "data"
    roots = ["--source", str(source), "--data-root", str(root)]
    command = "data prepare --modality automotive --dataset mini".split()
    command = [sys.executable, "-m", "can_train", *command, *roots]
    notes = root / "automotive/mini/.importing"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while len(list(notes.glob("*.json"))) < 3 and process.poll() is None:
            time.sleep(0.0005)
        process.send_signal(signal.SIGKILL)
    finished = list(notes.glob("*.json"))
    assert 3 <= len(finished) < total
    for note in finished:
        # Read again, this file would be refused.
        (row,) = json.loads(note.read_text())["recordings"]
        path = source / row["source"]
        stat = path.stat()
        path.write_text("x" * stat.st_size)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    assert f"{len(finished)} of {total} files were imported before" in told.stdout + told.stderr
    resumed = load_manifest(root, "automotive", "mini")
    assert resumed == straight
    for recording in resumed.recordings:
        frames = load_frames(root / "automotive/mini", recording)
        assert frames.digest() == recording.digest
    left = sorted(path.name for path in (root / "automotive/mini").iterdir())
    assert left == [".prepare.lock", "dataset.json", "frames"]


@pytest.mark.parametrize("left", [b"", b"\0" * 40])
def test_a_note_that_a_power_cut_emptied_is_no_note(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, left: bytes
) -> None:
    straight, _ = prepare(tmp_path / "straight", source)

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("can_train.dataset.prepare._manifest", stopped)
        with pytest.raises(KeyboardInterrupt):
            prepare(tmp_path, source)
    notes = list((tmp_path / "data/automotive/mini/.importing").iterdir())
    assert len(notes) == len(list(source.glob("*/*")))
    notes[0].write_bytes(left)
    resumed, lines = prepare(tmp_path, source)
    assert resumed == straight
    assert f"{len(notes) - 1} of {len(notes)} files were imported before" in "\n".join(lines)


def test_a_large_file_is_told_as_read_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("can_train.frames.text.reading.PIECE_BYTES", 50_000)
    source = tmp_path / "source"
    large = write_csv(source / "train_01_attack_free/large.csv", 1, frames=20_000)
    small = write_csv(source / "train_01_attack_free/small.csv", 2)
    told: list[int] = []
    prepare_dataset(
        request(tmp_path, source), report=lambda _: None, progress=lambda total: told.append
    )
    assert len(told) > 4
    assert max(told) < 0.9 * large.stat().st_size
    assert sum(told) == large.stat().st_size + small.stat().st_size


def test_long_files_are_stored_like_short_ones(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = next(source.rglob("*.csv"))
    shutil.copy(first, first.with_name("again.csv"))
    straight = prepare_dataset(request(tmp_path, source))
    root = tmp_path / "data/automotive/mini"
    stored = {path: path.read_bytes() for path in root.glob("frames/*/*.npy")}
    modes = {path.stat().st_mode for path in stored}
    shutil.rmtree(root)
    monkeypatch.setattr("can_train.frames.text.reading._LONG_BYTES", 0)
    root.mkdir()
    (root / ".partial-column-of-a-killed-import").touch()
    assert prepare_dataset(request(tmp_path, source)) == straight
    assert {path: path.read_bytes() for path in root.glob("frames/*/*.npy")} == stored
    assert {path.stat().st_mode for path in stored} == modes
    gc.collect()
    left = sorted(path.name for path in root.iterdir())
    assert left == [".prepare.lock", "dataset.json", "frames"]


def test_two_imports_at_once(tmp_path: Path, source: Path) -> None:
    def during(line: str) -> None:
        raise AssertionError(line)

    folder = dataset_dir(tmp_path / "data", "automotive", "mini")
    folder.mkdir(parents=True)
    code = (
        "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX)\n"
        "sys.stdout.write('locked\\n'); sys.stdout.flush(); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(folder / ".prepare.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(DataError, match="another data prepare is at work there"):
            prepare_dataset(request(tmp_path, source), report=during)


@pytest.mark.recordings
def test_hcrl_sa(tmp_path: Path, recordings: Path) -> None:
    manifest, told = prepare(tmp_path, recordings / "parquet/hcrl_sa")
    assert told[-1].startswith(
        "mini: 627,260 distinct training frames in 4 files, 2 duplicate files left out"
    )
    assert sorted({r.vehicle for r in manifest.test}) == ["kia", "sonata", "spark"]
    assert sorted({r.attack_kind for r in manifest.test}) == ["DoS", "fuzzing", "malfunction"]


@pytest.mark.recordings
def test_raw_text_tree_as_own_recordings(tmp_path: Path, recordings: Path) -> None:
    benign = recordings / "formats/canbuslogs/civic_turn_on_and_drive.log"
    manifest, _ = prepare(tmp_path, benign=benign, attack=recordings / "raw/hcrl_survival")
    assert [r.attack_frames for r in manifest.train] == [0, 8543, 5109, 3995]
    with pytest.raises(DataError, match="--benign DIR --attack DIR"):
        prepare(tmp_path, recordings / "raw/hcrl_survival")
