"""Bundles: one file that is a whole detector, with those that it fuses.

A bundle is an uncompressed zip archive of a manifest (JSON) and of all arrays (safetensors: numbers
alone, nothing in it can run code). Its archive comment is the sha256 of all bytes before it, so a
change of any byte is noticed. Nothing here imports torch.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from can_train.alarms.rule import AlarmRule
from can_train.detectors.compiled_scorer import CompiledFrameScorer
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.plain import plain_of, trained_of
from can_train.detectors.window_scorer import TrainedDetector
from can_train.errors import ArtifactError, ConfigError

SUFFIX: Final = ".cantrain"
FORMAT: Final = "can-train bundle"
SCHEMA_VERSION: Final = 1

_MANIFEST: Final = "manifest.json"
_WEIGHTS: Final = "weights.safetensors"
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""Of every entry: a zip archive has no earlier time, and its bytes mustn't depend on the clock."""

_ZIP: Final = b"PK"
_SEAL: Final = b"sha256:"
_SEAL_BYTES: Final = len(_SEAL) + 64
_TENSOR: Final = "tensor"
_AGAIN: Final = "Restore it, or export the run again: can-train export RUN --format bundle"

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bundle:
    """What a bundle holds.

    Attributes:
        manifest: Everything but arrays, as JSON values.
        detector: Scores frames.
    """

    manifest: Mapping[str, Any]
    detector: CompiledFrameScorer


def bundle_bytes(detector: FrameScorer, about: Mapping[str, Any]) -> bytes:
    """The file of `detector`; the same one always gives the same bytes.

    Args:
        detector: The detector, with those that it fuses.
        about: Whatever else the manifest tells, as JSON values.
    """
    arrays: Arrays = {}
    detectors = [_described(name, each, arrays) for name, each in detector.trained.items()]
    weights = save(arrays)
    manifest = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        **about,
        "alarm_rule": asdict(detector.rule),
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "detectors": detectors,
    }
    text = json.dumps(manifest, indent=1, allow_nan=False) + "\n"
    return _sealed({_MANIFEST: text.encode(), _WEIGHTS: weights})


def read_bundle(path: Path) -> Bundle:
    """Reads a bundle strictly.

    Raises:
        ArtifactError: Missing, truncated, altered, of another kind or version, or incomplete.
    """
    entries = _entries(path)
    manifest = _manifest(path, entries[_MANIFEST])
    weights = entries[_WEIGHTS]
    if hashlib.sha256(weights).hexdigest() != manifest.get("weights_sha256"):
        raise ArtifactError(f"{path}: weights of another bundle. {_AGAIN}")
    try:
        arrays = load(weights)
        *experts, own = [_restored(path, each, arrays) for each in manifest["detectors"]]
        rule = AlarmRule(**manifest["alarm_rule"])
    except (
        SafetensorError, ConfigError, AttributeError, KeyError, RecursionError, TypeError,
        ValueError,
    ) as error:  # fmt: skip
        raise ArtifactError(f"{path}: not a complete bundle ({error}). {_AGAIN}") from error
    by_name = {expert.config.model: expert for expert in experts}
    _require_built_on(path, own, by_name)
    return Bundle(manifest=manifest, detector=CompiledFrameScorer(own, by_name, rule))


def _sealed(entries: Mapping[str, bytes]) -> bytes:
    """A zip archive whose comment is the sha256 of all before it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
        archive.comment = b" " * _SEAL_BYTES
    body = stream.getvalue()[:-_SEAL_BYTES]
    return body + _seal_of(body)


def _seal_of(body: bytes) -> bytes:
    return _SEAL + hashlib.sha256(body).hexdigest().encode()


def _entries(path: Path) -> dict[str, bytes]:
    """The two files inside.

    Raises:
        ArtifactError: There is no such file, or it isn't what was written.
    """
    if not path.is_file():
        raise ArtifactError(
            f"{path}: no such bundle. Write one: can-train export RUN --format bundle"
        )
    with path.open("rb") as stream:
        begin = stream.read(len(_ZIP))
        if begin != _ZIP:
            raise ArtifactError(f"{path}: not a can-train bundle: refused. {_AGAIN}")
        raw = begin + stream.read()
    body, seal = raw[:-_SEAL_BYTES], raw[-_SEAL_BYTES:]
    if seal != _seal_of(body):
        raise ArtifactError(f"{path}: truncated or altered: its sha256 is another one. {_AGAIN}")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            found = {entry.filename: entry for entry in archive.infolist()}
            stored = all(e.compress_type == zipfile.ZIP_STORED for e in found.values())
            if not stored or list(found) != [_MANIFEST, _WEIGHTS]:
                raise ArtifactError(
                    f"{path}: holds {', '.join(found) or 'nothing'}; a bundle holds {_MANIFEST} "
                    f"and {_WEIGHTS}, uncompressed, and nothing else: refused. {_AGAIN}"
                )
            return {name: archive.read(name) for name in found}
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, RuntimeError) as error:
        raise ArtifactError(f"{path}: damaged bundle ({error}). {_AGAIN}") from error


def _manifest(path: Path, text: bytes) -> dict[str, Any]:
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: {_MANIFEST} is no JSON ({error}). {_AGAIN}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ArtifactError(f"{path}: not a can-train bundle: refused. {_AGAIN}")
    version = manifest.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ArtifactError(
            f"{path}: bundle of version {version}, this can-train reads {SCHEMA_VERSION}. {_AGAIN}"
        )
    return manifest


def _described(name: str, trained: TrainedDetector, arrays: Arrays) -> dict[str, Any]:
    """One detector as JSON values; its arrays are put beside."""
    plain = {"sha256": trained.sha256, **_without_arrays(plain_of(trained), name, arrays)}
    return _without_folders(plain)  # type: ignore[no-any-return]


def _restored(path: Path, described: Mapping[str, Any], arrays: Arrays) -> TrainedDetector:
    plain = _with_arrays({k: v for k, v in described.items() if k != "sha256"}, arrays)
    return trained_of(plain, str(path), described["sha256"])


def _without_arrays(tree: Any, place: str, arrays: Arrays) -> Any:
    """The same with names instead of arrays."""
    if isinstance(tree, Mapping):
        return {n: _without_arrays(each, f"{place}/{n}", arrays) for n, each in tree.items()}
    if not isinstance(tree, np.ndarray):
        return tree
    arrays[place] = np.ascontiguousarray(tree)
    return {_TENSOR: place}


def _with_arrays(tree: Any, arrays: Arrays) -> Any:
    """The same with arrays instead of their names."""
    if not isinstance(tree, Mapping):
        return tree
    if set(tree) == {_TENSOR} and isinstance(tree[_TENSOR], str):
        return arrays[tree[_TENSOR]]
    return {name: _with_arrays(each, arrays) for name, each in tree.items()}


def _without_folders(tree: Any) -> Any:
    """The same with the names of parents' files alone: folders of the lab are nobody's business."""
    if not isinstance(tree, Mapping):
        return tree
    changed = {name: _without_folders(each) for name, each in tree.items()}
    if set(tree) == {"path", "sha256", "run_id"} and tree["path"]:
        changed["path"] = PurePath(tree["path"]).name
    return changed


def _require_built_on(
    path: Path, own: TrainedDetector, experts: Mapping[str, TrainedDetector]
) -> None:
    """Refuses a fusion beside detectors that it wasn't built on.

    Raises:
        ArtifactError: It is one.
    """
    wanted = {name: own.parents.get(name) for name in own.experts}
    found = {name: expert.sha256 for name, expert in experts.items()}
    if wanted != found:
        raise ArtifactError(
            f"{path}: {own.config.model} was built on other detectors than those "
            f"beside it. {_AGAIN}"
        )
