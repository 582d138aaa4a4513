"""Model files as preflight sees them: whole or not, weights or code, and the config inside."""

import os
import pickle
import zipfile
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from can_train.config.frozen import encode_run_config
from can_train.config.presets import preset, preset_names
from can_train.config.schema import DataConfig, RunConfig
from can_train.errors import ArtifactError
from can_train.teachers.weights_file import (
    ARTIFACT_FORMAT,
    artifact_config,
    check_weights_file,
    stored_document,
)


class _Runs:
    """Makes a file when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self._proof = proof

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return os.open, (str(self._proof), os.O_CREAT)


def config_of(model: str, size: str, strategy: str) -> RunConfig:
    return RunConfig(
        modality="automotive",
        dataset="car",
        model=model,
        model_size=size,  # type: ignore[arg-type]
        training_strategy=strategy,  # type: ignore[arg-type]
        data=DataConfig(dataset_digest="d", split_digest="s"),
        architecture=preset(model, size, strategy).architecture,
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16,
                                   torch.int64, torch.uint8, torch.bool])  # fmt: skip
def test_what_torch_reads_as_weights_is_accepted(tmp_path: Path, dtype: torch.dtype) -> None:
    path = tmp_path / "a.pth"
    weights = OrderedDict(a=torch.ones(2, 3).to(dtype), b=nn.Parameter(torch.ones(2)), size=3)
    torch.save({"state": weights, "list": [1, 2.5, None, True, "x", (1,), dtype]}, path)
    torch.load(path, weights_only=True)
    check_weights_file(path)
    document = stored_document(path)
    assert isinstance(document, dict)
    assert document["list"][:6] == [1, 2.5, None, True, "x", (1,)]
    assert list(document["state"]) == ["a", "b", "size"]


def test_a_state_dict_with_its_metadata_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).state_dict(), path)
    assert "0.weight" in stored_document(path)  # type: ignore[operator]


@pytest.mark.parametrize("names", preset_names())
def test_the_config_inside_an_artifact_is_read_without_torch(
    tmp_path: Path, names: tuple[str, str, str]
) -> None:
    path, config = tmp_path / "a.pth", config_of(*names)
    document = {"format": ARTIFACT_FORMAT, "config": encode_run_config(config)}
    torch.save({**document, "state_dict": nn.Linear(2, 2).state_dict()}, path)
    assert artifact_config(path) == config


def test_files_that_are_no_artifacts_say_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save(nn.Linear(2, 2).state_dict(), path)
    with pytest.raises(ArtifactError, match="can-train teachers add --from-state-dict"):
        artifact_config(path)
    newer = encode_run_config(config_of("gat", "teacher", "normal"))
    torch.save({"format": ARTIFACT_FORMAT, "config": {**newer, "colour": 1}}, path)
    with pytest.raises(ArtifactError, match="config.colour: unknown key"):
        artifact_config(path)


@pytest.mark.parametrize("protocol", [2, 4])
def test_code_in_a_torch_file_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    path, proof = tmp_path / "a.pth", tmp_path / "proof"
    torch.save({"weights": torch.ones(2), "x": _Runs(proof)}, path, pickle_protocol=protocol)
    for read in (check_weights_file, stored_document):
        with pytest.raises(ArtifactError, match="could run code .*: refused") as caught:
            read(path)
        assert ("posix.open" in str(caught.value)) == (protocol == 2)
    assert not proof.exists()


@pytest.mark.parametrize("protocol", range(6))
def test_a_plain_pickle_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    path, proof = tmp_path / "a.pth", tmp_path / "proof"
    path.write_bytes(pickle.dumps(_Runs(proof), protocol=protocol))
    with pytest.raises(ArtifactError, match="plain pickle|not a model file"):
        check_weights_file(path)
    assert not proof.exists()


def test_a_module_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save(nn.Linear(2, 2), path)
    with pytest.raises(ArtifactError, match=r"torch\.nn\.modules\.linear\.Linear"):
        check_weights_file(path)


def test_a_second_pickle_in_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"a": 1}, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/data.pkl", pickle.dumps(_Runs(tmp_path / "proof")))
    with pytest.raises(ArtifactError, match="expected one data.pkl"):
        check_weights_file(path)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_truncated_files_are_told_so(tmp_path: Path, share: float) -> None:
    path = tmp_path / "a.pth"
    torch.save({"a": torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ArtifactError, match="truncated"):
        check_weights_file(path)


def test_damaged_pickles_and_missing_files_are_told_so(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    with pytest.raises(ArtifactError, match="no such model file"):
        check_weights_file(path)
    for content in (b"\x80\x02", b"\x80\x02}q", b"abc", b"\x80\x02R.", b"\x80\x02h\x07."):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/data.pkl", content)
        with pytest.raises(ArtifactError, match="damaged"):
            stored_document(path)


def test_another_config_is_another_one(tmp_path: Path) -> None:
    path, config = tmp_path / "a.pth", config_of("vgae", "student", "autoencoder")
    changed = replace(config, data=replace(config.data, window=50))
    torch.save({"format": ARTIFACT_FORMAT, "config": encode_run_config(changed)}, path)
    assert artifact_config(path).data.window == 50 != config.data.window
