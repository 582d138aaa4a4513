"""Nothing that is trained, chosen or secured looks at a test file."""

from __future__ import annotations

import csv
import random
import shutil
from dataclasses import replace
from pathlib import Path

import torch

from can_train.config.schema import UNIVERSE_VERSION
from can_train.dataset.manifest import load_manifest
from can_train.dataset.prepare import PrepareRequest, prepare_dataset
from can_train.detectors.artifact import load_detector
from can_train.runs.layout import artifact_path
from tests.lab import Lab, make_lab


def garbled(lab: Lab, home: Path) -> Lab:
    """The dataset of `lab` prepared anew, with noise in the test files and one file more."""
    source = home / "csv"
    shutil.copytree(lab.home / "csv" / lab.dataset, source)
    noise = random.Random(7)
    tests = sorted(source.glob("test_*/*.csv"))
    for path in tests:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        header, body = rows[0], rows[1:]
        for row in body:
            row[1] = f"{noise.randrange(0x800):03X}"
            row[2] = noise.randbytes(8).hex().upper()
            row[3] = str(noise.randrange(2))
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *body])
    shutil.copy(tests[0], source / "test_05_suppress" / "more.csv")
    other = Lab(home=home, data_root=home / "data", dataset=lab.dataset)
    request = PrepareRequest(
        modality="automotive", dataset=lab.dataset, data_root=other.data_root, source=source
    )
    prepare_dataset(request)
    return other


def trio(lab: Lab) -> dict[str, Path]:
    """Artifacts of distilled students on real and synthetic recordings, and of their fusion."""
    data = lab.data(augment=2, universe=UNIVERSE_VERSION)
    made = {name: lab.distilled(name, data=data) for name in ("vgae", "gat")}
    experts = {name: lab.parent_of(config) for name, config in made.items()}
    made["dqn"] = replace(lab.config("dqn", data=data), experts=experts)
    lab.parent_of(made["dqn"])
    return {
        name: artifact_path(lab.run_of(config), name, "student") for name, config in made.items()
    }


def test_garbage_in_the_test_files_changes_no_weight_and_no_threshold(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "first", scale=0.5)
    other = garbled(lab, tmp_path / "second")
    before, now = (load_manifest(x.data_root, "automotive", lab.dataset) for x in (lab, other))
    assert before.digest != now.digest
    assert before.training_digest == now.training_digest
    first, second = trio(lab), trio(other)
    for name, path in first.items():
        ours, theirs = load_detector(path), load_detector(second[name])
        assert ours.config.data != theirs.config.data
        expected, found = ours.state_dict(), theirs.state_dict()
        assert list(expected) == list(found)
        assert all(torch.equal(expected[key], found[key]) for key in expected), name
        assert ours.threshold == theirs.threshold
        assert all((ours.extras[key] == theirs.extras[key]).all() for key in ours.extras)
