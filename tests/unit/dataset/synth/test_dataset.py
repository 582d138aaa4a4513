import hashlib
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from can_train.dataset.synth import generate
from can_train.dataset.synth.dataset import FILES, record
from can_train.errors import ConfigError

SCENARIOS = [
    "train_01_attack_free",
    "train_02_with_attacks",
    "test_01_known_vehicle_known_attack",
    "test_02_unknown_vehicle_known_attack",
    "test_03_known_vehicle_unknown_attack",
    "test_04_unknown_vehicle_unknown_attack",
    "test_05_suppress",
    "test_06_masquerade",
]
GOLDEN = "67d4b4a479004ebd4a912ac8301f73d12fc32000b439c21b74e23764603e9914"
"""Of seed 0 at scale 0.05: a change here changes every published synthetic result."""


def digest(paths: list[Path]) -> str:
    sha = hashlib.sha256()
    for path in paths:
        sha.update(f"{path.parent.name}/{path.name}\n".encode())
        sha.update(path.read_bytes())
    return sha.hexdigest()


def windows(label: np.ndarray, size: int = 100) -> np.ndarray:
    """Label of each window of `size` frames at stride `size`."""
    whole = len(label) // size * size
    return label[:whole].reshape(-1, size).max(axis=1)


def test_same_seed_gives_the_same_bytes(tmp_path: Path):
    first = generate(tmp_path / "a", seed=0, scale=0.05)
    other = generate(tmp_path / "b", seed=1, scale=0.05)
    again = generate(tmp_path / "c", seed=0, scale=0.05)
    assert digest(first) == digest(again) == GOLDEN
    assert digest(other) != GOLDEN
    assert [path.relative_to(tmp_path / "a") for path in first] == [
        path.relative_to(tmp_path / "c") for path in again
    ]


def test_files_are_named_by_scenario_kind_and_vehicle(tmp_path: Path):
    paths = generate(tmp_path, scale=0.05)
    assert list(dict.fromkeys(path.parent.name for path in paths)) == SCENARIOS
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(paths)
    train = [path.name for path in paths if path.parent.name.startswith("train")]
    assert train == [
        "attack-free-alpha.csv",
        "attack-free-bravo.csv",
        "DoS-alpha.csv",
        "fuzzing-bravo.csv",
    ]
    unknown = [path for path in paths if "unknown_vehicle" in path.parent.name]
    assert unknown and all(path.stem.endswith("-charlie") for path in unknown)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_full_size_suits_the_demonstration_and_position_tells_nothing(seed: int):
    train: list[tuple[np.ndarray, np.ndarray]] = []
    test: list[tuple[np.ndarray, np.ndarray]] = []
    for planned in FILES:
        label = windows(record(planned, seed=seed).label)
        position = np.arange(len(label)) / len(label)
        (train if planned.is_train else test).append((position, label))
        if planned.kind in (None, "suppress"):
            assert not label.any()
        elif planned.is_train:
            assert 0.28 < label.mean() < 0.42
            middle = len(label) // 2
            assert label[:middle].any() and label[middle:].any()
        if not planned.is_train:
            assert 300 <= len(label) <= 400
    position, label = (np.concatenate(column) for column in zip(*train, strict=True))
    assert 1_400 <= len(label) <= 1_500
    trees = HistGradientBoostingClassifier(random_state=0).fit(position[:, None], label)
    position, label = (np.concatenate(column) for column in zip(*test, strict=True))
    assert roc_auc_score(label, trees.predict_proba(position[:, None])[:, 1]) < 0.65


@pytest.mark.parametrize("scale", [0.0, -1.0, 0.01, 1e9, float("nan"), float("inf")])
def test_scale_out_of_range_is_refused_before_anything_is_written(tmp_path: Path, scale: float):
    with pytest.raises(ConfigError, match=r"--scale .* is out of range\. Use 0\.05 to 1000"):
        generate(tmp_path / "out", scale=scale)
    assert not (tmp_path / "out").exists()


def test_negative_seed_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="--seed -1 is negative. Use 0 or a larger integer"):
        generate(tmp_path / "out", seed=-1)
