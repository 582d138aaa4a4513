"""Registered teachers: who replaces whom, and what a damaged one means."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from can_train.files import sha256_of
from can_train.runs.layout import artifact_path
from can_train.teachers.files import all_places, kept_path, read_teacher
from can_train.teachers.policy import offer_run, register_teacher
from tests.unit.teachers.registry_for_tests import finished, fitting


def names(tmp_path: Path) -> list[str]:
    return [path.name for path in all_places(tmp_path / "t")]


def test_only_a_better_teacher_of_the_same_windows_replaces_one(tmp_path: Path) -> None:
    first = finished(tmp_path, 1, 0.8)
    told = register_teacher(first)
    assert told.startswith("teacher registered: ")
    assert register_teacher(first) == told  # by who started the worker that told it
    assert offer_run(first, tmp_path / "t").line.startswith("teacher already registered: ")
    worse = register_teacher(finished(tmp_path, 2, 0.7))
    assert "not registered" in worse and "val_pr_auc 0.8, this one 0.7" in worse
    better = finished(tmp_path, 3, 0.9)
    register_teacher(better)
    (found,) = fitting(tmp_path / "t", better.config.data)
    assert found.checked_sha256() == sha256_of(artifact_path(better.run_dir, "gat", "teacher"))
    assert names(tmp_path) == ["gat_teacher.pth"]


def test_teachers_of_other_windows_stand_beside(tmp_path: Path) -> None:
    register_teacher(finished(tmp_path, 1, 0.8))
    classic = finished(tmp_path, 2, 0.1, features="classic", window=50)
    register_teacher(classic)
    assert names(tmp_path) == ["gat_teacher.classic-w50.pth", "gat_teacher.pth"]
    (found,) = fitting(tmp_path / "t", classic.config.data)
    assert found.path.name == "gat_teacher.classic-w50.pth"


def test_a_third_split_is_told_not_to_fit(tmp_path: Path) -> None:
    for seed, split in enumerate(("s", "s2")):
        register_teacher(finished(tmp_path, seed, 0.8, split_digest=split))
    third = register_teacher(finished(tmp_path, 9, 0.9, split_digest="s3"))
    assert "hold teachers of other splits" in third
    assert names(tmp_path) == ["gat_teacher.pth", "gat_teacher.relational-w100.pth"]


def test_an_interrupted_registration_is_completed_by_the_next(tmp_path: Path) -> None:
    register_teacher(finished(tmp_path, 1, 0.8))
    better = finished(tmp_path, 2, 0.9)
    path = tmp_path / "t" / "car" / "gat_teacher.pth"
    path.write_bytes(artifact_path(better.run_dir, "gat", "teacher").read_bytes())
    register_teacher(better)
    assert fitting(tmp_path / "t", better.config.data)


def test_without_a_registry_nothing_is_written(tmp_path: Path) -> None:
    frozen = replace(finished(tmp_path, 1, 0.8), teacher_root=None)
    assert register_teacher(frozen) == "teacher not registered: --no-register"
    assert not (tmp_path / "t").exists()


def test_the_teacher_that_was_replaced_stays_under_its_hash(tmp_path: Path) -> None:
    first, better = finished(tmp_path, 1, 0.8), finished(tmp_path, 2, 0.9)
    register_teacher(first)
    place = tmp_path / "t" / "car" / "gat_teacher.pth"
    before = read_teacher(place)
    register_teacher(better)
    assert before is not None
    kept = place.with_name(f"gat_teacher.{before.sha256[:12]}.pth")
    assert kept == kept_path(place, before.sha256)
    assert sha256_of(kept) == before.sha256
    assert read_teacher(kept) == before
    assert all_places(tmp_path / "t") == [place]
    assert all_places(tmp_path / "t", kept=True) == sorted([place, kept])


def test_the_description_says_where_it_comes_from(tmp_path: Path) -> None:
    frozen = finished(tmp_path, 1, 0.8)
    register_teacher(frozen)
    found = read_teacher(tmp_path / "t" / "car" / "gat_teacher.pth")
    assert found is not None
    assert (found.dataset, found.parameters, found.run_id) == ("car", 2, frozen.run_id)
    assert (found.origin, found.split, found.dataset_digest) == ("run", "time", "d")


REPLACE = """\
import os, signal, sys
from pathlib import Path
from can_train.teachers.files import read_teacher
from can_train.teachers.policy import offer
steps = int(sys.argv[1])
def stop(event, arguments):
    global steps
    if event in {"os.rename", "os.remove", "open"}:
        steps -= 1
        if steps == 0:
            os.kill(os.getpid(), signal.SIGKILL)
artifact, root, described = map(Path, sys.argv[2:])
teacher = read_teacher(described.with_suffix('.pth'))
sys.addaudithook(stop)
offer(artifact, teacher, root)
"""


@pytest.mark.slow
@pytest.mark.parametrize("there", [False, True], ids=["first", "replacement"])
def test_a_kill_at_any_point_leaves_a_usable_teacher(tmp_path: Path, there: bool) -> None:
    """Killed before each file operation in turn, until one attempt gets through."""
    old, new = finished(tmp_path, 1, 0.8), finished(tmp_path, 2, 0.9)
    register_teacher(replace(new, teacher_root=tmp_path / "source"))
    described = tmp_path / "source" / "car" / "gat_teacher.json"
    artifact = artifact_path(new.run_dir, "gat", "teacher")
    hashes = {sha256_of(artifact_path(frozen.run_dir, "gat", "teacher")) for frozen in (old, new)}
    finals, seen = [], set()
    for step in range(1, 100):
        root = tmp_path / f"registry{step}"
        (root / "car").mkdir(parents=True)
        if there:
            register_teacher(replace(old, teacher_root=root))
        words = (str(step), str(artifact), str(root), str(described))
        code = subprocess.run([sys.executable, "-c", REPLACE, *words], check=False).returncode
        for found in fitting(root, new.config.data):
            seen.add(found.checked_sha256())
        assert there <= bool(fitting(root, new.config.data))
        assert "teacher" in register_teacher(replace(new, teacher_root=root))
        (found,) = fitting(root, new.config.data)
        assert found.checked_sha256() == sha256_of(artifact)
        assert json.loads(found.path.with_suffix(".json").read_text()) == json.loads(
            described.read_text()
        )
        finals.append(code)
        if code == 0:
            break
    assert set(finals[:-1]) == {-signal.SIGKILL} and len(finals) > 10
    assert seen == (hashes if there else {sha256_of(artifact)})
