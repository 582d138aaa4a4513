"""The frozen config: one hashed, read-only JSON file that describes a run (stdlib only)."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final, cast

import can_train
from can_train.config.codec import Json, from_plain, to_plain
from can_train.config.schema import SCHEMA_VERSION, RunConfig
from can_train.errors import ArtifactError, ConfigError, did_you_mean
from can_train.files import OWN_SEAL, sealed, unsealed, write_text
from can_train.runs.layout import RUN_ID_LENGTH, Roots, frozen_of_run, frozen_path, is_run
from can_train.runs.typed_command import typed_command

_KEYS: Final = frozenset({"schema_version", "sha256", "config", "provenance", "paths"})
_PATH_KEYS: Final = frozenset({"data_root", "experiment_root", "run_dir", "teacher_root"})
TRAINING_DIGEST: Final = "training_digest"
"""Where the provenance tells which training recordings the dataset had. It isn't hashed: runs of
before have only the digest of the whole dataset."""

_NAMED: Final = re.compile(r"frozen_config_([0-9a-f]{12})\.json")
_PACKAGES: Final = ("torch", "numpy", "polars", "scikit-learn")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenConfig:
    """A run's configuration with its hash and the places it works on.

    Attributes:
        config: Everything that decides the result.
        sha256: Hash of the canonical JSON of `config`, and of nothing else.
        provenance: When, where and with what it was frozen; decides nothing.
        data_root, experiment_root, run_dir: Absolute folders.
        teacher_root: Registry that takes the finished teacher; None: none takes it.
    """

    config: RunConfig
    sha256: str
    data_root: Path
    experiment_root: Path
    run_dir: Path
    teacher_root: Path | None = None
    provenance: Mapping[str, Json] = field(default_factory=dict)

    @property
    def training_digest(self) -> str | None:
        """Of the training recordings alone; None where it was frozen before that was noted."""
        found = self.provenance.get(TRAINING_DIGEST)
        return found if isinstance(found, str) else None

    @property
    def run_id(self) -> str:
        """Name of the run's folder."""
        return self.run_dir.name


def encode_run_config(config: RunConfig) -> dict[str, Json]:
    """`config` as JSON values."""
    return cast(dict[str, Json], to_plain(config, RunConfig))


def decode_run_config(raw: object, where: str = "config") -> RunConfig:
    """The run config in JSON values, strictly.

    Raises:
        ConfigError: A key is unknown or missing, or a value isn't allowed.
    """
    return from_plain(RunConfig, raw, where)


def canonical_json(value: Json) -> str:
    """The one text of a JSON value: sorted keys, no blanks, ASCII, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )


def config_sha256(config: RunConfig) -> str:
    """Hash of everything that decides the result of a run."""
    return hashlib.sha256(canonical_json(encode_run_config(config)).encode("ascii")).hexdigest()


def run_id_of(config: RunConfig) -> str:
    """The run's id: the beginning of its hash."""
    return config_sha256(config)[:RUN_ID_LENGTH]


def freeze(config: RunConfig, run: Path, roots: Roots, *, register: bool) -> FrozenConfig:
    """A frozen config for `config` in the folder `run`; nothing is written.

    Args:
        config: The run's configuration.
        run: Folder of the run.
        roots: Where data, runs and teachers lie.
        register: Whether a finished teacher goes into the registry.
    """
    return FrozenConfig(
        config=config,
        sha256=config_sha256(config),
        data_root=roots.data,
        experiment_root=roots.experiments,
        run_dir=run,
        teacher_root=roots.teachers if register else None,
    )


def write_frozen(frozen: FrozenConfig) -> Path:
    """Writes the file into the run's folder, read-only and atomically, and returns its path.

    One that is there already stays unless the folders it names have changed since.
    """
    path = frozen_path(frozen.run_dir, frozen.sha256)
    if path.exists():
        there = load_frozen(path)
        if replace(there, provenance={}) == replace(frozen, provenance={}):
            return path
    complete = replace(frozen, provenance={**frozen.provenance, **_provenance()})
    write_text(path, frozen_text(complete), mode=0o444)
    return path


def frozen_text(frozen: FrozenConfig) -> str:
    """Text of the file."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "sha256": frozen.sha256,
        "config": encode_run_config(frozen.config),
        "provenance": dict(frozen.provenance),
        "paths": {
            "data_root": str(frozen.data_root),
            "experiment_root": str(frozen.experiment_root),
            "run_dir": str(frozen.run_dir),
            "teacher_root": None if frozen.teacher_root is None else str(frozen.teacher_root),
        },
    }
    text = json.dumps(sealed(document, OWN_SEAL), indent=1, sort_keys=True, allow_nan=False)
    return f"{text}\n"


def is_frozen(path: Path) -> bool:
    """Whether `path` looks like a frozen config, and not like a request."""
    if path.suffix != ".json" or not path.is_file():
        return False
    return {"schema_version", "sha256"} <= set(_read(path))


def frozen_config_of(run: Path) -> FrozenConfig:
    """The frozen config in the folder of a run.

    Raises:
        ArtifactError: It is missing, altered, or of a newer version.
    """
    return load_frozen(frozen_of_run(run))


def load_frozen(path: Path) -> FrozenConfig:
    """Reads a frozen config strictly.

    Raises:
        ConfigError: There is no such file.
        ArtifactError: Not a frozen config, of a newer version, altered, or with unknown keys.
    """
    try:
        return _decoded(path, _read(path))
    except (TypeError, KeyError) as error:
        raise ArtifactError(f"{path}: not a frozen config ({error})") from error


def _decoded(path: Path, whole: Mapping[str, object]) -> FrozenConfig:
    document = {key: value for key, value in whole.items() if key != OWN_SEAL}
    _check_keys(document, _KEYS, f"{path}")
    _check_version(path, document["schema_version"])
    raw = document["config"]
    found = hashlib.sha256(canonical_json(cast(Json, raw)).encode("ascii")).hexdigest()
    named = _NAMED.fullmatch(path.name)
    said = named[1] if named else str(document["sha256"])[:RUN_ID_LENGTH]
    if found != document["sha256"] or not found.startswith(said):
        raise ArtifactError(
            f"{path}: sha256 of its config is {found[:12]}, the file says {said}: it was changed "
            "after freezing. A frozen config is never edited: give the training command again "
            "with other flags"
        )
    unsealed(path, whole, OWN_SEAL)
    paths = document["paths"]
    provenance = document["provenance"]
    if not isinstance(paths, dict) or not isinstance(provenance, dict):
        raise ArtifactError(f"{path}: paths and provenance must be objects")
    _check_keys(paths, _PATH_KEYS, f"{path}: paths")
    teacher_root = paths["teacher_root"]
    try:
        config = decode_run_config(raw, f"{path}: config")
    except ConfigError as error:
        raise ArtifactError(str(error)) from error
    return FrozenConfig(
        config=config,
        sha256=found,
        provenance=provenance,
        data_root=Path(paths["data_root"]),
        experiment_root=Path(paths["experiment_root"]),
        run_dir=Path(paths["run_dir"]),
        teacher_root=None if teacher_root is None else Path(teacher_root),
    )


def _read(path: Path) -> dict[str, object]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        kind = ArtifactError if is_run(path.parent.parent) else ConfigError
        raise kind(
            f"--frozen-config: {path} can't be read ({error.strerror}). "
            "Show the runs that exist: can-train status"
        ) from error
    except ValueError as error:
        raise ArtifactError(f"{path}: not a frozen config ({error})") from error
    if not isinstance(document, dict):
        raise ArtifactError(f"{path}: not a frozen config (expected a JSON object)")
    return document


def _check_keys(found: Mapping[str, object], expected: frozenset[str], where: str) -> None:
    for key in sorted(set(found) - expected):
        raise ArtifactError(f"{where}: unknown key {key}{did_you_mean(key, expected)}")
    for key in sorted(expected - set(found)):
        raise ArtifactError(f"{where}: missing key {key}")


def _check_version(path: Path, version: object) -> None:
    major = str(version).partition(".")[0]
    known = SCHEMA_VERSION.partition(".")[0]
    if not major.isdigit() or int(major) > int(known):
        raise ArtifactError(
            f"{path}: schema version {version}, this can-train reads up to {known}.x. "
            "Use the version of can-train that froze it"
        )


def _provenance() -> dict[str, Json]:
    """Where a config was frozen; kept beside the hash, never in it."""
    return {
        "created_at": timestamp(),
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "command": typed_command(),
        "folder": str(Path.cwd()),
        **surroundings(),
    }


def timestamp() -> str:
    """Now, to the second, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@cache
def surroundings() -> dict[str, Json]:
    """The checkout that this program runs from, and the versions of what it uses."""
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no")
    versions: dict[str, Json] = {"can_train": can_train.__version__}
    installed = {str(item.metadata["Name"]).lower() for item in metadata.distributions()}
    for name in _PACKAGES:
        versions[name] = metadata.version(name) if name in installed else None
    return {
        "git_commit": commit,
        "git_dirty": None if changes is None else bool(changes),
        "versions": versions,
    }


def _git(*arguments: str) -> str | None:
    """Output of git in the folder of this package; None outside a checkout or without git."""
    folder = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
