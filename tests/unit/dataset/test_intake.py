"""One file on its way into a dataset: attacks and benign traffic are never mixed up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from can_train.dataset.manifest import DatasetManifest, load_manifest
from can_train.dataset.prepare import prepare_dataset
from can_train.dataset.request import PrepareRequest, Reading
from can_train.errors import DataError

HEADER = "timestamp,arbitration_id,data_field,attack\n"
BENIGN = HEADER + "".join(f"{k / 1000},1,0{k % 9},0\n" for k in range(30))
SILENT = HEADER + "".join(f"{k / 1000},2,0{k % 9},0\n" for k in range(30))
ATTACK = SILENT.replace("0.007,2,07,0", "0.007,2,07,1")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path.parent


def own(tmp_path: Path, *, accept_unlabelled: bool = False, **folders: Path) -> PrepareRequest:
    return PrepareRequest(
        modality="automotive",
        dataset="mini",
        data_root=tmp_path / "data",
        benign=write(tmp_path / "benign/drive.csv", BENIGN),
        attack=folders.get("attack"),
        test=folders.get("test"),
        reading=Reading(accept_unlabelled=accept_unlabelled),
    )


def prepared(request: PrepareRequest) -> tuple[DatasetManifest, list[str]]:
    told: list[str] = []
    return prepare_dataset(request, report=told.append), told


def test_file_among_attacks_without_an_attack_frame_is_refused_with_counts(tmp_path: Path) -> None:
    attack = write(tmp_path / "attack/Wiper-mycar.csv", SILENT)
    with pytest.raises(DataError) as caught:
        prepared(own(tmp_path, attack=attack))
    assert str(caught.value).startswith(
        "train_02_with_attacks/Wiper-mycar: none of its 30 frames is labelled as an attack, among "
        "recordings with attacks (Wiper-mycar.csv)\nSuch frames would be trained on as benign."
    )
    assert "--accept-unlabelled" in str(caught.value)


@pytest.mark.parametrize("text", [SILENT, "(1.0) can0 112#00\n(1.1) can0 112#01\n"])
def test_accepted_unlabelled_attack_is_never_benign(tmp_path: Path, text: str) -> None:
    attack = write(tmp_path / "attack/Wiper-mycar.csv", text)
    manifest, told = prepared(own(tmp_path, attack=attack, accept_unlabelled=True))
    assert [r.labels_say_nothing for r in manifest.train] == [False, True]
    assert load_manifest(tmp_path / "data", "automotive", "mini") == manifest
    assert (
        "train_02_with_attacks/Wiper-mycar: an attack that is labelled nowhere; no window of it is "
        "trained on"
    ) in told


def test_accepting_makes_it_another_dataset(tmp_path: Path) -> None:
    """Splits are kept by the dataset's identity, so one with benign windows of it isn't reused."""
    attack = write(tmp_path / "attack/suppress-mycar.csv", SILENT)
    known, _ = prepared(own(tmp_path, attack=attack))
    taken = [replace(r, accepted_unlabelled=r.attack_frames == 0) for r in known.recordings]
    assert replace(known, recordings=tuple(taken)).training_digest != known.training_digest


def test_accepting_says_nothing_about_recordings_with_labels(tmp_path: Path) -> None:
    attack = write(tmp_path / "attack/Wiper-mycar.csv", ATTACK)
    manifest, _ = prepared(own(tmp_path, attack=attack, accept_unlabelled=True))
    assert not any(r.labels_say_nothing for r in manifest.train)


def test_scenario_folder_with_attacks_that_holds_an_unlabelled_one(tmp_path: Path) -> None:
    source = tmp_path / "s"
    write(source / "train_01_attack_free/drive.csv", BENIGN)
    write(source / "train_02_with_attacks/drive.csv", BENIGN)
    write(source / "train_02_with_attacks/attack-free-2.csv", SILENT.replace(",2,", ",3,"))
    request = PrepareRequest(
        modality="automotive", dataset="mini", data_root=tmp_path / "data", source=source
    )
    assert len(prepared(request)[0].train) == 2
    write(source / "train_02_with_attacks/DoS-kia.csv", SILENT)
    with pytest.raises(DataError, match="train_02_with_attacks/DoS-kia: none of its 30 frames"):
        prepared(request)


def test_test_recording_without_attacks_is_told(tmp_path: Path) -> None:
    _, told = prepared(own(tmp_path, test=write(tmp_path / "test/later.csv", SILENT)))
    assert told[0].endswith(
        "/later: no frame is labelled as an attack; its windows count as benign"
    )


def clocked(times: list[float]) -> str:
    return HEADER + "".join(f"{t!r},{k % 7:X},0{k % 9},0\n" for k, t in enumerate(times))


def test_time_that_means_nothing_is_refused(tmp_path: Path) -> None:
    request = own(tmp_path)
    write(tmp_path / "benign/zero.csv", clocked([0.0] * 60))
    with pytest.raises(DataError, match="zero.csv: all 60 timestamps are 0, and without time"):
        prepared(request)


def test_unit_of_the_time_is_recognised_and_taken(tmp_path: Path) -> None:
    request = own(tmp_path)
    write(tmp_path / "benign/drive.csv", clocked([k * 500.0 for k in range(100)]))
    with pytest.raises(DataError) as caught:
        prepared(request)
    assert str(caught.value).endswith(
        "drive.csv: timestamps can't be seconds: 0.002 frames/s (possible: 1 to 25,000) up to "
        "4.95e+04. In us it would be 2,000 frames/s: read it with --time-unit us, or --time-unit "
        "s if they are seconds"
    )
    manifest, _ = prepared(replace(request, reading=Reading(time_unit="us")))
    assert manifest.train[0].duration_s == pytest.approx(99 * 5e-4)


def test_jump_of_the_clock_is_told_and_is_no_recording_time(tmp_path: Path) -> None:
    request = own(tmp_path)
    times = [k / 1000 + (86_400 if k >= 40 else 0) for k in range(100)]
    write(tmp_path / "benign/drive.csv", clocked(times))
    manifest, told = prepared(request)
    assert told[0].endswith(
        "drive.csv: the clock jumps: +86400.001 s at frame 40. Such gaps don't count as recording "
        "time"
    )
    assert manifest.train[0].duration_s == pytest.approx(0.098)


def test_labels_beside_the_recordings(tmp_path: Path) -> None:
    attack = write(tmp_path / "attack/Stop-mycar.log", "(1.0) can0 112#00\n(1.1) can0 112#01\n")
    write(tmp_path / "labels.csv", "start,end,kind\n1.05,1.2,masquerade\n")
    request = replace(
        own(tmp_path, attack=attack), reading=Reading(labels=str(tmp_path / "labels.csv"))
    )
    manifest, told = prepared(request)
    assert (manifest.train[1].attack_frames, manifest.train[1].attack_kind) == (1, "masquerade")
    assert told[0].endswith(
        "Stop-mycar.log: 1 attack frame by 1 interval on the recording's clock of --labels"
    )
