"""Artifacts: self-describing, strict, and unable to run code."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from can_train.config.frozen import config_sha256, decode_run_config, encode_run_config
from can_train.detectors.artifact import load_detector, save_detector
from can_train.detectors.base import Detector
from can_train.errors import ArtifactError
from can_train.teachers.weights_file import artifact_config
from tests.unit.detectors_for_tests import config_of, untrained, with_features


def made(model: str = "gat", features: str = "relational") -> Detector:
    config = with_features(config_of(model), features)
    return untrained(config, parents={"vgae": "c" * 64})


@pytest.mark.parametrize("features", ["classic", "relational"])
@pytest.mark.parametrize("model", ["gat", "vgae", "dqn"])
def test_what_is_saved_is_what_is_loaded(tmp_path: Path, model: str, features: str):
    saved = made(model, features)
    path = tmp_path / "models" / "m.pth"
    digest = save_detector(path, saved)
    loaded = load_detector(path, sha256=digest)
    assert loaded.sha256 == digest
    assert loaded.config == saved.config
    assert loaded.threshold == saved.threshold
    asked = np.linspace(-2, 2, 9)
    assert np.array_equal(loaded.p_value(asked), saved.p_value(asked))
    assert np.unique(loaded.p_value(asked)).size > 2
    assert loaded.parents == saved.parents
    assert loaded.vocabulary.ids.tolist() == saved.vocabulary.ids.tolist()
    assert loaded.scaler.edge_scale.tolist() == saved.scaler.edge_scale.tolist()
    assert {k: v.tolist() for k, v in loaded.extras.items()} == {
        k: v.tolist() for k, v in saved.extras.items()
    }
    for name, value in saved.network.state_dict().items():
        assert torch.equal(value, loaded.network.state_dict()[name])
    assert not loaded.network.training


@pytest.mark.parametrize(
    ("model", "made_by", "refused"),
    [("vgae", 10, True), ("vgae", 11, False), ("dqn", 11, True), ("gat", 10, False)],
)
def test_no_detector_scores_by_another_rule_than_it_was_made_by(
    tmp_path: Path, model: str, made_by: int, refused: bool
) -> None:
    """Anomaly detectors counted how well they told IDs before 11, fusions don't doubt before 12."""
    path = tmp_path / "m.pth"
    config = config_of(model, results=made_by)
    save_detector(path, untrained(config, parents={"vgae": "c" * 64} if model == "dqn" else {}))
    if refused:
        with pytest.raises(
            ArtifactError,
            match=rf"a {model} of results of version {made_by}, .* training command again",
        ):
            load_detector(path)
    else:
        load_detector(path)


def test_the_same_artifact_has_the_same_bytes(tmp_path: Path):
    saved = made()
    first, second = tmp_path / "a" / "m.pth", tmp_path / "b" / "m.pth"
    assert save_detector(first, saved) == save_detector(second, saved)


def test_a_file_that_would_run_code_is_refused_and_runs_nothing(tmp_path: Path):
    class Harmful:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "ran"),)

    for name, write in (("torch", torch.save), ("pickle", _plain_pickle)):
        path = tmp_path / f"{name}.pth"
        write(Harmful(), path)
        with pytest.raises(ArtifactError, match="could run code.*refused"):
            load_detector(path)
    assert not (tmp_path / "ran").exists()


def _plain_pickle(value: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(value, protocol=2))


def test_truncated_missing_and_changed_files_each_have_their_message(tmp_path: Path):
    path = tmp_path / "m.pth"
    with pytest.raises(ArtifactError, match="no such model file"):
        load_detector(path)
    digest = save_detector(path, made())
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(ArtifactError, match="truncated or damaged"):
        load_detector(path)
    with pytest.raises(ArtifactError, match="the file was changed"):
        load_detector(path, sha256=digest)


def test_missing_and_extra_weights_are_named(tmp_path: Path):
    path = tmp_path / "m.pth"
    save_detector(path, made())
    document = torch.load(path, weights_only=True)
    removed = next(iter(document["state_dict"]))
    document["state_dict"]["more"] = document["state_dict"].pop(removed)
    torch.save(document, path)
    with pytest.raises(ArtifactError, match=f"missing {removed}; unexpected more"):
        load_detector(path)


def test_weights_of_another_shape_are_refused(tmp_path: Path):
    path = tmp_path / "m.pth"
    save_detector(path, made())
    document = torch.load(path, weights_only=True)
    name = next(k for k in document["state_dict"] if k.endswith("weight"))
    document["state_dict"][name] = torch.zeros(1, 1)
    torch.save(document, path)
    with pytest.raises(ArtifactError, match="weights of another shape"):
        load_detector(path)


def test_a_foreign_state_dict_is_not_an_artifact(tmp_path: Path):
    path = tmp_path / "m.pth"
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(ArtifactError, match="not a can-train artifact"):
        load_detector(path)


@pytest.mark.parametrize(
    ("part", "key", "said"),
    [
        ("scaler", "edge_mean", "edge_mean"),
        ("threshold", "value", "value"),
        ("config", "seed", "seed"),
        ("extras", "error_scale", "extras: missing error_scale"),
        ("evidence", "attack", "attack"),
    ],
)
def test_a_missing_inner_part_is_named(tmp_path: Path, part: str, key: str, said: str):
    path = tmp_path / "m.pth"
    save_detector(path, made("vgae"))
    document = torch.load(path, weights_only=True)
    del document[part][key]
    torch.save(document, path)
    with pytest.raises(ArtifactError, match=said):
        load_detector(path)


def test_a_scaler_of_another_width_is_refused(tmp_path: Path):
    path = tmp_path / "m.pth"
    save_detector(path, made())
    document = torch.load(path, weights_only=True)
    document["scaler"]["node_mean"] = torch.zeros(3)
    torch.save(document, path)
    with pytest.raises(ArtifactError, match=r"made for 3 and \d+ features of nodes and edges; "):
        load_detector(path)


WRITTEN_BEFORE: dict[str, Any] = {
    "format": "can-train artifact 1",
    "config": {
        "modality": "automotive",
        "dataset": "small",
        "model": "gat",
        "model_size": "student",
        "training_strategy": "normal",
        "data": {
            "dataset_digest": "a" * 64,
            "split_digest": "b" * 64,
            "features": "relational",
            "window": 100,
            "stride": 100,
            "split": "time",
            "windows_per_side": None,
        },
        "architecture": {
            "layers": 2,
            "heads": 2,
            "hidden_channels": 4,
            "id_embedding": 2,
            "fc_channels": [6, 5],
            "dropout": 0.1,
        },
        "training": {
            "epochs": 40,
            "patience": 8,
            "batch_size": None,
            "learning_rate": 0.001,
            "weight_decay": 0.0001,
            "gradient_clip": 1.0,
            "windows_per_epoch": None,
            "threads": 2,
        },
        "distillation": None,
        "curriculum": None,
        "vgae": None,
        "gat": None,
        "seed": 0,
        "target_fpr": 0.001,
    },
}
"""The first keys of an artifact that version 1.1 of the schema wrote, when each expert had a field
of its own; with the sha256 of that config."""
SHA256_BEFORE = "1d2fa51a3e98600daa994c78bb7f00cff0af551aaabe3d2af0cf5a4ffaf3e076"


def test_an_artifact_of_an_earlier_version_is_refused_and_says_why(tmp_path: Path):
    path = tmp_path / "gat_student.pth"
    torch.save(WRITTEN_BEFORE, path)
    said = "can-train artifact 1, this can-train reads can-train artifact 3: .* Train it again"
    for read in (load_detector, artifact_config):
        with pytest.raises(ArtifactError, match=said):
            read(path)


def test_a_config_frozen_before_keeps_its_hash_and_says_which_results_it_had():
    config = decode_run_config(WRITTEN_BEFORE["config"])
    assert config.results == 1
    assert config_sha256(config) == SHA256_BEFORE
    assert encode_run_config(config) == WRITTEN_BEFORE["config"]


def written(path: Path, detector: Detector) -> Path:
    save_detector(path, detector)
    return path


def test_an_artifact_names_the_experts_that_it_was_built_on(tmp_path: Path):
    path = written(tmp_path / "dqn.pth", made("dqn"))
    document = torch.load(path, weights_only=True)
    keys = ("path", "sha256", "run_id")
    for name in ("vgae", "gat"):
        made_by = (None, None, f"made-by-{name}")
        assert document["config"][name] == dict(zip(keys, made_by, strict=True))
    assert "experts" not in document["config"]
    assert set(load_detector(path).config.experts) == {"vgae", "gat"}


def test_weights_of_a_detector_are_those_of_its_network_and_nothing_else(tmp_path: Path):
    vgae = made("vgae")
    document = torch.load(written(tmp_path / "m.pth", vgae), weights_only=True)
    assert list(document["state_dict"]) == list(vgae.network.state_dict())
