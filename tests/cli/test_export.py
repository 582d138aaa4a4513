"""`can-train export --format bundle`, and what its file is good for."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from can_train.cli.main import main
from can_train.deploy.bundle.exporter import EXPORTER
from can_train.deploy.bundle.write import LICENCE
from can_train.deploy.c99.exporter import EXPORTER as C99
from can_train.deploy.c99.write import write as write_c99
from can_train.deploy.exporter import ExportOption, exporters
from can_train.deploy.onnx.exporter import EXPORTER as ONNX
from tests.lab import Lab


@pytest.fixture(scope="module")
def artifact(lab: Lab) -> Path:
    return Path(str(lab.student("gat").path))


@pytest.fixture(scope="module")
def bundle(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "car.cantrain"
    assert main(["export", str(artifact), "--format", "bundle", "--out", str(path)]) == 0
    return path


def recording(lab: Lab) -> Path:
    return lab.home / "csv" / lab.dataset / "test_01_known_vehicle_known_attack" / "DoS-bravo.csv"


def test_it_is_named_after_the_run_and_the_same_again(
    artifact: Path,
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(artifact), "--format", "bundle"]) == 0
    assert capsys.readouterr().out == "written: gat_student.cantrain\n"
    assert (tmp_path / "gat_student.cantrain").read_bytes() == bundle.read_bytes()
    assert main(["export", str(bundle), "--format", "bundle", "--out", "again.cantrain"]) == 0
    assert (tmp_path / "again.cantrain").read_bytes() == bundle.read_bytes()


def test_the_manifest_tells_where_it_comes_from(artifact: Path, bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    run = artifact.parent.parent
    assert manifest["identity"]["run"] == run.name
    assert manifest["identity"]["model"] == "gat"
    summary = json.loads((run / "summary.json").read_text())
    best = {summary["validation_metric"]: summary["validation_value"]}
    assert manifest["metrics"]["validation"] == best
    assert len(manifest["dataset"]["digest"]) == 64
    assert manifest["alarm_rule"] == {"k": 2, "n": 10}
    assert manifest["licence"] == LICENCE
    assert str(run.parent) not in json.dumps(manifest)


def test_a_bundle_scores_as_its_run(
    lab: Lab, artifact: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = []
    for source in (artifact, bundle):
        assert main(["score", str(source), str(recording(lab)), "--json", "-"]) == 0
        found.append(json.loads(capsys.readouterr().out)["recordings"][0])
    by_run, by_bundle = (each["windows"] for each in found)
    assert list(by_run["score"]) == ["vehicle_profile", "gat"]
    for name, score in by_run["score"].items():
        assert by_bundle["score"][name] == pytest.approx(score, abs=1e-5)
    assert by_bundle["severity"] == by_run["severity"]
    ids = [[event["ids"] for event in each["events"]["gat"]] for each in found]
    assert ids[0] == ids[1] != []


def test_an_altered_bundle_ends_with_code_6(
    lab: Lab, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bundle.read_bytes()
    path = tmp_path / "car.cantrain"
    path.write_bytes(content[:5000] + bytes([content[5000] ^ 1]) + content[5001:])
    assert main(["score", str(path), str(recording(lab))]) == 6
    assert f"{path}: truncated or altered" in capsys.readouterr().err


@pytest.mark.onnx
def test_onnx_comes_of_a_run_and_of_its_bundle(
    artifact: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, source in enumerate((artifact, bundle)):
        out = tmp_path / f"{number}.onnx"
        assert main(["export", str(source), "--format", "onnx", "--out", str(out)]) == 0
        assert "inputs: node_x, node_id, edge_x, edge_index, window" in capsys.readouterr().err
    assert (tmp_path / "0.onnx").read_bytes() == (tmp_path / "1.onnx").read_bytes()


def test_every_format_is_declared_completely() -> None:
    for name, exporter in exporters().items():
        assert exporter.name == name
        assert exporter.title and exporter.write.count(":") == 1
    assert exporters()["bundle"] is EXPORTER
    assert exporters()["onnx"] is ONNX
    assert exporters()["c"] is C99
    assert C99.write == f"{write_c99.__module__}:{write_c99.__name__}"
    assert ExportOption(name="no_libm", help="").flag == "--no-libm"


def test_a_folder_of_c_is_written_once(
    artifact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["export", str(artifact), "--format", "c", "--out", str(tmp_path / "ecu")]
    assert main([*command, "--quantize", "int8"]) == 0
    assert "#define CT_INT8 1" in (tmp_path / "ecu" / "can_train_tables.h").read_text()
    said = capsys.readouterr().err
    assert re.match(r"F1 on \d+ validation windows of small, .* before, .* as exported \(", said)
    assert f"cmake -S {tmp_path / 'ecu'}" in said
    assert main(command) == 3
    assert "Give the name of a new folder" in capsys.readouterr().err
    assert main([*command[:-1], str(tmp_path / "little"), "--small"]) == 0
    assert "#define CT_SHORT_ROWS 1" in (tmp_path / "little" / "can_train_tables.h").read_text()
