"""Published datasets in their publishers' own layouts."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from can_train.dataset.manifest import DatasetManifest
from can_train.dataset.prepare import prepare_dataset
from can_train.dataset.published import PUBLISHED, published_files
from can_train.dataset.request import PrepareRequest
from can_train.errors import DataError

FREE = "".join(f"{k / 1000:.6f},0{k % 7}16,1,0{k % 9}\n" for k in range(30))
FLAGGED = "".join(f"{k / 1000:.6f},0{k % 7}16,1,0{k % 8},{'RT'[k == 9]}\n" for k in range(30))
LOG = "".join(f"({k / 1000:.6f}) can0 39{k % 7:X}#0{k % 9}\n" for k in range(30))
LAYOUTS = {
    "hcrl_ch": [
        "normal_run_data/normal_run_data.txt", "DoS_dataset.csv", "Fuzzy_dataset.csv",
        "gear_dataset.csv", "RPM_dataset.csv",
    ],
    "hcrl_sa": [
        "KIA/FreeDrivingData_KIA.txt", "SONATA/FreeDrivingData_SONATA.txt",
        *(f"{car}/{kind}_dataset_{car}.txt" for car in ("KIA", "SONATA", "Spark")
          for kind in ("Flooding", "Fuzzy", "Malfunction153")),
    ],
    "otids": [
        "Attack_free_dataset.txt", "DoS_attack_dataset.txt", "Fuzzy_attack_dataset.txt",
        "Impersonation_attack_dataset.txt", "Attack_free_dataset2.txt", "170907_impersonation.txt",
        "170907_impersonation_2.txt",
    ],
    "road": [
        "ambient/ambient_dyno_drive_basic_long.log", "attacks/fuzzing_attack_1.log",
        "attacks/max_speedometer_attack_1_masquerade.log",
    ],
    "car_hacking_challenge": [
        *(f"0_Preliminary/0_Training/Pre_train_{k}.csv" for k in ("D_0", "D_1", "S_0", "S_2")),
        "0_Preliminary/1_Submission/Pre_submit_D.csv", "1_Final/Fin_host_session_submit_S.csv",
    ],
    "can_mirgu": [
        "Benign/Day_1/Benign_day1_file1.log", "Benign/Day_6/Benign_day6_file1.log",
        "Attack/Real_attacks/Brake_warning_attack.log",
        "Attack/Real_attacks/Fuzzing_random_IDs.log",
        "Attack/Real_attacks/Steering_angle_replay.log",
        "Attack/Suspension_attacks/Speed_suspension_attack.log",
        "Attack/Masquerade_attacks/Speed_masquerade_attack.log",
    ],
    "tt_ids": [
        "Normal_1.csv", "MasqueradeAttack_UDS_1.csv", "SuspensionAttack_1.csv", "FuzzyAttack_1.csv",
    ],
}  # fmt: skip


def tree(folder: Path, names: list[str], text: str = "x") -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text + name)
    return folder


def prepared(tmp_path: Path, dataset: str, source: Path) -> tuple[DatasetManifest, list[str]]:
    told: list[str] = []
    request = PrepareRequest(
        modality="automotive", dataset=dataset, data_root=tmp_path / "data", source=source
    )
    return prepare_dataset(request, report=told.append), told


@pytest.mark.parametrize("dataset", sorted(PUBLISHED))
def test_whole_dataset_has_nothing_missing(tmp_path: Path, dataset: str) -> None:
    found = published_files(dataset, tree(tmp_path, LAYOUTS[dataset]))
    assert found is not None
    assert (found.missing, found.not_read) == ((), ())
    assert len(found.files) == len(LAYOUTS[dataset])
    assert any(file.scenario.startswith("train") for file in found.files)


def test_survival_set_is_arranged_as_in_the_published_comparisons(tmp_path: Path) -> None:
    found = published_files("hcrl_sa", tree(tmp_path, LAYOUTS["hcrl_sa"]))
    assert found is not None
    assert [f"{file.scenario[:8]} {file.name}" for file in found.files] == [
        "train_01 attack-free-kia",
        "train_01 attack-free-sonata",
        "train_02 DoS-kia",
        "train_02 fuzzing-sonata",
        "test_01_ DoS-sonata",
        "test_01_ fuzzing-kia",
        "test_02_ DoS-spark",
        "test_02_ fuzzing-spark",
        "test_03_ malfunction-kia",
        "test_03_ malfunction-sonata",
        "test_04_ malfunction-spark",
    ]


def test_files_of_one_kind_keep_apart_and_metadata_is_no_stranger(tmp_path: Path) -> None:
    found = published_files("otids", tree(tmp_path / "o", LAYOUTS["otids"]))
    assert found is not None
    names = [file.name for file in found.files]
    assert {"attack-free-soul", "attack-free2-soul", "impersonation-170907_2-soul"} < {*names}
    usual = published_files("otids", tree(tmp_path / "u", LAYOUTS["otids"][:4]))
    assert usual is not None and usual.missing == ()
    names = [*LAYOUTS["can_mirgu"], "Attack/Attacks_metadata.json"]
    found = published_files("can_mirgu", tree(tmp_path / "m", names))
    assert found is not None and found.not_read == ()


def test_what_is_missing_and_what_is_strange_is_told(tmp_path: Path) -> None:
    source = tmp_path / "s"
    for name, text in (("normal_run_data.txt", FREE), ("DoS_dataset.csv", FLAGGED)):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text)
    (source / "readme.md").write_text("hello")
    manifest, told = prepared(tmp_path, "hcrl_ch", source)
    assert [(r.name, r.vehicle, r.attack_frames) for r in manifest.train] == [
        ("attack-free-sonata", "sonata", 0), ("DoS-sonata", "sonata", 1),
    ]  # fmt: skip
    assert told[:4] == [
        f"not read: {source}/readme.md: no file of hcrl_ch",
        "missing of hcrl_ch: fuzzing-sonata",
        "missing of hcrl_ch: gear-sonata",
        "missing of hcrl_ch: rpm-sonata",
    ]


def test_folder_without_any_of_its_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no file of otids. Expected: attack-free-soul, DoS"):
        published_files("otids", tree(tmp_path, ["other.csv"]))


def test_scenario_folders_and_other_names_are_left_alone(tmp_path: Path) -> None:
    assert published_files("mycar", tmp_path) is None
    assert published_files("otids", tree(tmp_path, ["train_01_attack_free/a.csv"])) is None


def test_attacks_that_nobody_labelled_are_refused(tmp_path: Path) -> None:
    source = tree(tmp_path / "s", ["Attack_free_dataset.txt", "DoS_attack_dataset.txt"])
    for path in source.iterdir():
        path.write_text(LOG)
    with pytest.raises(DataError, match="DoS_attack_dataset.txt: candump without labels"):
        prepared(tmp_path, "otids", source)


def test_set_of_a_collection_is_found_by_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "s/set_01/train_01_attack_free"
    folder.mkdir(parents=True)
    (folder / "accessory-1.txt").write_text(FREE)
    assert prepared(tmp_path, "set_01", tmp_path / "s")[0].train[0].name == "accessory-1"


@pytest.mark.recordings
def test_road_brings_its_labels(tmp_path: Path, recordings: Path) -> None:
    source = tmp_path / "road"
    shutil.copytree(recordings / "cases/road_labels/attacks", source / "attacks")
    (source / "ambient").mkdir()
    (source / "ambient/drive.log").write_text(LOG)
    manifest, told = prepared(tmp_path, "road", source)
    assert [(r.scenario[:8], r.attack_frames) for r in manifest.recordings] == [
        ("train_01", 0),
        ("test_01_", 5),
    ]
    assert any("5 attack frames by 1 interval counted from the first frame" in t for t in told)


def test_guide_describes_every_dataset() -> None:
    page = (Path(__file__).parents[3] / "docs/guides/datasets.md").read_text()
    described = set(re.findall(r"^### `(\w+)`", page, re.MULTILINE))
    assert described >= set(PUBLISHED)
