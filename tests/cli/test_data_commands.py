"""`can-train data`: every flag has the effect that its help promises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from can_train.cli.commands import data
from can_train.cli.main import main
from can_train.cli.parser import Parser
from can_train.dataset.manifest import load_manifest
from can_train.errors import ConfigError, DataError

HEADER = "timestamp,arbitration_id,data_field,attack\n"


def run(*argv: str) -> int:
    parser = Parser()
    data.add_parser(parser.add_subparsers())  # type: ignore[arg-type]  # they are parsers of ours
    return data.run(parser.parse_args(["data", *argv]))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write(tmp_path / "s/train_01_attack_free/a-1.csv", HEADER + "0.0,1,AA,0\n0.1,2,BB,0\n")
    write(tmp_path / "s/test_01_known_vehicle_known_attack/b-1.csv", HEADER + "0.0,1,AA,1\n")
    return tmp_path / "s"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CAN_TRAIN_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "data"


NAMED = ("--modality", "automotive", "--dataset", "mini")


def test_prepare_then_inspect(source: Path, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("prepare", *NAMED, "--source", str(source)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "mini: 2 distinct training frames in 1 file, 0 duplicate files left out, "
        "1 test frames in 1 file of 1 scenario",
        "look at it: can-train data inspect --modality automotive --dataset mini",
    ]
    assert run("inspect", *NAMED, "--window", "2", "--stride", "1") == 0
    assert "windows of 2 frames, stride 1; relational graphs" in capsys.readouterr().out
    assert run("inspect", *NAMED, "--json", "--features", "classic") == 0
    assert json.loads(capsys.readouterr().out)["features"] == "classic"
    assert load_manifest(root, "automotive", "mini").train[0].frames == 2


def test_data_root_wins_over_the_default(source: Path, root: Path, tmp_path: Path) -> None:
    run("prepare", *NAMED, "--source", str(source), "--data-root", str(tmp_path / "other"))
    assert (tmp_path / "other/automotive/mini/dataset.json").is_file()
    assert not root.exists()


def test_own_recordings_with_format_lenient_and_force(root: Path, tmp_path: Path) -> None:
    benign = write(tmp_path / "benign/drive.log", "(1.0) can0 112#00\noops\n")
    attack = write(tmp_path / "attack/DoS.csv", HEADER + "0.0,1,AA,1\n")
    test = write(tmp_path / "test/DoS.csv", HEADER + "0.0,2,AA,1\n")
    own = ("--benign", str(benign), "--attack", str(attack), "--test", str(test))
    with pytest.raises(DataError, match="drive.log:2: not of the form"):
        run("prepare", *NAMED, *own)
    run("prepare", *NAMED, *own, "--lenient")
    assert len(load_manifest(root, "automotive", "mini").recordings) == 3
    with pytest.raises(DataError, match="replace it with --force"):
        run("prepare", *NAMED, "--benign", str(benign), "--lenient")
    with pytest.raises(DataError, match="not of the form seconds,ID,DLC"):
        run("prepare", *NAMED, "--benign", str(benign), "--format", "hcrl", "--force")
    run("prepare", *NAMED, "--benign", str(benign), "--lenient", "--force")
    assert len(load_manifest(root, "automotive", "mini").recordings) == 1


@pytest.mark.parametrize("share", ["0", "1.5", "drive.log"])
def test_share_of_lines_that_cannot_be(share: str) -> None:
    with pytest.raises(ConfigError, match=f"{share} is no share of lines above 0. Use: --lenient"):
        run("prepare", *NAMED, "--benign", "x", f"--lenient={share}")


def test_lenient_takes_a_share(root: Path, tmp_path: Path) -> None:
    frames = "".join(f"({k}.0) can0 112#00\n" for k in range(1, 40))
    benign = write(tmp_path / "benign/drive.log", frames + "oops\noops\n")
    with pytest.raises(DataError, match="malformed: 2 of 41 lines, more than the 1.0%"):
        run("prepare", *NAMED, "--benign", str(benign), "--lenient")
    run("prepare", *NAMED, "--benign", str(benign), "--lenient=0.05")
    assert load_manifest(root, "automotive", "mini").train[0].frames == 39


def test_accept_unlabelled(root: Path, tmp_path: Path) -> None:
    benign = write(tmp_path / "benign/drive.log", "(1.0) can0 112#00\n")
    attack = write(tmp_path / "attack/stop.csv", HEADER + "0.0,1,AA,0\n")
    own = ("--benign", str(benign), "--attack", str(attack))
    with pytest.raises(DataError, match="none of its 1 frames is labelled as an attack"):
        run("prepare", *NAMED, *own)
    run("prepare", *NAMED, *own, "--accept-unlabelled")
    assert load_manifest(root, "automotive", "mini").train[1].labels_say_nothing


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--window", "1"), "--window: 1 isn't allowed. Allowed: a whole number of frames >= 2"),
        (("--window", "100000000"), "--window: 100000000 isn't allowed. Allowed: a whole number"),
        (("--stride", "0"), "--stride: 0 isn't allowed. Allowed: a whole number"),
    ],
)
def test_windows_that_cannot_be(flags: tuple[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run("inspect", *NAMED, *flags)
    assert str(caught.value).startswith(message)


def test_modality_without_readers(root: Path) -> None:
    with pytest.raises(ConfigError, match="--modality robotics: there are no readers for it yet"):
        run("inspect", "--modality", "robotics", "--dataset", "mini")


def test_synth_writes_and_imports(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("synth", "--modality", "automotive", "--scale", "0.1")
    manifest = load_manifest(root, "automotive", "synthetic")
    assert len({r.scenario for r in manifest.recordings}) == 8
    assert "import them" not in capsys.readouterr().out
    with pytest.raises(DataError, match="replace it with --force"):
        run("synth", "--modality", "automotive", "--scale", "0.1", "--seed", "1")
    run("synth", "--modality", "automotive", "--scale", "0.1", "--seed", "1", "--force")
    assert load_manifest(root, "automotive", "synthetic").digest != manifest.digest


def test_synth_with_out_only_writes(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "csv"
    run("synth", "--modality", "automotive", "--scale", "0.1", "--out", str(out))
    assert len(list(out.glob("*/*.csv"))) >= 8
    assert not root.exists()
    assert f"--dataset synthetic --source {out}" in capsys.readouterr().out


def test_export_writes_files_that_are_read_back(
    source: Path, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("prepare", *NAMED, "--source", str(source))
    out = tmp_path / "out"
    capsys.readouterr()
    run("export", *NAMED, "--format", "candump", "--out", str(out))
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == (
        f"read them back: can-train data prepare --modality automotive --dataset mini_again "
        f"--source {out} --labels {out}/labels"
    )
    run(*told[-1].partition(" data ")[2].split())
    assert load_manifest(root, "automotive", "mini_again").digest == (
        load_manifest(root, "automotive", "mini").digest
    )


@pytest.mark.parametrize(("flag", "message"), [("--bus", "no bus"), ("--time-unit", "no")])
def test_bus_and_time_unit(root: Path, tmp_path: Path, flag: str, message: str) -> None:
    lines = [f"({k}.0) can{k % 2} 112#0{k % 9}\n" for k in range(60)]
    log = write(tmp_path / "benign/drive.log", "".join(lines))
    if flag == "--bus":
        with pytest.raises(DataError, match=message):
            run("prepare", *NAMED, "--benign", str(log), flag, "can7")
        run("prepare", *NAMED, "--benign", str(log), flag, "can1")
        assert load_manifest(root, "automotive", "mini").train[0].frames == 30
    else:
        run("prepare", *NAMED, "--benign", str(log), "--bus", "can0", flag, "ms")
        assert load_manifest(root, "automotive", "mini").train[0].duration_s < 0.06


def test_sniff_shows_how_a_table_is_understood(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "drive.csv"
    path.write_text("time,id,data,marker\n1.5,1A0,00,1\n1.6,1A1,00,0\n")
    assert main(["data", "sniff", "--modality", "automotive", str(path)]) == 5
    assert "--columns label=marker, or --columns label=none" in capsys.readouterr().err
    named = ["--columns", "label=marker"]
    assert main(["data", "sniff", "--modality", "automotive", str(path), *named]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{path}: table: 2 frames, 2 IDs (0 extended), no bus named, 1 labelled attack",
        "  time: time, seconds",
        "  id: id, hexadecimal",
        "  data: data, hexadecimal",
        "  label: marker",
    ]
    assert main(["data", "sniff", "--modality", "automotive", str(path), "--columns", "x"]) == 2
    assert "not of the form ROLE=NAME" in capsys.readouterr().err


def test_prepare_takes_columns_and_says_how_a_table_was_understood(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "drive.csv"
    path.write_text("1.5;1A0;00\n1.6;1A1;00\n")
    named = ["--columns", "time=1,id=2,data=3", "--benign", str(path)]
    where = ["--dataset", "own", "--data-root", str(tmp_path / "data")]
    assert main(["data", "prepare", "--modality", "automotive", *where, *named]) == 0
    assert f"{path}: time: 1, seconds; id: 2, hexadecimal; data: 3" in capsys.readouterr().out
