"""A bundle is the whole detector in one file: without torch, and refused where it was changed."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from can_train.detectors.bundle import bundle_bytes, read_bundle
from can_train.detectors.frame_scorer import FrameScorer
from can_train.detectors.loading import load_detector
from can_train.detectors.plain import KEYS
from can_train.errors import ArtifactError
from can_train.streaming.opening import stream_of
from tests.unit.streaming.streams_for_tests import fused, traffic

ABOUT = {"identity": {"run": "0123456789ab"}, "licence": "none"}


@pytest.fixture(scope="module")
def detector() -> FrameScorer:
    found = fused()
    for name, each in found.detectors.items():
        each.sha256 = f"sha-of-{name}"
    own = found.own.trained
    own.parents.update({name: f"sha-of-{name}" for name in own.experts})  # type: ignore[attr-defined]
    return found


@pytest.fixture(scope="module")
def content(detector: FrameScorer) -> bytes:
    return bundle_bytes(detector, ABOUT)


@pytest.fixture
def path(content: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "car.cantrain"
    path.write_bytes(content)
    return path


def test_the_same_detector_has_the_same_bytes(detector: FrameScorer, content: bytes) -> None:
    assert bundle_bytes(detector, ABOUT) == content
    assert bundle_bytes(read_into(content), ABOUT) == content


def read_into(content: bytes) -> FrameScorer:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "again.cantrain"
        path.write_bytes(content)
        return read_bundle(path).detector


PROBE = """\
import sys
for name in ("torch", "sklearn", "scipy"):
    sys.modules[name] = None  # importing it raises
import numpy, can_train
found = can_train.load_detector(sys.argv[1])
with numpy.load(sys.argv[2]) as arrays:
    frames = can_train.Frames(**arrays)
said = found.score(frames)
decisions = list(can_train.stream_of(found).push(frames))
numpy.savez(sys.argv[3], **{"score_" + n: s for n, s in said.score.items()},
            **{"alarm_" + n: s for n, s in said.alarm.items()},
            **{"p_value_" + n: s for n, s in said.p_value.items()},
            streamed=[d.verdicts["fusion"].score for d in decisions])
"""


def test_without_torch_it_says_what_the_modules_say(
    detector: FrameScorer, path: Path, tmp_path: Path
) -> None:
    frames = traffic()
    columns = ("timestamp", "arbitration_id", "dlc", "payload", "label")
    np.savez(tmp_path / "frames.npz", **{name: getattr(frames, name) for name in columns})
    files = [str(path), str(tmp_path / "frames.npz"), str(tmp_path / "said.npz")]
    subprocess.run([sys.executable, "-c", PROBE, *files], check=True, timeout=300)
    said, expected = np.load(tmp_path / "said.npz"), detector.score(frames)
    assert list(expected.score) == ["vehicle_profile", "vgae", "gat", "fusion"]
    for name in expected.score:
        np.testing.assert_allclose(said[f"score_{name}"], expected.score[name], 1e-5, 1e-5)
        assert said[f"alarm_{name}"].tolist() == expected.alarm[name].tolist()
        assert np.abs(said[f"p_value_{name}"] - expected.p_value[name]).max() <= 1e-2
    np.testing.assert_allclose(said["streamed"], expected.score["fusion"], 1e-5, 1e-5)


def test_rule_thresholds_and_profiles_come_along(detector: FrameScorer, path: Path) -> None:
    found = load_detector(path)
    assert found.rule == detector.rule
    assert found.thresholds == detector.thresholds
    assert stream_of(found).spec == detector.spec
    assert set(read_bundle(path).manifest["detectors"][0]) == {*KEYS, "sha256"}
    assert read_bundle(path).manifest["identity"] == ABOUT["identity"]


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.9999])
def test_a_changed_byte_is_noticed(path: Path, content: bytes, share: float) -> None:
    at = int(share * len(content))
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with pytest.raises(ArtifactError, match=r"car\.cantrain: .*(altered|refused)"):
        load_detector(path)


@pytest.mark.parametrize("kept", [0, 10, 1000, -1])
def test_a_truncated_one_is_refused(path: Path, content: bytes, kept: int) -> None:
    path.write_bytes(content[:kept])
    with pytest.raises(ArtifactError, match="truncated or altered|not a can-train bundle"):
        load_detector(path)


def test_what_isnt_a_bundle_is_refused(path: Path, tmp_path: Path) -> None:
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ArtifactError, match="not a can-train bundle: refused"):
        load_detector(path)
    with pytest.raises(ArtifactError, match="no such bundle"):
        load_detector(tmp_path / "none.cantrain")


def resealed(content: bytes, **changed: bytes) -> bytes:
    """The bundle with other files inside, sealed as whoever means harm would."""
    from can_train.detectors import bundle

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    return bundle._sealed(entries | {name.replace("__", "."): c for name, c in changed.items()})


def test_a_file_that_could_run_code_is_refused_even_if_sealed(path: Path, content: bytes) -> None:
    path.write_bytes(resealed(content, weights__pkl=pickle.dumps(print)))
    with pytest.raises(ArtifactError, match=r"holds .*weights\.pkl.*nothing else: refused"):
        load_detector(path)
    path.write_bytes(resealed(content, weights__safetensors=pickle.dumps(print)))
    with pytest.raises(ArtifactError, match="weights of another bundle"):
        load_detector(path)


def with_manifest(content: bytes, change: dict[str, object]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    return resealed(content, manifest__json=json.dumps(manifest | change).encode())


def test_another_version_says_what_is_read(path: Path, content: bytes) -> None:
    path.write_bytes(with_manifest(content, {"schema_version": 2}))
    with pytest.raises(ArtifactError, match="bundle of version 2, this can-train reads 1"):
        load_detector(path)


def sealed_again(content: bytes, old: bytes, new: bytes) -> bytes:
    """The bundle with other bytes in the archive's directory, sealed again."""
    from can_train.detectors import bundle

    body = content[: -bundle._SEAL_BYTES]
    at = body.index(b"PK\x01\x02")  # the first entry of the directory
    changed = body[:at] + body[at:].replace(old, new, 1)
    assert changed != body
    return changed + bundle._seal_of(changed)


def test_a_directory_that_lies_is_refused(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = archive.getinfo("weights.safetensors").file_size.to_bytes(4, "little")
    made_by = b"PK\x01\x02\x14\x03\x14\x00"
    encrypted = sealed_again(content, made_by + b"\x00", made_by + b"\x01")
    longer = sealed_again(content, size * 2, (1 << 30).to_bytes(4, "little") * 2)
    for crafted in (encrypted, longer):
        path.write_bytes(crafted)
        with pytest.raises(ArtifactError, match="damaged bundle"):
            load_detector(path)


def test_a_manifest_that_is_no_manifest_is_refused(path: Path, content: bytes) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    nested = b'{"format": "can-train bundle", "detectors": ' + deep + b"}"
    crafted = {
        resealed(content, manifest__json=nested): "is no JSON",
        with_manifest(content, {"detectors": ["gat"]}): "not a complete bundle",
    }
    for whole, message in crafted.items():
        path.write_bytes(whole)
        with pytest.raises(ArtifactError, match=message):
            load_detector(path)


@pytest.mark.parametrize(
    "changed", [{"value": float("nan")}, {"relief": float("inf")}, {"level": 1e9}, {"value": "1"}]
)
def test_a_threshold_that_nothing_exceeds_is_refused(
    path: Path, content: bytes, changed: dict[str, object]
) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        detectors = json.loads(archive.read("manifest.json"))["detectors"]
    detectors[-1]["threshold"].update(changed)
    path.write_bytes(with_manifest(content, {"detectors": detectors}))
    with pytest.raises(ArtifactError, match=r"car\.cantrain: not a complete artifact"):
        load_detector(path)


def test_a_fusion_beside_other_experts_is_refused(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        detectors = json.loads(archive.read("manifest.json"))["detectors"]
    detectors[0]["sha256"] = "another"
    path.write_bytes(with_manifest(content, {"detectors": detectors}))
    with pytest.raises(ArtifactError, match="was built on other detectors"):
        load_detector(path)


def test_weights_of_another_shape_are_refused(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        detectors = json.loads(archive.read("manifest.json"))["detectors"]
    weights = detectors[1]["state_dict"]
    weights["convolutions.0.att_dst"] = weights["convolutions.0.bias"]
    path.write_bytes(with_manifest(content, {"detectors": detectors}))
    with pytest.raises(ArtifactError, match=r"gat: weights .*att_dst: shape \(96,\) instead of"):
        load_detector(path)
