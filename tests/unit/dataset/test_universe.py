"""Synthetic recordings beside the real ones: their sides, sources and identity."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from can_train.config.schema import UNIVERSE_VERSION, DataConfig
from can_train.dataset.augment import synthesis
from can_train.dataset.manifest import DatasetManifest, DatasetRef, load_manifest, split_digest
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.dataset.splits import SIDES, UNUSED, open_split
from can_train.dataset.synth import generate
from can_train.dataset.universe import (
    HELD_OUT_RECORDINGS,
    HELD_OUT_SIDES,
    SCENARIO,
    THRESHOLD_RECORDINGS,
    SplitUniverse,
)
from can_train.dataset.windows import DatasetWindows, open_windows
from can_train.errors import DataError
from can_train.frames.frame import Frames

REF = DatasetRef(modality="automotive", dataset="small")
SIZE = 6


class _Named:
    """A recording that is its source."""

    episodes = ()
    attack_windows = 1.0

    def __init__(self, vehicle: str, frames: Frames) -> None:
        self.vehicle, self.frames = vehicle, frames
        self.kind_of_frame = np.full(len(frames), -1, np.int8)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("universe")
    generate(home / "csv", scale=1.0)
    request = PrepareRequest(
        modality=REF.modality, dataset=REF.dataset, data_root=home / "data", source=home / "csv"
    )
    prepare_dataset(request, report=lambda line: None)
    return home / "data"


def data(manifest: DatasetManifest, augment: int = SIZE, split: str = "time") -> DataConfig:
    digest = split_digest(manifest.digest, split, 50)
    return DataConfig(
        dataset_digest=manifest.digest, split_digest=digest, window=50, stride=50, split=split,
        augment=augment, universe=UNIVERSE_VERSION if augment else 0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def manifest(root: Path) -> DatasetManifest:
    return load_manifest(root, REF.modality, REF.dataset)


@pytest.fixture(scope="module")
def augmented(root: Path, manifest: DatasetManifest) -> DatasetWindows:
    return open_windows(root, REF, data(manifest))


def universe(root: Path, manifest: DatasetManifest, split: str = "time") -> SplitUniverse:
    found = open_split(root, manifest, name=split, window=50)
    return SplitUniverse(
        folder=REF.folder(root), manifest=manifest, split=found, size=SIZE, window=50
    )


def test_real_windows_are_what_they_are_without(
    root: Path, manifest: DatasetManifest, augmented: DatasetWindows
) -> None:
    plain = open_windows(root, REF, data(manifest, augment=0))
    real = len(plain.store)
    assert (augmented.sides[:real] == plain.sides).all()
    assert (augmented.store.node_ptr[: real + 1] == plain.store.node_ptr).all()
    assert (augmented.store.marks[:real] == 0).all()
    used = np.array(SIDES)[plain.sides[plain.sides != UNUSED]]
    assert not any(side.startswith("synthetic") for side in used)
    assert len(augmented.store) > real


def test_recordings_of_another_version_are_not_trained_on(
    root: Path, manifest: DatasetManifest
) -> None:
    earlier = replace(data(manifest), universe=UNIVERSE_VERSION - 1)
    said = f"frozen with version {UNIVERSE_VERSION - 1} of the synthetic .* Plan the run again"
    with pytest.raises(DataError, match=said):
        open_windows(root, REF, earlier)


def test_synthetic_ids_never_enter_the_vocabulary(
    root: Path, manifest: DatasetManifest, augmented: DatasetWindows
) -> None:
    plain = open_windows(root, REF, data(manifest, augment=0))
    assert (augmented.vocabulary.ids == plain.vocabulary.ids).all()
    first = augmented.store.node_ptr[len(plain.store)]
    assert not np.isin(augmented.store.node_id[first:], plain.vocabulary.ids).all()


def test_every_purpose_has_its_windows(augmented: DatasetWindows) -> None:
    made = [r for r in augmented.store.recordings if r.scenario == SCENARIO]
    assert len(made) == SIZE + HELD_OUT_RECORDINGS + THRESHOLD_RECORDINGS
    for side in ("synthetic_train", "synthetic_validation", "synthetic_fusion"):
        label = augmented.store.label[augmented.windows(side)]
        assert 0 < label.sum() < len(label), side
    assert not augmented.store.label[augmented.windows("synthetic_threshold")].any()
    quiet = augmented.undisturbed("synthetic_threshold")
    assert len(quiet) and (augmented.store.label[quiet] == 0).all()
    beside = quiet[augmented.store.recording[quiet - 1] == augmented.store.recording[quiet]]
    assert (augmented.store.label[beside - 1] == 0).all()


def test_recordings_of_one_side_come_from_that_side_alone(
    root: Path, manifest: DatasetManifest
) -> None:
    one = universe(root, manifest)
    training = one._sources(training=True)
    others = one._sources(training=False)
    assert training and others
    for source in training:
        for other in others:
            if source.vehicle == other.vehicle:
                assert not np.isin(other.frames.timestamp, source.frames.timestamp).all()


def test_the_same_split_gives_the_same_recordings(root: Path, manifest: DatasetManifest) -> None:
    first, second = (list(universe(root, manifest).recordings()) for _ in range(2))
    assert [m.recording for m in first] == [m.recording for m in second]
    assert all(a.frames.digest() == b.frames.digest() for a, b in zip(first, second, strict=True))


def test_a_fold_leaves_the_twins_of_its_attack_out(root: Path, manifest: DatasetManifest) -> None:
    kind = next(r.attack_kind for r in manifest.train if r.attack_kind.lower().startswith("dos"))
    fold = universe(root, manifest, f"leave-attack-out:{kind}")
    assert all("flood" in recipe.left_out for recipe in fold.recipes.values())
    assert fold.digests[0] != universe(root, manifest).digests[0]


def test_too_little_traffic_is_named_with_a_way_out(tmp_path: Path) -> None:
    generate(tmp_path / "csv", scale=0.1)
    request = PrepareRequest(
        modality=REF.modality, dataset=REF.dataset, data_root=tmp_path, source=tmp_path / "csv"
    )
    prepare_dataset(request, report=lambda line: None)
    short = load_manifest(tmp_path, REF.modality, REF.dataset)
    with pytest.raises(DataError, match=r"no 3 s of benign traffic in one piece .* --augment off"):
        list(universe(tmp_path, short).recordings())


@pytest.mark.parametrize("sources", [1, 2, 3, 4, 6])
def test_every_source_serves_every_held_out_side(
    root: Path, manifest: DatasetManifest, monkeypatch: pytest.MonkeyPatch, sources: int
) -> None:
    one = universe(root, manifest)
    (source, *_) = one._sources(training=False)
    several = [replace(source, vehicle=f"car{n}") for n in range(sources)]
    monkeypatch.setattr(SplitUniverse, "_sources", lambda self, training: several)
    monkeypatch.setattr(synthesis, "synthesise", lambda s, u, n, r: _Named(s.vehicle, s.frames))
    seen: dict[str, set[str]] = {}
    for made in one.recordings():
        if made.recording.name.startswith("held-out"):
            (mark,) = set(made.marks(np.zeros(1, np.int64)).tolist())
            seen.setdefault(SIDES[mark], set()).add(made.recording.vehicle)
    assert set(seen) == set(HELD_OUT_SIDES)
    assert all(len(vehicles) == sources for vehicles in seen.values())


def test_the_official_tests_have_no_part_in_them(root: Path, manifest: DatasetManifest) -> None:
    without = replace(manifest, recordings=manifest.train)
    one = universe(root, manifest)
    other = replace(one, manifest=without)
    names = [[s.vehicle for s in u._sources(training=True)] for u in (one, other)]
    assert names[0] == names[1]


def test_suppressed_windows_and_most_of_the_long_attacks_are_left_out(
    augmented: DatasetWindows,
) -> None:
    long = [i for i, r in enumerate(augmented.store.recordings) if r.name in {"train-4", "train-5"}]
    of_long = np.isin(augmented.store.recording, long)
    attack = of_long & (augmented.store.label == 1)
    kept = attack & (augmented.sides != UNUSED)
    assert 0 < kept.sum() <= 0.3 * attack.sum() + 2
