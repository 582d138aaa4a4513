"""Artifacts: self-describing, strict, and unable to run code."""

from __future__ import annotations

import dataclasses
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from can_train.config.presets import preset
from can_train.config.schema import DataConfig, RunConfig
from can_train.detectors.base import Artifact, build_model, load_artifact, save_artifact
from can_train.detectors.calibration import Threshold
from can_train.errors import ArtifactError
from can_train.graphs.features import FEATURE_NAMES
from can_train.graphs.scaling import FeatureScaler, IdVocabulary

EXTRAS = {
    "vgae": {"cdf": np.array([0.1, 1 / 3]), "error_scale": np.ones(4)},
    "gat": {},
    "dqn": {"state_mean": np.zeros(15), "state_scale": np.full(15, 1 / 3)},
}


def artifact(model: str = "gat", features: str = "relational") -> Artifact:
    strategy = {"gat": "normal", "vgae": "autoencoder", "dqn": "fusion"}[model]
    chosen = preset(model, "student", strategy)
    config = RunConfig(
        modality="automotive",
        dataset="small",
        model=model,  # type: ignore[arg-type]
        model_size="student",
        training_strategy=strategy,  # type: ignore[arg-type]
        data=DataConfig(dataset_digest="a" * 64, split_digest="b" * 64, features=features),  # type: ignore[arg-type]
        architecture=chosen.architecture,
        training=chosen.training,
    )
    names = FEATURE_NAMES[features]
    vocabulary = IdVocabulary(ids=np.array([2, 0x316, 0x80012345], np.uint32))
    return Artifact(
        config=config,
        model=build_model(config, len(vocabulary)).eval(),
        vocabulary=vocabulary,
        scaler=FeatureScaler(
            node_mean=np.full(len(names.node), 0.5, np.float32),
            node_scale=np.full(len(names.node), 2.0, np.float32),
            edge_mean=np.full(len(names.edge), 0.1, np.float32),
            edge_scale=np.full(len(names.edge), 3.0, np.float32),
        ),
        threshold=Threshold(value=0.25, target_fpr=0.001, benign_windows=400, exact=False),
        extras=EXTRAS[model],
        parents={"vgae": "c" * 64},
    )


@pytest.mark.parametrize("features", ["classic", "relational"])
@pytest.mark.parametrize("model", ["gat", "vgae", "dqn"])
def test_what_is_saved_is_what_is_loaded(tmp_path: Path, model: str, features: str):
    saved = artifact(model, features)
    path = tmp_path / "models" / "m.pth"
    digest = save_artifact(path, saved)
    loaded = load_artifact(path, sha256=digest)
    assert loaded.sha256 == digest
    assert loaded.config == saved.config
    assert loaded.threshold == saved.threshold
    assert loaded.parents == saved.parents
    assert loaded.vocabulary.ids.tolist() == saved.vocabulary.ids.tolist()
    assert loaded.scaler.edge_scale.tolist() == saved.scaler.edge_scale.tolist()
    assert {k: v.tolist() for k, v in loaded.extras.items()} == {
        k: v.tolist() for k, v in saved.extras.items()
    }
    for name, value in saved.model.state_dict().items():
        assert torch.equal(value, loaded.model.state_dict()[name])
    assert not loaded.model.training


def test_the_same_artifact_has_the_same_bytes(tmp_path: Path):
    saved = artifact()
    first, second = tmp_path / "a" / "m.pth", tmp_path / "b" / "m.pth"
    assert save_artifact(first, saved) == save_artifact(second, saved)


def test_a_file_that_would_run_code_is_refused_and_runs_nothing(tmp_path: Path):
    class Harmful:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "ran"),)

    for name, write in (("torch", torch.save), ("pickle", _plain_pickle)):
        path = tmp_path / f"{name}.pth"
        write(Harmful(), path)
        with pytest.raises(ArtifactError, match="could run code.*refused"):
            load_artifact(path)
    assert not (tmp_path / "ran").exists()


def _plain_pickle(value: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(value, protocol=2))


def test_truncated_missing_and_changed_files_each_have_their_message(tmp_path: Path):
    path = tmp_path / "m.pth"
    with pytest.raises(ArtifactError, match="no such model file"):
        load_artifact(path)
    digest = save_artifact(path, artifact())
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(ArtifactError, match="truncated or damaged"):
        load_artifact(path)
    with pytest.raises(ArtifactError, match="the file was changed"):
        load_artifact(path, sha256=digest)


def test_missing_and_extra_weights_are_named(tmp_path: Path):
    path = tmp_path / "m.pth"
    save_artifact(path, artifact())
    document = torch.load(path, weights_only=True)
    removed = next(iter(document["state_dict"]))
    document["state_dict"]["more"] = document["state_dict"].pop(removed)
    torch.save(document, path)
    with pytest.raises(ArtifactError, match=f"missing {removed}; unexpected more"):
        load_artifact(path)


def test_weights_of_another_shape_are_refused(tmp_path: Path):
    path = tmp_path / "m.pth"
    save_artifact(path, artifact())
    document = torch.load(path, weights_only=True)
    name = next(k for k in document["state_dict"] if k.endswith("weight"))
    document["state_dict"][name] = torch.zeros(1, 1)
    torch.save(document, path)
    with pytest.raises(ArtifactError, match="weights of another shape"):
        load_artifact(path)


def test_a_foreign_state_dict_is_not_an_artifact(tmp_path: Path):
    path = tmp_path / "m.pth"
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(ArtifactError, match="not a can-train artifact"):
        load_artifact(path)


def test_a_relational_gat_has_no_parameter_that_depends_on_ids():
    small = artifact()
    large = dataclasses.replace(
        small, vocabulary=IdVocabulary(ids=np.arange(2000, dtype=np.uint32))
    )
    a = build_model(small.config, len(small.vocabulary))
    b = build_model(large.config, len(large.vocabulary))
    assert {k: v.shape for k, v in a.state_dict().items()} == {
        k: v.shape for k, v in b.state_dict().items()
    }


@pytest.mark.parametrize(
    ("part", "key", "said"),
    [
        ("scaler", "edge_mean", "edge_mean"),
        ("threshold", "value", "value"),
        ("config", "seed", "seed"),
        ("extras", "cdf", "extras: missing cdf"),
    ],
)
def test_a_missing_inner_part_is_named(tmp_path: Path, part: str, key: str, said: str):
    path = tmp_path / "m.pth"
    save_artifact(path, artifact("vgae"))
    document = torch.load(path, weights_only=True)
    del document[part][key]
    torch.save(document, path)
    with pytest.raises(ArtifactError, match=said):
        load_artifact(path)


def test_a_scaler_of_another_width_is_refused(tmp_path: Path):
    path = tmp_path / "m.pth"
    save_artifact(path, artifact())
    document = torch.load(path, weights_only=True)
    document["scaler"]["node_mean"] = torch.zeros(3)
    torch.save(document, path)
    with pytest.raises(ArtifactError, match="scaler of another feature set"):
        load_artifact(path)
