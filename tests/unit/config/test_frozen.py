"""Frozen configs: hash, strictness, atomic read-only files."""

import json
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from can_train.config.frozen import (
    config_sha256,
    decode_run_config,
    encode_run_config,
    freeze,
    frozen_text,
    load_frozen,
    run_id_of,
    write_frozen,
)
from can_train.config.presets import preset, preset_names
from can_train.config.schema import DataConfig, DistillationConfig, Parent, RunConfig
from can_train.errors import ArtifactError, ConfigError
from can_train.files import OWN_SEAL, sealed, unsealed
from can_train.runs.layout import Roots


def config_of(model: str, size: str, strategy: str, **values: object) -> RunConfig:
    base = preset(model, size, strategy)
    return RunConfig(
        modality="automotive",
        dataset="hcrl_sa",
        model=model,
        model_size=size,  # type: ignore[arg-type]
        training_strategy=strategy,  # type: ignore[arg-type]
        data=DataConfig(dataset_digest="d", split_digest="s"),
        architecture=base.architecture,
        training=base.training,
        curriculum=base.curriculum,
        **values,  # type: ignore[arg-type]
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    config = config_of("gat", "student", "normal")
    roots = Roots(data=tmp_path / "d", experiments=tmp_path / "e", teachers=tmp_path / "t")
    run = tmp_path / "e" / run_id_of(config)
    return write_frozen(freeze(config, run, roots, register=True))


def edited(path: Path, edit: object) -> Path:
    document = json.loads(path.read_text())
    edit(document)  # type: ignore[operator]
    other = path.with_name("edited.json")
    other.write_text(json.dumps(document))
    return other


def sealed_anew(path: Path, **changes: object) -> Path:
    document = unsealed(path, json.loads(path.read_text()), OWN_SEAL)
    other = path.with_name("edited.json")
    other.write_text(json.dumps(sealed({**document, **changes}, OWN_SEAL)))
    return other


@pytest.mark.parametrize("names", preset_names())
def test_every_preset_survives_the_round_trip(names: tuple[str, str, str]) -> None:
    config = config_of(*names)
    assert decode_run_config(json.loads(json.dumps(encode_run_config(config)))) == config


def test_distillation_survives_the_round_trip() -> None:
    teacher = Parent(path="/t.pth", sha256="ab")
    kd = DistillationConfig(teacher=teacher, temperature=8.0)
    config = config_of("gat", "student", "normal", distillation=kd)
    assert decode_run_config(encode_run_config(config)) == config


def test_a_file_is_read_only_and_named_after_its_hash(path: Path) -> None:
    frozen = load_frozen(path)
    assert path.name == f"frozen_config_{frozen.sha256[:12]}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert frozen.run_id == frozen.sha256[:12] == run_id_of(frozen.config)
    assert frozen_text(frozen) == path.read_text()


def test_whole_numbers_and_floats_of_one_value_have_one_hash() -> None:
    config = config_of("gat", "student", "normal")
    whole = replace(config, training=replace(config.training, learning_rate=1))
    real = replace(config, training=replace(config.training, learning_rate=1.0))
    assert config_sha256(whole) == config_sha256(real) != config_sha256(config)


def test_the_hash_is_that_of_the_canonical_json_in_any_process(path: Path) -> None:
    script = (
        "import json, hashlib, sys; d = json.load(open(sys.argv[1])); "
        "text = json.dumps(d['config'], sort_keys=True, separators=(',', ':')); "
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    command = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == load_frozen(path).sha256


def test_provenance_and_folders_are_outside_the_hash(path: Path) -> None:
    frozen = load_frozen(path)
    assert {"created_at", "host", "git_commit", "versions"} <= set(frozen.provenance)
    moved = path.with_name("moved.json")
    moved.write_text(frozen_text(replace(frozen, data_root=Path("/elsewhere"))))
    assert load_frozen(moved).sha256 == frozen.sha256


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: d["paths"].update(run_dir="/elsewhere"),
        lambda d: d["provenance"].update(host="another"),
    ],
)
def test_what_is_outside_the_hash_is_sealed(path: Path, edit: object) -> None:
    with pytest.raises(
        ArtifactError, match=r"edited.json: changed since it was written. Restore it"
    ):
        load_frozen(edited(path, edit))
    without = edited(path, lambda d: (edit(d), d.pop(OWN_SEAL)))  # type: ignore[operator]
    assert load_frozen(without)  # of before there were seals


def test_an_altered_config_is_refused(path: Path) -> None:
    other = edited(path, lambda d: d["config"].update(seed=7))
    with pytest.raises(ArtifactError, match="it was changed after freezing"):
        load_frozen(other)


def test_unknown_and_missing_keys_are_named(path: Path) -> None:
    with pytest.raises(ArtifactError, match="unknown key sha25; did you mean sha256"):
        load_frozen(edited(path, lambda d: d.update(sha25=1)))
    with pytest.raises(ArtifactError, match="missing key paths"):
        load_frozen(edited(path, lambda d: d.pop("paths")))
    raw = encode_run_config(load_frozen(path).config)
    with pytest.raises(ConfigError, match=r"config.sed: unknown key; did you mean seed"):
        decode_run_config({**raw, "sed": 1})
    with pytest.raises(ConfigError, match=r"config.seed: missing key"):
        decode_run_config({k: v for k, v in raw.items() if k != "seed"})


def test_a_newer_major_version_is_refused(path: Path) -> None:
    other = edited(path, lambda d: d.update(schema_version="2.0"))
    with pytest.raises(ArtifactError, match=r"schema version 2.0, this can-train reads up to 1.x"):
        load_frozen(other)
    assert load_frozen(sealed_anew(path, schema_version="1.9"))


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("seed", -1, r"config.seed: -1. Allowed: a whole number >= 0"),
        ("seed", True, r"config.seed: True"),
        ("model", "gatt", r"config.model: 'gatt'. Allowed: vgae, gat, dqn"),
        ("target_fpr", "x", r"config.target_fpr: 'x'. Allowed: a number >= 1e-09 and < 1"),
        ("data", 3, r"config.data: expected an object"),
    ],
)
def test_values_that_are_not_allowed_are_named(key: str, value: object, text: str) -> None:
    raw = encode_run_config(config_of("gat", "student", "normal"))
    with pytest.raises(ConfigError, match=text):
        decode_run_config({**raw, key: value})


def test_writing_again_keeps_the_file_unless_its_folders_changed(path: Path) -> None:
    frozen = load_frozen(path)
    before = path.stat().st_ino
    write_frozen(replace(frozen, provenance={}))
    assert path.stat().st_ino == before
    write_frozen(replace(frozen, data_root=Path("/elsewhere")))
    assert load_frozen(path).data_root == Path("/elsewhere")
