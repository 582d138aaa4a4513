"""`teachers` and `compare` as their users see them, on a real teacher of synthetic traffic."""

import json
from pathlib import Path

import pytest
import torch

from can_train.files import sha256_of
from can_train.runs.layout import artifact_path, iter_runs
from tests.in_process import can_train, train_here

BASE = ("--modality", "automotive", "--dataset", "synthetic")
QUICK = ("--epochs", "1", "--threads", "1", "--windows-per-epoch", "64")
GAT = (*BASE, "--model", "gat")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short synthetic dataset and one registered GAT teacher."""
    home = tmp_path_factory.mktemp("home")
    done = can_train(home, "data", "synth", "--modality", "automotive", "--scale", "0.2")
    assert done.code == 0, done.err
    train_here(home, "train", *GAT, "--model-size", "teacher", *QUICK)
    return home


@pytest.fixture(scope="module")
def teacher_run(home: Path) -> Path:
    (run,) = (r for r in iter_runs(home / "experimentruns") if "teacher" in r.parts)
    return run


@pytest.fixture(scope="module")
def state_dict(teacher_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of the teacher alone, as another program would have saved them."""
    path = tmp_path_factory.mktemp("weights") / "w.pth"
    artifact = torch.load(artifact_path(teacher_run, "gat", "teacher"), weights_only=True)
    torch.save(artifact["state_dict"], path)
    return path


def test_list_and_show_say_what_is_registered_and_whether_the_file_is_whole(
    home: Path, teacher_run: Path
) -> None:
    place = home / "config" / "teacher_models" / "synthetic" / "gat_teacher.pth"
    listed = can_train(home, "teachers", "list")
    assert listed.code == 0
    for word in ("synthetic", "gat", "relational", "100", teacher_run.name, "1,201,470",
                 sha256_of(place)[:12], "ok"):  # fmt: skip
        assert word in listed.out
    (document,) = json.loads(can_train(home, "teachers", "list", "--json").out)
    assert (document["file"], document["sha256"]) == ("ok", sha256_of(place))
    assert can_train(home, "teachers", "show", "synthetic", "gat").code == 0
    content = place.read_bytes()
    place.write_bytes(content[:-100])
    try:
        shown = can_train(home, "teachers", "show", str(place), "--json")
        again = can_train(home, "teachers", "list")
    finally:
        place.write_bytes(content)
    assert shown.code == 6
    assert "truncated" in shown.err
    assert json.loads(shown.out)[0]["run_id"] == teacher_run.name
    assert again.code == 6 and "truncated" in again.out and "truncated" in again.err
    none = can_train(home, "teachers", "show", "synthetic", "vgae")
    assert none.code == 3 and "no vgae teacher of synthetic" in none.err
    missing = can_train(home, "teachers", "show", "synthetic")
    assert missing.code == 2 and "can-train teachers show synthetic gat" in missing.err


def test_find_says_what_a_stage_would_get(home: Path, teacher_run: Path) -> None:
    found = can_train(home, "teachers", "find", *GAT, "--json")
    assert found.code == 0, found.err
    document = json.loads(found.out)
    assert document["chosen"]["origin"] == "registry"
    assert [other["origin"] for other in document["others"]] == [f"run {teacher_run.name}"]
    student = can_train(home, "train", *GAT, "--distillation", "with-kd", "--auto-find-teacher",
                        "--dry-run")  # fmt: skip
    chosen = document["chosen"]
    assert f"teacher: {chosen['path']}, sha256 {chosen['sha256']}" in student.out
    none = can_train(home, "teachers", "find", *GAT, "--window", "50")
    assert none.code == 3
    assert "window 100 (this plan: 50)" in none.err
    assert "--model gat --model-size teacher --window 50" in none.err
    assert can_train(home, "teachers", "find", *GAT, "--window", "1").code == 2
    assert can_train(home, "teachers", "find", *GAT, "--split", "leave-attack-out:x").code == 3


def test_a_run_is_registered_by_hand_under_the_usual_rules(
    home: Path, teacher_run: Path, tmp_path: Path
) -> None:
    words = ("teachers", "add", teacher_run.name, "--teacher-root", str(tmp_path))
    added = can_train(home, *words)
    assert added.code == 0, added.err
    assert added.out == f"teacher registered: {tmp_path}/synthetic/gat_teacher.pth\n"
    assert "already registered" in can_train(home, *words).out
    assert can_train(home, "teachers", "add").code == 2
    both = can_train(home, *words, "--model", "gat")
    assert both.code == 2 and "--model: only with --from-state-dict" in both.err


def test_a_state_dict_becomes_a_teacher(home: Path, state_dict: Path, tmp_path: Path) -> None:
    root = ("--teacher-root", str(tmp_path))
    words = ("teachers", "add", *GAT, "--model-size", "teacher", *root, "--from-state-dict")
    added = can_train(home, *words, str(state_dict))
    assert added.code == 0, added.err
    (document,) = json.loads(can_train(home, "teachers", "list", "--json", *root).out)
    assert (document["origin"], document["run_id"], document["file"]) == ("state dict", "", "ok")
    assert document["parameters"] == 1_201_470
    (student,) = train_here(home, "train", *GAT, "--use-kd", "--teacher-path", document["path"],
                            *QUICK, "--experiment-root", str(tmp_path / "e"))  # fmt: skip
    assert f"ENABLED (teacher {document['sha256'][:12]}" in student.said


def test_a_state_dict_of_another_architecture_names_every_difference(
    home: Path, state_dict: Path, tmp_path: Path
) -> None:
    words = ("teachers", "add", *GAT, "--teacher-root", str(tmp_path / "t"), "--from-state-dict")
    weights = dict(torch.load(state_dict, weights_only=True))
    names = list(weights)
    weights["strange"] = weights.pop(names[0])
    weights[names[1]] = torch.zeros(1)
    bad = tmp_path / "bad.pth"
    torch.save(weights, bad)
    done = can_train(home, *words, str(bad))
    assert done.code == 6
    assert f"missing: {names[0]}; unexpected: strange; other shapes: {names[1]} 1 (" in done.err
    other = can_train(home, *words, str(state_dict), "--model-args", "layers=4")
    assert other.code == 6 and "unexpected: convolutions.4." in other.err
    wrapped = tmp_path / "wrapped.pth"
    torch.save({"state_dict": weights, "epoch": 3}, wrapped)
    nested = can_train(home, *words, str(wrapped))
    assert nested.code == 6 and "epoch, state_dict hold no tensor" in nested.err
    torch.save(torch.nn.Linear(2, 2), bad)
    code = can_train(home, *words, str(bad))
    assert code.code == 6 and "could run code" in code.err
    assert can_train(home, *words, str(state_dict), "--model-args", "layer=4").code == 2
    assert can_train(home, "teachers", "add", "--from-state-dict", str(bad)).code == 2
    assert not (tmp_path / "t").exists()


def test_compare_names_what_is_not_evaluated_and_evaluates_it_if_asked(
    home: Path, teacher_run: Path, tmp_path: Path
) -> None:
    lacking = can_train(home, "compare", teacher_run.name)
    assert lacking.code == 3
    assert lacking.err.splitlines()[-1] == f"  can-train evaluate {teacher_run.name}"
    page = tmp_path / "page.md"
    done = can_train(home, "compare", "synthetic", "--evaluate", "--out", str(page))
    assert done.code == 0, done.err
    assert "synthetic / gat\n" in done.out and "1,201,470" in done.out
    assert "| test_01_known_vehicle_known_attack | teacher |" in page.read_text()
    document = json.loads(can_train(home, "compare", "synthetic", "--json", "--files").out)
    (group,) = document["files"]
    assert {"gat", "id_lookup", "boosted_trees"} <= {row["scorer"] for row in group["rows"]}
    assert {row["attack_kind"] for row in group["rows"] if row["scenario"] is None} >= {"DoS"}
    assert document["sections"][0]["groups"][0]["runs"] == [teacher_run.name]
    unknown = can_train(home, "compare", "nothing")
    assert unknown.code == 3 and "Datasets with runs: synthetic" in unknown.err


def test_a_terminal_of_80_columns_shows_runs_and_files_of_teachers_whole() -> None:
    from can_train.cli.teacher_rows import HEADER, row_of
    from can_train.tables import TableRow, dropped, table_lines

    document = {
        "path": "x", "dataset": "hcrl_sa", "model": "gat", "features": "relational",
        "window": 100, "split": "time", "run_id": "51117f3adec3", "origin": "run",
        "metric": "val_pr_auc", "value": 0.14193, "parameters": 1_201_470, "sha256": "d" * 64,
        "file": "ok",
    }  # fmt: skip
    row = TableRow(cells=row_of(document))
    lines = [text for text, _ in table_lines(HEADER, [row], 80)]
    assert max(map(len, lines)) <= 80
    assert all(text in lines[1] for text in ("hcrl_sa", "51117f3adec3", "val_pr_auc", "ok"))
    assert set(dropped(HEADER, [row], 80)) == {"parameters", "sha256", "split"}
